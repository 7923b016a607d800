import ApusSignal
import Foundation

/// One line of an index of features: where the features of a recording are, and what they are of.
///
/// In JSON the keys are `id`, `audio_filepath`, `offset` and `duration` (s) and `channel` as in a
/// manifest; `features_filepath`, relative to the index's folder, for a Kaldi archive with the
/// record's place as `features.ark:17`; `key`, in an archive only; `frame_count`, `feature_count`,
/// `frame_rate` (Hz); `front_end`, the front end's ``ApusSignal/FrontEnd/fingerprint``; and the audio
/// file's `source_byte_count` and `source_modified` (ns since 1970) when the features were made.
public struct FeatureIndexEntry: Hashable, Sendable {
    /// The recording: its id and its place in its file.
    public var cut: Cut
    /// The file with the features, from the index's folder.
    public var featuresPath: String
    /// The record's place in a Kaldi archive (bytes), after its key.
    public var archiveOffset: Int?
    /// The record's key in an archive.
    public var key: String?
    /// The number of frames T.
    public var frameCount: Int
    /// The number of features D in a frame.
    public var featureCount: Int
    /// Frames a second (Hz).
    public var frameRate: Double
    /// The front end's fingerprint.
    public var frontEnd: String
    /// The state of the audio file when the features were made.
    public var source: SourceState

    /// Makes a line.
    ///
    /// - Parameters:
    ///   - cut: The recording.
    ///   - featuresPath: The file with the features, from the index's folder.
    ///   - archiveOffset: The record's place in a Kaldi archive (bytes), after its key.
    ///   - key: The record's key in an archive.
    ///   - frameCount: The number of frames T.
    ///   - featureCount: The number of features D in a frame.
    ///   - frameRate: Frames a second (Hz).
    ///   - frontEnd: The front end's fingerprint.
    ///   - source: The state of the audio file when the features were made.
    public init(
        cut: Cut, featuresPath: String, archiveOffset: Int? = nil, key: String? = nil,
        frameCount: Int, featureCount: Int, frameRate: Double, frontEnd: String,
        source: SourceState
    ) {
        self.cut = cut
        self.featuresPath = featuresPath
        self.archiveOffset = archiveOffset
        self.key = key
        self.frameCount = frameCount
        self.featureCount = featureCount
        self.frameRate = frameRate
        self.frontEnd = frontEnd
        self.source = source
    }
}

/// What tells whether an audio file is still the one that it was.
public struct SourceState: Hashable, Sendable {
    /// The number of bytes.
    public var byteCount: Int
    /// When it was last changed (ns since 1970).
    public var modified: Int

    /// Makes a state.
    ///
    /// - Parameters:
    ///   - byteCount: The number of bytes.
    ///   - modified: When it was last changed (ns since 1970).
    public init(byteCount: Int, modified: Int) {
        self.byteCount = byteCount
        self.modified = modified
    }

    /// The state of a file; nil where there is none, or where it is a stream, which has no state.
    ///
    /// Of a recording in a stream of shards it is the size.
    ///
    /// - Parameter path: The file's path, or the address of a stretch of a file, which then has the
    ///   stretch's size and the file's time.
    public init?(path: String) {
        var status = stat()
        let range = FileRange(path)
        if let range, range.path == ShardStream.path {
            (byteCount, modified) = (range.count, 0)
            return
        }
        guard stat(range?.path ?? path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        byteCount = range?.count ?? Int(status.st_size)
        modified = Int(status.st_mtim.tv_sec) * 1_000_000_000 + Int(status.st_mtim.tv_nsec)
    }
}

extension FrontEnd {
    /// A short name for all options together: front ends with other options have another one.
    ///
    /// 16 hexadecimal digits of FNV-1a over the options as JSON with sorted keys.
    public var fingerprint: String {
        let options = (try? sortedJSON()) ?? Data("\(self)".utf8)
        let digits = String(fnv1a(options), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The options as JSON with sorted keys.
    func sortedJSON() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        return try encoder.encode(self)
    }
}

extension FeatureIndexEntry: Codable {
    private enum Key: String, CodingKey {
        case id, offset, duration, channel, key
        case audioPath = "audio_filepath"
        case features = "features_filepath"
        case frameCount = "frame_count"
        case featureCount = "feature_count"
        case frameRate = "frame_rate"
        case frontEnd = "front_end"
        case sourceByteCount = "source_byte_count"
        case sourceModified = "source_modified"
    }

    /// Reads a line.
    ///
    /// - Parameter decoder: Where to read from.
    /// - Throws: `DecodingError` for a missing key or a value of the wrong type.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let key = try container.decodeIfPresent(String.self, forKey: .key)
        let features = try container.decode(String.self, forKey: .features)
        let parts = features.split(separator: ":", omittingEmptySubsequences: false)
        let offset = key == nil || parts.count < 2 ? nil : parts.last.flatMap { Int($0) }
        self.init(
            cut: Cut(
                id: try container.decode(String.self, forKey: .id),
                audioPath: try container.decode(String.self, forKey: .audioPath),
                offset: try container.decodeIfPresent(Double.self, forKey: .offset) ?? 0,
                duration: try container.decodeIfPresent(Double.self, forKey: .duration),
                channel: try container.decodeIfPresent(Int.self, forKey: .channel)),
            featuresPath: offset == nil
                ? features : parts.dropLast().joined(separator: ":"),
            archiveOffset: offset, key: key,
            frameCount: try container.decode(Int.self, forKey: .frameCount),
            featureCount: try container.decode(Int.self, forKey: .featureCount),
            frameRate: try container.decode(Double.self, forKey: .frameRate),
            frontEnd: try container.decode(String.self, forKey: .frontEnd),
            source: SourceState(
                byteCount: try container.decode(Int.self, forKey: .sourceByteCount),
                modified: try container.decode(Int.self, forKey: .sourceModified)))
    }

    /// Writes a line.
    ///
    /// - Parameter encoder: Where to write to.
    /// - Throws: `EncodingError` where a number is not finite.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(cut.id, forKey: .id)
        try container.encode(cut.audioPath, forKey: .audioPath)
        if cut.offset != 0 { try container.encode(cut.offset, forKey: .offset) }
        try container.encodeIfPresent(cut.duration, forKey: .duration)
        try container.encodeIfPresent(cut.channel, forKey: .channel)
        try container.encode(
            featuresPath + (archiveOffset.map { ":\($0)" } ?? ""), forKey: .features)
        try container.encodeIfPresent(key, forKey: .key)
        try container.encode(frameCount, forKey: .frameCount)
        try container.encode(featureCount, forKey: .featureCount)
        try container.encode(frameRate, forKey: .frameRate)
        try container.encode(frontEnd, forKey: .frontEnd)
        try container.encode(source.byteCount, forKey: .sourceByteCount)
        try container.encode(source.modified, forKey: .sourceModified)
    }

    /// The line in an index's folder, with its end.
    func line(inFolder folder: String) throws -> [UInt8] {
        var entry = self
        entry.cut.audioPath = relativePath(of: cut.audioPath, in: folder)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(entry)) + [0x0A]
    }
}
