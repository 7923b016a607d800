import ApusSignal
import Foundation

extension ResultsTable {
    /// Writes tables into a run's folder: `results.md`, `results.txt` for terminals and `results.tex`.
    ///
    /// - Parameters:
    ///   - tables: The tables, one below the other.
    ///   - folder: The folder.
    /// - Throws: `SignalError.cannotWrite`.
    public static func write(_ tables: [ResultsTable], toFolder folder: String) throws {
        for (name, text) in [
            ("results.md", tables.map { $0.markdown() }),
            ("results.txt", tables.map { $0.plainText() }),
            ("results.tex", tables.map { $0.latex() }),
        ] {
            try writeAtomically(
                Data(text.joined(separator: "\n").utf8), to: folder + "/" + name)
        }
    }
}
