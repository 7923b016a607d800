import CZlib
import Foundation

/// Reads arrays of 32-bit floats from a `.npz` archive, stored or deflated.
///
/// ## Reference
/// NumPy's `savez` and `savez_compressed`; PKWARE, ".ZIP File Format Specification" (APPNOTE.TXT)
/// 6.3.10; P. Deutsch, "DEFLATE Compressed Data Format Specification", RFC 1951, 1996, by zlib.
public struct NumPyArchive: Sendable {
    /// The archive's path.
    public let path: String
    /// The names of the arrays, in the order of the archive's list.
    public let names: [String]

    private let members: [String: ZipMember]

    /// Reads the list of an archive.
    ///
    /// - Parameter path: The archive's path.
    /// - Throws: ``SignalError`` where the file is missing, unreadable, or no whole ZIP archive.
    public init(contentsOf path: String) throws {
        self.path = path
        try SoundFile.checkBytes(path)
        let input = try InputFile(path: path)
        var names: [String] = []
        var members: [String: ZipMember] = [:]
        for member in try ZipDirectory.members(of: input) {
            var name = String(decoding: member.name, as: UTF8.self)
            if name.hasSuffix(".npy") { name.removeLast(4) }
            if members.updateValue(member, forKey: name) == nil { names.append(name) }
        }
        self.names = names
        self.members = members
    }

    /// Reads an array.
    ///
    /// - Parameter name: The array's name, one of ``names``.
    /// - Returns: The array.
    /// - Throws: ``SignalError/noSuchKey(path:key:)``,
    ///   ``SignalError/malformedArchive(path:key:reason:)`` where the archive is damaged,
    ///   ``SignalError/notNumPy(path:reason:)`` where the array holds no 32-bit floats.
    public func read(_ name: String) throws -> NumPyArray {
        guard let member = members[name] else {
            throw SignalError.noSuchKey(path: path, key: name)
        }
        func damaged(_ reason: String) -> SignalError {
            .malformedArchive(path: path, key: name, reason: reason)
        }
        let input = try InputFile(path: path)
        try input.seek(to: member.offset)
        guard let header = try input.bytes(ZipRecords.memberHeaderSize),
            header.number(at: 0, bytes: 4) == Int(ZipRecords.memberSignature),
            let nameLength = header.number(at: 26, bytes: 2),
            let extraLength = header.number(at: 28, bytes: 2)
        else { throw damaged("its header is not where the list says") }
        try input.seek(
            to: member.offset + ZipRecords.memberHeaderSize + nameLength + extraLength)
        guard let packed = try input.bytes(member.packedCount) else {
            throw damaged("the file ends within it")
        }
        let data: [UInt8]
        switch member.method {
        case 0: data = packed
        case 8:
            guard let unpacked = inflated(packed, byteCount: member.byteCount) else {
                throw damaged("its deflated bytes are damaged")
            }
            data = unpacked
        default: throw damaged("packed by method \(member.method); expected stored or deflated")
        }
        let checksum = data.withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, $0.count) }
        guard data.count == member.byteCount, checksum == UInt(member.checksum) else {
            throw damaged("its checksum is another")
        }
        return try NumPyFile.array(from: data, path: "\(path): record '\(name)'")
    }
}

/// Unpacks deflated bytes.
///
/// - Parameters:
///   - packed: The bytes, without a header of zlib's.
///   - byteCount: How many bytes they unpack to; memory grows only with what comes out.
/// - Returns: The bytes, or nil where they are not what they should be.
private func inflated(_ packed: [UInt8], byteCount: Int) -> [UInt8]? {
    var stream = z_stream()
    // A negative number of window bits says that there is no header.
    guard
        inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { inflateEnd(&stream) }
    var unpacked: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 18)
    var input = packed
    return input.withUnsafeMutableBufferPointer { source in
        var taken = 0
        while true {
            // zlib counts in 32 bits.
            let offered = min(source.count - taken, 1 << 30)
            stream.next_in = source.baseAddress.map { $0 + taken }
            stream.avail_in = UInt32(offered)
            let (status, made) = block.withUnsafeMutableBufferPointer { target in
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                let status = inflate(&stream, Z_NO_FLUSH)
                return (status, target.count - Int(stream.avail_out))
            }
            taken += offered - Int(stream.avail_in)
            unpacked.append(contentsOf: block[..<made])
            if status == Z_STREAM_END { return unpacked.count == byteCount ? unpacked : nil }
            guard status == Z_OK, unpacked.count <= byteCount else { return nil }
        }
    }
}
