import ApusSignal
import Foundation

/// A file in a tar archive.
struct TarMember: Equatable {
    /// The name, with `/` between its parts; none of them is empty, `.` or `..`.
    var name: String
    /// Where its bytes begin in the archive.
    var offset: Int
    /// The number of its bytes.
    var byteCount: Int
}

/// Reads the files of a tar archive one after another: ustar, pax and GNU's.
///
/// From a file, no more than headers is read unless content is asked for; a stream is read as it comes.
/// Nothing is ever unpacked: folders, links and devices are passed over, and a name that leaves the archive
/// is a fault. An instance is used by one task at a time.
final class TarReader {
    /// The path, or another name of what is read.
    let name: String

    private let descriptor: Int32
    private let isStream: Bool
    private let isOwned: Bool
    /// The file's size; nil of a stream.
    private let fileByteCount: Int?
    /// Where the next byte lies.
    private var position = 0
    /// Where the next header lies.
    private var nextHeader = 0
    /// The first bytes of a stream, where they were read already.
    private var pushedBack: [UInt8]
    private var isAtEnd = false
    private var current: TarMember?

    /// Names and attributes beyond this are a fault (bytes).
    private static let largestAttributes = 1 << 20

    /// Opens an archive.
    ///
    /// - Throws: `SignalError.missingFile`, `.unreadable` and `.emptyFile`.
    init(path: String) throws {
        name = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        (isOwned, pushedBack) = (true, [])
        var status = stat()
        let isOpen = descriptor >= 0 && fstat(descriptor, &status) == 0
        isStream = status.st_mode & S_IFMT == S_IFIFO
        fileByteCount = isStream ? nil : Int(status.st_size)
        guard isOpen else {
            let code = errno
            throw code == ENOENT || code == ENOTDIR
                ? SignalError.missingFile(path: path)
                : SignalError.unreadable(path: path, reason: String(cString: strerror(code)))
        }
        if !isStream, status.st_size == 0 { throw SignalError.emptyFile(path: path) }
    }

    /// Reads an archive from a pipe.
    ///
    /// - Parameters:
    ///   - stream: The descriptor; it stays open.
    ///   - name: What errors call it.
    ///   - head: Bytes that were read from it already.
    init(stream: Int32, name: String, after head: [UInt8] = []) {
        self.name = name
        (descriptor, isStream, isOwned) = (stream, true, false)
        (fileByteCount, pushedBack) = (nil, head)
    }

    deinit {
        if isOwned, descriptor >= 0 { close(descriptor) }
    }

    /// Moves to the next file.
    ///
    /// - Returns: Nil after the last.
    /// - Throws: `CorpusError.malformedShard` with the place of what is wrong, `SignalError.unreadable`.
    func next() throws -> TarMember? {
        var longName: [UInt8]?
        var attributes: [String: [UInt8]] = [:]
        current = nil
        while !isAtEnd {
            let headerOffset = nextHeader
            try move(to: headerOffset)
            let block = try read(TarHeader.blockSize)
            if block.isEmpty, headerOffset > 0 {
                throw fault(headerOffset, "ends without the blocks of zeros that end an archive")
            }
            guard block.count == TarHeader.blockSize else {
                throw fault(
                    headerOffset, "ends within a header: \(block.count) of 512 bytes are there")
            }
            if block.allSatisfy({ $0 == 0 }) {
                isAtEnd = true
                break
            }
            let header: TarHeader
            do throws(TarHeader.Fault) {
                header = try TarHeader(block)
            } catch {
                throw fault(headerOffset, error.reason)
            }
            var byteCount = header.byteCount
            let content = headerOffset + TarHeader.blockSize
            if header.kind == .file, let size = attributes["size"] {
                guard let number = Int(String(decoding: size, as: UTF8.self)), number >= 0 else {
                    throw fault(headerOffset, "has a size that is no number")
                }
                byteCount = number
            }
            try requireRoom(byteCount, at: headerOffset, content: content)
            nextHeader = content + padded(byteCount)
            switch header.kind {
            case .attributes:
                attributes.merge(try readAttributes(byteCount, at: headerOffset)) { $1 }
            case .longName:
                let bytes = try readSmall(byteCount, at: headerOffset)
                longName = Array(bytes.prefix { $0 != 0 })
            case .longLink, .globalAttributes: break
            case .unsupported(let letter):
                throw fault(
                    headerOffset,
                    "is of the type '\(UnicodeScalar(letter))', which isn't read here")
            case .other:
                (longName, attributes) = (nil, [:])
            case .file:
                let member = TarMember(
                    name: try checkedName(
                        attributes["path"] ?? longName ?? header.name, at: headerOffset),
                    offset: content, byteCount: byteCount)
                current = member
                return member
            }
        }
        guard longName == nil, attributes.isEmpty else {
            throw fault(nextHeader, "ends after the name of a member that isn't there")
        }
        return nil
    }

