import ApusCorpus
import ApusSignal
import Foundation

/// Writes embeddings of many recordings, so that a run that was killed goes on.
///
/// Rows go to `PATH.unfinished`, and what they are of to `PATH.unfinished.jsonl`, as they come; with
/// `finish` they become the target in one step, in the order that is asked for. Nothing but the
/// index's lines is held in memory, and for a while the rows are on the disk twice. What is there
/// already (of an unfinished run, or of a finished file by the same model and options) need not be made
/// again: ``finished`` says of which recordings.
/// Into a folder each recording's file is written at once. An instance is used by one task at a time,
/// and a target by one process.
public final class EmbeddingExport {
    /// What is done to vectors before they are written.
    public struct Finish: Sendable {
        /// The whitening; nil for none.
        public var whitening: Whitening?
        /// Whether vectors are brought to length 1.
        public var isNormalized: Bool

        /// What is done to vectors.
        ///
        /// - Parameters:
        ///   - whitening: The whitening, which comes first; nil for none.
        ///   - isNormalized: Whether vectors are brought to length 1.
        public init(whitening: Whitening? = nil, isNormalized: Bool = false) {
            (self.whitening, self.isNormalized) = (whitening, isNormalized)
        }

        /// Finishes rows.
        ///
        /// - Parameter rows: N x D values.
        /// - Returns: N x d values.
        public func callAsFunction(_ rows: FeatureMatrix) -> FeatureMatrix {
            guard rows.frameCount > 0 else { return rows }
            let width = whitening?.outputWidth ?? rows.featureCount
            var values = whitening?(rows.values) ?? rows.values
            if isNormalized { normalizeRows(&values, width: width) }
            return FeatureMatrix(
                values: values, frameCount: rows.frameCount, featureCount: width)
        }
    }

    /// The files of recordings that are there, by the hashes of their bytes.
    public struct Finished: Sendable {
        fileprivate var contents: [CutPlace: String] = [:]

        /// Whether a recording's rows are there.
        ///
        /// - Parameters:
        ///   - cut: The recording.
        ///   - content: The hash of its file's bytes.
        /// - Returns: True where they needn't be made.
        public func contains(_ cut: Cut, content: String) -> Bool {
            contents[CutPlace(cut)] == content
        }
    }

    /// What embeddings are written to.
    public let target: EmbeddingTarget
    /// The recordings that are there.
    public private(set) var finished = Finished()

    private var description: EmbeddingDescription
    private let finish: Finish
    /// The unfinished rows; nil for a folder.
    private let rows: OutputFile?
    private let index: OutputFile
    private var entries: [CutPlace: EmbeddingEntry] = [:]
    private var keys: [String: CutPlace] = [:]
    private var waiting: [EmbeddingEntry] = []
    private var lastFlush = ContinuousClock.now
    private var rowCount = 0
    private let width: Int
    private var current: Current?

    /// The recording whose rows are coming.
    private struct Current {
        var firstRow: Int
        var rowCount = 0
        var file: NumPyFileWriter?
    }

    /// Begins an export, or goes on with one.
    ///
    /// - Parameters:
    ///   - target: What the embeddings are written to; its folder must exist.
    ///   - description: What they are.
    ///   - finish: What is done to vectors before they are written.
    ///   - beginsAnew: Whether what is there is forgotten.
    /// - Throws: `CorpusError.otherFeatures` where an unfinished run or a folder is of another model or
    ///   with other options, `.malformedLine` for an index that is none, `SignalError.cannotWrite`,
    ///   also where another process is writing there.
    public init(
        to target: EmbeddingTarget, _ description: EmbeddingDescription, finish: Finish = Finish(),
        beginsAnew: Bool = false
    ) throws {
        self.target = target
        self.finish = finish
        width = description.width
        var description = description
        description.whitening = finish.whitening?.fingerprint
        description.isNormalized = finish.isNormalized
        self.description = description
        let isFolder = target.format == .folder
        guard FileManager.default.fileExists(atPath: target.folder) else {
            throw SignalError.cannotWrite(
                path: target.path, reason: "there is no folder \(target.folder)")
        }
        let indexPath = isFolder ? target.indexPath : target.unfinishedIndexPath
        // Opened first: it locks out other processes.
        index = try OutputFile(continuing: indexPath)
        rows = isFolder ? nil : try OutputFile(continuing: target.unfinishedPath)
        if beginsAnew { try index.truncate(to: 0) }
        let old = try EmbeddingIndex(contentsOf: indexPath)
        if let other = old.description {
            let isSame =
                isFolder
                ? other.isSame(as: description) : other.fingerprint == description.fingerprint
            guard isSame else {
                throw CorpusError.otherFeatures(
                    path: isFolder ? target.path : target.unfinishedPath,
                    reason: "was begun with another model or other options (\(other.words)); name "
                        + "another output, or begin anew")
            }
            try index.truncate(to: old.wholeByteCount)
            restore(old.entries)
        } else {
            try index.truncate(to: 0)
            try index.append(EmbeddingIndex.line(description))
            try rows?.truncate(to: 0)
            if !isFolder, !beginsAnew { try takeOverFinishedFile() }
        }
        if let rows {
            let end = rowCount * width * 4
            if rows.byteCount > end { try rows.truncate(to: end) }
        }
    }

