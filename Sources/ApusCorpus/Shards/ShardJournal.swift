import ApusSignal
import Foundation

/// How far a packing has come: a line for each finished shard, and in the first what is packed and how.
struct ShardJournal {
    /// What is packed and how.
    struct Head: Hashable, Codable {
        var manifestHash: String
        var options: ShardOptions
    }

    /// A finished shard.
    struct Entry: Codable {
        var shard: ShardSummary.Shard
        /// The recording that the next shard begins with.
        var next: Int
        var seconds: Double
        /// The recordings that were left out since the shard before.
        var problems: [RecordingProblem]
        /// The number of the index's bytes.
        var indexByteCount: Int
    }

    /// The finished shards that are there with the sizes that they had.
    private(set) var entries: [Entry] = []
    private let file: OutputFile

    static func path(in folder: String) -> String { "\(folder)/shards.unfinished" }

    /// Goes on with a journal, or begins one.
    ///
    /// - Throws: `CorpusError.otherFeatures` where something else was begun,
    ///   `SignalError.cannotWrite`, also where another process is packing there.
    init(folder: String, head: Head, beginsAnew: Bool) throws {
        let path = Self.path(in: folder)
        // Opened first: it locks out other processes.
        file = try OutputFile(continuing: path)
        if beginsAnew { try file.truncate(to: 0) }
        let data = (try? Data(contentsOf: URL(fileURLWithPath: path))) ?? Data()
        let whole = data.prefix((data.lastIndex(of: 0x0A) ?? -1) + 1)
        let lines = whole.split(separator: 0x0A)
        let decoder = JSONDecoder()
        guard let first = lines.first else {
            try file.truncate(to: 0)
            try write(head)
            return
        }
        guard let found = try? decoder.decode(Head.self, from: first), found == head else {
            throw CorpusError.otherFeatures(
                path: path,
                reason: "was begun with another manifest or other options; "
                    + "name another folder, or begin anew")
        }
        var byteCount = first.count + 1
        for line in lines.dropFirst() {
            guard let entry = try? decoder.decode(Entry.self, from: line),
                let state = SourceState(path: "\(folder)/\(entry.shard.name)"),
                state.byteCount == entry.shard.bytes
            else { break }
            entries.append(entry)
            byteCount += line.count + 1
        }
        try file.truncate(to: byteCount)
    }

    /// Lists a shard that is on the disk.
    mutating func add(_ entry: Entry) throws {
        try write(entry)
        entries.append(entry)
    }

    private func write(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try file.append([UInt8](encoder.encode(value)) + [0x0A])
        try file.synchronize()
    }
}
