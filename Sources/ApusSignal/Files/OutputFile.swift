import Foundation

/// A file that bytes are added to: a new one under a temporary name, or one that goes on.
///
/// What fails leaves the file as it was before the failing step, so that a full disk costs only what
/// did not fit. An instance is used by one task at a time.
package final class OutputFile {
    /// The path that the file has, or will have once it is committed.
    package let path: String
    /// The number of bytes in the file.
    package private(set) var byteCount = 0

    let descriptor: Int32
    private var temporaryPath: String?

    /// Begins a new file under a temporary name in the same folder.
    ///
    /// The file takes its path with ``commit()``; without that nothing is left of it.
    ///
    /// - Parameter path: The path; its folder must exist.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    package init(replacing path: String) throws {
        self.path = path
        let url = URL(fileURLWithPath: path)
        let suffix = String(UInt64.random(in: .min ... .max), radix: 36)
        // A name may have 255 bytes, of which the path's own may take all.
        let name = url.lastPathComponent.utf8.prefix(200)
        let temporary =
            url.deletingLastPathComponent().path
            + "/.\(String(decoding: name, as: UTF8.self)).\(suffix).tmp"
        descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw OutputFile.failure(path) }
        temporaryPath = temporary
    }

    /// Goes on with a file, which is made where it is missing.
    ///
    /// - Parameters:
    ///   - path: The path; its folder must exist.
    ///   - byteCount: Where to go on: what follows in the file is cut off; nil for its end.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``, also where the file is shorter than that
    ///   or another process is writing it.
    package init(continuing path: String, at byteCount: Int? = nil) throws {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw OutputFile.failure(path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw SignalError.cannotWrite(path: path, reason: "another process is writing it")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw OutputFile.failure(path) }
        self.byteCount = Int(status.st_size)
        guard let byteCount else { return }
        guard self.byteCount >= byteCount else {
            throw SignalError.cannotWrite(
                path: path, reason: "it has \(self.byteCount) bytes, expected \(byteCount) or more")
        }
        try truncate(to: byteCount)
    }

    deinit {
        close(descriptor)
        if let temporaryPath { unlink(temporaryPath) }
    }

    /// Adds bytes at the end.
    ///
    /// - Parameter bytes: The bytes.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``; the file then ends where it did.
    package func append(_ bytes: UnsafeRawBufferPointer) throws {
        do {
            try put(bytes, at: byteCount)
        } catch {
            // What was written of the bytes would be taken for content.
            _ = ftruncate(descriptor, off_t(byteCount))
            throw error
        }
        byteCount += bytes.count
    }

    /// Adds bytes at the end.
    ///
    /// - Parameter bytes: The bytes.
    /// - Throws: As ``append(_:)-(UnsafeRawBufferPointer)``.
    package func append(_ bytes: some Collection<UInt8>) throws {
        try Array(bytes).withUnsafeBytes { try append($0) }
    }

    /// Adds numbers at the end, lowest byte first.
    ///
    /// - Parameter values: The numbers.
    /// - Throws: As ``append(_:)-(UnsafeRawBufferPointer)``.
    package func append(littleEndian values: [Float]) throws {
        // Every processor that Swift supports on Linux has this order already.
        precondition(UInt32(1).littleEndian == 1, "a processor with the lowest byte first")
        try values.withUnsafeBytes { try append($0) }
    }

    /// Writes over bytes that are in the file.
    ///
    /// - Parameters:
    ///   - bytes: The new bytes.
    ///   - offset: Where they go.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    package func overwrite(_ bytes: [UInt8], at offset: Int) throws {
        precondition(offset + bytes.count <= byteCount, "only what is there is written over")
        try bytes.withUnsafeBytes { try put($0, at: offset) }
    }

    /// Cuts the file's end off.
    ///
    /// - Parameter byteCount: The number of bytes that are left.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    package func truncate(to byteCount: Int) throws {
        precondition(byteCount <= self.byteCount, "a file is not made longer")
        guard ftruncate(descriptor, off_t(byteCount)) == 0 else { throw OutputFile.failure(path) }
        self.byteCount = byteCount
    }

    /// Waits until all that was written is on the disk.
    ///
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    package func synchronize() throws {
        guard fsync(descriptor) == 0 else { throw OutputFile.failure(path) }
    }

    /// Syncs a new file and gives it its path, in the place of what had it.
    ///
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``; nothing is left of the file then.
    package func commit() throws {
        guard let temporary = temporaryPath else { return try synchronize() }
        try synchronize()
        guard rename(temporary, path) == 0 else { throw OutputFile.failure(path) }
        temporaryPath = nil
        OutputFile.synchronizeFolder(of: path)
    }

    /// Waits until a new name is on the disk with its folder; not every file system offers that.
    ///
    /// - Parameter path: The path with the new name.
    package static func synchronizeFolder(of path: String) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while let base = bytes.baseAddress, done < bytes.count {
            let written = pwrite(
                descriptor, base + done, bytes.count - done, off_t(offset + done))
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw OutputFile.failure(path) }
            done += written
        }
    }

    private static func failure(_ path: String) -> SignalError {
        .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
}
