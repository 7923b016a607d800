import CZlib
import Foundation

/// Writes a `.npz` archive of T x D features, one recording after another, in bounded memory.
///
/// The features of a recording may come some frames at a time. Members are stored, not deflated:
/// deflating 32-bit log-mels saves about an eighth and takes longer than making them. Until ``finish()``
/// the archive lies at `PATH.part`, whose whole members a later writer can go on with.
/// An instance is used by one task at a time.
///
///     let writer = try NumPyArchiveWriter(path: "clips.npz")
///     for (name, features) in recordings { try writer.append(features, name: name) }
///     try writer.finish()
public final class NumPyArchiveWriter {
    /// The path of the finished archive.
    public let path: String
    /// The names of the whole members, in their order.
    public private(set) var names: [String] = []

    /// The unfinished archive, from the first member on that is added.
    private var file: OutputFile?
    /// Where the members that stay end.
    private var keptByteCount: Int
    private var members: [ZipMember] = []
    private var taken: Set<String> = []
    private var current: Current?

    /// The member that is being written.
    private struct Current {
        var name: String
        var member: ZipMember
        var featureCount: Int
        var isVector = false
        var frameCount = 0
        var valuesChecksum: UInt = 0

        /// The array's shape: (T, D), or (D) for a vector.
        var shape: [Int] { isVector ? [featureCount] : [frameCount, featureCount] }
    }

