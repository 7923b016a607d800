import ApusCorpus
import ApusPretraining
import ApusSignal
import ArgumentParser
import Foundation

extension ShardOptions.Audio: ExpressibleByArgument {}

/// `apus pack`: a manifest's recordings as tar shards.
struct PackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack",
        abstract: "Pack the recordings of a manifest into tar shards, as WebDataset has them.",
        discussion: """
            Examples: apus pack train.jsonl -o shards
                      apus pack train.jsonl -o shards --audio flac --shuffle 1
                      apus pack train.jsonl -o shards --shard-bytes 256MB --shard-recordings 2000
                      apus check shards --hashes

            shards/apus-000000.tar has KEY.flac (or as the file was called) and KEY.json, the line of the \
            manifest, for each recording; the key is the id made safe for a file's name. shards.jsonl is \
            the index: itself a manifest, whose paths are byte ranges of the shards. shards.json has the \
            hashes of the shards, and is written last.

            A file that is packed whole stays as it is, unless --audio says otherwise. Of a file that a \
            line takes a part or a channel of, that alone is packed, as FLAC: exact for samples of up to \
            24 bits, and for floats and lossy formats the nearest of 24 bits.

            The same command goes on where a run was cut off: whole shards are kept. The same manifest \
            with the same options gives the same bytes. A recording that cannot be used is named and \
            left out, and the exit code is then 65.

            Wherever a manifest is taken, so is a folder of shards, a .tar file, a pattern such as \
            'shards/apus-{000000..000119}.tar', or a text file with the path of a .tar file a line.
            """)

    @Argument(help: "A .jsonl manifest, or shards to pack anew.")
    var manifest: String
    @Option(name: [.short, .customLong("output")], help: "The folder for the shards.")
    var output: String
    @Option(help: "What becomes of audio: untouched, flac or opus.")
    var audio = ShardOptions.Audio.untouched
    @Option(help: "The most bytes in a shard, such as 1000000, 256MB or 1GB (powers of 1000).")
    var shardBytes = "1GB"
    @Option(help: "The most recordings in a shard.")
    var shardRecordings = 10_000
    @Option(help: "Draw the order of the recordings by this seed; without it, the manifest's.")
    var shuffle: UInt64?
    @Flag(help: "Decode every recording to its end: finds what a header doesn't tell.")
    var decode = false
    @Option(help: "What the shards' names begin with.")
    var prefix = "apus"
    @Option(help: "How many recordings are read at a time; 0 for one a core.")
    var workers = 0
    @Flag(help: "Begin anew what was packed there of another manifest or with other options.")
    var overwrite = false

    func validate() throws {
        guard shardRecordings > 0 else {
            throw ValidationError("--shard-recordings is 1 or more.")
        }
        guard workers >= 0 else { throw ValidationError("--workers is 0 or more.") }
        guard !prefix.isEmpty, !prefix.hasPrefix("."), !prefix.contains("/") else {
            throw ValidationError("--prefix is the beginning of a file's name.")
        }
        _ = try byteCount()
    }

    func run() throws {
        try Inputs.makeFolder(output)
        let folder = output.count > 1 && output.hasSuffix("/") ? String(output.dropLast()) : output
        let packer = ShardPacker(
            folder: folder,
            options: ShardOptions(
                audio: audio, shardBytes: try byteCount(), shardRecordings: shardRecordings,
                shuffleSeed: shuffle, decodes: decode, prefix: prefix),
            workers: workers > 0 ? workers : ProcessInfo.processInfo.activeProcessorCount)
        var progress: ProgressDisplay?
        let summary: ShardSummary
        do {
            summary = try packer.pack(manifest, beginsAnew: overwrite) { event in
                switch event {
                case .progress(let done, let total):
                    let display = progress ?? ProgressDisplay(total: total, unit: "recordings")
                    progress = display
                    display.update(done)
                case .shard(let shard):
                    print(
                        "\(folder)/\(shard.name): \(shard.recordings) recordings, \(shard.bytes) bytes"
                    )
                case .problem(let problem):
                    Console.warning("\(problem.id) is left out: \(problem.reason)")
                case .kept(let count):
                    Console.message("\(count) shards were packed before: kept")
                }
            }
        } catch CorpusError.otherFeatures(let path, let reason) {
            throw CorpusError.otherFeatures(path: path, reason: "\(reason) with --overwrite")
        }
        print(
            "\(folder): \(summary.recordings) recordings, "
                + String(format: "%.2f h", summary.seconds / 3600)
                + " in \(summary.shards.count) shards of \(summary.bytes) bytes")
        guard summary.problems.isEmpty else {
            Console.error(
                "\(summary.problems.count) of \(summary.problems.count + summary.recordings) "
                    + "recordings could not be used")
            throw ExitStatus.badData
        }
    }

    private func byteCount() throws -> Int {
        let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)]
        let unit = units.first { shardBytes.hasSuffix($0.0) }
        let digits = unit == nil ? shardBytes : String(shardBytes.dropLast(2))
        guard let number = Int(digits), number > 0, number <= 1_000_000_000_000 / (unit?.1 ?? 1)
        else {
            throw ValidationError(
                "--shard-bytes is '\(shardBytes)', expected a number with kB, MB, GB or no unit.")
        }
        return number * (unit?.1 ?? 1)
    }
}
