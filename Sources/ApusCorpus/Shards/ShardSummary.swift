import ApusSignal
import Foundation

/// What a folder of shards holds: `shards.json`, which is written last.
public struct ShardSummary: Hashable, Sendable, Codable {
    /// One shard.
    public struct Shard: Hashable, Sendable, Codable {
        /// The file's name.
        public var name: String
        /// The number of its bytes.
        public var bytes: Int
        /// The number of its recordings.
        public var recordings: Int
        /// The SHA-256 of its bytes.
        public var sha256: String
    }

    /// The file's name in a folder of shards.
    public static let fileName = "shards.json"
    /// The name of the index: a line for each recording, which is a manifest's.
    public static let indexName = "shards.jsonl"

    /// The manifest's path as it was given.
    public var manifest: String
    /// The hash of the manifest's bytes.
    public var manifestHash: String
    /// How the recordings were packed.
    public var options: ShardOptions
    /// The number of recordings.
    public var recordings: Int
    /// Their length in all (s).
    public var seconds: Double
    /// The recordings that were left out.
    public var problems: [RecordingProblem]
    /// The shards.
    public var shards: [Shard]

    /// The bytes of all shards.
    public var bytes: Int { shards.reduce(0) { $0 + $1.bytes } }

    /// Reads the summary of a folder; nil where there is none.
    ///
    /// - Parameter folder: The folder.
    /// - Throws: `CorpusError.unreadable` for a file that is none.
    public init?(ofFolder folder: String) throws {
        let path = "\(folder)/\(Self.fileName)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            self = try JSONDecoder().decode(
                ShardSummary.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw CorpusError.unreadable(path: path, reason: "expected a summary of shards as JSON")
        }
    }

    init(manifest: String, manifestHash: String, options: ShardOptions) {
        (self.manifest, self.manifestHash, self.options) = (manifest, manifestHash, options)
        (recordings, seconds, problems, shards) = (0, 0, [], [])
    }

    /// Refuses shards that are not there, or have other sizes.
    ///
    /// - Parameter folder: The folder that they are in.
    /// - Throws: `CorpusError.unreadable` with the first shard's path.
    public func requireShards(in folder: String) throws {
        for shard in shards {
            let path = "\(folder)/\(shard.name)"
            guard let state = SourceState(path: path) else {
                throw CorpusError.unreadable(path: path, reason: "no such file or folder")
            }
            guard state.byteCount == shard.bytes else {
                throw CorpusError.unreadable(
                    path: path,
                    reason: "\(shard.bytes) bytes expected, found \(state.byteCount)")
            }
        }
    }
}
