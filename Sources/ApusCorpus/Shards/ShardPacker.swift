import ApusSignal
import Foundation

/// Packs the recordings of a manifest into tar shards in WebDataset's layout.
///
/// A shard `apus-000000.tar` has two members for each recording: KEY.flac (or another ending) and KEY.json,
/// its line of the manifest. The key is the id with whatever a file's name shouldn't have replaced. The same
/// manifest with the same options gives the same bytes: members have no owner, and the time 0.
///
/// `shards.jsonl` is the index: a manifest whose paths are the addresses of byte ranges in the shards (see
/// `FileRange`), with the keys `shard`, `shard_offset`, `bytes` and `sha256` of the audio. `shards.json`
/// lists the shards with their hashes. A packing that was killed goes on after its last whole shard.
public struct ShardPacker {
    /// What happens as recordings are packed.
    public enum Event: Sendable {
        /// So many recordings of all are done.
        case progress(done: Int, total: Int)
        /// A shard is finished.
        case shard(ShardSummary.Shard)
        /// A recording is left out.
        case problem(RecordingProblem)
        /// Shards of an earlier run are kept.
        case kept(shards: Int)
    }

    private let folder: String
    private let options: ShardOptions
    private let workers: Int

    /// The bytes of recordings that wait for their turn.
    private static let heldByteCount = 256 << 20
    private static let blockSize = 512

    /// Prepares a packing.
    ///
    /// - Parameters:
    ///   - folder: Where the shards go; it exists.
    ///   - options: How recordings are packed.
    ///   - workers: How many recordings are read at a time.
    public init(folder: String, options: ShardOptions = ShardOptions(), workers: Int) {
        (self.folder, self.options, self.workers) = (folder, options, workers)
    }

    /// Packs a manifest.
    ///
    /// - Parameters:
    ///   - manifest: The manifest's path, or shards to pack anew.
    ///   - beginsAnew: Whether what was packed into the folder before is forgotten.
    ///   - report: Called with what happens.
    /// - Returns: What the folder holds.
    /// - Throws: `CorpusError` for a bad manifest, where the folder has shards of another one, and where no
    ///   recording could be packed; `SignalError.cannotWrite`, whereupon whole shards are kept.
    public func pack(
        _ manifest: String, beginsAnew: Bool = false, report: (Event) -> Void = { _ in }
    ) throws -> ShardSummary {
        let head = ShardJournal.Head(
            manifestHash: try manifestHash(of: manifest), options: options)
        if !beginsAnew, let found = try ShardSummary(ofFolder: folder) {
            guard found.manifestHash == head.manifestHash, found.options == options else {
                throw CorpusError.otherFeatures(
                    path: folder,
                    reason: "has shards of another manifest or with other options; "
                        + "name another folder, or begin anew")
            }
            try found.requireShards(in: folder)
            report(.kept(shards: found.shards.count))
            return found
        }
        let table = try RecordingTable(manifest)
        var journal = try ShardJournal(folder: folder, head: head, beginsAnew: beginsAnew)
        removeLeftovers(keeping: Set(journal.entries.map(\.shard.name)))
        if !journal.entries.isEmpty { report(.kept(shards: journal.entries.count)) }
        let index = try OutputFile(continuing: indexPath + ".unfinished")
        try index.truncate(
            to: min(journal.entries.last?.indexByteCount ?? 0, index.byteCount))

        var problems: [RecordingProblem] = []
        var shard: ShardWriter?
        func close(next: Int) throws {
            guard let writer = shard else { return }
            shard = nil
            let finished = try writer.finish()
            for line in writer.lines { try index.append(Self.line(line)) }
            try index.synchronize()
            try journal.add(
                ShardJournal.Entry(
                    shard: finished, next: next, seconds: writer.seconds, problems: problems,
                    indexByteCount: index.byteCount))
            problems = []
            report(.shard(finished))
        }
        func append(_ recording: PackedRecording, at position: Int) throws {
            if let writer = shard,
                writer.recordingCount == options.shardRecordings
                    || writer.byteCount(with: recording.byteCount) > options.shardBytes
            {
                try close(next: position)
            }
            let writer =
                try shard
                ?? ShardWriter(folder: folder, name: Self.name(journal.entries.count, options))
            shard = writer
            try writer.append(recording)
        }

        let order = order(of: table.count)
        let total = table.count
        var position = journal.entries.last?.next ?? 0
        while position < total {
            let places = Array(position..<min(position + Self.blockSize, total))
            let options = options
            do {
                try forEachInOrder(
                    places, workers: workers, held: Self.heldByteCount,
                    cost: { (made: Packed) in made.byteCount },
                    make: { place in
                        Packed(of: table.cuts, order.map { Int($0[place]) } ?? place, options)
                    }
                ) { offset, made throws(PackingFailure) in
                    do {
                        switch made {
                        case .recording(let recording):
                            try append(recording, at: position + offset)
                        case .problem(let problem):
                            problems.append(problem)
                            report(.problem(problem))
                        case .failure(let error): throw error
                        }
                    } catch CorpusError.badRecording(let id, _, let reason) {
                        problems.append(RecordingProblem(id: id, reason: reason))
                        report(.problem(RecordingProblem(id: id, reason: reason)))
                    } catch {
                        throw PackingFailure(cause: error)
                    }
                    report(.progress(done: position + offset + 1, total: total))
                }
            } catch {
                throw error.cause
            }
            position += places.count
        }
        try close(next: total)
        return try finish(journal, index, head, manifest: manifest, lateProblems: problems)
    }

