import ApusCorpus
import ApusSignal
import Foundation

/// Puts embeddings that several processes made of parts of one input together, as one would have written
/// them.
///
/// Rows are copied as they are. Nothing but the indexes' lines is held in memory, and for a while the rows are
/// on the disk once more.
public struct EmbeddingMerge {
    /// What came of a merge.
    public struct Outcome: Sendable {
        /// The number of recordings.
        public var recordingCount: Int
        /// The number of rows.
        public var rowCount: Int
        /// The number of values in a row.
        public var width: Int
        /// Whether the target had all of it already.
        public var wasThere: Bool
    }

    private struct Part {
        var target: EmbeddingTarget
        var index: EmbeddingIndex
    }
    private let parts: [Part]
    private let description: EmbeddingDescription
    private let target: EmbeddingTarget

    /// Reads the indexes of parts.
    ///
    /// - Parameters:
    ///   - paths: The parts, of the target's format.
    ///   - target: What they become.
    /// - Throws: `SignalError.missingFile` for a part that isn't there or isn't finished,
    ///   `CorpusError.otherFeatures` where one was made with another model or other options.
    public init(_ paths: [String], to target: EmbeddingTarget) throws {
        self.target = target
        var parts: [Part] = []
        var description: EmbeddingDescription?
        for path in paths {
            guard let part = EmbeddingTarget(path: path), part.format == target.format else {
                throw ProbingError.badEmbeddings(
                    path: path, reason: "is no file like \(target.path): a merge keeps the format")
            }
            guard part.path != target.path else {
                throw ProbingError.badEmbeddings(path: path, reason: "is the merge's own output")
            }
            for needed in part.format == .folder ? [part.indexPath] : [part.path, part.indexPath]
            where !FileManager.default.fileExists(atPath: needed) {
                throw SignalError.missingFile(path: needed)
            }
            let index = try EmbeddingIndex(contentsOf: part.indexPath)
            guard let own = index.description else {
                throw ProbingError.badEmbeddings(
                    path: part.indexPath, reason: "doesn't say what made the embeddings")
            }
            if let first = description, !first.isSame(as: own) {
                throw CorpusError.otherFeatures(
                    path: path,
                    reason: "was made with another model or other options (\(own.words)) than "
                        + "\(paths[0]) (\(first.words))")
            }
            description = description ?? own
            parts.append(Part(target: part, index: index))
        }
        guard let description else { preconditionFailure("a merge has a part") }
        (self.parts, self.description) = (parts, description)
    }

    /// The recordings of all parts.
    public var cuts: [Cut] { parts.flatMap { $0.index.entries.map(\.cut) } }

    /// Writes the merged embeddings.
    ///
    /// - Parameter order: The place of a recording by its id; nil for the parts' own order.
    /// - Returns: What was written.
    /// - Throws: `ProbingError.badEmbeddings` where two parts have a recording or a key, or a part's rows
    ///   aren't those of its index; `SignalError.cannotWrite`.
    public func write(order: [String: Int]?) throws -> Outcome {
        var keys: [String: String] = [:]
        var ids: [String: String] = [:]
        for part in parts {
            for entry in part.index.entries {
                let path = part.target.path
                if let other = ids.updateValue(path, forKey: entry.cut.id) {
                    throw ProbingError.badEmbeddings(
                        path: path, reason: "'\(entry.cut.id)' is in \(other) too")
                }
                if let other = keys.updateValue(path, forKey: entry.key) {
                    throw ProbingError.badEmbeddings(
                        path: path,
                        reason: "another recording has the key '\(entry.key)' in \(other)")
                }
            }
        }
        let wanted = ordered(parts.flatMap(\.index.entries), order)
        if let there = try existing(wanted) { return there }
        return try target.format == .folder ? linked(order) : copied(order)
    }

    private func ordered(
        _ entries: [EmbeddingEntry], _ order: [String: Int]?
    ) -> [EmbeddingEntry] {
        guard let order else { return entries }
        return entries.enumerated().sorted {
            (order[$0.element.cut.id] ?? .max, $0.offset)
                < (order[$1.element.cut.id] ?? .max, $1.offset)
        }.map(\.element)
    }

    /// The target, where it is these recordings' in this order already.
    private func existing(_ wanted: [EmbeddingEntry]) throws -> Outcome? {
        guard FileManager.default.fileExists(atPath: target.path),
            FileManager.default.fileExists(atPath: target.indexPath)
        else { return nil }
        let index = try EmbeddingIndex(contentsOf: target.indexPath)
        guard let own = index.description, own.isSame(as: description) else {
            throw CorpusError.otherFeatures(
                path: target.path,
                reason: "was made with another model or other options; name another output")
        }
        func bare(_ entry: EmbeddingEntry) -> EmbeddingEntry {
            var entry = entry
            entry.firstRow = 0
            return entry
        }
        guard index.entries.map(bare) == wanted.map(bare) else { return nil }
        return outcome(index.entries, width: try width(), wasThere: true)
    }

    private func outcome(
        _ entries: [EmbeddingEntry], width: Int, wasThere: Bool = false
    ) -> Outcome {
        Outcome(
            recordingCount: entries.count, rowCount: entries.reduce(0) { $0 + $1.rowCount },
            width: width, wasThere: wasThere)
    }

    /// The width of rows as they were written, after any whitening.
    private func width() throws -> Int {
        var width = description.width
        struct Enough: Error {}
        guard description.whitening != nil else { return width }
        for part in parts where !part.index.entries.isEmpty {
            do {
                try EmbeddingFile(path: part.target.path).forEachBlock { block in
                    width = block.rows.featureCount
                    throw Enough()
                }
            } catch is Enough { break }
        }
        return width
    }