    /// Begins an archive, or goes on with one.
    ///
    /// - Parameters:
    ///   - path: The archive's path; its folder must exist.
    ///   - kept: The names of members of an earlier archive at `path`, or of one that was not
    ///     finished, which stay, in their order; what follows them is cut off, and where one is
    ///     damaged it and those after it, so see ``names``. None begins anew.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    public init(path: String, keeping kept: [String] = []) throws {
        self.path = path
        let part = NumPyArchiveWriter.unfinishedPath(of: path)
        let earlier = [part, path].first { FileManager.default.fileExists(atPath: $0) }
        var end = 0
        if !kept.isEmpty, let earlier {
            let input = try InputFile(path: earlier)
            let byteCount = try input.byteCount()
            for name in kept {
                guard
                    let member = try NumPyArchiveWriter.member(
                        in: input, at: end, name: name, fileSize: byteCount)
                else { break }
                members.append(member.member)
                names.append(name)
                end = member.end
            }
        }
        keptByteCount = end
        taken = Set(names)
        // A finished archive stays as it is until something is added to it.
        let isFinished = try earlier == path && holdsExactlyMembers(path)
        if !isFinished { _ = try opened() }
    }

    /// Where an archive lies before it is finished.
    ///
    /// - Parameter path: The path of the finished archive.
    /// - Returns: The path with `.part` behind it.
    public static func unfinishedPath(of path: String) -> String { path + ".part" }

    /// Begins a recording's features.
    ///
    /// - Parameters:
    ///   - name: The array's name in the archive, new in it.
    ///   - featureCount: The number of features D in a frame.
    /// - Throws: ``SignalError/invalidKey(path:key:reason:)`` for a name that is empty, there
    ///   already, too long, or has a NUL; ``SignalError/cannotWrite(path:reason:)``.
    /// - Precondition: No recording is begun that was not ended.
    public func begin(_ name: String, featureCount: Int) throws {
        try begin(name, featureCount: featureCount, isVector: false)
    }

    private func begin(_ name: String, featureCount: Int, isVector: Bool) throws {
        precondition(current == nil, "one recording at a time")
        func invalid(_ reason: String) -> SignalError {
            .invalidKey(path: path, key: name, reason: reason)
        }
        guard !name.isEmpty else { throw invalid("it is empty") }
        guard !name.utf8.contains(0) else { throw invalid("it has a NUL byte") }
        guard name.utf8.count <= 0xFFFF - 4 else { throw invalid("it is longer than 65531 bytes") }
        guard !taken.contains(name) else { throw invalid("there is one already") }
        let file = try opened()
        let member = ZipMember(name: Array((name + ".npy").utf8), offset: file.byteCount)
        let begun = Current(
            name: name, member: member, featureCount: featureCount, isVector: isVector)
        current = begun
        try orCutBack { file in
            try file.append(
                ZipRecords.memberHeader(member) + NumPyFile.header(shape: begun.shape))
        }
    }

    /// Adds frames to the recording that was begun.
    ///
    /// - Parameter features: Any number of frames of D features.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``; the recording is then dropped.
    /// - Precondition: A recording is begun, and the frames have its D features.
    public func append(_ features: FeatureMatrix) throws {
        guard var current else { preconditionFailure("frames belong to a recording") }
        precondition(
            features.featureCount == current.featureCount,
            "frames of \(current.featureCount) features")
        try orCutBack { file in try file.append(littleEndian: features.values) }
        current.frameCount += features.frameCount
        current.valuesChecksum = features.values.withUnsafeBytes {
            crc32_z(
                current.valuesChecksum, $0.baseAddress?.assumingMemoryBound(to: UInt8.self),
                $0.count)
        }
        self.current = current
    }

    /// Ends the recording that was begun.
    ///
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``; the recording is then dropped.
    /// - Precondition: A recording is begun.
    public func end() throws {
        guard let current else { preconditionFailure("an end follows a beginning") }
        var member = current.member
        let header = NumPyFile.header(shape: current.shape)
        let valuesByteCount = current.frameCount * current.featureCount * 4
        let headerChecksum = header.withUnsafeBufferPointer {
            crc32_z(0, $0.baseAddress, $0.count)
        }
        member.checksum = UInt32(
            truncatingIfNeeded: crc32_combine(
                headerChecksum, current.valuesChecksum, valuesByteCount))
        member.byteCount = header.count + valuesByteCount
        member.packedCount = member.byteCount
        try orCutBack { file in
            try file.overwrite(ZipRecords.memberHeader(member) + header, at: member.offset)
        }
        members.append(member)
        names.append(current.name)
        taken.insert(current.name)
        self.current = nil
    }

    /// Drops the recording that was begun, where one still is.
    ///
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    public func abandon() throws {
        guard let start = current?.member.offset else { return }
        current = nil
        try file?.truncate(to: start)
    }

    /// Adds a recording's features.
    ///
    /// - Parameters:
    ///   - features: T x D features.
    ///   - name: The array's name in the archive, new in it.
    /// - Throws: As ``begin(_:featureCount:)``.
    /// - Precondition: No recording is begun that was not ended.
    public func append(_ features: FeatureMatrix, name: String) throws {
        try begin(name, featureCount: features.featureCount)
        try append(features)
        try end()
    }

    /// Adds a vector, such as an embedding.
    ///
    /// - Parameters:
    ///   - vector: The values.
    ///   - name: The array's name in the archive, new in it.
    /// - Throws: As ``begin(_:featureCount:)``.
    /// - Precondition: No recording is begun that was not ended.
    public func append(_ vector: [Float], name: String) throws {
        try begin(name, featureCount: vector.count, isVector: true)
        try append(
            FeatureMatrix(values: vector, frameCount: 1, featureCount: vector.count))
        try end()
    }

    /// The unfinished archive; a finished one becomes one.
    private func opened() throws -> OutputFile {
        if let file { return file }
        let part = NumPyArchiveWriter.unfinishedPath(of: path)
        let manager = FileManager.default
        if !members.isEmpty, !manager.fileExists(atPath: part) {
            guard rename(path, part) == 0 else {
                throw SignalError.cannotWrite(
                    path: path, reason: String(cString: strerror(errno)))
            }
        }
        let opened = try OutputFile(continuing: part, at: keptByteCount)
        file = opened
        return opened
    }

    private func holdsExactlyMembers(_ path: String) throws -> Bool {
        guard !members.isEmpty else { return false }
        let listed = try? ZipDirectory.members(of: InputFile(path: path))
        return listed?.map(\.name) == members.map(\.name)
    }

    /// Waits until the whole members are on the disk.
    ///
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    public func synchronize() throws { try file?.synchronize() }

    /// Writes the list of members, and gives the archive its path.
    ///
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``; the whole members stay at `PATH.part`.
    /// - Precondition: No recording is begun that was not ended.
    public func finish() throws {
        precondition(current == nil, "every recording is ended")
        guard let file else { return }
        let end = file.byteCount
        try file.append(ZipRecords.directory(of: members, at: end))
        try file.synchronize()
        guard rename(NumPyArchiveWriter.unfinishedPath(of: path), path) == 0 else {
            throw SignalError.cannotWrite(path: path, reason: String(cString: strerror(errno)))
        }
        self.file = nil
        keptByteCount = end
        OutputFile.synchronizeFolder(of: path)
    }

    /// Does a step of the current recording, and where it fails drops all of the recording.
    private func orCutBack(_ step: (OutputFile) throws -> Void) throws {
        let file = try opened()
        do {
            try step(file)
        } catch {
            if let start = current?.member.offset { try? file.truncate(to: start) }
            current = nil
            throw error
        }
    }

    /// A stored member with this name at a place of a file, and where it ends.
    private static func member(
        in input: InputFile, at offset: Int, name: String, fileSize: Int
    ) throws -> (member: ZipMember, end: Int)? {
        let name = Array((name + ".npy").utf8)
        let size = ZipRecords.memberHeaderSize + name.count + 20
        try input.seek(to: offset)
        guard let header = try input.bytes(size),
            let byteCount = header.number(at: size - 16, bytes: 8),
            let checksum = header.number(at: 14, bytes: 4)
        else { return nil }
        let member = ZipMember(
            name: name, checksum: UInt32(truncatingIfNeeded: checksum), packedCount: byteCount,
            byteCount: byteCount, offset: offset)
        guard header == ZipRecords.memberHeader(member), byteCount <= fileSize - offset - size
        else { return nil }
        return (member, offset + size + byteCount)
    }
}
