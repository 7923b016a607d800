import ApusSignal
import Foundation

/// The recordings of a manifest or of shards, with the numbers that training needs of each.
///
/// A manifest of up to ``largestInMemory`` bytes is held in memory; of a larger one the numbers alone are,
/// and a recording's line is read when its turn comes.
package struct RecordingTable: Sendable {
    /// The recordings.
    package var cuts: any CutList
    /// The hash of the name of each recording's stream of crops.
    package var cropStreams: [UInt64]
    /// The duration of each recording (s); not a number where the manifest has none.
    package var durations: [Double]
    /// The number of each recording's speaker, or ``noSpeaker``; nil where they weren't asked for.
    package var speakers: [UInt32]?
    /// The recordings of each shard; nil where they are in no shards.
    package var shards: [Range<Int>]?
    /// A draw for each recording, where one was asked for.
    package var draws: [UInt64] = []
    /// Recordings of shards that can't be used.
    package var problems: [RecordingProblem] = []

    /// The number of a speaker that isn't known.
    package static let noSpeaker = ManifestScan.noSpeaker
    /// The largest manifest that is held in memory (bytes).
    package static let largestInMemory = 64 << 20

    /// The number of recordings.
    package var count: Int { cropStreams.count }

    /// Reads a manifest, or what shards say of themselves.
    ///
    /// - Parameters:
    ///   - path: The manifest, or what names shards (see ``ShardSet``).
    ///   - numbersSpeakers: Whether speakers are numbered.
    ///   - draw: The seed and the stream's name, before the id, of a draw for each recording.
    ///   - largestInMemory: The largest manifest that is held in memory (bytes).
    /// - Throws: As ``Manifest`` and ``ShardSet`` do.
    package init(
        _ path: String, numbersSpeakers: Bool = false, draw: (seed: UInt64, stream: String)? = nil,
        largestInMemory: Int = largestInMemory
    ) throws {
        let set = try ShardSet(path)
        if let set, set.indexPath == nil {
            let found = try set.scan()
            self.init(found.cuts, numbersSpeakers: numbersSpeakers, draw: draw)
            problems = found.problems
            shards = Self.ranges(found.counts)
            return
        }
        let manifest = set?.indexPath ?? path
        if let state = SourceState(path: manifest), state.byteCount > largestInMemory {
            let scan = try ManifestScan(
                manifest,
                ManifestScan.Options(
                    idPrefix: LengthBucketedSampler.cropStream, numbersSpeakers: numbersSpeakers,
                    draw: draw, workers: max(2, ProcessInfo.processInfo.activeProcessorCount)))
            self.init(scan)
        } else {
            self.init(
                try Manifest(contentsOf: manifest).cuts, numbersSpeakers: numbersSpeakers,
                draw: draw)
        }
        if set != nil, let summary = try ShardSummary(ofFolder: path) {
            guard summary.recordings == count else {
                throw CorpusError.unreadable(
                    path: manifest,
                    reason: "\(summary.recordings) recordings expected, found \(count)")
            }
            shards = Self.ranges(summary.shards.map(\.recordings))
        }
    }

    private init(_ scan: ManifestScan) {
        (cuts, cropStreams, durations) = (scan.lines, scan.idHashes, scan.durations)
        (speakers, draws) = (scan.speakers, scan.draws)
    }

    /// Recordings in memory.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - numbersSpeakers: Whether speakers are numbered.
    ///   - draw: The seed and the stream's name, before the id, of a draw for each recording.
    package init(
        _ cuts: [Cut], numbersSpeakers: Bool = false, draw: (seed: UInt64, stream: String)? = nil
    ) {
        self.cuts = cuts
        let start = fnv1a(LengthBucketedSampler.cropStream.utf8)
        cropStreams = cuts.map { fnv1a($0.id.utf8, after: start) }
        durations = cuts.map { $0.duration ?? .nan }
        var numbers: [String: UInt32] = [:]
        speakers =
            numbersSpeakers
            ? cuts.map { cut in
                guard let speaker = cut.speaker else { return Self.noSpeaker }
                if let known = numbers[speaker] { return known }
                numbers[speaker] = UInt32(numbers.count)
                return UInt32(numbers.count - 1)
            } : nil
        if let draw {
            draws = cuts.map { cut in
                var generator = SeededGenerator(seed: draw.seed, stream: draw.stream + cut.id)
                return generator.next()
            }
        }
    }

    /// Some of the recordings.
    ///
    /// - Parameter positions: Their numbers, ascending.
    /// - Returns: The selection.
    package func selecting(_ positions: [UInt32]) -> RecordingTable {
        guard positions.count < count else { return self }
        var selected = self
        selected.cuts = SelectedCuts(positions, of: cuts)
        selected.cropStreams = positions.map { cropStreams[Int($0)] }
        selected.durations = positions.map { durations[Int($0)] }
        selected.speakers = speakers.map { all in positions.map { all[Int($0)] } }
        selected.draws = draws.isEmpty ? [] : positions.map { draws[Int($0)] }
        selected.shards = shards.map { shards in
            var start = 0
            return shards.map { shard in
                var end = start
                while end < positions.count, Int(positions[end]) < shard.upperBound { end += 1 }
                defer { start = end }
                return start..<end
            }
        }
        return selected
    }

    private static func ranges(_ counts: [Int]) -> [Range<Int>] {
        var start = 0
        return counts.map { count in
            defer { start += count }
            return start..<(start + count)
        }
    }
}

/// A hash of a manifest's bytes; of shards, of their index, or else of their names and sizes.
///
/// - Parameter path: The manifest, or what names shards.
/// - Returns: FNV-1a of 64 bits, in hexadecimal digits.
/// - Throws: `CorpusError` where they can't be read.
package func manifestHash(of path: String) throws -> String {
    let set = try ShardSet(path)
    if let set, set.indexPath == nil {
        let names = set.paths.map { path in
            "\((path as NSString).lastPathComponent) \(SourceState(path: path)?.byteCount ?? 0)\n"
        }
        return String(fnv1a(names.joined().utf8), radix: 16)
    }
    return String(try fileHash(of: set?.indexPath ?? path), radix: 16)
}

/// The FNV-1a hash of a file's bytes, of which some are in memory at a time.
///
/// - Parameter path: The file.
/// - Returns: The hash.
/// - Throws: `CorpusError.unreadable`.
package func fileHash(of path: String) throws(CorpusError) -> UInt64 {
    let blocks = try FileBlocks(path: path)
    var hash = fnv1a([])
    for start in stride(from: 0, to: blocks.byteCount, by: 1 << 20) {
        let bytes = try blocks.read(start..<min(start + 1 << 20, blocks.byteCount))
        hash = bytes.withUnsafeBytes { fnv1a($0, after: hash) }
    }
    return hash
}