    deinit { try? flush() }

    /// Takes what an index lists, as far as the rows or files are there.
    private func restore(_ old: [EmbeddingEntry]) {
        for entry in old {
            if let rows {
                let end = (entry.firstRow + entry.rowCount) * width * 4
                guard end <= rows.byteCount else { continue }
                rowCount = max(rowCount, entry.firstRow + entry.rowCount)
            } else if !FileManager.default.fileExists(atPath: filePath(entry.key)) {
                continue
            }
            remember(entry)
        }
    }

    /// Takes the rows over from a finished file by the same model and options.
    private func takeOverFinishedFile() throws {
        guard FileManager.default.fileExists(atPath: target.path),
            let old = try? EmbeddingIndex(contentsOf: target.indexPath),
            let other = old.description, other.isSame(as: description),
            !other.isNormalized, other.whitening == nil
        else { return }
        let byKey = Dictionary(
            old.entries.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        func take(_ entry: EmbeddingEntry, _ values: [Float]) throws {
            var entry = entry
            guard values.count == entry.rowCount * width else { return }
            try rows?.append(littleEndian: values)
            entry.firstRow = rowCount
            rowCount += entry.rowCount
            remember(entry)
            waiting.append(entry)
        }
        var rest = old.entries[...]
        var held: [Float] = []
        try EmbeddingFile(path: target.path).forEachBlock { block in
            if let key = block.key {
                if let entry = byKey[key] { try take(entry, block.rows.values) }
                return
            }
            // Rows without keys are those of the index's recordings in its order.
            held += block.rows.values
            var taken = 0
            while let entry = rest.first, held.count - taken >= entry.rowCount * width {
                try take(entry, Array(held[taken..<taken + entry.rowCount * width]))
                taken += entry.rowCount * width
                rest = rest.dropFirst()
            }
            held.removeFirst(taken)
        }
        try flush()
    }

    /// The number of recordings that are there and listed.
    public var recordingCount: Int { entries.count - waiting.count }

    /// The key under which a recording is there.
    ///
    /// - Parameter cut: The recording.
    /// - Returns: Nil where it isn't.
    public func key(of cut: Cut) -> String? { entries[CutPlace(cut)]?.key }

    /// Whether a key belongs to a recording already.
    ///
    /// - Parameter key: The key.
    /// - Returns: True where another recording can't have it.
    public func isTaken(_ key: String) -> Bool { keys[key] != nil }

    /// Adds rows of a recording, whose rows come one after another.
    ///
    /// - Parameters:
    ///   - rows: Some rows of D values.
    ///   - cut: The recording.
    ///   - key: Its key in an archive, or its file's name; one that is not taken, or its own.
    ///   - content: The hash of its file's bytes; nil for what can't be read again.
    ///   - frameCount: The number of the recording's frames, T, with its last rows; else nil.
    ///   - times: The middles of the recording's rows (ms), which a folder has beside windows and frames.
    /// - Throws: `SignalError.cannotWrite`; what was added before is kept.
    public func append(
        _ rows: FeatureMatrix, of cut: Cut, key: String, content: String?, frameCount: Int?,
        times: (_ rowCount: Int, _ frameCount: Int) -> [Double]
    ) throws {
        do {
            var state = try current ?? begun(rows, key: key, isLast: frameCount != nil)
            current = nil
            state.rowCount += rows.frameCount
            if let file = self.rows {
                try file.append(littleEndian: rows.values)
            } else {
                try state.file?.append(finish(rows))
            }
            guard let frameCount else {
                current = state
                return
            }
            if self.rows == nil {
                try state.file?.finish()
                if state.file == nil { try NumPyFile.write(finish(rows).values, to: filePath(key)) }
                try writeTimes(times(state.rowCount, frameCount), key: key)
            }
            let entry = EmbeddingEntry(
                cut: cut, key: key, content: content, rowCount: state.rowCount,
                firstRow: state.firstRow, frameCount: frameCount)
            rowCount = state.firstRow + state.rowCount
            remember(entry)
            waiting.append(entry)
            if waiting.count >= 256 || ContinuousClock.now - lastFlush > .seconds(2) {
                try flush()
            }
        } catch {
            try? abandon()
            try? flush()
            throw error
        }
    }

    /// Drops what came of a recording that failed before its end.
    ///
    /// - Throws: `SignalError.cannotWrite`.
    public func abandon() throws {
        guard current != nil else { return }
        current = nil
        try rows?.truncate(to: rowCount * width * 4)
    }

    private var isVector: Bool { description.pooling != .frames && description.windows == nil }

    private func begun(_ rows: FeatureMatrix, key: String, isLast: Bool) throws -> Current {
        var state = Current(firstRow: rowCount)
        if self.rows == nil, !isVector || !isLast {
            state.file = try NumPyFileWriter(
                path: filePath(key), featureCount: finish.whitening?.outputWidth ?? width)
        }
        return state
    }

    private func filePath(_ key: String) -> String { "\(target.path)/\(key).embedding.npy" }

    /// HEAR's timestamps beside an embedding: a JSON list of milliseconds.
    private func writeTimes(_ times: [Double], key: String) throws {
        guard !isVector else { return }
        let text = "[" + times.map { String(format: "%.3f", $0) }.joined(separator: ", ") + "]"
        try writeAtomically(Data(text.utf8), to: "\(target.path)/\(key).timestamps.json")
    }

    /// Waits until what was added is on the disk and listed.
    ///
    /// - Throws: `SignalError.cannotWrite`.
    public func synchronize() throws { try flush() }

    private func flush() throws {
        lastFlush = .now
        guard !waiting.isEmpty else { return }
        try rows?.synchronize()
        try index.append(
            waiting.flatMap { try EmbeddingIndex.line($0, inFolder: target.folder) })
        waiting = []
        try index.synchronize()
    }

    private func remember(_ entry: EmbeddingEntry) {
        let place = CutPlace(entry.cut)
        entries[place] = entry
        keys[entry.key] = place
        finished.contents[place] = entry.content
    }

    /// Fits a whitening to the rows of some recordings.
    ///
    /// - Parameter cuts: The recordings; those that aren't there count for nothing.
    /// - Returns: The whitening.
    /// - Throws: `ProbingError.cannotFit`, `SignalError` where the rows can't be read.
    public func fittedWhitening(to cuts: [Cut]) throws -> Whitening {
        precondition(rows != nil, "a folder's vectors are written before all are there")
        try flush()
        let listed = cuts.compactMap { entries[CutPlace($0)] }
        let spool = try RowSpool(path: target.unfinishedPath, width: width)
        return try Whitening(width: width) { take in
            try spool.forEachBlock(of: listed) { take($0.values) }
        }
    }

    /// Brings everything to the disk, and gives the target its path.
    ///
    /// - Parameters:
    ///   - cuts: The recordings in their order; those that aren't there are left out.
    ///   - isSingle: Whether the target is of one recording, so that an array has no axis for recordings.
    ///   - whitening: A whitening that was fitted since the beginning; nil for none.
    ///   - times: When a row begins and ends (s).
    /// - Returns: The number of rows and their width; nil where there is nothing to write.
    /// - Throws: `SignalError.cannotWrite`; nothing that was added is lost.
    public func finish(
        _ cuts: [Cut], isSingle: Bool = false, whitening: Whitening? = nil,
        times: @escaping (_ row: Int, _ frameCount: Int) -> (start: Double, end: Double)
    ) throws -> (rowCount: Int, width: Int)? {
        try flush()
        var finish = finish
        if let whitening {
            finish.whitening = whitening
            description.whitening = whitening.fingerprint
        }
        let finalWidth = finish.whitening?.outputWidth ?? width
        var seen: Set<CutPlace> = []
        let listed = cuts.compactMap { cut -> EmbeddingEntry? in
            let place = CutPlace(cut)
            return seen.insert(place).inserted ? entries[place] : nil
        }
        let count = listed.reduce(0) { $0 + $1.rowCount }
        guard !listed.isEmpty else {
            discard()
            return nil
        }
        guard rows != nil else {
            OutputFile.synchronizeFolder(of: target.indexPath)
            return (count, finalWidth)
        }
        let spool = try RowSpool(path: target.unfinishedPath, width: width)
        let writer = EmbeddingFileWriter(
            target, entries: listed, spool: spool, finish: finish, width: finalWidth,
            isVector: isVector, isSingle: isSingle, times: times)
        try writer.write(isFrames: description.pooling == .frames)
        if isSingle {
            unlink(target.indexPath)
        } else {
            try writeIndex(listed)
        }
        discard()
        return (count, finalWidth)
    }

    private func writeIndex(_ listed: [EmbeddingEntry]) throws {
        let file = try OutputFile(replacing: target.indexPath)
        try file.append(EmbeddingIndex.line(description))
        var firstRow = 0
        for var entry in listed {
            entry.firstRow = firstRow
            firstRow += entry.rowCount
            try file.append(EmbeddingIndex.line(entry, inFolder: target.folder))
        }
        try file.commit()
    }

    /// Removes what an unfinished run lies in; of a folder the index, where it lists nothing.
    private func discard() {
        if target.format == .folder {
            if entries.isEmpty { unlink(target.indexPath) }
            return
        }
        unlink(target.unfinishedPath)
        unlink(target.unfinishedIndexPath)
    }
}

extension EmbeddingDescription {
    /// Whether files by two descriptions can be mixed.
    func isSame(as other: EmbeddingDescription) -> Bool {
        fingerprint == other.fingerprint && whitening == other.whitening
            && isNormalized == other.isNormalized
    }

