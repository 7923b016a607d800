import ApusCorpus
import ApusNN
import ApusSignal
import Foundation

/// Makes a file of embeddings of the rows of a run, some rows at a time.
struct EmbeddingFileWriter {
    private let target: EmbeddingTarget
    private let entries: [EmbeddingEntry]
    private let spool: RowSpool
    private let finish: EmbeddingExport.Finish
    private let width: Int
    private let isVector: Bool
    private let isSingle: Bool
    private let times: (_ row: Int, _ frameCount: Int) -> (start: Double, end: Double)

    init(
        _ target: EmbeddingTarget, entries: [EmbeddingEntry], spool: RowSpool,
        finish: EmbeddingExport.Finish, width: Int, isVector: Bool, isSingle: Bool,
        times: @escaping (_ row: Int, _ frameCount: Int) -> (start: Double, end: Double)
    ) {
        (self.target, self.entries, self.spool, self.finish) = (target, entries, spool, finish)
        (self.width, self.isVector, self.isSingle, self.times) = (width, isVector, isSingle, times)
    }

    /// Writes the file in one step.
    func write(isFrames: Bool) throws {
        switch target.format {
        case .npy: try writeArray()
        case .npz: try writeArchive()
        case .safetensors: try writeTensors(isFrames: isFrames)
        case .ark: try writeKaldiArchive()
        case .jsonl: try writeLines(isFrames: isFrames)
        case .csv: try writeTable()
        case .folder: preconditionFailure("a folder's files are there")
        }
    }

    private var rowCount: Int { entries.reduce(0) { $0 + $1.rowCount } }

    /// The name of a row: the recording's id, of a window or a frame with its times.
    private func name(_ row: Int, of entry: EmbeddingEntry) -> String {
        let id = entry.cut.id.replacing("\n", with: " ").replacing("\r", with: " ")
        guard !isVector else { return id }
        let (start, end) = times(row, entry.frameCount)
        return id + String(format: "@%.3f-%.3f", start, end)
    }

    private func forEachRows(_ body: (FeatureMatrix) throws -> Void) throws {
        try spool.forEachBlock(of: entries) { try body(finish($0)) }
    }

    private func writeArray() throws {
        let file = try OutputFile(replacing: target.path)
        let shape = isSingle && isVector ? [width] : [rowCount, width]
        try file.append(NumPyFile.header(shape: shape))
        try forEachRows { try file.append(littleEndian: $0.values) }
        if !isSingle {
            let names = try OutputFile(replacing: target.namesPath)
            for entry in entries {
                let lines = (0..<entry.rowCount).map { name($0, of: entry) + "\n" }
                try names.append(lines.joined().utf8)
            }
            try names.commit()
        }
        try file.commit()
    }

    /// Each recording's array under its key, a matrix block by block.
    private func writeArrays(
        vector: (_ key: String, _ values: [Float]) throws -> Void,
        begin: (_ key: String) throws -> Void, rows append: (FeatureMatrix) throws -> Void,
        end: () throws -> Void
    ) throws {
        for entry in entries {
            if isVector {
                try spool.forEachBlock(of: entry) { rows, _ in
                    try vector(entry.key, finish(rows).values)
                }
            } else {
                try begin(entry.key)
                try spool.forEachBlock(of: entry) { rows, _ in try append(finish(rows)) }
                try end()
            }
        }
    }

    private func writeArchive() throws {
        let archive = try NumPyArchiveWriter(path: target.path)
        try writeArrays(
            vector: { try archive.append($1, name: $0) },
            begin: { try archive.begin($0, featureCount: width) },
            rows: { try archive.append($0) }, end: { try archive.end() })
        try archive.finish()
    }

    private func writeKaldiArchive() throws {
        let temporary = target.path + ".unfinished.ark"
        let temporaryScript = target.path + ".unfinished.scp"
        defer {
            unlink(temporary)
            unlink(temporaryScript)
        }
        let archive = try KaldiArchiveWriter(path: temporary, scriptPath: temporaryScript)
        try writeArrays(
            vector: { try archive.append($1, key: $0) },
            begin: { try archive.begin($0, featureCount: width) },
            rows: { try archive.append($0) }, end: { try archive.end() })
        try archive.finish()
        let script = try OutputFile(replacing: target.scriptPath)
        for (key, offset) in archive.records {
            try script.append("\(key) \(target.path):\(offset)\n".utf8)
        }
        guard rename(temporary, target.path) == 0 else {
            throw SignalError.cannotWrite(
                path: target.path, reason: String(cString: strerror(errno)))
        }
        try script.commit()
    }

    private func writeTensors(isFrames: Bool) throws {
        let file = try OutputFile(replacing: target.path)
        if isFrames {
            try file.append(
                Safetensors.header(
                    of: entries.map { ($0.key, [$0.rowCount, width]) }, metadata: [:]))
        } else {
            let names = entries.flatMap { entry in
                (0..<entry.rowCount).map { name($0, of: entry) }
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = .withoutEscapingSlashes
            let text = String(decoding: try encoder.encode(names), as: UTF8.self)
            try file.append(
                Safetensors.header(
                    of: [(EmbeddingFile.tensorName, [rowCount, width])],
                    metadata: [EmbeddingFile.namesKey: text]))
        }
        try forEachRows { try file.append(littleEndian: $0.values) }
        try file.commit()
    }

    private func writeLines(isFrames: Bool) throws {
        let file = try OutputFile(replacing: target.path)
        for entry in entries {
            let id = try quoted(entry.cut.id)
            if isFrames { try file.append("{\"id\": \(id), \"embedding\": [".utf8) }
            try spool.forEachBlock(of: entry) { rows, first in
                let rows = finish(rows)
                for row in 0..<rows.frameCount {
                    let values = numbers(rows, row)
                    if isFrames {
                        try file.append(((first + row > 0 ? ", " : "") + "[\(values)]").utf8)
                        continue
                    }
                    let (start, end) = times(first + row, entry.frameCount)
                    let place =
                        isVector
                        ? "\"id\": \(id)"
                        : "\"id\": \(try quoted(name(first + row, of: entry))), \"recording\": \(id), "
                            + String(format: "\"start\": %.3f, \"end\": %.3f", start, end)
                    try file.append("{\(place), \"embedding\": [\(values)]}\n".utf8)
                }
            }
            if isFrames { try file.append("]}\n".utf8) }
        }
        try file.commit()
    }

    private func writeTable() throws {
        let file = try OutputFile(replacing: target.path)
        let columns = ["id"] + (isVector ? [] : ["start", "end"]) + (0..<width).map { "\($0)" }
        try file.append((columns.joined(separator: ",") + "\n").utf8)
        for entry in entries {
            let id = Self.field(entry.cut.id)
            try spool.forEachBlock(of: entry) { rows, first in
                let rows = finish(rows)
                for row in 0..<rows.frameCount {
                    let (start, end) = times(first + row, entry.frameCount)
                    let place = isVector ? "" : String(format: "%.3f,%.3f,", start, end)
                    let values = numbers(rows, row, separator: ",")
                    try file.append("\(id),\(place)\(values)\n".utf8)
                }
            }
        }
        try file.commit()
    }

    private func numbers(
        _ rows: FeatureMatrix, _ row: Int, separator: String = ", "
    ) -> String {
        rows.values[row * rows.featureCount..<(row + 1) * rows.featureCount]
            .map { "\($0)" }.joined(separator: separator)
    }

    private func quoted(_ text: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return String(decoding: try encoder.encode(text), as: UTF8.self)
    }

    /// A field as RFC 4180 writes it.
    private static func field(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
