import ApusSignal
import Foundation

/// Looks through the recordings of manifests and shards: which can be read, and which are there twice.
///
/// Of each recording some numbers are kept, at most 56 bytes, and its words only where something is wrong.
public struct CorpusCheck {
    /// What is read of a recording.
    public enum Depth: Sendable {
        /// Its file's header, which also tells most files that are cut off.
        case header
        /// All of its samples.
        case samples
    }

    /// What a manifest holds.
    public struct Report: Hashable, Sendable, Codable {
        /// The manifest, or what names the shards.
        public var path: String
        /// The number of recordings.
        public var recordings = 0
        /// Their length in all (s), as far as they can be read.
        public var seconds = 0.0
        /// The number of speakers that are known.
        public var speakers = 0
        /// The number of recordings of each rate (Hz).
        public var sampleRates: [String: Int] = [:]
        /// The number of recordings with so many channels.
        public var channels: [String: Int] = [:]
        /// The recordings that can't be used.
        public var problems: [RecordingProblem] = []
        /// The recordings that an earlier manifest has too, or this one under another id.
        public var repeated: [RecordingProblem] = []
        /// The number of speakers that an earlier manifest has too.
        public var sharedSpeakers = 0
        /// Shards whose bytes are no longer what they were.
        public var changedShards: [String] = []

        /// Whether nothing is wrong.
        public var isGood: Bool {
            problems.isEmpty && repeated.isEmpty && changedShards.isEmpty
        }
    }

    private let depth: Depth
    private let comparesBytes: Bool
    private let workers: Int
    private var seen: [UInt64: Origin] = [:]
    private var speakers: Set<UInt64> = []
    private var paths: [String] = []

    /// Where a recording was met first.
    private struct Origin {
        var manifest: UInt32
        var index: UInt32
    }

    /// Prepares a look.
    ///
    /// - Parameters:
    ///   - depth: What is read of a recording.
    ///   - comparesBytes: Whether files are read to find those with the same bytes, and shards to compare
    ///     their hashes.
    ///   - workers: How many recordings are read at a time.
    public init(depth: Depth = .header, comparesBytes: Bool = false, workers: Int = 2) {
        (self.depth, self.comparesBytes, self.workers) = (depth, comparesBytes, workers)
    }

    /// Looks through a manifest, after those before.
    ///
    /// - Parameters:
    ///   - path: The manifest, or what names shards.
    ///   - progress: Called with how many recordings of all are done.
    /// - Returns: What it holds.
    /// - Throws: `CorpusError`, `SignalError` where the manifest or the shards themselves can't be read.
    public mutating func check(
        _ path: String, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> Report {
        let number = UInt32(paths.count)
        paths.append(path)
        var report = Report(path: path)
        if comparesBytes, let summary = try ShardSummary(ofFolder: path) {
            let hashes = ContentHashes()
            for shard in summary.shards
            where hashes.hash(of: "\(path)/\(shard.name)") != shard.sha256 {
                report.changedShards.append(shard.name)
            }
        }
        let table = try RecordingTable(path)
        report.recordings = table.count + table.problems.count
        report.problems = table.problems
        var own: Set<UInt64> = []
        let (depth, comparesBytes) = (depth, comparesBytes)
        for start in stride(from: 0, to: table.count, by: 4096) {
            let block = Array(start..<min(start + 4096, table.count))
            let found = concurrentMap(block, workers: workers) { index in
                Result { try Found(of: table.cuts.cut(at: index), depth, comparesBytes) }
            }
            for (index, result) in zip(block, found) {
                switch result {
                case .failure(let error):
                    let id = try table.cuts.cut(at: index).id
                    report.problems.append(RecordingProblem(id: id, reason: "\(error)"))
                case .success(let found):
                    report.seconds += found.seconds
                    report.sampleRates["\(found.sampleRate)", default: 0] += 1
                    report.channels["\(found.channelCount)", default: 0] += 1
                    if let speaker = found.speaker { own.insert(speaker) }
                    if let first = seen[found.place] {
                        let id = try table.cuts.cut(at: index).id
                        report.repeated.append(
                            RecordingProblem(
                                id: id,
                                reason: "is recording \(first.index + 1) of "
                                    + paths[Int(first.manifest)]))
                    } else {
                        seen[found.place] = Origin(manifest: number, index: UInt32(index))
                    }
                }
            }
            progress(block.count + start, table.count)
        }
        report.speakers = own.count
        report.sharedSpeakers = own.count { speakers.contains($0) }
        speakers.formUnion(own)
        return report
    }

    /// What is known of a recording that can be read.
    private struct Found: Sendable {
        var seconds: Double
        var sampleRate: Int
        var channelCount: Int
        var speaker: UInt64?
        /// A hash of what would be the same of the same sound: its place, or its bytes.
        var place: UInt64

        init(of cut: Cut, _ depth: Depth, _ comparesBytes: Bool) throws {
            let file = try SoundFile(path: cut.audioPath)
            let (start, count) = try file.segment(offset: cut.offset, duration: cut.duration)
            let frames = try file.frames(from: start, count: count)
            if let channel = cut.channel, channel >= file.channelCount {
                throw SignalError.noSuchChannel(
                    path: cut.audioPath, channel: channel, channelCount: file.channelCount)
            }
            if depth == .samples {
                let reader = try SampleReader(
                    file, offset: cut.offset, duration: cut.duration,
                    channels: cut.channelSelection)
                while try reader.next() != nil {}
            }
            seconds = Double(frames.count) / Double(file.sampleRate)
            (sampleRate, channelCount) = (file.sampleRate, file.channelCount)
            speaker = cut.speaker.map { fnv1a($0.utf8) }
            var name = cut.audioPath
            if comparesBytes {
                guard let hash = ContentHashes().hash(of: cut.audioPath) else {
                    throw SignalError.unreadable(
                        path: cut.audioPath, reason: "its bytes can't be read")
                }
                if case .string(let packed)? = cut.extra["sha256"], packed != hash {
                    throw SignalError.unreadable(
                        path: cut.audioPath, reason: "its bytes are not those that were packed")
                }
                name = hash
            }
            place = fnv1a(
                "\(name)\n\(frames.lowerBound)\n\(frames.count)\n\(cut.channel ?? -1)".utf8)
        }
    }
}
