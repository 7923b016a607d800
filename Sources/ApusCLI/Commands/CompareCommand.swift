import ApusCorpus
import ApusProbing
import ApusReport
import ArgumentParser

/// `apus compare`: paired tests of two runs on the same test recordings.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Test whether two runs differ on the same test recordings.",
        discussion: """
            Examples: apus compare runs/fine-tuned runs/frozen
                      apus compare runs/fine-tuned 'runs/probe:log-mel statistics'
                      apus compare runs/a runs/b --manifest data/test.jsonl --group speaker

            A run is the folder of apus train, or of apus probe with one label a recording; of the latter \
            :SYSTEM names a system of the table, without it the model that is best on dev. Prints both \
            accuracies, McNemar's test and a paired bootstrap. Recordings of few speakers or rooms aren't \
            independent: with --group the bootstrap draws these.
            """)

    @Argument(help: "The one run, as FOLDER or FOLDER:SYSTEM.")
    var first: String
    @Argument(help: "The other run.")
    var second: String
    @Option(help: "With --group: the manifest of the test recordings.")
    var manifest: String?
    @Option(help: "The key of the manifest by whose values recordings are drawn together.")
    var group: String?
    @Option(help: "The resamples of a bootstrap.")
    var resamples = 2000
    @Option(help: "What the draws depend on.")
    var seed: UInt64 = 1
    @Flag(help: "Print JSON instead of tables.")
    var json = false

    func validate() throws {
        guard (manifest == nil) == (group == nil) else {
            throw ValidationError("--manifest and --group belong together.")
        }
        guard resamples > 1 else {
            throw ValidationError("--resamples is \(resamples), expected at least 2.")
        }
    }

    func run() throws {
        let (one, other) = (try RunAnswers(first), try RunAnswers(second))
        var grouping: (manifest: Manifest, key: String)?
        if let manifest, let group { grouping = (try Manifest(contentsOf: manifest), group) }
        let results = try one.compared(
            with: other, group: grouping, resamples: resamples, seed: seed)
        if json { return try printJSON(results) }
        print(ResultsTable(results).plainText())
        if let tests = ResultsTable.pairedTests(of: results, choice: results.protocol) {
            print(tests.plainText(), terminator: "")
        }
    }
}
