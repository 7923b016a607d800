import Foundation

/// A file that is read from a place on, byte by byte or in arrays.
///
/// Arrays grow with what the file holds, so that a count that lies costs no more memory than the
/// file has bytes. An instance is used by one task at a time.
package final class InputFile {
    /// The path as it was given.
    package let path: String
    /// The place of the next byte.
    private(set) var offset = 0

    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)
    private var filled = 0..<0

    package init(path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            throw code == ENOENT || code == ENOTDIR
                ? SignalError.missingFile(path: path)
                : SignalError.unreadable(path: path, reason: String(cString: strerror(code)))
        }
    }

    deinit {
        close(descriptor)
    }

    /// The number of bytes in the file.
    package func byteCount() throws -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure() }
        return Int(status.st_size)
    }

    /// Moves to a place, which may lie behind the end.
    package func seek(to offset: Int) throws {
        guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { throw failure() }
        self.offset = offset
        filled = 0..<0
    }

    /// The next byte, which stays the next; nil at the end.
    func peek() throws -> UInt8? {
        if filled.isEmpty { try fill() }
        return filled.isEmpty ? nil : buffer[filled.lowerBound]
    }

    /// The next byte, or nil at the end.
    func next() throws -> UInt8? {
        guard let byte = try peek() else { return nil }
        filled = filled.dropFirst()
        offset += 1
        return byte
    }

    /// The next bytes, or nil where the file ends before.
    package func bytes(_ count: Int) throws -> [UInt8]? {
        try array(count, of: UInt8.self) { $0 }
    }

    /// The next numbers, stored lowest byte first, each made into an element.
    ///
    /// - Returns: `count` elements, or nil where the file ends before.
    func array<Stored: FixedWidthInteger, Element>(
        _ count: Int, of type: Stored.Type, _ element: (Stored) -> Element
    ) throws -> [Element]? {
        let size = MemoryLayout<Stored>.size
        var elements: [Element] = []
        elements.reserveCapacity(min(count, 1 << 20))
        while elements.count < count {
            while filled.count < size {
                let before = filled.count
                try fill()
                if filled.count == before { return nil }
            }
            let whole = min(filled.count / size, count - elements.count)
            buffer.withUnsafeBytes { bytes in
                for index in 0..<whole {
                    let stored = bytes.loadUnaligned(
                        fromByteOffset: filled.lowerBound + index * size, as: Stored.self)
                    elements.append(element(Stored(littleEndian: stored)))
                }
            }
            filled = filled.dropFirst(whole * size)
            offset += whole * size
        }
        return elements
    }

    /// Brings what is left to the buffer's start, and more of the file behind it.
    private func fill() throws {
        let rest = filled.count
        buffer.withUnsafeMutableBytes { bytes in
            if let base = bytes.baseAddress { memmove(base, base + filled.lowerBound, rest) }
        }
        filled = 0..<rest
        let room = buffer.count - rest
        let got = buffer.withUnsafeMutableBytes { bytes in
            while true {
                let got = read(descriptor, bytes.baseAddress.map { $0 + rest }, room)
                if got < 0, errno == EINTR { continue }
                return got
            }
        }
        guard got >= 0 else { throw failure() }
        filled = 0..<(rest + got)
    }

    private func failure() -> SignalError {
        .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
}
