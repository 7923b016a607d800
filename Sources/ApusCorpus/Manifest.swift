import ApusSignal
import Foundation

/// A list of cuts in a JSON Lines file.
///
/// Each line is an object with the keys `audio_filepath`, `offset` and `duration` (s), `channel`,
/// `id`, `speaker`, `labels`, `language` and `fold`, of which only the first is needed; any other
/// key is kept. A relative path is relative to the manifest's folder. Blank lines are skipped.
public struct Manifest: Hashable, Sendable {
    /// The file that the manifest was read from, or is meant for.
    public var path: String
    /// The cuts, in the order of the file.
    public var cuts: [Cut]

    /// Makes a manifest in memory.
    ///
    /// - Parameters:
    ///   - path: The file that it is meant for.
    ///   - cuts: The cuts; their relative paths are relative to the current folder.
    public init(path: String, cuts: [Cut]) {
        self.path = path
        self.cuts = cuts
    }

    /// Reads a manifest.
    ///
    /// - Parameter path: The JSON Lines file.
    /// - Throws: `CorpusError.unreadable`, `.malformedLine` at a line that is not a usable cut, or
    ///   `.duplicateID`.
    public init(contentsOf path: String) throws {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CorpusError.unreadable(path: path, reason: foundationReason(error))
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let decoder = JSONDecoder()
        var cuts: [Cut] = []
        var lines: [Int] = []
        for (index, bytes) in data.split(separator: 0x0A, omittingEmptySubsequences: false)
            .enumerated()
        {
            let text = index == 0 ? withoutByteOrderMark(bytes) : bytes
            if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            do {
                var cut = try decoder.decode(Cut.self, from: text)
                cut.audioPath = resolvedPath(cut.audioPath, in: folder)
                cuts.append(cut)
                lines.append(index + 1)
            } catch let error as DecodingError {
                throw CorpusError.malformedLine(
                    path: path, line: index + 1, reason: decodingReason(error))
            }
        }
        self.init(path: path, cuts: cuts)
        try requireUniqueIDs(linesOfCuts: lines)
    }

    /// The length of all cuts together, in seconds, as far as their durations are known.
    public var totalSeconds: Double { cuts.reduce(0) { $0 + ($1.duration ?? 0) } }

    /// The speakers that occur, sorted.
    public var speakers: [String] { Set(cuts.compactMap(\.speaker)).sorted() }

    /// Writes the manifest in one step: a reader sees the old file or the new one, whole.
    ///
    /// Keys are in alphabetical order. The path of an audio file inside the manifest's folder is
    /// written relative to it, any other one absolute.
    ///
    /// - Parameter path: The file to write; nil means the manifest's own path.
    /// - Throws: `CorpusError.duplicateID`, or `.cannotWrite`.
    public func write(to path: String? = nil) throws {
        let path = path ?? self.path
        try requireUniqueIDs(linesOfCuts: Array(1..<(cuts.count + 1)))
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var data = Data()
        do {
            for cut in cuts {
                var written = cut
                written.audioPath = relativePath(of: cut.audioPath, in: folder)
                data.append(try encoder.encode(written))
                data.append(0x0A)
            }
            try writeAtomically(data, to: path)
        } catch SignalError.cannotWrite(_, let reason) {
            throw CorpusError.cannotWrite(path: path, reason: reason)
        } catch {
            throw CorpusError.cannotWrite(path: path, reason: foundationReason(error))
        }
    }

    private func requireUniqueIDs(linesOfCuts lines: [Int]) throws {
        var firstLines: [String: Int] = [:]
        for (cut, line) in zip(cuts, lines) {
            if let firstLine = firstLines.updateValue(line, forKey: cut.id) {
                throw CorpusError.duplicateID(
                    path: path, line: line, id: cut.id, firstLine: firstLine)
            }
        }
    }
}

private func withoutByteOrderMark(_ bytes: Data) -> Data {
    bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes
}

/// What is wrong with a line, without the decoder's own vocabulary.
private func decodingReason(_ error: DecodingError) -> String {
    func key(_ context: DecodingError.Context) -> String {
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? "the line" : "the key '\(path)'"
    }
    switch error {
    case .keyNotFound(let missing, _):
        return "the key '\(missing.stringValue)' is missing"
    case .typeMismatch(let type, let context):
        return "\(key(context)) is not of the kind \(type)"
    case .valueNotFound(let type, let context):
        return "\(key(context)) is null, expected \(type)"
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
        return "not a JSON object"
    case .dataCorrupted(let context):
        return "\(key(context)): \(context.debugDescription)"
    @unknown default:
        return "not a JSON object"
    }
}
