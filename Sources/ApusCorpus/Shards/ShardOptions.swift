/// How recordings are packed into shards.
public struct ShardOptions: Hashable, Sendable, Codable {
    /// What becomes of a recording that is the whole of its file.
    public enum Audio: String, Hashable, Sendable, Codable, CaseIterable {
        /// Its bytes stay as they are.
        case untouched
        /// FLAC; what is FLAC already stays as it is.
        case flac
        /// Opus in Ogg, at the lowest rate that Opus has and that keeps the band; what is Opus already stays
        /// as it is.
        case opus
    }

    /// What becomes of the audio.
    public var audio: Audio
    /// The most bytes in a shard; one recording may have more by itself.
    public var shardBytes: Int
    /// The most recordings in a shard.
    public var shardRecordings: Int
    /// The seed of the order of the recordings; nil for the manifest's.
    public var shuffleSeed: UInt64?
    /// Whether every recording is decoded to its end, to find what a header doesn't tell.
    public var decodes: Bool
    /// What the shards' names begin with.
    public var prefix: String

    /// Makes options.
    ///
    /// - Parameters:
    ///   - audio: What becomes of the audio.
    ///   - shardBytes: The most bytes in a shard.
    ///   - shardRecordings: The most recordings in a shard.
    ///   - shuffleSeed: The seed of the order of the recordings; nil for the manifest's.
    ///   - decodes: Whether every recording is decoded to its end.
    ///   - prefix: What the shards' names begin with.
    /// - Precondition: The limits are above 0.
    public init(
        audio: Audio = .untouched, shardBytes: Int = 1 << 30, shardRecordings: Int = 10_000,
        shuffleSeed: UInt64? = nil, decodes: Bool = false, prefix: String = "apus"
    ) {
        precondition(shardBytes > 0 && shardRecordings > 0, "a shard has room for a recording")
        (self.audio, self.shardBytes, self.shardRecordings) = (audio, shardBytes, shardRecordings)
        (self.shuffleSeed, self.decodes, self.prefix) = (shuffleSeed, decodes, prefix)
    }
}
