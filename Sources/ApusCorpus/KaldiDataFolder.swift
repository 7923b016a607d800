import ApusSignal
import Foundation

/// The recordings of a Kaldi data folder: `wav.scp`, and where they are there `segments` and `utt2spk`.
///
/// `wav.scp` has a recording's name and its file in each line, `segments` an utterance's name, its
/// recording's, and where it begins and ends (s; an end below zero is the recording's), `utt2spk` an
/// utterance's speaker. Relative paths are relative to the current folder, as Kaldi takes them; where
/// there is no such file, to the data folder. Commands (lines that end in `|`) are not run.
///
/// ## Reference
/// Kaldi's documentation, "Data preparation".
public struct KaldiDataFolder: Sendable {
    /// The folder's path.
    public let path: String
    /// The utterances, in the order of `segments`, or of `wav.scp` where there is none.
    public let cuts: [Cut]

    /// Whether a folder is one.
    ///
    /// - Parameter path: The folder's path.
    /// - Returns: Whether it has a `wav.scp`.
    public static func isOne(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/wav.scp")
    }

    /// Reads a folder.
    ///
    /// - Parameter path: The folder's path.
    /// - Throws: `CorpusError.unreadable`, `.malformedLine`, `.duplicateID`, `.nothingFound` for one
    ///   without utterances.
    public init(contentsOf path: String) throws {
        self.path = path
        let list = path + "/wav.scp"
        var files: [String: String] = [:]
        var order: [(line: Int, name: String)] = []
        for (line, name, rest) in try Self.lines(of: list) {
            func wrong(_ reason: String) -> CorpusError {
                .malformedLine(path: list, line: line, reason: reason)
            }
            guard let rest else { throw wrong("expected a name and a path, found '\(name)'") }
            guard !rest.hasSuffix("|") else {
                throw wrong("'\(name)' is made by a command, which is not run; write it to a file")
            }
            let isHere = FileManager.default.fileExists(atPath: rest)
            let file = isHere ? rest : resolvedPath(rest, in: path)
            if files.updateValue(file, forKey: name) != nil {
                throw CorpusError.duplicateID(
                    path: list, line: line, id: name,
                    firstLine: order.first { $0.name == name }?.line ?? 0)
            }
            order.append((line, name))
        }
        var cuts = order.map { Cut(id: $0.name, audioPath: files[$0.name] ?? "") }
        let segments = path + "/segments"
        if FileManager.default.fileExists(atPath: segments) {
            cuts = try Self.lines(of: segments).map { line, name, rest in
                func wrong(_ reason: String) -> CorpusError {
                    .malformedLine(path: segments, line: line, reason: reason)
                }
                let fields = (rest ?? "").split(separator: " ").map(String.init)
                guard fields.count >= 3, let start = Double(fields[1]), let end = Double(fields[2]),
                    start >= 0, end < 0 || end > start
                else {
                    throw wrong("expected a name, a recording, its beginning and its end (s)")
                }
                guard let file = files[fields[0]] else {
                    throw wrong("the recording '\(fields[0])' is not in \(list)")
                }
                return Cut(
                    id: name, audioPath: file, offset: start,
                    duration: end < 0 ? nil : end - start)
            }
        }
        let speakers = path + "/utt2spk"
        if FileManager.default.fileExists(atPath: speakers) {
            let byName = Dictionary(
                try Self.lines(of: speakers).map { ($0.name, $0.rest) },
                uniquingKeysWith: { first, _ in first })
            for index in cuts.indices { cuts[index].speaker = byName[cuts[index].id] ?? nil }
        }
        guard !cuts.isEmpty else {
            throw CorpusError.nothingFound(path: path, expected: "utterances in wav.scp")
        }
        self.cuts = cuts
    }

    private static func lines(
        of path: String
    ) throws -> [(line: Int, name: String, rest: String?)] {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw CorpusError.unreadable(path: path, reason: foundationReason(error))
        }
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .compactMap { number, line in
                let line = line.trimmingCharacters(in: .whitespaces)
                guard !line.isEmpty, line != "\r" else { return nil }
                let parts = line.split(maxSplits: 1) { $0.isWhitespace }
                return (
                    number + 1, String(parts[0]),
                    parts.count > 1
                        ? parts[1].trimmingCharacters(in: .whitespacesAndNewlines) : nil
                )
            }
    }
}
