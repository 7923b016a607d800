import ApusSignal
import Foundation

/// The lines of a list that other programs add to.
struct GrowingList {
    private let path: String
    private let file: FileHandle
    private var rest = Data()

    /// Opens a list.
    init(path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw SignalError.missingFile(path: path)
        }
        self.path = path
        do {
            file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        } catch {
            throw SignalError.unreadable(path: path, reason: error.localizedDescription)
        }
    }

    /// The whole lines that came since the last call, without blank ones.
    mutating func newLines() throws -> [String] {
        do {
            // A list that was written anew is read from its beginning.
            let size = try file.seekToEnd()
            if size < place { (place, rest) = (0, Data()) }
            try file.seek(toOffset: place)
            rest += try file.readToEnd() ?? Data()
            place = try file.offset()
        } catch {
            throw SignalError.unreadable(path: path, reason: error.localizedDescription)
        }
        guard let end = rest.lastIndex(of: 0x0A) else { return [] }
        let whole = rest[..<end]
        rest = Data(rest[(end + 1)...])
        return String(decoding: whole, as: UTF8.self).split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    private var place: UInt64 = 0
}
