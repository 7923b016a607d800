import ApusSignal
import Foundation

/// Shards that a path names.
///
/// A path names shards where it is a folder with `.tar` files and no recordings in it, a `.tar` file, a pattern of numbers in
/// braces as WebDataset has it (`shards/apus-{000000..000119}.tar`), or a list: a text file with the path
/// of a `.tar` file on each line, relative to the list's folder.
public struct ShardSet: Hashable, Sendable {
    /// The archives, in order.
    public let paths: [String]
    /// The index of the folder that they are all of, where `apus pack` wrote one.
    public let indexPath: String?

    /// The most shards that a pattern may name.
    private static let largestCount = 1_000_000

    /// Looks for shards; nil for what names none.
    ///
    /// - Parameter path: A folder, an archive, a pattern or a list.
    /// - Throws: `CorpusError.unreadable` where a pattern or a list names what isn't there.
    public init?(_ path: String) throws {
        if isFolder(path) {
            let entries = try folderEntries(path)
            let names = entries.filter { $0.hasSuffix(".tar") }
            guard !names.isEmpty else { return nil }
            let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
            paths = names.map { "\(folder)/\($0)" }
            guard let summary = try ShardSummary(ofFolder: folder) else {
                // Beside recordings or folders of them an archive is something else.
                let hasRecordings = entries.contains { name in
                    isFolder("\(folder)/\(name)")
                        || audioFileExtensions.contains(
                            (name as NSString).pathExtension.lowercased())
                }
                guard !hasRecordings else { return nil }
                guard !FileManager.default.fileExists(atPath: ShardJournal.path(in: folder)) else {
                    throw CorpusError.unreadable(
                        path: folder, reason: "apus pack hasn't finished there")
                }
                indexPath = nil
                return
            }
            try summary.requireShards(in: folder)
            indexPath = "\(folder)/\(ShardSummary.indexName)"
            return
        }
        indexPath = nil
        if let names = Self.expanded(path) {
            paths = names
        } else if path.hasSuffix(".tar") {
            paths = [path]
        } else if let listed = try Self.list(path) {
            paths = listed
        } else {
            return nil
        }
        for path in paths where !FileManager.default.fileExists(atPath: path) {
            throw CorpusError.unreadable(path: path, reason: "no such file or folder")
        }
    }

    /// The paths of a pattern with numbers in braces.
    private static func expanded(_ pattern: String) -> [String]? {
        guard pattern.hasSuffix(".tar"), let open = pattern.firstIndex(of: "{"),
            let close = pattern[open...].firstIndex(of: "}")
        else { return nil }
        let range = pattern[pattern.index(after: open)..<close]
        guard let dots = range.range(of: "..") else { return nil }
        let (first, last) = (range[..<dots.lowerBound], range[dots.upperBound...])
        guard let low = Int(first), let high = Int(last), low >= 0, low <= high,
            high - low < largestCount
        else { return nil }
        return (low...high).map { number in
            let digits = String(number)
            let zeros = String(repeating: "0", count: max(0, first.count - digits.count))
            return pattern[..<open] + zeros + digits + pattern[pattern.index(after: close)...]
        }
    }

    /// The paths in a list; nil for a file that is none.
    private static func list(_ path: String) throws -> [String]? {
        // What is read of a pipe is gone.
        guard SourceState(path: path) != nil, let handle = FileHandle(forReadingAtPath: path),
            let head = try? handle.read(upToCount: 1 << 16)
        else { return nil }
        let first = String(decoding: head, as: UTF8.self).split(whereSeparator: \.isNewline)
            .lazy.map { $0.trimmingCharacters(in: .whitespaces) }.first { !$0.isEmpty }
        guard let first, first.hasSuffix(".tar"), !first.hasPrefix("{") else { return nil }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw CorpusError.unreadable(path: path, reason: "not UTF-8 text")
        }
        return text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
            .map { resolvedPath($0, in: folder) }
    }

    /// The recordings of all shards.
    ///
    /// - Parameter problem: Takes each recording that can't be used.
    /// - Returns: The recordings; those of an index as it lists them.
    /// - Throws: As ``Manifest`` does, and what `problem` throws.
    public func cuts(problem: (RecordingProblem) throws -> Void) throws -> [Cut] {
        if let indexPath { return try Manifest(contentsOf: indexPath).cuts }
        let found = try scan()
        try found.problems.forEach(problem)
        return found.cuts
    }

    /// The recordings of all shards, from the archives' headers and the JSON in them.
    ///
    /// - Returns: The recordings; those that can't be used; and the number of recordings of each shard.
    /// - Throws: `CorpusError.malformedShard`, `SignalError`, `CorpusError.duplicateID`.
    func scan() throws -> (cuts: [Cut], problems: [RecordingProblem], counts: [Int]) {
        var cuts: [Cut] = []
        var problems: [RecordingProblem] = []
        var counts: [Int] = []
        var shardOfID: [String: Int] = [:]
        for (number, path) in paths.enumerated() {
            let before = cuts.count
            let reader = try TarReader(path: path)
            try reader.forEachSample { sample in
                let found = sample.cut { member in
                    FileRange(path: path, offset: member.offset, count: member.byteCount)
                        .description
                }
                switch found {
                case .success(let cut):
                    if let other = shardOfID.updateValue(number, forKey: cut.id) {
                        throw CorpusError.malformedShard(
                            path: path, offset: sample.audio?.offset ?? 0,
                            reason: "the id '\(cut.id)' is already in \(paths[other])")
                    }
                    cuts.append(cut)
                case .failure(let problem):
                    problems.append(
                        RecordingProblem(id: problem.id, reason: "\(path): \(problem.reason)"))
                }
            }
            counts.append(cuts.count - before)
        }
        return (cuts, problems, counts)
    }
}

extension TarReader {
    /// Visits what belongs together.
    ///
    /// - Parameter body: Takes each sample once its last member is read.
    /// - Throws: As ``next()``, and what the body throws.
    func forEachSample(_ body: (ShardSample) throws -> Void) throws {
        var sample: ShardSample?
        while let member = try next() {
            let (key, kind) = ShardSample.parts(of: member.name)
            if kind.isEmpty { continue }
            if let whole = sample, whole.key != key {
                try body(whole)
                sample = nil
            }
            var current = sample ?? ShardSample(key: key)
            try current.add(member, kind: kind) { try content() }
            sample = current
        }
        if let sample { try body(sample) }
    }
}
