import Foundation

/// The bytes of a file, some MB at a time.
///
/// Several threads may read at once.
final class FileBlocks: Sendable {
    let path: String
    /// The number of bytes in the file.
    let byteCount: Int

    private let descriptor: Int32
    /// What came through a pipe, in which one can't go back.
    private let piped: [UInt8]?

    /// Opens a file; a pipe is read to its end.
    ///
    /// - Throws: `CorpusError.unreadable`.
    init(path: String) throws(CorpusError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        var status = stat()
        let isOpen = descriptor >= 0 && fstat(descriptor, &status) == 0
        let kind = status.st_mode & S_IFMT
        piped =
            isOpen && kind != S_IFREG && kind != S_IFDIR
            ? (try? FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).readToEnd())
                .map { [UInt8]($0) } ?? [] : nil
        byteCount = piped?.count ?? Int(status.st_size)
        guard isOpen, status.st_mode & S_IFMT != S_IFDIR else {
            let code = errno
            throw .unreadable(
                path: path,
                reason: isOpen
                    ? "it is a folder"
                    : code == ENOENT || code == ENOTDIR
                        ? "no such file or folder" : String(cString: strerror(code)))
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Reads a stretch of the file.
    ///
    /// - Returns: The bytes; fewer at the file's end.
    /// - Throws: `CorpusError.unreadable`.
    func read(_ range: Range<Int>) throws(CorpusError) -> [UInt8] {
        if let piped { return Array(piped[range.clamped(to: piped.indices)]) }
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, done in
            while done < range.count, let base = buffer.baseAddress {
                let got = pread(
                    descriptor, base + done, range.count - done, off_t(range.lowerBound + done))
                if got < 0, errno == EINTR { continue }
                if got < 0 { code = errno }
                guard got > 0 else { break }
                done += got
            }
        }
        if code != 0 { throw .unreadable(path: path, reason: String(cString: strerror(code))) }
        return bytes
    }

    /// The stretch from a place on that has about so many bytes and ends with a line.
    ///
    /// - Returns: Nil at the end of the file.
    /// - Throws: `CorpusError.unreadable`.
    func block(from start: Int, byteCount wanted: Int) throws(CorpusError) -> Range<Int>? {
        guard start < byteCount else { return nil }
        var end = min(start + wanted, byteCount)
        while end < byteCount {
            let piece = try read((end - 1)..<min(end - 1 + 4096, byteCount))
            if piece.isEmpty { break }
            if let newline = piece.firstIndex(of: 0x0A) { return start..<(end + newline) }
            end += piece.count
        }
        return start..<min(end, byteCount)
    }
}
