import Foundation

/// Writes a Kaldi archive (`.ark`) of binary 32-bit floats, and the script (`.scp`) beside it.
///
/// The features of a recording may come some frames at a time, in bounded memory. The archive can be
/// read at any moment: each line of the script names a whole record. A key is whatever has no blanks.
/// An instance is used by one task at a time.
///
///     let writer = try KaldiArchiveWriter(path: "clips.ark", scriptPath: "clips.scp")
///     for (key, features) in recordings { try writer.append(features, key: key) }
///     try writer.finish()
public final class KaldiArchiveWriter {
    /// The archive's path, as the script names it.
    public let path: String
    /// The whole records, in their order: keys and the places after them, bytes.
    public private(set) var records: [(key: String, offset: Int)]

    private let file: OutputFile
    private let script: OutputFile
    private var taken: Set<String>
    private var current: Current?

    /// The record that is being written.
    private struct Current {
        var key: String
        var start: Int
        var offset: Int
        var featureCount: Int
        var frameCount = 0
    }

    /// Begins an archive, or goes on with one.
    ///
    /// - Parameters:
    ///   - path: The archive's path; its folder must exist.
    ///   - scriptPath: The script's path.
    ///   - kept: The keys and places of records of an earlier archive at `path`, which stay, in their
    ///     order; what follows them is cut off, and where one is damaged it and those after it, so
    ///     see ``records``. None begins anew.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``, also for a path with a line's end in it,
    ///   which a script cannot name.
    public init(
        path: String, scriptPath: String, keeping kept: [(key: String, offset: Int)] = []
    ) throws {
        guard !path.contains(where: \.isNewline) else {
            throw SignalError.cannotWrite(path: path, reason: "its name has more than one line")
        }
        self.path = path
        var (records, end) = (kept[..<0], 0)
        if !kept.isEmpty, FileManager.default.fileExists(atPath: path) {
            let input = try InputFile(path: path)
            let byteCount = try input.byteCount()
            for record in kept {
                guard let next = try Self.end(of: record, in: input), next <= byteCount else {
                    break
                }
                end = next
                records = kept[...records.endIndex]
            }
        }
        self.records = Array(records)
        taken = Set(records.map(\.key))
        file = try OutputFile(continuing: path, at: end)
        script = try OutputFile(continuing: scriptPath, at: 0)
        try script.append(
            records.flatMap { Self.scriptLine($0.key, path: path, offset: $0.offset) })
    }

    /// Begins a recording's features.
    ///
    /// - Parameters:
    ///   - key: The record's key, new in the archive.
    ///   - featureCount: The number of features D in a frame.
    /// - Throws: ``SignalError/invalidKey(path:key:reason:)`` for a key that is empty, has blanks or
    ///   control characters, is longer than 4096 bytes or there already;
    ///   ``SignalError/cannotWrite(path:reason:)``.
    /// - Precondition: No recording is begun that was not ended.
    public func begin(_ key: String, featureCount: Int) throws {
        precondition(current == nil, "one recording at a time")
        try require(key)
        let start = file.byteCount
        current = Current(
            key: key, start: start, offset: start + key.utf8.count + 1,
            featureCount: featureCount)
        try orCutBack {
            try file.append(
                Array(key.utf8) + [0x20]
                    + Self.matrixHeader(rowCount: 0, columnCount: featureCount))
        }
    }

    /// Adds frames to the recording that was begun.
    ///
    /// - Parameter features: Any number of frames of D features.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``, also for more frames than a record can
    ///   count; the record is then dropped.
    /// - Precondition: A recording is begun, and the frames have its D features.
    public func append(_ features: FeatureMatrix) throws {
        guard let current else { preconditionFailure("frames belong to a recording") }
        precondition(
            features.featureCount == current.featureCount,
            "frames of \(current.featureCount) features")
        try orCutBack {
            guard current.frameCount + features.frameCount <= Int(Int32.max) else {
                throw SignalError.cannotWrite(path: path, reason: "a record has 2^31 frames")
            }
            try file.append(littleEndian: features.values)
        }
        self.current?.frameCount += features.frameCount
    }

    /// Ends the recording that was begun.
    ///
    /// - Returns: The place after the record's key, as the script names it.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``; the record is then dropped.
    /// - Precondition: A recording is begun.
    @discardableResult
    public func end() throws -> Int {
        guard let current else { preconditionFailure("an end follows a beginning") }
        try orCutBack {
            // A matrix without rows has no columns in Kaldi.
            let columnCount = current.frameCount > 0 ? current.featureCount : 0
            try file.overwrite(
                Self.matrixHeader(rowCount: current.frameCount, columnCount: columnCount),
                at: current.offset)
            try script.append(Self.scriptLine(current.key, path: path, offset: current.offset))
        }
        self.current = nil
        records.append((current.key, current.offset))
        taken.insert(current.key)
        return current.offset
    }