    private var indexPath: String { "\(folder)/\(ShardSummary.indexName)" }

    /// Gives the index its name and writes the summary.
    private func finish(
        _ journal: ShardJournal, _ index: OutputFile, _ head: ShardJournal.Head, manifest: String,
        lateProblems: [RecordingProblem]
    ) throws -> ShardSummary {
        var summary = ShardSummary(
            manifest: manifest, manifestHash: head.manifestHash, options: options)
        for entry in journal.entries {
            summary.shards.append(entry.shard)
            summary.recordings += entry.shard.recordings
            summary.seconds += entry.seconds
            summary.problems += entry.problems
        }
        summary.problems += lateProblems
        guard summary.recordings > 0 else {
            unlink(ShardJournal.path(in: folder))
            unlink(indexPath + ".unfinished")
            throw CorpusError.noUsableCuts(
                reason: "\(manifest): none of its recordings could be packed"
                    + (summary.problems.first.map { "; the first: \($0.reason)" } ?? ""))
        }
        guard rename(indexPath + ".unfinished", indexPath) == 0 else {
            throw SignalError.cannotWrite(
                path: indexPath, reason: String(cString: strerror(errno)))
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try writeAtomically(
            encoder.encode(summary), to: "\(folder)/\(ShardSummary.fileName)")
        unlink(ShardJournal.path(in: folder))
        return summary
    }

    private static func name(_ number: Int, _ options: ShardOptions) -> String {
        let digits = String(number)
        return options.prefix + "-" + String(repeating: "0", count: max(0, 6 - digits.count))
            + digits + ".tar"
    }

    private static func line(_ cut: Cut) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(cut)) + [0x0A]
    }

    /// The order of the recordings; nil for the manifest's.
    private func order(of count: Int) -> [UInt32]? {
        guard let seed = options.shuffleSeed else { return nil }
        var order = Array(0..<UInt32(count))
        var generator = SeededGenerator(seed: seed, stream: "pack/order")
        generator.shuffle(&order)
        return order
    }

    /// Removes what a killed packing left: parts of files, and shards that no line lists.
    private func removeLeftovers(keeping finished: Set<String>) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names {
            let isPart = name.hasPrefix(".\(options.prefix)-") && name.hasSuffix(".tmp")
            let isShard =
                name.hasPrefix(options.prefix + "-") && name.hasSuffix(".tar")
                && name.dropFirst(options.prefix.count + 1).dropLast(4).allSatisfy(\.isNumber)
            let isOld = [ShardSummary.fileName, ShardSummary.indexName].contains(name)
            if isPart || isShard && !finished.contains(name) || isOld {
                unlink("\(folder)/\(name)")
            }
        }
    }
}

/// What ends a packing.
private struct PackingFailure: Error {
    var cause: any Error
}

/// What became of a recording.
private enum Packed: Sendable {
    case recording(PackedRecording)
    case problem(RecordingProblem)
    /// What no other recording would do better with.
    case failure(any Error)

    init(of cuts: any CutList, _ index: Int, _ options: ShardOptions) {
        var id = ""
        do {
            let cut = try cuts.cut(at: index)
            id = cut.id
            self = .recording(try PackedRecording(of: cut, options))
        } catch SignalError.cannotWrite(let path, let reason) {
            // The encoder refuses the recording, unless the temporary folder is full.
            let isRoom = path == FileManager.default.temporaryDirectory.path
            self =
                isRoom
                ? .failure(SignalError.cannotWrite(path: path, reason: reason))
                : .problem(RecordingProblem(id: id, reason: "\(path): \(reason)"))
        } catch CorpusError.badRecording(_, let path, let reason) {
            self = .problem(RecordingProblem(id: id, reason: "\(path): \(reason)"))
        } catch let error as CorpusError {
            self = .failure(error)
        } catch {
            self = .problem(RecordingProblem(id: id, reason: "\(error)"))
        }
    }

    var byteCount: Int {
        if case .recording(let recording) = self { recording.byteCount } else { 0 }
    }
}
