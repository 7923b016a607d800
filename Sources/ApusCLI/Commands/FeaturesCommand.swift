import ApusCorpus
import ApusPretraining
import ApusProbing
import ApusReport
import ApusSignal
import ArgumentParser
import Foundation

/// `apus features`: features of recordings as arrays, archives or pictures.
struct FeaturesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features",
        abstract: "Write features of recordings as .npy, .npz, Kaldi .ark/.scp or .png pictures.",
        discussion: """
            Examples: apus features clip.ogg -o clip.npy
                      apus features clip.ogg -o clip.png
                      apus features samples/audio/voices -o features --format npy
                      apus features train.jsonl -o train.ark
                      apus features --explain --set melBandCount=40
            An array is T frames x D features of 32-bit floats.

            A folder has a file for each recording, index.jsonl with a line for each (where the
            features are, what they are of) and front-end.json with every option. Beside OUT.ark
            lie OUT.scp, OUT.ark.index.jsonl and OUT.ark.front-end.json; beside OUT.npz likewise, which
            is called OUT.npz.part until it is whole.
            A recording's key in an archive is its id in the manifest, or its file's name from
            where paths begin to differ; blanks become '_', and ~2 follows a key that is taken.

            What was begun goes on: recordings that the index lists are not made again unless their
            files have changed. A recording that cannot be used is named and left out, and the exit
            code is then 65.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case npy, npz, ark, png
    }

    @Argument(help: "Audio files, folders or .jsonl manifests.")
    var inputs: [String] = []
    @Option(
        name: [.short, .customLong("output")],
        help: "A .npy or .png file for one recording, a .npz or .ark archive, or a folder.")
    var output: String?
    @Option(help: "What a folder is filled with: npy (the default), png, npz or ark.")
    var format: Format?
    @Option(help: "How many recordings are worked on at a time; 0 for one a core.")
    var workers = 0
    @Flag(help: "Begin anew what was begun with other options or of other files.")
    var overwrite = false
    @Flag(help: "Print every option of the front end, and end.")
    var explain = false
    @OptionGroup var frontEndOptions: FrontEndOptions

    func run() throws {
        let frontEnd = try frontEndOptions.resolve()
        if explain {
            print(try ConfigurationFile.text(of: frontEnd), terminator: "")
            return
        }
        guard !inputs.isEmpty else { throw ValidationError("Name at least one recording.") }
        guard let output else { throw ValidationError("Name a file or a folder: -o OUT") }
        guard workers >= 0 else { throw ValidationError("--workers is 0 or more.") }
        let fileFormat = Format(rawValue: (output as NSString).pathExtension)
        if let fileFormat, let format, fileFormat != format {
            throw ValidationError("\(output) is not a file of the format \(format.rawValue).")
        }
        let cuts = try Inputs.cuts(inputs)
        switch fileFormat {
        case .npy, .png:
            guard let cut = cuts.first, cuts.count == 1 else {
                throw ValidationError(
                    "\(output) is one file for \(cuts.count) recordings; name a folder or an archive."
                )
            }
            try writeOne(cut, frontEnd, isPicture: fileFormat == .png, to: output)
        case .npz: try writeAll(cuts, frontEnd, to: .numPyArchive(path: output))
        case .ark: try writeAll(cuts, frontEnd, to: .kaldiArchive(path: output))
        case nil:
            try Inputs.makeFolder(output)
            let folder =
                output.count > 1 && output.hasSuffix("/") ? String(output.dropLast()) : output
            let target: FeatureTarget =
                switch format ?? .npy {
                case .npz: .numPyArchive(path: "\(folder)/features.npz")
                case .ark: .kaldiArchive(path: "\(folder)/features.ark")
                case .npy: .files(folder: folder, pathExtension: "npy")
                case .png: .files(folder: folder, pathExtension: "png")
                }
            try writeAll(cuts, frontEnd, isPicture: format == .png, to: target)
        }
    }

    /// One recording into one file, without an index.
    private func writeOne(
        _ cut: Cut, _ frontEnd: FrontEnd, isPicture: Bool, to path: String
    ) throws {
        let make = try FeatureMaker(frontEnd, drawsPictures: isPicture)
        var failures = Failures()
        switch make(cut).result {
        case .failure(let error): failures.failed("\(error)")
        case .success(let made):
            if let picture = made.picture {
                try writeAtomically(picture, to: path)
            } else {
                try NumPyFile.write(made.features, to: path)
            }
            print("\(path): \(made.features.frameCount) x \(made.features.featureCount)")
            failures.succeeded()
        }
        try failures.finish()
    }

    /// Many recordings into a folder or an archive.
    private func writeAll(
        _ cuts: [Cut], _ frontEnd: FrontEnd, isPicture: Bool = false, to target: FeatureTarget
    ) throws {
        do {
            try writeInOrder(cuts, frontEnd, isPicture: isPicture, to: target)
        } catch CorpusError.otherFeatures(let path, let reason) {
            throw CorpusError.otherFeatures(path: path, reason: "\(reason) with --overwrite")
        }
    }

    private func writeInOrder(
        _ named: [Cut], _ frontEnd: FrontEnd, isPicture: Bool, to target: FeatureTarget
    ) throws {
        let make = try FeatureMaker(frontEnd, drawsPictures: isPicture)
        let cuts = Inputs.withoutRepetitions(named)
        let export = try FeatureExport(to: target, frontEnd: frontEnd, beginsAnew: overwrite)
        let keys = Inputs.keys(for: cuts, in: export)
        let pending = try zip(cuts, keys).filter { cut, _ in try !export.isWritten(cut) }
        let skipped = cuts.count - pending.count
        if skipped > 0 {
            Console.message(
                "\(skipped) of \(cuts.count) recordings were written before and have not changed "
                    + "(\(target.indexPath)): skipped")
        }
        let progress = ProgressDisplay(total: cuts.count, unit: "recordings")
        var failures = Failures(alreadyDone: skipped)
        do {
            try forEachInOrder(
                pending,
                workers: workers > 0 ? workers : ProcessInfo.processInfo.activeProcessorCount
            ) { cut, _ in
                make(cut)
            } _: { index, made in
                let (cut, key) = pending[index]
                switch made.result {
                case .failure(let error): failures.failed("\(error)")
                case .success(let result):
                    let place = try export.write(
                        result.features, of: cut, key: key, source: made.source,
                        encoded: result.picture)
                    print(
                        "\(place): \(result.features.frameCount) x \(result.features.featureCount)")
                    failures.succeeded()
                }
                if cuts.count > 1 { progress.update(skipped + index + 1) }
            }
            try export.finish()
        } catch let error as SignalError {
            Console.message(
                "\(export.recordingCount) recordings are written; the same command goes on from there"
            )
            throw error
        }
        try failures.finish()
    }
}

/// Makes what is written of a recording; every way in which one is read ends here.
private struct FeatureMaker: Sendable {
    /// What was made, and the state of the recording's file before it was read.
    struct Made: Sendable {
        var source: SourceState?
        var result: Result<(features: FeatureMatrix, picture: Data?), CorpusError>
    }

    private let store: FeatureStore
    private let drawsPictures: Bool

    init(_ frontEnd: FrontEnd, drawsPictures: Bool) throws {
        store = try FeatureStore(frontEnd: frontEnd, cacheByteLimit: 0)
        self.drawsPictures = drawsPictures
    }

    func callAsFunction(_ cut: Cut) -> Made {
        let source = SourceState(path: cut.audioPath)
        do throws(CorpusError) {
            let features = try store.features(of: cut)
            return Made(
                source: source,
                result: .success((features, drawsPictures ? try picture(features, of: cut) : nil)))
        } catch {
            return Made(source: source, result: .failure(error))
        }
    }

    private func picture(_ features: FeatureMatrix, of cut: Cut) throws(CorpusError) -> Data {
        do {
            return try features.picture(frontEnd: store.frontEnd, title: cut.id).png()
        } catch {
            throw .badRecording(id: cut.id, path: cut.audioPath, reason: "\(error)")
        }
    }
}
