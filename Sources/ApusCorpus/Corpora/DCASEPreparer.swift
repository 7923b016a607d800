import Foundation

/// Timed labels in tables as DCASE's tasks have them, beside the recordings.
///
/// Each `.tsv` file below the folder starts with the columns `filename`, `onset`, `offset` and
/// `event_label`, in any order, in seconds. A recording with empty times has no event. Paths are relative to
/// the folder, its `audio` folder, or the table's own folder.
public struct DCASEPreparer: Preparer {
    /// Makes a preparer for DCASE's tables.
    public init() {}

    /// The name on the command line.
    public var name: String { "dcase" }
    /// One line on what the corpus is.
    public var summary: String { "recordings with timed labels in tables as DCASE has them" }
    /// One line on what the folder has to look like.
    public var layout: String { "**/*.tsv (filename, onset, offset, event_label) and their audio" }

    /// Lists the recordings of all tables.
    ///
    /// - Parameter folder: The corpus's folder.
    /// - Returns: The cuts, with their events under the key `events`; a recording without a file is left
    ///   out.
    /// - Throws: `CorpusError.nothingFound` where no table is there, `.malformedLine` at a line that can't
    ///   be read.
    public func scan(_ folder: String) throws -> CorpusScan {
        let root = absolutePath(folder)
        let files = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        let tables = files.filter { $0.hasSuffix(".tsv") }.sorted()
        var events: [String: [JSONValue]] = [:]
        var places: [String: String] = [:]
        for table in tables {
            let path = root + "/" + table
            for row in try rows(of: path) {
                let candidates = [
                    root, root + "/audio", (path as NSString).deletingLastPathComponent,
                ].map { $0 + "/" + row.file }
                places[row.file] =
                    candidates.first { FileManager.default.fileExists(atPath: $0) }
                    ?? candidates[0]
                events[row.file, default: []] += [row.event].compactMap(\.self)
            }
        }
        guard !places.isEmpty else {
            throw CorpusError.nothingFound(path: folder, expected: layout)
        }
        var scan = CorpusScan(cuts: [])
        for (file, place) in places.sorted(by: { $0.key < $1.key }) {
            let isThere = FileManager.default.fileExists(atPath: place)
            scan.add(
                Cut(
                    id: file, audioPath: place, extra: ["events": .array(events[file] ?? [])]),
                unless: isThere ? nil : "a table names it, and it isn't there")
        }
        return scan
    }

    private func rows(of path: String) throws -> [(file: String, event: JSONValue?)] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw CorpusError.unreadable(path: path, reason: "not UTF-8 text")
        }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
        let keys = lines.first ?? []
        guard let file = keys.firstIndex(of: "filename"), let onset = keys.firstIndex(of: "onset"),
            let offset = keys.firstIndex(of: "offset"),
            let label = keys.firstIndex(of: "event_label")
        else {
            throw CorpusError.malformedLine(
                path: path, line: 1,
                reason: "expected the columns filename, onset, offset, event_label")
        }
        return try lines.enumerated().dropFirst().compactMap { index, line in
            if line == [""] { return nil }
            func fault(_ reason: String) -> CorpusError {
                .malformedLine(path: path, line: index + 1, reason: reason)
            }
            guard line.count == keys.count else {
                throw fault("has \(line.count) columns, expected \(keys.count)")
            }
            if line[onset].isEmpty, line[offset].isEmpty { return (line[file], nil) }
            guard let start = Double(line[onset]), let end = Double(line[offset]), start >= 0,
                end > start, end.isFinite
            else { throw fault("is from '\(line[onset])' to '\(line[offset])' s") }
            guard !line[label].isEmpty else { throw fault("has no label") }
            return (
                line[file],
                .object([
                    "onset": .number(start), "offset": .number(end), "label": .string(line[label]),
                ])
            )
        }
    }
}
