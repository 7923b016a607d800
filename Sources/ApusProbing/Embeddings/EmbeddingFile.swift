import ApusNN
import ApusSignal
import Foundation

/// Reads the vectors of a file of embeddings, some at a time.
///
/// | Ending | What is read |
/// | - | - |
/// | `.npy` | N x D, the rows' names in `FILE.ids.txt`, one a line |
/// | `.npz` | an array of D or T x D for each recording |
/// | `.safetensors` | `embeddings` of N x D with the rows' names as JSON in the metadata `ids`; else a tensor of D or T x D for each recording |
/// | `.ark` | Kaldi's vectors and matrices |
/// | `.jsonl` | `{"id": ..., "embedding": [...]}` a line |
/// | `.csv` | a header; columns `id` and, of windows, `start` and `end`; a column for each value |
/// | a folder | `NAME.embedding.npy` of D or T x D for each recording that `index.jsonl` lists |
public struct EmbeddingFile {
    /// Rows with their names.
    public struct Block {
        /// A name for each row.
        public var names: [String]
        /// The recording's key, where the file has an array for each recording.
        public var key: String?
        /// The rows.
        public var rows: FeatureMatrix

        init(key: String, _ rows: FeatureMatrix) {
            self.key = key
            self.rows = rows
            names =
                rows.frameCount == 1 ? [key] : (0..<rows.frameCount).map { "\(key)[\($0)]" }
        }

        init(names: [String], _ rows: FeatureMatrix) { (self.names, self.rows) = (names, rows) }
    }

    /// The file's path.
    public let path: String
    /// How many values the file has in all, where that is known before they are read.
    private(set) var valueCount: Int?

    /// The extensions of the files that are read.
    public static let extensions: Set = ["npy", "npz", "safetensors", "ark", "jsonl", "csv"]

    /// The name of the tensor with all rows.
    static let tensorName = "embeddings"
    /// The metadata key of the rows' names.
    static let namesKey = "ids"

    private static let rowsPerBlock = 4096

