import Foundation

/// The bytes of an open file, seen without moving what reads it.
final class SoundBytes {
    /// The number of bytes.
    let count: Int

    private let descriptor: Int32
    private let spool: SoundSpool?

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - path: The file's path, or its name in errors.
    ///   - spool: Where the bytes are, if not at the path.
    /// - Throws: ``SignalError/unreadable(path:reason:)`` where the file cannot be read.
    init(path: String, spool: SoundSpool?) throws {
        self.spool = spool
        descriptor = spool?.descriptor ?? open(path, O_RDONLY | O_CLOEXEC)
        var status = stat()
        let isOpen = descriptor >= 0 && fstat(descriptor, &status) == 0
        count = Int(status.st_size)
        guard isOpen else {
            throw SignalError.unreadable(path: path, reason: String(cString: strerror(errno)))
        }
    }

    deinit {
        if spool == nil, descriptor >= 0 { close(descriptor) }
    }

    /// The last bytes.
    ///
    /// - Parameter length: How many to read.
    /// - Returns: The bytes; fewer where the file is shorter or cannot be read.
    func tail(_ length: Int) -> [UInt8] {
        let wanted = min(length, count)
        return read(from: count - wanted, count: wanted)
    }

    /// The first bytes.
    ///
    /// - Parameter length: How many to read.
    /// - Returns: The bytes; fewer where the file is shorter or cannot be read.
    func head(_ length: Int) -> [UInt8] {
        read(from: 0, count: min(length, count))
    }

    private func read(from offset: Int, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count {
                let got = pread(
                    descriptor, buffer.baseAddress.map { $0 + done }, count - done,
                    off_t(offset + done))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { break }
                done += got
            }
        }
    }
}
