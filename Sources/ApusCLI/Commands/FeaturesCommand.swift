import ApusCorpus
import ApusPretraining
import ApusProbing
import ApusReport
import ApusSignal
import ApusTensor
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
                      apus features --front-end whisper meeting.mp3 -o meeting.npz
                      sox in.wav -t raw -e signed -b 16 - | \\
                          apus features - --raw s16le:16000:1 -o in.npy
                      apus features --explain --set melBandCount=40
            An array is T frames x D features of 32-bit floats.

            A folder has a file for each recording, index.jsonl with a line for each (where the \
            features are, what they are of) and front-end.json with every option. Beside OUT.ark \
            lie OUT.scp, OUT.ark.index.jsonl and OUT.ark.front-end.json; beside OUT.npz likewise, which \
            is called OUT.npz.part until it is whole. \
            A recording's key in an archive is its id in the manifest, or its file's name from \
            where paths begin to differ; blanks become '_', and ~2 follows a key that is taken.

            What was begun goes on: recordings that the index lists are not made again unless their \
            files have changed. A recording that cannot be used is named and left out, and the exit \
            code is then 65.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case npy, npz, ark, png
    }

    @Argument(
        help: ArgumentHelp(
            "Audio files, folders, patterns, .jsonl manifests, Kaldi data folders, tar shards.",
            discussion: "- is standard input: one recording, or a tar stream of many."))
    var inputs: [String] = []
    @Option(
        name: [.short, .customLong("output")],
        help: "A .npy or .png file for one recording, a .npz or .ark archive, or a folder.")
    var output: String?
    @Option(help: "What a folder is filled with: npy (the default), png, npz or ark.")
    var format: Format?
    @Option(help: "How many recordings are worked on at a time; 0 for one a core.")
    var workers = 0
    @Option(help: "The I-th of N parts of the input, such as 3/16.")
    var shard: InputShard?
    @Flag(help: "Begin anew what was begun with other options or of other files.")
    var overwrite = false
    @Flag(help: "Print every option of the front end, and end.")
    var explain = false
    @Flag(
        help: ArgumentHelp(
            "Write beside each .npy which frames are speech by their energy: NAME.speech.npy.",
            discussion: "A 1 or a 0 for each frame, before any stacking, by Kaldi's rule."))
    var speechMask = false
    @Option(
        help: ArgumentHelp(
            "Normalize by the mean and deviation in this JSON file.",
            discussion: "Where there is none, they are measured over the inputs first, and kept."))
    var statistics: String?
    @OptionGroup var recordingOptions: RecordingOptions
    @OptionGroup var frontEndOptions: FrontEndOptions

    func run() throws {
        var frontEnd = try frontEndOptions.resolve()
        if explain {
            print(try frontEnd.explanation(), terminator: "")
            return
        }
        guard !inputs.isEmpty else { throw ValidationError("Name at least one recording.") }
        guard let output else { throw ValidationError("Name a file or a folder: -o OUT") }
        guard workers >= 0 else { throw ValidationError("--workers is 0 or more.") }
        let fileFormat = Format(rawValue: (output as NSString).pathExtension)
        if let fileFormat, let format, fileFormat != format {
            throw ValidationError("\(output) is not a file of the format \(format.rawValue).")
        }
        if speechMask, (fileFormat ?? format ?? .npy) != .npy {
            throw ValidationError("--speech-mask goes with .npy files.")
        }
        if speechMask, inputs.contains(Inputs.standardInput) {
            throw ValidationError("--speech-mask reads a recording twice: name a file.")
        }
        // Memory that was freed is kept: to get it from the system again costs a fifth of the time.
        Engine.start(threadCount: 1)
        let source = try recordingOptions.source()
        let isStream = try readsTarStream(source, fileFormat)
        var failures = Failures()
        let part =
            try isStream
            ? RecordingSource.Part(cuts: []) : source.part(inputs, shard, &failures)
        let cuts = part.cuts
        // A part's keys are those that it has in the whole.
        let isArchive = [.npz, .ark].contains(fileFormat ?? format ?? .npy)
        let sharedFolders = try part.sharedFolders(inArchive: isArchive)
        let many = Many(
            cuts: cuts, isStream: isStream, sharedFolders: sharedFolders, failures: failures)
        if let statistics {
            frontEnd.normalization = .corpus(
                try corpusStatistics(of: cuts, frontEnd, in: statistics))
            try frontEnd.validate()
        }
        let make = try FeatureMaker(
            frontEnd, source: source, drawsPictures: (fileFormat ?? format) == .png,
            makesMasks: speechMask)
        switch fileFormat {
        case .npy, .png:
            guard let cut = cuts.first, cuts.count == 1 else {
                throw ValidationError(
                    "\(output) is one file for \(cuts.count) recordings; name a folder or an archive."
                )
            }
            try writeOne(cut, make, to: output)
        case .npz:
            try writeAll(many, make, to: .numPyArchive(path: output))
        case .ark:
            try writeAll(many, make, to: .kaldiArchive(path: output))
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
            try writeAll(many, make, to: target)
        }
    }

    /// Whether standard input is a tar stream, which comes alone.
    private func readsTarStream(_ source: RecordingSource, _ fileFormat: Format?) throws -> Bool {
        guard inputs.contains(Inputs.standardInput), source.raw == nil,
            StandardInput.shared.isTar
        else { return false }
        guard inputs.count == 1, shard == nil else {
            throw ValidationError("A tar stream is the only input, and not a --shard of one.")
        }
        guard fileFormat == nil || fileFormat == .npz || fileFormat == .ark else {
            throw ValidationError("A tar stream has many recordings; name a folder or an archive.")
        }
        return true
    }

    /// The statistics in a file, or else those of the recordings, which the file then has.
    private func corpusStatistics(
        of cuts: [Cut], _ frontEnd: FrontEnd, in path: String
    ) throws -> FeatureStatistics {
        if FileManager.default.fileExists(atPath: path) {
            do {
                return try JSONDecoder().decode(
                    FeatureStatistics.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
            } catch {
                throw CorpusError.unreadable(
                    path: path, reason: "expected the statistics of features as JSON")
            }
        }
        guard shard == nil else {
            throw ValidationError(
                "A --shard has no statistics of the whole: measure them first, without --shard.")
        }
        guard recordingOptions.raw == nil, !inputs.contains(Inputs.standardInput) else {
            throw ValidationError("Statistics are measured over files that say their own format.")
        }
        Console.message("measuring the features of \(cuts.count) recordings")
        var plain = frontEnd
        plain.normalization = .none
        plain.stacking = FrameStacking()
        let store = try FeatureStore(frontEnd: plain, cacheByteLimit: 0)
        let measured = try store.statistics(
            of: cuts,
            workers: workers > 0 ? workers : ProcessInfo.processInfo.activeProcessorCount)
        try writeAtomically(JSONEncoder().encode(measured.statistics), to: path)
        return measured.statistics
    }

    /// One recording into one file, without an index.
    private func writeOne(_ cut: Cut, _ make: FeatureMaker, to path: String) throws {
        var failures = Failures()
        let made = make(cut)
        do {
            if let mask = made.mask { try writeMask(mask, besideArray: path) }
            switch made.content {
            case .failure(let error): throw error
            case .success(.picture(let features, let picture)):
                try writeAtomically(picture, to: path)
                report(path, features.frameCount, features.featureCount)
            case .success(.features(let features)):
                try NumPyFile.write(features, to: path)
                report(path, features.frameCount, features.featureCount)
            case .success(.long):
                let reader = try make.reader(of: cut)
                let width = reader.frontEnd.featureCount
                let writer = try NumPyFileWriter(path: path, featureCount: width)
                while let block = try reader.next() { try writer.append(block) }
                try writer.finish()
                report(path, reader.frameCount, width)
            }
            failures.succeeded()
        } catch SignalError.cannotWrite(let path, let reason) {
            throw SignalError.cannotWrite(path: path, reason: reason)
        } catch {
            failures.failed("\(error)")
        }
        try failures.finish()
    }

    private func writeMask(_ mask: [Bool], besideArray path: String) throws {
        let base = (path as NSString).deletingPathExtension
        try NumPyFile.write(mask.map { $0 ? 1 : 0 }, to: base + ".speech.npy")
    }

    private func report(_ path: String, _ frameCount: Int, _ featureCount: Int) {
        print("\(path): \(frameCount) x \(featureCount)")
    }

    /// The recordings of a folder or an archive.
    private struct Many {
        var cuts: [Cut]
        /// Whether they come in a tar stream instead.
        var isStream: Bool
        /// How many folders the ids of the whole input begin with, where this is a part.
        var sharedFolders: Int?
        var failures: Failures
    }

    /// Many recordings into a folder or an archive.
    private func writeAll(
        _ many: Many, _ make: FeatureMaker, to target: FeatureTarget
    ) throws {
        if many.cuts.contains(where: { $0.audioPath == Inputs.standardInput }) {
            throw ValidationError("Standard input goes to one .npy or .png file.")
        }
        do {
            let export = try FeatureExport(
                to: target, frontEnd: make.frontEnd, variant: make.variant, beginsAnew: overwrite)
            var failures = many.failures
            do {
                if many.isStream {
                    try writeStream(make, to: export, &failures)
                } else {
                    try writeInOrder(
                        Inputs.withoutRepetitions(many.cuts), make, to: export, &failures,
                        sharedFolders: many.sharedFolders)
                }
                try export.finish()
            } catch let error as SignalError {
                Console.message(
                    "\(export.recordingCount) recordings are written; "
                        + "the same command goes on from there")
                throw error
            }
            try failures.finish()
        } catch CorpusError.otherFeatures(let path, let reason) {
            throw CorpusError.otherFeatures(path: path, reason: "\(reason) with --overwrite")
        }
    }

    /// The recordings of a tar stream, as many at a time as memory is to hold.
    private func writeStream(
        _ make: FeatureMaker, to export: FeatureExport, _ failures: inout Failures
    ) throws {
        let shards = StandardInput.shared.shards()
        let source = try recordingOptions.source()
        while let block = try shards.next() {
            for problem in block.problems { failures.failed("\(problem.id): \(problem.reason)") }
            StandardInput.shared.hold(block)
            try writeInOrder(source.channelCuts(block.cuts), make, to: export, &failures)
        }
    }

    private func writeInOrder(
        _ cuts: [Cut], _ make: FeatureMaker, to export: FeatureExport, _ failures: inout Failures,
        sharedFolders: Int? = nil
    ) throws {
        let target = export.target
        let keys = Inputs.keys(for: cuts, in: export, sharedFolders: sharedFolders)
        let pending = try zip(cuts, keys).filter { cut, _ in try !export.isWritten(cut) }
        let skipped = cuts.count - pending.count
        if skipped > 0 {
            Console.message(
                "\(skipped) of \(cuts.count) recordings were written before and have not changed "
                    + "(\(target.indexPath)): skipped")
        }
        for _ in 0..<skipped { failures.succeeded() }
        let progress = ProgressDisplay(total: cuts.count, unit: "recordings")
        try forEachInOrder(
            pending,
            workers: workers > 0 ? workers : ProcessInfo.processInfo.activeProcessorCount
        ) { cut, _ in
            make(cut)
        } _: { index, made in
            let (cut, key) = pending[index]
            do {
                if let mask = made.mask {
                    try writeMask(mask, besideArray: "\(target.folder)/\(key).npy")
                }
                let written = try write(made, of: cut, key: key, by: make, to: export)
                report(written.place, written.frameCount, make.frontEnd.featureCount)
                failures.succeeded()
            } catch SignalError.cannotWrite(let path, let reason) {
                throw SignalError.cannotWrite(path: path, reason: reason)
            } catch {
                failures.failed("\(error)")
            }
            if cuts.count > 1 { progress.update(skipped + index + 1) }
        }
    }

    private func write(
        _ made: FeatureMaker.Made, of cut: Cut, key: String, by make: FeatureMaker,
        to export: FeatureExport
    ) throws -> (place: String, frameCount: Int) {
        switch try made.content.get() {
        case .features(let features):
            let place = try export.write(features, of: cut, key: key, source: made.source)
            return (place, features.frameCount)
        case .picture(let features, let picture):
            let place = try export.write(
                features, of: cut, key: key, source: made.source, encoded: picture)
            return (place, features.frameCount)
        case .long:
            let reader = try make.reader(of: cut)
            let place = try export.write(reader, of: cut, key: key, source: made.source)
            return (place, reader.frameCount)
        }
    }
}
