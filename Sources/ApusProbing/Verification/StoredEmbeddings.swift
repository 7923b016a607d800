import ApusSignal
import Foundation

/// Embeddings of recordings in a file, one vector for each.
///
/// Those that `apus embed` writes are read, and others of the same form; see ``EmbeddingFile``.
public struct StoredEmbeddings: Sendable {
    /// Where they come from.
    public let path: String
    /// The recordings' names, (N).
    public let ids: [String]
    /// D.
    public let width: Int
    /// N x D values.
    public let values: [Float]

    /// The extensions of the files that are read.
    public static let extensions = EmbeddingFile.extensions

    /// Embeddings in memory.
    ///
    /// - Parameters:
    ///   - path: Where they come from, for messages.
    ///   - ids: The recordings' names, each once.
    ///   - values: N x D values, all finite.
    /// - Throws: `ProbingError.badEmbeddings` where the parts don't fit, a name comes twice, or a
    ///   value is not finite.
    public init(path: String, ids: [String], values: [Float]) throws {
        func bad(_ reason: String) -> ProbingError { .badEmbeddings(path: path, reason: reason) }
        guard !ids.isEmpty else { throw bad("no embeddings") }
        guard values.count % ids.count == 0, !values.isEmpty else {
            throw bad("\(values.count) values for \(ids.count) recordings")
        }
        var seen: Set<String> = []
        for id in ids where !seen.insert(id).inserted {
            throw bad("'\(id)' has two embeddings")
        }
        let width = values.count / ids.count
        if let index = values.firstIndex(where: { !$0.isFinite }) {
            throw bad(
                "the embedding of '\(ids[index / width])' is not finite: value \(index % width) is "
                    + "\(values[index])")
        }
        (self.path, self.ids, self.width, self.values) = (path, ids, width, values)
    }

    /// Reads a file of embeddings.
    ///
    /// - Parameters:
    ///   - path: A file as `EmbeddingFile` reads it.
    ///   - severalRows: Whether a recording may have several rows, as windows are; each then counts.
    /// - Throws: `SignalError` where the file is missing or another kind of file,
    ///   `ProbingError.badEmbeddings`.
    public init(contentsOf path: String, severalRows: Bool = false) throws {
        func bad(_ reason: String) -> ProbingError { .badEmbeddings(path: path, reason: reason) }
        let file = try EmbeddingFile(path: path)
        var (names, values): ([String], [Float]) = ([], [])
        var width: Int?
        try file.forEachBlock { block in
            let rows = block.rows
            if block.key != nil, rows.frameCount != 1, !severalRows {
                throw bad(
                    "'\(block.key ?? "")' has \(rows.frameCount) frames, expected one vector")
            }
            if rows.featureCount == 0 || rows.featureCount != width ?? rows.featureCount {
                throw bad(
                    "the embedding of '\(block.names.first ?? "")' has \(rows.featureCount) values, "
                        + "that of '\(names.first ?? "")' \(width ?? 0)")
            }
            if width == nil, let count = file.valueCount { values.reserveCapacity(count) }
            width = rows.featureCount
            names += block.names
            values += rows.values
        }
        try self.init(path: path, ids: names, values: values)
    }
}
