import Foundation

/// Bytes that are read at any place: those of a file, of a stretch of one, or in memory.
final class SoundBytes {
    /// The number of bytes.
    let count: Int
    /// The system's error number of the first read that failed, or 0.
    private(set) var failureCode: Int32 = 0

    private enum Storage {
        /// The bytes of a descriptor from a place on; a spool's stays open.
        case file(Int32, first: Int, spool: SoundSpool?)
        case memory([UInt8])
    }
    private let storage: Storage

    /// Opens a file, or the stretch of one that an address names.
    ///
    /// - Parameter path: The path, or the address of a ``FileRange``.
    /// - Throws: ``SignalError/unreadable(path:reason:)`` where the file cannot be read, or ends before
    ///   the range does.
    init(path: String) throws {
        let range = FileRange(path)
        let descriptor = open(range?.path ?? path, O_RDONLY | O_CLOEXEC)
        var status = stat()
        let isOpen = descriptor >= 0 && fstat(descriptor, &status) == 0
        storage = .file(descriptor, first: range?.offset ?? 0, spool: nil)
        count = range?.count ?? Int(status.st_size)
        guard isOpen else {
            throw SignalError.unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        if let range, range.offset > Int(status.st_size) - range.count {
            throw SignalError.unreadable(
                path: path,
                reason: "the file has \(status.st_size) bytes and ends before the range does")
        }
    }

    /// What came through a pipe.
    ///
    /// - Parameters:
    ///   - spool: Where it is.
    ///   - name: What errors call it.
    /// - Throws: ``SignalError/unreadable(path:reason:)``.
    init(spool: SoundSpool, name: String) throws {
        var status = stat()
        guard fstat(spool.descriptor, &status) == 0 else {
            throw SignalError.unreadable(path: name, reason: String(cString: strerror(errno)))
        }
        storage = .file(spool.descriptor, first: 0, spool: spool)
        count = Int(status.st_size)
    }

    /// Bytes in memory.
    ///
    /// - Parameter bytes: The bytes.
    init(_ bytes: [UInt8]) {
        storage = .memory(bytes)
        count = bytes.count
    }

    deinit {
        if case .file(let descriptor, _, nil) = storage, descriptor >= 0 { close(descriptor) }
    }

    /// The last bytes.
    ///
    /// - Parameter length: How many to read.
    /// - Returns: The bytes; fewer where the file is shorter or cannot be read.
    func tail(_ length: Int) -> [UInt8] {
        let wanted = min(length, count)
        return bytes(from: count - wanted, count: wanted)
    }

    /// The first bytes.
    ///
    /// - Parameter length: How many to read.
    /// - Returns: The bytes; fewer where the file is shorter or cannot be read.
    func head(_ length: Int) -> [UInt8] {
        bytes(from: 0, count: min(length, count))
    }

    private func bytes(from offset: Int, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            done = read(into: UnsafeMutableRawBufferPointer(buffer), from: offset)
        }
    }

    /// Reads bytes.
    ///
    /// - Parameters:
    ///   - buffer: Where they go; as many as it holds are read.
    ///   - offset: The first one's place.
    /// - Returns: How many were read: fewer at the end, and where reading fails.
    func read(into buffer: UnsafeMutableRawBufferPointer, from offset: Int) -> Int {
        let wanted = max(0, min(buffer.count, count - offset))
        guard let base = buffer.baseAddress, wanted > 0, offset >= 0 else { return 0 }
        switch storage {
        case .memory(let bytes):
            bytes.withUnsafeBytes { bytes in
                if let first = bytes.baseAddress { memcpy(base, first + offset, wanted) }
            }
            return wanted
        case .file(let descriptor, let first, _):
            var done = 0
            while done < wanted {
                let got = pread(
                    descriptor, base + done, wanted - done, off_t(first + offset + done))
                if got < 0, errno == EINTR { continue }
                if got < 0, failureCode == 0 { failureCode = errno }
                guard got > 0 else { break }
                done += got
            }
            return done
        }
    }
}
