import ApusSignal
import Foundation

/// Embeddings of recordings in a file, one vector for each.
///
/// Three kinds are read: `.npy` of N x D with the names in `FILE.ids.txt`, one a line; `.jsonl` with
/// `{"id": ..., "embedding": [...]}` a line (both as `apus embed` writes them); and Kaldi's `.ark` of
/// vectors.
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
    public static let extensions: Set = ["npy", "jsonl", "ark"]

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
    /// - Parameter path: A `.npy`, `.jsonl` or `.ark` file.
    /// - Throws: `SignalError` where the file is missing or another kind of file,
    ///   `ProbingError.badEmbeddings`.
    public init(contentsOf path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw SignalError.missingFile(path: path)
        }
        switch (path as NSString).pathExtension {
        case "npy": try self.init(numPy: path)
        case "ark": try self.init(archive: path)
        default: try self.init(lines: path)
        }
    }

    private init(numPy path: String) throws {
        let array = try NumPyFile.read(path)
        let names = path + ".ids.txt"
        guard let text = try? String(contentsOfFile: names, encoding: .utf8) else {
            throw SignalError.missingFile(path: names)
        }
        let ids = text.split(whereSeparator: \.isNewline).map(String.init)
        guard array.shape.count == 2, array.shape[0] == ids.count else {
            throw ProbingError.badEmbeddings(
                path: path,
                reason: "its shape is \(array.shape), expected a row for each of the \(ids.count) "
                    + "names in \(names)")
        }
        try self.init(path: path, ids: ids, values: array.values)
    }

    private init(archive path: String) throws {
        let archive = try KaldiArchiveReader(path: path)
        var (ids, rows): ([String], [[Float]]) = ([], [])
        while let (key, value) = try archive.next() {
            switch value {
            case .vector(let vector): rows.append(vector)
            case .matrix(let matrix) where matrix.frameCount == 1: rows.append(matrix.values)
            case .matrix(let matrix):
                throw ProbingError.badEmbeddings(
                    path: path,
                    reason: "'\(key)' has \(matrix.frameCount) frames, expected one vector")
            }
            ids.append(key)
        }
        try self.init(path: path, ids: ids, rows: rows)
    }

    private struct Line: Decodable {
        var id: String
        var embedding: [Float]
    }

    private init(lines path: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        var (ids, rows): ([String], [[Float]]) = ([], [])
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        for (number, bytes) in data.split(separator: 0x0A, omittingEmptySubsequences: false)
            .enumerated() where !bytes.isEmpty
        {
            guard let line = try? decoder.decode(Line.self, from: bytes) else {
                throw ProbingError.badEmbeddings(
                    path: "\(path):\(number + 1)",
                    reason: "expected {\"id\": ..., \"embedding\": [numbers]}")
            }
            ids.append(line.id)
            rows.append(line.embedding)
        }
        try self.init(path: path, ids: ids, rows: rows)
    }

    private init(path: String, ids: [String], rows: [[Float]]) throws {
        for (id, row) in zip(ids, rows) where row.count != rows[0].count || row.isEmpty {
            throw ProbingError.badEmbeddings(
                path: path,
                reason: "the embedding of '\(id)' has \(row.count) values, that of '\(ids[0])' "
                    + "\(rows[0].count)")
        }
        try self.init(path: path, ids: ids, values: rows.flatMap(\.self))
    }
}
