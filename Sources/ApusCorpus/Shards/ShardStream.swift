import ApusSignal
import Foundation

/// The recordings of a tar stream, some in memory at a time.
public final class ShardStream {
    /// Some recordings.
    public struct Block: Sendable {
        /// The recordings; their paths are byte ranges of the stream, such as `-#bytes=512-48722`.
        public internal(set) var cuts: [Cut] = []
        /// The bytes of each recording, by its path.
        public internal(set) var contents: [String: [UInt8]] = [:]
        /// What can't be used.
        public internal(set) var problems: [RecordingProblem] = []
    }

    /// What stands for the stream in paths.
    public static let path = "-"

    private let reader: TarReader
    private let byteLimit: Int
    private var sample: ShardSample?
    private var audio: [Int: [UInt8]] = [:]
    private var ids: Set<String> = []
    private var isAtEnd = false

    /// Begins to read a stream.
    ///
    /// - Parameters:
    ///   - descriptor: The stream; it stays open.
    ///   - name: What errors call it.
    ///   - head: What was read from it before.
    ///   - byteLimit: A block ends once it has so many bytes of audio.
    public init(
        descriptor: Int32, name: String, after head: [UInt8] = [], byteLimit: Int = 256 << 20
    ) {
        reader = TarReader(stream: descriptor, name: name, after: head)
        self.byteLimit = byteLimit
    }

    /// Whether bytes are the beginning of a tar archive.
    ///
    /// - Parameter head: 512 bytes.
    /// - Returns: False also for fewer bytes.
    public static func begins(with head: [UInt8]) -> Bool { TarHeader.isHeader(head) }

    /// Reads the next recordings.
    ///
    /// - Returns: Nil at the end.
    /// - Throws: `CorpusError.malformedShard`, also where an id comes again; `SignalError.unreadable`.
    public func next() throws -> Block? {
        if isAtEnd { return nil }
        var block = Block()
        var byteCount = 0
        func finishSample() throws {
            guard let whole = sample else { return }
            sample = nil
            let found = whole.cut {
                FileRange(path: Self.path, offset: $0.offset, count: $0.byteCount).description
            }
            switch found {
            case .failure(let problem): block.problems.append(problem)
            case .success(let cut):
                guard ids.insert(cut.id).inserted else {
                    throw CorpusError.malformedShard(
                        path: reader.name, offset: whole.audio?.offset ?? 0,
                        reason: "the id '\(cut.id)' was there before")
                }
                block.cuts.append(cut)
                block.contents[cut.audioPath] = whole.audio.flatMap { audio[$0.offset] }
                byteCount += whole.audio?.byteCount ?? 0
            }
            audio = [:]
        }
        while byteCount < byteLimit {
            guard let member = try reader.next() else {
                try finishSample()
                isAtEnd = true
                break
            }
            let (key, kind) = ShardSample.parts(of: member.name)
            if kind.isEmpty { continue }
            if let sample, sample.key != key { try finishSample() }
            var current = sample ?? ShardSample(key: key)
            let before = current.audio
            try current.add(member, kind: kind) { try reader.content() }
            if current.audio != before { audio[member.offset] = try reader.content() }
            sample = current
        }
        return block
    }
}
