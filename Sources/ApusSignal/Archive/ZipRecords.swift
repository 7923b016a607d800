/// One member of a ZIP archive, stored as it is.
package struct ZipMember: Equatable {
    /// The name's bytes.
    package var name: [UInt8]
    /// How the bytes are packed: 0 for as they are, 8 for deflated.
    package var method = 0
    /// The CRC-32 of the unpacked bytes.
    package var checksum: UInt32 = 0
    /// The number of bytes in the archive.
    package var packedCount = 0
    /// The number of unpacked bytes.
    package var byteCount = 0
    /// Where the member's own header begins.
    package var offset = 0
}

/// The records of a ZIP archive, with 64-bit sizes where 32 bits do not hold them.
///
/// A member's own header always has 64-bit sizes: it is written before its size is known. Times are
/// the format's first day, so that equal content gives equal bytes.
///
/// ## Reference
/// PKWARE, ".ZIP File Format Specification" (APPNOTE.TXT) 6.3.10, sections 4.3.7 to 4.3.16 and 4.5.3.
package enum ZipRecords {
    package static let memberSignature: UInt32 = 0x0403_4B50
    static let directorySignature: UInt32 = 0x0201_4B50
    static let endSignature: UInt32 = 0x0605_4B50
    static let wideEndSignature: UInt32 = 0x0606_4B50
    static let wideLocatorSignature: UInt32 = 0x0706_4B50
    /// The size of a member's header without its name and extra field.
    package static let memberHeaderSize = 30
    static let directoryHeaderSize = 46
    static let endSize = 22
    static let wideLocatorSize = 20
    static let wideEndSize = 56
    /// The extra field with 64-bit sizes.
    static let wideSizesTag = 1

    private static let versionWithWideSizes = 45
    private static let nameIsUTF8 = 1 << 11
    /// 1980-01-01.
    private static let firstDay = 0x0021
    private static let wide = Int(UInt32.max)

    /// The header before a member's bytes.
    static func memberHeader(_ member: ZipMember) -> [UInt8] {
        bytes(Int(memberSignature), 4) + bytes(versionWithWideSizes, 2) + bytes(nameIsUTF8, 2)
            + bytes(member.method, 2) + bytes(0, 2) + bytes(firstDay, 2)
            + bytes(Int(member.checksum), 4) + bytes(wide, 4) + bytes(wide, 4)
            + bytes(member.name.count, 2) + bytes(20, 2) + member.name
            + bytes(wideSizesTag, 2) + bytes(16, 2) + bytes(member.byteCount, 8)
            + bytes(member.packedCount, 8)
    }

    /// What follows the last member: the list of all members, and where it lies.
    static func directory(of members: [ZipMember], at offset: Int) -> [UInt8] {
        var directory = members.flatMap(directoryHeader)
        let size = directory.count
        if members.count >= 0xFFFF || offset + size >= wide {
            directory +=
                bytes(Int(wideEndSignature), 4) + bytes(wideEndSize - 12, 8)
                + bytes(versionWithWideSizes, 2) + bytes(versionWithWideSizes, 2) + bytes(0, 8)
                + bytes(members.count, 8) + bytes(members.count, 8) + bytes(size, 8)
                + bytes(offset, 8)
                + bytes(Int(wideLocatorSignature), 4) + bytes(0, 4) + bytes(offset + size, 8)
                + bytes(1, 4)
        }
        let count = min(members.count, 0xFFFF)
        return directory + bytes(Int(endSignature), 4) + bytes(0, 4) + bytes(count, 2)
            + bytes(count, 2) + bytes(min(size, wide), 4) + bytes(min(offset, wide), 4)
            + bytes(0, 2)
    }

    private static func directoryHeader(_ member: ZipMember) -> [UInt8] {
        let wideFields = [member.byteCount, member.packedCount, member.offset]
            .filter { $0 >= wide }
        let extra =
            wideFields.isEmpty
            ? []
            : bytes(wideSizesTag, 2) + bytes(8 * wideFields.count, 2)
                + wideFields.flatMap { bytes($0, 8) }
        return bytes(Int(directorySignature), 4) + bytes(versionWithWideSizes, 2)
            + bytes(versionWithWideSizes, 2) + bytes(nameIsUTF8, 2) + bytes(member.method, 2)
            + bytes(0, 2) + bytes(firstDay, 2) + bytes(Int(member.checksum), 4)
            + bytes(min(member.packedCount, wide), 4) + bytes(min(member.byteCount, wide), 4)
            + bytes(member.name.count, 2) + bytes(extra.count, 2) + bytes(0, 2) + bytes(0, 2)
            + bytes(0, 2) + bytes(0, 4) + bytes(min(member.offset, wide), 4) + member.name + extra
    }

    private static func bytes(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}

/// Numbers in bytes, lowest byte first.
extension Array<UInt8> {
    /// The number at a place, or nil where the bytes end before.
    package func number(at offset: Int, bytes count: Int) -> Int? {
        guard offset >= 0, offset <= self.count - count else { return nil }
        let value = self[offset..<(offset + count)].reversed().reduce(UInt64(0)) {
            $0 << 8 | UInt64($1)
        }
        return Int(exactly: value)
    }
}
