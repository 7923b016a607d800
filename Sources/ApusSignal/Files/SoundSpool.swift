import Foundation

/// A temporary file without a name that holds what came through a pipe.
///
/// Decoders go back and forth in a file, which a pipe does not let them do. Where the descriptor is a
/// file's, as after `< file`, that is used itself.
final class SoundSpool {
    /// The open file, at its start.
    let descriptor: Int32

    /// Reads a pipe to its end.
    ///
    /// - Parameters:
    ///   - input: The descriptor to read from; it stays open.
    ///   - name: What errors call it.
    ///   - head: What was read from it before.
    /// - Throws: ``SignalError/emptyFile(path:)`` where nothing came,
    ///   ``SignalError/unreadable(path:reason:)`` where reading fails, and
    ///   ``SignalError/cannotWrite(path:reason:)`` where the temporary folder has no room.
    init(readingToEndOf input: Int32, name: String, after head: [UInt8] = []) throws {
        let folder = FileManager.default.temporaryDirectory.path
        func unreadable() -> SignalError {
            .unreadable(path: name, reason: String(cString: strerror(errno)))
        }
        func noRoom(_ code: Int32) -> SignalError {
            .cannotWrite(
                path: folder,
                reason: "what comes from \(name) is kept there: \(String(cString: strerror(code)))")
        }
        var status = stat()
        if fstat(input, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            lseek(input, 0, SEEK_CUR) == 0
        {
            descriptor = fcntl(input, F_DUPFD_CLOEXEC, 0)
            guard descriptor >= 0 else { throw unreadable() }
            guard status.st_size > 0 else { throw SignalError.emptyFile(path: name) }
            return
        }

        let temporary = "\(folder)/apus-\(UUID().uuidString)"
        descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw noRoom(errno) }
        unlink(temporary)

        var total = 0
        var block = [UInt8](repeating: 0, count: 1 << 16)
        var rest = head[...]
        while true {
            var count = rest.prefix(block.count).count
            if count > 0 {
                block.replaceSubrange(0..<count, with: rest.prefix(count))
                rest = rest.dropFirst(count)
            } else {
                count = read(input, &block, block.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable() }
            if count == 0 { break }
            var done = 0
            while done < count {
                let written = block.withUnsafeBytes {
                    write(descriptor, $0.baseAddress.map { $0 + done }, count - done)
                }
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw noRoom(written < 0 ? errno : ENOSPC) }
                done += written
            }
            total += count
        }
        guard total > 0 else { throw SignalError.emptyFile(path: name) }
        lseek(descriptor, 0, SEEK_SET)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }
}
