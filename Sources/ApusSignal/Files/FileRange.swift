/// A stretch of a file's bytes, such as a member of a tar archive.
///
/// Its address is the file's path with HTTP's byte range behind `#`: `shards/apus-000000.tar#bytes=1536-49746`
/// is the 48211 bytes from byte 1536 on. Wherever Apus opens a recording by its path, it takes such an
/// address too.
///
/// ## Reference
/// Fielding, Nottingham and Reschke, HTTP Semantics, RFC 9110, section 14.1.2: first and last byte,
/// both counted from 0 and both included.
public struct FileRange: Hashable, Sendable {
    /// The file's path.
    public var path: String
    /// The first byte.
    public var offset: Int
    /// The number of bytes.
    public var count: Int

    private static let mark = "#bytes="

    /// A stretch of a file.
    ///
    /// - Parameters:
    ///   - path: The file's path.
    ///   - offset: The first byte.
    ///   - count: The number of bytes.
    /// - Precondition: The offset is 0 or more, and there is a byte at least.
    public init(path: String, offset: Int, count: Int) {
        precondition(offset >= 0 && count > 0, "a range of bytes has a first and a last byte")
        (self.path, self.offset, self.count) = (path, offset, count)
    }

    /// Reads an address; nil for a path without a range.
    ///
    /// - Parameter address: A path, with a range of bytes or without.
    public init?(_ address: String) {
        var bytes = address.utf8[...]
        func number() -> Int? {
            let digits = bytes.suffix(while: { (0x30...0x39).contains($0) })
            bytes = bytes[..<digits.startIndex]
            return Int(Substring(digits))
        }
        guard let last = number(), bytes.popLast() == UInt8(ascii: "-"), let first = number(),
            first <= last, last < Int.max, bytes.reversed().starts(with: Self.mark.utf8.reversed())
        else { return nil }
        path = String(Substring(bytes.dropLast(Self.mark.utf8.count)))
        (offset, count) = (first, last - first + 1)
        if path.isEmpty { return nil }
    }

    /// The path of the file that an address is of, without a range of bytes.
    ///
    /// - Parameter address: A path, with a range of bytes or without.
    /// - Returns: The path.
    public static func filePath(of address: String) -> String {
        FileRange(address)?.path ?? address
    }
}

extension FileRange: CustomStringConvertible {
    /// The address.
    public var description: String { "\(path)\(Self.mark)\(offset)-\(offset + count - 1)" }
}

extension BidirectionalCollection {
    /// The longest end of which every element is as asked.
    fileprivate func suffix(while holds: (Element) -> Bool) -> SubSequence {
        var start = endIndex
        while start > startIndex, holds(self[index(before: start)]) { start = index(before: start) }
        return self[start...]
    }
}
