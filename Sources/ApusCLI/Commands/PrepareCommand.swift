import ApusCorpus
import ApusPretraining
import ApusSignal
import ArgumentParser
import Foundation

/// `apus prepare`: manifests and splits from a corpus.
struct PrepareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare",
        abstract: "Write manifests and speaker-stratified splits of a corpus.",
        discussion: """
            Every file is decoded once. Clips that are too short, byte-identical duplicates and \
            unreadable files are left out and listed in DIR/summary.json.

            Example: apus prepare folder samples/audio/voices --speaker-from-parent -o data
            Writes data/{all,train,dev,test}.jsonl; exit code 65 where a file was unreadable.
            """)

    @Flag(help: "List the corpora that can be prepared, and what their folders look like.")
    var list = false
    @Argument(help: "The corpus's name; see --list.")
    var corpus: String?
    @Argument(help: "The folder that holds it.")
    var folder: String?
    @Option(name: [.short, .customLong("output")], help: "The folder for the manifests.")
    var output: String?
    @Flag(help: "For a plain folder: a file's parent folder names its speaker.")
    var speakerFromParent = false
    @Flag(help: "For a plain folder: a file's parent folder is its label.")
    var labelFromParent = false
    @Option(help: "The shortest clip to keep, in seconds.")
    var minimumDuration = 0.25
    @Option(help: "The share of each speaker's recordings for training.")
    var train = 0.6
    @Option(help: "The share for choosing between settings (dev).")
    var dev = 0.2
    @Option(help: "The share for the final figures.")
    var test = 0.2
    @Option(help: "A published list of ids to train on, one a line; goes with --test-list.")
    var trainList: String?
    @Option(help: "A published list of ids to measure on; --dev is then a share of the others.")
    var testList: String?
    @Option(
        help:
            "A published list of all parts, as VoxCeleb's iden_split.txt: '1 ID' to train on, 2, 3."
    )
    var splitList: String?
    @Option(help: "What the split depends on.")
    var seed: UInt64 = 1

    func validate() throws {
        if (trainList == nil) != (testList == nil) {
            throw ValidationError("--train-list and --test-list go together.")
        }
        if splitList != nil, trainList != nil {
            throw ValidationError(
                "--split-list has all parts: leave --train-list and --test-list out.")
        }
    }

    func run() throws {
        if list {
            for preparer in Preparers.all {
                print("\(preparer.name): \(preparer.summary)\n    \(preparer.layout)")
            }
            return
        }
        guard let corpus, let folder else {
            throw ValidationError("Name a corpus and its folder; apus prepare --list shows which.")
        }
        guard let output else { throw ValidationError("Name the folder for the manifests: -o DIR") }
        let split = try splitting()
        var preparer = try Preparers.named(corpus)
        if preparer is FolderPreparer {
            preparer = FolderPreparer(
                speakerFrom: speakerFromParent ? .parentFolder : .none,
                labelsFrom: labelFromParent ? .parentFolder : .none)
        }
        let preparation = try prepare(
            folder: folder, with: preparer,
            options: PreparationOptions(minimumDuration: minimumDuration))
        guard !preparation.cuts.isEmpty else {
            Console.warnings(preparation.summary.problems.map(\.detail), rest: nil)
            throw CorpusError.noUsableCuts(reason: "\(folder): no recording could be used")
        }
        do {
            try FileManager.default.createDirectory(
                atPath: output, withIntermediateDirectories: true)
        } catch {
            throw CorpusError.cannotWrite(path: output, reason: writingReason(error))
        }
        let parts = try split(preparation.cuts)
        let summary = preparation.summary
        for (name, cuts) in [
            ("all", preparation.cuts), ("train", parts.train), ("dev", parts.development),
            ("test", parts.test),
        ] {
            let manifest = Manifest(path: "\(output)/\(name).jsonl", cuts: cuts)
            try manifest.write()
            print(
                "\(manifest.path): \(cuts.count) recordings, "
                    + "\(String(format: "%.1f", manifest.totalSeconds / 60)) min, "
                    + "\(manifest.speakers.count) speakers")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try writeAtomically(encoder.encode(summary), to: "\(output)/summary.json")
        for reason in DroppedFile.Reason.allCases where summary.droppedCount(reason) > 0 {
            print("left out (\(reason.rawValue)): \(summary.droppedCount(reason))")
        }
        Console.warnings(summary.problems.map(\.detail), rest: "\(output)/summary.json")
        if !summary.problems.isEmpty { throw ExitStatus.badData }
    }

    /// How cuts are split; options and lists are read before any audio is.
    private func splitting() throws -> ([Cut]) throws -> Split {
        let lists: SplitLists
        if let splitList {
            lists = try SplitLists(contentsOf: splitList)
        } else if let trainList, let testList {
            lists = SplitLists(
                train: try Inputs.lines(of: trainList), test: try Inputs.lines(of: testList))
            _ = try SplitFractions(train: 1 - dev, development: dev, test: 0)
        } else {
            let fractions = try SplitFractions(train: train, development: dev, test: test)
            return { speakerStratifiedSplit(of: $0, fractions: fractions, seed: seed) }
        }
        let share = lists.development == nil ? dev : 0
        return { cuts in
            let parts = try listedSplit(of: cuts, lists, developmentShare: share, seed: seed)
            for (list, part) in [
                (trainList ?? splitList, parts.train + parts.development),
                (testList ?? splitList, parts.test),
            ] where part.isEmpty {
                throw CorpusError.noUsableCuts(
                    reason: "\(list ?? ""): it names none of the \(cuts.count) recordings"
                        + (list == splitList ? " to train on or none to measure on" : ""))
            }
            return parts
        }
    }
}
