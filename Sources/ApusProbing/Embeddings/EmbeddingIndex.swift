import ApusCorpus
import ApusSignal
import Foundation

/// What embeddings are: what made them, of what, and how.
public struct EmbeddingDescription: Codable, Hashable, Sendable {
    /// The hash of the model's weights and options.
    public var model: String
    /// The model's path as it was given.
    public var modelPath: String
    /// The layer's name, or `head`.
    public var layer: String
    /// How frames became a vector.
    public var pooling: Pooling
    /// Which stretches have a vector each; `nil` for whole recordings, or frames.
    public var windows: EmbeddingWindows?
    /// How files were opened that don't say their format.
    public var reading: String?
    /// The length of a vector before whitening.
    public var width: Int
    /// The hash of the whitening that was applied.
    public var whitening: String?
    /// Whether vectors were brought to length 1.
    public var isNormalized = false

    /// What the embeddings in a file are, as its index says; nil where there is no index.
    ///
    /// - Parameter path: A file or folder that was written with an index.
    /// - Throws: `CorpusError` for an index that can't be read.
    public init?(ofFile path: String) throws {
        guard let target = EmbeddingTarget(path: path),
            let description = try EmbeddingIndex(contentsOf: target.indexPath).description
        else { return nil }
        self = description
    }

    init(
        model: String, modelPath: String, layer: String, pooling: Pooling,
        windows: EmbeddingWindows?, reading: String?, width: Int
    ) {
        (self.model, self.modelPath, self.layer) = (model, modelPath, layer)
        (self.pooling, self.windows) = (pooling, windows)
        (self.reading, self.width) = (reading, width)
    }

    /// What a recording's vectors depend on before anything is done to them: a run goes on only where
    /// this is the same.
    var fingerprint: String {
        var raw = self
        (raw.modelPath, raw.whitening, raw.isNormalized) = ("", nil, false)
        var hash = SHA256()
        hash.update(card: raw)
        return hash.finalize()
    }
}

/// A recording's embedding in a file.
struct EmbeddingEntry: Hashable, Sendable {
    var cut: Cut
    /// The recording's name in an archive, or of its file.
    var key: String
    /// The hash of the audio file's bytes.
    var content: String?
    /// The number of rows.
    var rowCount: Int
    /// The number of rows before it.
    var firstRow: Int
    /// The number of the recording's frames, T; 0 where it wasn't counted.
    var frameCount: Int
}

extension EmbeddingEntry: Codable {
    private enum Key: String, CodingKey {
        case id, offset, duration, channel, key, content, rows
        case audioPath = "audio_filepath"
        case firstRow = "first_row"
        case frameCount = "frame_count"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        cut = Cut(
            id: try container.decode(String.self, forKey: .id),
            audioPath: try container.decode(String.self, forKey: .audioPath),
            offset: try container.decodeIfPresent(Double.self, forKey: .offset) ?? 0,
            duration: try container.decodeIfPresent(Double.self, forKey: .duration),
            channel: try container.decodeIfPresent(Int.self, forKey: .channel))
        key = try container.decode(String.self, forKey: .key)
        content = try container.decodeIfPresent(String.self, forKey: .content)
        rowCount = try container.decode(Int.self, forKey: .rows)
        firstRow = try container.decode(Int.self, forKey: .firstRow)
        frameCount = try container.decodeIfPresent(Int.self, forKey: .frameCount) ?? 0
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(cut.id, forKey: .id)
        try container.encode(cut.audioPath, forKey: .audioPath)
        if cut.offset != 0 { try container.encode(cut.offset, forKey: .offset) }
        try container.encodeIfPresent(cut.duration, forKey: .duration)
        try container.encodeIfPresent(cut.channel, forKey: .channel)
        try container.encode(key, forKey: .key)
        try container.encodeIfPresent(content, forKey: .content)
        try container.encode(rowCount, forKey: .rows)
        try container.encode(firstRow, forKey: .firstRow)
        if frameCount > 0 { try container.encode(frameCount, forKey: .frameCount) }
    }
}

/// An index of embeddings: what they are in its first line, and a line for each recording.
///
/// Of two lines for one key the later one counts: a recording that was embedded again has one. A last
/// line that is not whole, as a killed process leaves it, counts for nothing.
struct EmbeddingIndex {
    var description: EmbeddingDescription?
    var entries: [EmbeddingEntry] = []
    /// The number of bytes of whole lines.
    var wholeByteCount = 0

    /// Reads an index; one that isn't there is empty.
    ///
    /// - Throws: `CorpusError.unreadable`, `.malformedLine`.
    init(contentsOf path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CorpusError.unreadable(path: path, reason: error.localizedDescription)
        }
        wholeByteCount = (data.lastIndex(of: 0x0A) ?? -1) + 1
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let decoder = JSONDecoder()
        for (number, line) in data.prefix(wholeByteCount).split(separator: 0x0A).enumerated() {
            do {
                if number == 0 {
                    description = try decoder.decode(EmbeddingDescription.self, from: line)
                } else {
                    var entry = try decoder.decode(EmbeddingEntry.self, from: line)
                    entry.cut.audioPath = resolvedPath(entry.cut.audioPath, in: folder)
                    guard entry.rowCount >= 0, entry.firstRow >= 0 else {
                        throw CorpusError.malformedLine(path: path, line: number + 1, reason: "")
                    }
                    entries.append(entry)
                }
            } catch {
                throw CorpusError.malformedLine(
                    path: path, line: number + 1, reason: "not a line of an index of embeddings")
            }
        }
        var seen: Set<String> = []
        entries = entries.reversed().filter { seen.insert($0.key).inserted }.reversed()
    }

    /// A line with its end.
    static func line(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value)) + [0x0A]
    }

    /// A recording's line in an index's folder.
    static func line(_ entry: EmbeddingEntry, inFolder folder: String) throws -> [UInt8] {
        var entry = entry
        entry.cut.audioPath = relativePath(of: entry.cut.audioPath, in: folder)
        return try line(entry)
    }
}