    // MARK: - Files

    /// When rows begin and end, as the parts' names of rows say; the same for rows of recordings of one
    /// length.
    private struct RowTimes {
        private struct Key: Hashable {
            var row: Int
            var frameCount: Int
        }
        private var times: [Key: (start: Double, end: Double)] = [:]

        mutating func note(_ row: Int, of entry: EmbeddingEntry, name: String) {
            let key = Key(row: row, frameCount: entry.frameCount)
            guard times[key] == nil, let mark = name.lastIndex(of: "@") else { return }
            let numbers = name[name.index(after: mark)...].split(separator: "-").map { Double($0) }
            guard numbers.count == 2, let start = numbers[0], let end = numbers[1] else { return }
            times[key] = (start, end)
        }

        func callAsFunction(_ row: Int, _ frameCount: Int) -> (start: Double, end: Double) {
            times[Key(row: row, frameCount: frameCount)] ?? (0, 0)
        }
    }

    private func copied(_ order: [String: Int]?) throws -> Outcome {
        let width = try width()
        let spoolPath = target.path + ".merging"
        unlink(spoolPath)
        let rows = try OutputFile(continuing: spoolPath)
        defer { unlink(spoolPath) }
        var times = RowTimes()
        var entries: [EmbeddingEntry] = []
        for part in parts {
            try copyRows(of: part, width: width, to: rows, &entries, &times)
        }
        try rows.synchronize()
        let listed = ordered(entries, order)
        let isVector = description.pooling != .frames && description.windows == nil
        let writer = EmbeddingFileWriter(
            target, entries: listed, spool: try RowSpool(path: spoolPath, width: width),
            finish: EmbeddingExport.Finish(), width: width, isVector: isVector, isSingle: false,
            times: { times($0, $1) })
        try writer.write(isFrames: description.pooling == .frames)
        try writeIndex(listed)
        return outcome(listed, width: width)
    }

    /// Copies a part's rows behind those that are there.
    private func copyRows(
        of part: Part, width: Int, to rows: OutputFile, _ entries: inout [EmbeddingEntry],
        _ times: inout RowTimes
    ) throws {
        let path = part.target.path
        func bad(_ reason: String) -> ProbingError { .badEmbeddings(path: path, reason: reason) }
        let byKey = Dictionary(
            part.index.entries.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        var rest = part.index.entries[...]
        var taken = 0
        var found = 0
        try EmbeddingFile(path: path).forEachBlock { block in
            guard block.rows.featureCount == width else {
                throw bad("has rows of \(block.rows.featureCount) values, expected \(width)")
            }
            let first = rows.byteCount / (4 * width)
            if let key = block.key {
                // Lines have a recording's id where archives have its key.
                guard var entry = byKey[key] ?? rest.first(where: { $0.cut.id == key }),
                    entry.rowCount == block.rows.frameCount
                else { throw bad("its rows of '\(key)' are not those that its index lists") }
                entry.firstRow = first
                entries.append(entry)
                found += 1
            } else {
                for row in 0..<block.rows.frameCount {
                    guard var entry = rest.first else {
                        throw bad("has more rows than its index lists")
                    }
                    times.note(taken, of: entry, name: block.names[row])
                    taken += 1
                    guard taken == entry.rowCount else { continue }
                    entry.firstRow = first + row + 1 - taken
                    entries.append(entry)
                    found += 1
                    (rest, taken) = (rest.dropFirst(), 0)
                }
            }
            try rows.append(littleEndian: block.rows.values)
        }
        guard found == part.index.entries.count else {
            throw bad(
                "has the rows of \(found) recordings, its index lists \(part.index.entries.count)")
        }
    }

    private func writeIndex(_ entries: [EmbeddingEntry]) throws {
        let file = try OutputFile(replacing: target.indexPath)
        try file.append(EmbeddingIndex.line(description))
        var firstRow = 0
        for var entry in entries {
            entry.firstRow = firstRow
            firstRow += entry.rowCount
            try file.append(EmbeddingIndex.line(entry, inFolder: target.folder))
        }
        try file.commit()
    }

    // MARK: - Folders

    /// Gives each recording's files a name in the target's folder, without a copy where the disk allows.
    private func linked(_ order: [String: Int]?) throws -> Outcome {
        let manager = FileManager.default
        do {
            try manager.createDirectory(
                atPath: target.path, withIntermediateDirectories: true)
        } catch {
            throw SignalError.cannotWrite(path: target.path, reason: error.localizedDescription)
        }
        for part in parts {
            for entry in part.index.entries {
                for ending in [".embedding.npy", ".timestamps.json"] {
                    let (from, to) = (
                        part.target.path + "/" + entry.key + ending,
                        target.path + "/" + entry.key + ending
                    )
                    guard manager.fileExists(atPath: from) else {
                        if ending == ".timestamps.json" { continue }
                        throw SignalError.missingFile(path: from)
                    }
                    unlink(to)
                    if link(from, to) == 0 { continue }
                    do {
                        try writeAtomically(Data(contentsOf: URL(fileURLWithPath: from)), to: to)
                    } catch let error as SignalError { throw error } catch {
                        throw SignalError.unreadable(path: from, reason: "\(error)")
                    }
                }
            }
        }
        let listed = ordered(parts.flatMap(\.index.entries), order)
        try writeIndex(listed)
        OutputFile.synchronizeFolder(of: target.indexPath)
        return outcome(listed, width: try width())
    }
}