    /// Reads the bytes of the file that ``next()`` gave last, once.
    ///
    /// - Throws: As ``next()``.
    func content() throws -> [UInt8] {
        guard let member = current else { preconditionFailure("next() gave a file") }
        current = nil
        try move(to: member.offset)
        let bytes = try read(member.byteCount)
        guard bytes.count == member.byteCount else {
            throw fault(
                member.offset,
                "ends within '\(member.name)': \(bytes.count) of \(member.byteCount) bytes are there"
            )
        }
        return bytes
    }

    // MARK: - Parts of a member

    private func padded(_ count: Int) -> Int {
        (count + TarHeader.blockSize - 1) / TarHeader.blockSize * TarHeader.blockSize
    }

    private func requireRoom(_ byteCount: Int, at headerOffset: Int, content: Int) throws {
        guard byteCount <= Int.max / 2 - content else {
            throw fault(headerOffset, "has a size of \(byteCount) bytes")
        }
        if let fileByteCount, byteCount > fileByteCount - content {
            throw fault(
                headerOffset,
                "has a size of \(byteCount) bytes, of which \(max(0, fileByteCount - content)) are there"
            )
        }
    }

    private func readSmall(_ byteCount: Int, at headerOffset: Int) throws -> [UInt8] {
        guard byteCount <= Self.largestAttributes else {
            throw fault(headerOffset, "has a name or attributes of \(byteCount) bytes")
        }
        let bytes = try read(byteCount)
        guard bytes.count == byteCount else {
            throw fault(headerOffset, "ends within a name or attributes")
        }
        return bytes
    }

    /// Pax's records: `LENGTH KEY=VALUE` and a line's end, of LENGTH bytes in all.
    private func readAttributes(
        _ byteCount: Int, at headerOffset: Int
    ) throws -> [String: [UInt8]] {
        var rest = try readSmall(byteCount, at: headerOffset)[...]
        var attributes: [String: [UInt8]] = [:]
        while !rest.isEmpty {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard let length = Int(String(decoding: digits, as: UTF8.self)),
                length <= rest.count, length > digits.count + 1,
                rest[digits.endIndex] == 0x20
            else { throw fault(headerOffset, "has attributes whose lengths don't fit") }
            let record = rest.prefix(length)
            guard record.last == 0x0A,
                let equals = record.firstIndex(of: UInt8(ascii: "="))
            else { throw fault(headerOffset, "has attributes that aren't KEY=VALUE") }
            let key = String(decoding: record[(digits.endIndex + 1)..<equals], as: UTF8.self)
            attributes[key] = Array(record[(equals + 1)...].dropLast())
            rest = rest.dropFirst(length)
        }
        if attributes.keys.contains(where: { $0.hasPrefix("GNU.sparse") }) {
            throw fault(headerOffset, "is a file with holes, which isn't read here")
        }
        return attributes
    }

    /// A name that stays within the archive.
    private func checkedName(_ bytes: [UInt8], at headerOffset: Int) throws -> String {
        guard let name = String(validating: bytes, as: UTF8.self), !name.isEmpty else {
            throw fault(headerOffset, "has a name that is empty or not UTF-8")
        }
        guard !name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            throw fault(headerOffset, "has a name with control characters")
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
            .drop { $0 == "." }
        guard !parts.isEmpty, parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
            throw fault(headerOffset, "has the name '\(name)', which leaves the archive")
        }
        return parts.joined(separator: "/")
    }

    private func fault(_ offset: Int, _ reason: String) -> CorpusError {
        .malformedShard(path: name, offset: offset, reason: reason)
    }

    // MARK: - Bytes

    private func move(to offset: Int) throws {
        guard isStream else {
            position = offset
            return
        }
        precondition(offset >= position, "a stream goes on")
        while position < offset {
            let got = try read(min(offset - position, 1 << 20))
            if got.isEmpty {
                throw fault(
                    position, "ends \(offset - position) bytes before the end of a member")
            }
        }
    }

    /// Reads bytes, fewer only at the end; what is reserved grows with what comes.
    private func read(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        if isStream, !pushedBack.isEmpty {
            bytes = Array(pushedBack.prefix(count))
            pushedBack.removeFirst(bytes.count)
            position += bytes.count
        }
        while bytes.count < count {
            let wanted = min(count - bytes.count, max(1 << 20, bytes.count))
            var code: Int32 = 0
            let piece = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, done in
                while true {
                    let got =
                        isStream
                        ? Foundation.read(descriptor, buffer.baseAddress, wanted)
                        : pread(descriptor, buffer.baseAddress, wanted, off_t(position))
                    if got < 0, errno == EINTR { continue }
                    if got < 0 { code = errno }
                    done = max(0, got)
                    return
                }
            }
            guard code == 0 else {
                throw SignalError.unreadable(path: name, reason: String(cString: strerror(code)))
            }
            if piece.isEmpty { break }
            position += piece.count
            bytes = bytes.isEmpty ? piece : bytes + piece
        }
        return bytes
    }
}
