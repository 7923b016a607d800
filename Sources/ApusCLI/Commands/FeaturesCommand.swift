import ApusCorpus
import ApusPretraining
import ApusProbing
import ApusReport
import ApusSignal
import ArgumentParser
import Foundation

/// `apus features`: features of recordings as arrays or pictures.
struct FeaturesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features",
        abstract: "Write features of recordings as .npy arrays or .png pictures.",
        discussion: """
            Examples: apus features clip.ogg -o clip.npy
                      apus features clip.ogg -o clip.png
                      apus features samples/audio/voices -o features --format npy
                      apus features --explain --set melBandCount=40
            An array is T frames x M bands of 32-bit floats.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case npy, png
    }

    @Argument(help: "Audio files, folders or .jsonl manifests.")
    var inputs: [String] = []
    @Option(
        name: [.short, .customLong("output")],
        help: "A .npy or .png file for one recording, a folder for several.")
    var output: String?
    @Option(help: "What a folder is filled with.")
    var format = Format.npy
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
        let cuts = try Inputs.cuts(inputs)
        let fileFormat = Format(rawValue: (output as NSString).pathExtension)
        if fileFormat != nil, cuts.count > 1 {
            throw ValidationError(
                "\(output) is one file for \(cuts.count) recordings; name a folder.")
        }
        if fileFormat == nil { try Inputs.makeFolder(output) }

        let store = try FeatureStore(frontEnd: frontEnd, cacheByteLimit: 0)
        let progress = ProgressDisplay(total: cuts.count, unit: "recordings")
        let names = Inputs.fileNames(for: cuts)
        var failures = Failures()
        // A block at a time, so that a folder of any size fits the memory.
        let blockSize = 64
        for start in stride(from: 0, to: cuts.count, by: blockSize) {
            let block = start..<min(start + blockSize, cuts.count)
            let results = store.features(
                of: Array(cuts[block]), workers: ProcessInfo.processInfo.activeProcessorCount)
            for (index, result) in zip(block, results) {
                switch result {
                case .failure(let error): failures.failed("\(error)")
                case .success(let matrix):
                    let kind = fileFormat ?? format
                    try write(
                        matrix, frontEnd, title: cuts[index].id, kind,
                        to: fileFormat == nil
                            ? "\(output)/\(names[index]).\(kind.rawValue)" : output)
                    failures.succeeded()
                }
            }
            if cuts.count > 1 { progress.update(block.upperBound) }
        }
        try failures.finish()
    }

    private func write(
        _ matrix: FeatureMatrix, _ frontEnd: FrontEnd, title: String, _ format: Format,
        to path: String
    ) throws {
        switch format {
        case .npy: try NumPyFile.write(matrix, to: path)
        case .png:
            try writeAtomically(matrix.picture(frontEnd: frontEnd, title: title).png(), to: path)
        }
        print("\(path): \(matrix.frameCount) x \(matrix.featureCount)")
    }
}
