import ApusSignal
import Foundation

/// The lines of an index of features (`index.jsonl`), one for each recording.
///
/// An index only grows: a recording whose features were made again has a later line for the same
/// file, which counts. A last line that is not whole, as a killed process leaves it, counts for
/// nothing.
public struct FeatureIndex: Sendable {
    /// The index's path.
    public let path: String
    /// The lines that count, in the order of the file.
    public let entries: [FeatureIndexEntry]
    /// The number of bytes of whole lines.
    let wholeByteCount: Int

    /// Reads an index.
    ///
    /// - Parameter path: The index's path.
    /// - Throws: `CorpusError.unreadable`, and `.malformedLine` at a whole line that is none of an
    ///   index.
    public init(contentsOf path: String) throws {
        self.path = path
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CorpusError.unreadable(path: path, reason: foundationReason(error))
        }
        wholeByteCount = (data.lastIndex(of: 0x0A) ?? -1) + 1
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let decoder = JSONDecoder()
        var entries: [FeatureIndexEntry] = []
        for (number, line) in data.prefix(wholeByteCount).split(separator: 0x0A).enumerated() {
            do {
                var entry = try decoder.decode(FeatureIndexEntry.self, from: line)
                entry.cut.audioPath = resolvedPath(entry.cut.audioPath, in: folder)
                entries.append(entry)
            } catch {
                throw CorpusError.malformedLine(
                    path: path, line: number + 1, reason: "not a line of an index of features")
            }
        }
        // Of two lines for the same features the later one counts.
        var seen: Set<[String]> = []
        self.entries = entries.reversed().filter { entry in
            seen.insert([entry.featuresPath, entry.key ?? ""]).inserted
        }.reversed()
    }
}
