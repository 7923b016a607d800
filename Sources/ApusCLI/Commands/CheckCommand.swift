import ApusCorpus
import ApusSignal
import ArgumentParser
import Foundation

/// `apus check`: what is wrong with manifests and shards.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Look through manifests and shards for recordings that can't be used.",
        discussion: """
            Examples: apus check train.jsonl dev.jsonl test.jsonl
                      apus check shards --hashes
                      apus check train.jsonl --decode

            Names what can't be opened, is cut off, or has no such part or channel; what is there twice, \
            in one manifest or in two (a leak, where one is for training); and counts the speakers that a \
            manifest shares with those before it. --decode reads every sample. --hashes reads every byte: \
            it finds copies under other names, and shards that have changed since they were packed. \
            The exit code is 65 where anything is wrong.
            """)

    @Argument(help: ".jsonl manifests; folders, files, patterns or lists of tar shards.")
    var manifests: [String]
    @Flag(help: "Decode every recording to its end.")
    var decode = false
    @Flag(help: "Compare the bytes of recordings, and the hashes of shards.")
    var hashes = false
    @Option(help: "How many recordings are read at a time; 0 for one a core.")
    var workers = 0
    @Flag(help: "Print the report as JSON.")
    var json = false

    func run() throws {
        guard workers >= 0 else { throw ValidationError("--workers is 0 or more.") }
        var check = CorpusCheck(
            depth: decode ? .samples : .header, comparesBytes: hashes,
            workers: workers > 0 ? workers : ProcessInfo.processInfo.activeProcessorCount)
        var reports: [CorpusCheck.Report] = []
        for manifest in manifests {
            var progress: ProgressDisplay?
            let report = try check.check(manifest) { done, total in
                let display = progress ?? ProgressDisplay(total: total, unit: "recordings")
                progress = display
                if total > 4096 { display.update(done) }
            }
            reports.append(report)
            for problem in report.problems { Console.warning("\(problem.id): \(problem.reason)") }
            for problem in report.repeated { Console.warning("\(problem.id) \(problem.reason)") }
            for shard in report.changedShards {
                Console.warning("\(manifest)/\(shard): its bytes are not those that were packed")
            }
            if !json { describe(report) }
        }
        if json { try printJSON(reports) }
        guard reports.allSatisfy(\.isGood) else { throw ExitStatus.badData }
    }

    private func describe(_ report: CorpusCheck.Report) {
        func counts(_ counts: [String: Int], _ unit: String) -> String {
            counts.sorted { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }
                .map { "\($0.key)\(unit): \($0.value)" }.joined(separator: ", ")
        }
        print(
            "\(report.path): \(report.recordings) recordings, "
                + String(format: "%.2f h", report.seconds / 3600)
                + ", \(report.speakers) speakers"
                + (report.sharedSpeakers > 0
                    ? " (\(report.sharedSpeakers) of them before)" : ""))
        if !report.sampleRates.isEmpty {
            print(
                "  " + counts(report.sampleRates, " Hz") + "; "
                    + counts(report.channels, " channels"))
        }
        if !report.problems.isEmpty { print("  can't be used: \(report.problems.count)") }
        if !report.repeated.isEmpty { print("  there twice: \(report.repeated.count)") }
        if !report.changedShards.isEmpty {
            print("  changed shards: \(report.changedShards.count)")
        }
    }
}
