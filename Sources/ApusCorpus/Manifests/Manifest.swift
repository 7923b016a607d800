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

    /// Reads a manifest, or what shards say of their recordings.
    ///
    /// - Parameter path: The JSON Lines file, or what names shards (see ``ShardSet``).
    /// - Throws: `CorpusError.unreadable`, `.malformedLine` at a line that is not a usable cut,
    ///   `.duplicateID`, or `.malformedShard`, also at a recording that has no usable JSON beside it.
    public init(contentsOf path: String) throws {
        if let shards = try ShardSet(path) {
            if let index = shards.indexPath {
                try self.init(contentsOf: index)
                self.path = path
                return
            }
            let found = try shards.scan()
            if let problem = found.problems.first {
                throw CorpusError.badRecording(
                    id: problem.id, path: path, reason: problem.reason)
            }
            self.init(path: path, cuts: found.cuts)
            return
        }
        let blocks = try FileBlocks(path: path)
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var cuts: [Cut] = []
        var lines: [Int] = []
        var (start, number) = (0, 0)
        while let range = try blocks.block(from: start, byteCount: 1 << 20) {
            try blocks.read(range).withUnsafeBytes { text in
                try forEachLine(of: text, isStart: start == 0) { line, _ in
                    number += 1
                    if isBlankLine(line) { return }
                    var cut = try decodedCut(line, path: path, number: number)
                    cut.audioPath = resolvedPath(cut.audioPath, in: folder)
                    cuts.append(cut)
                    lines.append(number)
                }
            }
            start = range.upperBound
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