    /// A file.
    ///
    /// - Parameter path: The file's path.
    /// - Throws: `SignalError.missingFile`.
    public init(path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw SignalError.missingFile(path: path)
        }
        self.path = path
        if (path as NSString).pathExtension == "npy" {
            valueCount = try NumPyFile.layout(of: path).shape.reduce(1, *)
        }
    }

    /// Whether a safetensors file holds embeddings by rows.
    ///
    /// - Parameter file: The file.
    /// - Returns: Whether it has the tensor and the names.
    public static func holdsRows(_ file: Safetensors) -> Bool {
        file.tensors[tensorName] != nil && file.metadata[namesKey] != nil
    }

    private func bad(_ reason: String, line: Int? = nil) -> ProbingError {
        .badEmbeddings(path: line.map { "\(path):\($0)" } ?? path, reason: reason)
    }

    /// Visits all rows in the order of the file.
    ///
    /// - Parameter body: Takes some rows.
    /// - Throws: `SignalError` and `NNError` where the file is another kind of file,
    ///   `ProbingError.badEmbeddings` where its parts don't fit, and what `body` throws.
    public func forEachBlock(_ body: (Block) throws -> Void) throws {
        if let target = EmbeddingTarget(path: path), target.format == .folder {
            for entry in try EmbeddingIndex(contentsOf: target.indexPath).entries {
                let array = try NumPyFile.read("\(target.path)/\(entry.key).embedding.npy")
                try body(Block(key: entry.cut.id, try matrix(entry.key, array.shape, array.values)))
            }
            return
        }
        switch (path as NSString).pathExtension {
        case "npy": try readArray(body)
        case "npz":
            let archive = try NumPyArchive(contentsOf: path)
            for name in archive.names {
                let array = try archive.read(name)
                try body(Block(key: name, try matrix(name, array.shape, array.values)))
            }
        case "safetensors": try readTensors(body)
        case "ark":
            let archive = try KaldiArchiveReader(path: path)
            while let (key, value) = try archive.next() {
                switch value {
                case .vector(let vector):
                    try body(Block(key: key, try matrix(key, [vector.count], vector)))
                case .matrix(let rows): try body(Block(key: key, rows))
                }
            }
        case "csv": try readTable(body)
        default: try readLines(body)
        }
    }

    private func matrix(
        _ name: String, _ shape: [Int], _ values: [Float]
    ) throws -> FeatureMatrix {
        guard shape.count == 1 || shape.count == 2 else {
            throw bad("'\(name)' has the shape \(shape), expected a vector or rows")
        }
        return FeatureMatrix(
            values: values, frameCount: shape.count == 1 ? 1 : shape[0],
            featureCount: shape[shape.count - 1])
    }

    private func readArray(_ body: (Block) throws -> Void) throws {
        let (shape, start) = try NumPyFile.layout(of: path)
        let list = path + ".ids.txt"
        guard let text = try? Data(contentsOf: URL(fileURLWithPath: list)) else {
            throw SignalError.missingFile(path: list)
        }
        let names = [UInt8](text).split(separator: 0x0A).map { line in
            String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
        }
        guard shape.count == 2, shape[0] == names.count else {
            throw bad(
                "its shape is \(shape), expected a row for each of the \(names.count) names in "
                    + list)
        }
        try RowSpool(path: path, width: shape[1], start: start)
            .forEachBlock(of: names.indices) { rows, first in
                try body(Block(names: Array(names[first..<first + rows.frameCount]), rows))
            }
    }

    private func readTensors(_ body: (Block) throws -> Void) throws {
        let file = try Safetensors(contentsOf: path)
        guard Self.holdsRows(file), let tensor = file.tensors[Self.tensorName],
            let text = file.metadata[Self.namesKey]
        else {
            for (name, tensor) in file.tensors.sorted(by: { $0.key < $1.key }) {
                try body(Block(key: name, try matrix(name, tensor.shape, tensor.values)))
            }
            return
        }
        guard let names = try? JSONDecoder().decode([String].self, from: Data(text.utf8)),
            tensor.shape.count == 2, tensor.shape[0] == names.count
        else {
            throw bad(
                "its embeddings have the shape \(tensor.shape), expected a row for each of its ids")
        }
        try body(
            Block(names: names, try matrix(Self.tensorName, tensor.shape, tensor.values)))
    }

    private struct Line: Decodable {
        var id: String
        var rows: FeatureMatrix

        private enum Key: String, CodingKey { case id, embedding }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            id = try container.decode(String.self, forKey: .id)
            if let vector = try? container.decode([Float].self, forKey: .embedding) {
                rows = FeatureMatrix(values: vector, frameCount: 1, featureCount: vector.count)
                return
            }
            let all = try container.decode([[Float]].self, forKey: .embedding)
            let width = all.first?.count ?? 0
            guard all.allSatisfy({ $0.count == width }) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .embedding, in: container, debugDescription: "rows of other lengths")
            }
            rows = FeatureMatrix(
                values: all.flatMap(\.self), frameCount: all.count, featureCount: width)
        }
    }

    /// What is wrong with a line, in words.
    private static func reason(_ error: any Error, of line: Data) -> String {
        // Python's json writes words that JSON doesn't have.
        let text = String(decoding: line, as: UTF8.self)
        let vector = text.range(of: "\"embedding\"").map { text[$0.upperBound...] } ?? ""
        if let word = ["NaN", "Infinity", "null"].first(where: vector.contains) {
            return "expected finite numbers for \"embedding\", found \(word)"
        }
        var reason = "expected {\"id\": ..., \"embedding\": [numbers]}"
        if case DecodingError.dataCorrupted(let context) = error {
            reason += "; \(context.debugDescription)"
        }
        return reason
    }

    private func readLines(_ body: (Block) throws -> Void) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        var (start, number) = (data.startIndex, 0)
        while start < data.endIndex {
            number += 1
            let end = data[start...].firstIndex(of: 0x0A) ?? data.endIndex
            defer { start = min(end + 1, data.endIndex) }
            guard end > start else { continue }
            let line: Line
            do {
                line = try decoder.decode(Line.self, from: data[start..<end])
            } catch {
                throw bad(Self.reason(error, of: data[start..<end]), line: number)
            }
            let block = Block(key: line.id, line.rows)
            try body(
                line.rows.frameCount == 1 ? Block(names: block.names, line.rows) : block)
        }
    }

    private func readTable(_ body: (Block) throws -> Void) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        var table = CommaSeparatedValues(data)
        guard let header = table.next(), header.first == "id" else {
            throw bad("expected a header that begins with id", line: 1)
        }
        let isTimed = header.count > 3 && header[1] == "start" && header[2] == "end"
        let first = isTimed ? 3 : 1
        var (names, values): ([String], [Float]) = ([], [])
        func emit() throws {
            guard !names.isEmpty else { return }
            try body(
                Block(
                    names: names,
                    FeatureMatrix(
                        values: values, frameCount: names.count, featureCount: header.count - first)
                ))
            (names, values) = ([], [])
        }
        while let fields = table.next() {
            let row = fields.dropFirst(first).compactMap { Float($0) }
            guard fields.count == header.count, row.count == fields.count - first else {
                throw bad("expected \(header.count - first) numbers after the id", line: table.line)
            }
            names.append(isTimed ? "\(fields[0])@\(fields[1])-\(fields[2])" : fields[0])
            values += row
            if names.count == Self.rowsPerBlock { try emit() }
        }
        try emit()
    }
}

/// The records of comma-separated values as RFC 4180 has them.
private struct CommaSeparatedValues {
    private let data: Data
    private var place: Data.Index
    /// The line that the last record began in, from 1.
    private(set) var line = 0
    private var lineCount = 0

    init(_ data: Data) {
        self.data = data
        place = data.startIndex
    }

    /// The next record's fields; nil at the end.
    mutating func next() -> [String]? {
        guard place < data.endIndex else { return nil }
        lineCount += 1
        line = lineCount
        var (fields, field): ([String], [UInt8]) = ([], [])
        var isQuoted = false
        while place < data.endIndex {
            let byte = data[place]
            place += 1
            if isQuoted {
                if byte == UInt8(ascii: "\"") {
                    if place < data.endIndex, data[place] == byte {
                        field.append(byte)
                        place += 1
                    } else {
                        isQuoted = false
                    }
                } else {
                    if byte == 0x0A { lineCount += 1 }
                    field.append(byte)
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\"") where field.isEmpty: isQuoted = true
            case UInt8(ascii: ","):
                fields.append(String(decoding: field, as: UTF8.self))
                field = []
            case 0x0D where place < data.endIndex && data[place] == 0x0A: break
            case 0x0A:
                fields.append(String(decoding: field, as: UTF8.self))
                return fields
            default: field.append(byte)
            }
        }
        fields.append(String(decoding: field, as: UTF8.self))
        return fields
    }
}