    /// The description in a few words.
    var words: String {
        let how = layer == EmbeddingExtractor.head ? "" : ", \(pooling.rawValue)"
        let windows = windows.map { ", windows of \($0.length) s every \($0.hop) s" } ?? ""
        return "\(modelPath), layer \(layer)\(how)\(windows)"
            + (whitening == nil ? "" : ", whitened") + (isNormalized ? ", of length 1" : "")
    }
}

/// Brings rows to length 1; one of zeros stays.
func normalizeRows(_ values: inout [Float], width: Int) {
    values.withUnsafeMutableBufferPointer { values in
        for start in stride(from: 0, to: values.count, by: width) {
            var squares = 0.0
            for index in start..<start + width {
                squares += Double(values[index]) * Double(values[index])
            }
            guard squares > 0 else { continue }
            let factor = 1 / squares.squareRoot()
            for index in start..<start + width {
                values[index] = Float(Double(values[index]) * factor)
            }
        }
    }
}

/// Rows of D values in a file, one after another.
struct RowSpool {
    let path: String
    let width: Int
    private let start: Int
    private let file: FileHandle

    /// How many bytes are read at a time.
    private static let blockBytes = 1 << 20

    /// Rows of `width` values, the first `start` bytes after the file's beginning.
    init(path: String, width: Int, start: Int = 0) throws {
        (self.path, self.width, self.start) = (path, width, start)
        do {
            file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        } catch {
            throw SignalError.unreadable(path: path, reason: error.localizedDescription)
        }
    }