    /// Drops the recording that was begun, where one still is.
    ///
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    public func abandon() throws {
        guard let start = current?.start else { return }
        current = nil
        try file.truncate(to: start)
    }

    /// Adds a recording's features as a matrix.
    ///
    /// - Parameters:
    ///   - features: T x D features.
    ///   - key: The record's key, new in the archive.
    /// - Returns: The place after the record's key, as the script names it.
    /// - Throws: As ``begin(_:featureCount:)``.
    /// - Precondition: No recording is begun that was not ended.
    @discardableResult
    public func append(_ features: FeatureMatrix, key: String) throws -> Int {
        try begin(key, featureCount: features.featureCount)
        try append(features)
        return try end()
    }

    /// Adds a vector, such as an embedding.
    ///
    /// - Parameters:
    ///   - vector: The values.
    ///   - key: The record's key, new in the archive.
    /// - Returns: The place after the record's key, as the script names it.
    /// - Throws: As ``begin(_:featureCount:)``.
    /// - Precondition: No recording is begun that was not ended.
    @discardableResult
    public func append(_ vector: [Float], key: String) throws -> Int {
        precondition(current == nil, "one recording at a time")
        try require(key)
        let start = file.byteCount
        let offset = start + key.utf8.count + 1
        do {
            try file.append(
                Array(key.utf8) + [0x20] + Array("\0BFV ".utf8) + Self.size(vector.count))
            try file.append(littleEndian: vector)
            try script.append(Self.scriptLine(key, path: path, offset: offset))
        } catch {
            try? file.truncate(to: start)
            throw error
        }
        records.append((key, offset))
        taken.insert(key)
        return offset
    }

    /// Waits until the whole records are on the disk.
    ///
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    public func synchronize() throws {
        try file.synchronize()
        try script.synchronize()
    }

    /// Ends the archive.
    ///
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    /// - Precondition: No recording is begun that was not ended.
    public func finish() throws {
        precondition(current == nil, "every recording is ended")
        try synchronize()
        OutputFile.synchronizeFolder(of: path)
    }

    private func require(_ key: String) throws {
        func invalid(_ reason: String) -> SignalError {
            .invalidKey(path: path, key: key, reason: reason)
        }
        guard !key.isEmpty else { throw invalid("it is empty") }
        guard !key.unicodeScalars.contains(where: { $0.properties.isWhitespace || $0.value < 32 })
        else { throw invalid("it has blanks or control characters") }
        guard key.utf8.count <= KaldiRecord.longestKey else {
            throw invalid("it is longer than \(KaldiRecord.longestKey) bytes")
        }
        guard !taken.contains(key) else { throw invalid("there is one already") }
    }

    /// Does a step of the current record, and where it fails drops all of the record.
    private func orCutBack(_ step: () throws -> Void) throws {
        do {
            try step()
        } catch {
            if let start = current?.start { try? file.truncate(to: start) }
            current = nil
            throw error
        }
    }

    private static func matrixHeader(rowCount: Int, columnCount: Int) -> [UInt8] {
        Array("\0BFM ".utf8) + size(rowCount) + size(columnCount)
    }

    /// A size as records have it: its number of bytes, and the number.
    private static func size(_ value: Int) -> [UInt8] {
        [4] + (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func scriptLine(_ key: String, path: String, offset: Int) -> [UInt8] {
        Array("\(key) \(path):\(offset)\n".utf8)
    }

    /// Where a record of this writer ends in a file, or nil where there is none with this key.
    private static func end(
        of record: (key: String, offset: Int), in input: InputFile
    ) throws -> Int? {
        let key = Array(record.key.utf8) + [0x20]
        guard record.offset >= key.count else { return nil }
        try input.seek(to: record.offset - key.count)
        guard try input.bytes(key.count) == key, let header = try input.bytes(10),
            let first = header.number(at: 6, bytes: 4)
        else { return nil }
        let values = record.offset + header.count
        if header.starts(with: Array("\0BFV ".utf8)) { return values + 4 * first }
        guard header.starts(with: Array("\0BFM ".utf8)), let size = try input.bytes(5),
            let second = size.number(at: 1, bytes: 4)
        else { return nil }
        return values + size.count + 4 * first * second
    }
}