    /// Visits the rows of recordings, some at a time and never of two recordings at once.
    func forEachBlock(
        of entries: [EmbeddingEntry], _ body: (FeatureMatrix) throws -> Void
    ) throws {
        for entry in entries {
            try forEachBlock(of: entry) { rows, _ in try body(rows) }
        }
    }

    /// Visits the rows of a recording, some at a time.
    func forEachBlock(
        of entry: EmbeddingEntry, _ body: (_ rows: FeatureMatrix, _ first: Int) throws -> Void
    ) throws {
        try forEachBlock(of: entry.firstRow..<entry.firstRow + entry.rowCount, body)
    }

    /// Visits some rows; the first of each block is counted from the first of all.
    func forEachBlock(
        of rows: Range<Int>, _ body: (_ rows: FeatureMatrix, _ first: Int) throws -> Void
    ) throws {
        let most = max(1, Self.blockBytes / (4 * max(width, 1)))
        var row = 0
        while row < rows.count {
            let count = min(most, rows.count - row)
            let values = try read(row: rows.lowerBound + row, count: count)
            try body(
                FeatureMatrix(values: values, frameCount: count, featureCount: width), row)
            row += count
        }
    }

    private func read(row: Int, count: Int) throws -> [Float] {
        let needed = count * width * 4
        var done = 0
        let values = [Float](unsafeUninitializedCapacity: count * width) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            while done < needed, let base = bytes.baseAddress {
                let got = pread(
                    file.fileDescriptor, base + done, needed - done,
                    off_t(start + row * width * 4 + done))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { break }
                done += got
            }
            initialized = done / 4
        }
        guard done == needed else {
            throw SignalError.unreadable(path: path, reason: "its rows end too early")
        }
        return values
    }
}
