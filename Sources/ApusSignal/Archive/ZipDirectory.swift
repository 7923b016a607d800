/// The list of members at the end of a ZIP archive.
package enum ZipDirectory {
    /// Reads the list.
    ///
    /// - Parameters:
    ///   - input: The archive.
    ///   - largestSize: The most bytes that the list may have.
    /// - Returns: Every member, in the order of the list.
    /// - Throws: ``SignalError/malformedArchive(path:key:reason:)`` where there is none, or where it
    ///   does not fit the file.
    package static func members(
        of input: InputFile, largestSize: Int = .max
    ) throws -> [ZipMember] {
        func wrong(_ reason: String) -> SignalError {
            .malformedArchive(path: input.path, key: nil, reason: reason)
        }
        let fileSize = try input.byteCount()
        guard let end = try endRecord(of: input, fileSize: fileSize) else {
            throw wrong("not a ZIP archive, or cut off: its end has no list of members")
        }
        guard end.size <= fileSize, end.offset <= fileSize - end.size else {
            throw wrong("its list of members lies outside of the file")
        }
        guard end.size <= largestSize else { throw wrong("its list has \(end.size) bytes") }
        try input.seek(to: end.offset)
        guard let list = try input.bytes(end.size) else { throw wrong("its list is cut off") }
        var members: [ZipMember] = []
        var place = 0
        for _ in 0..<end.count {
            guard let (member, size) = member(in: list, at: place) else {
                throw wrong("its list of \(end.count) members breaks off after \(members.count)")
            }
            guard member.offset <= fileSize, member.packedCount <= fileSize - member.offset else {
                throw SignalError.malformedArchive(
                    path: input.path, key: String(decoding: member.name, as: UTF8.self),
                    reason: "it lies outside of the file")
            }
            members.append(member)
            place += size
        }
        return members
    }

    /// Where the list lies and how many members it has.
    private static func endRecord(
        of input: InputFile, fileSize: Int
    ) throws -> (count: Int, size: Int, offset: Int)? {
        // A comment of up to 65535 bytes may follow.
        let tailSize = min(fileSize, ZipRecords.endSize + 0xFFFF)
        try input.seek(to: fileSize - tailSize)
        guard let tail = try input.bytes(tailSize) else { return nil }
        var place = tailSize - ZipRecords.endSize
        while place >= 0, tail.number(at: place, bytes: 4) != Int(ZipRecords.endSignature) {
            place -= 1
        }
        guard place >= 0, let count = tail.number(at: place + 10, bytes: 2),
            let size = tail.number(at: place + 12, bytes: 4),
            let offset = tail.number(at: place + 16, bytes: 4)
        else { return nil }
        guard count == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF else {
            return (count, size, offset)
        }
        let locator = place - ZipRecords.wideLocatorSize
        guard tail.number(at: locator, bytes: 4) == Int(ZipRecords.wideLocatorSignature),
            let wideOffset = tail.number(at: locator + 8, bytes: 8), wideOffset <= fileSize
        else { return (count, size, offset) }
        try input.seek(to: wideOffset)
        guard let wide = try input.bytes(ZipRecords.wideEndSize),
            wide.number(at: 0, bytes: 4) == Int(ZipRecords.wideEndSignature),
            let wideCount = wide.number(at: 32, bytes: 8),
            let wideSize = wide.number(at: 40, bytes: 8),
            let wideListOffset = wide.number(at: 48, bytes: 8)
        else { return nil }
        return (wideCount, wideSize, wideListOffset)
    }

    /// The member that the list has at a place, and the size of its entry.
    private static func member(
        in list: [UInt8], at place: Int
    ) -> (member: ZipMember, size: Int)? {
        func number(_ offset: Int, _ bytes: Int) -> Int? {
            list.number(at: place + offset, bytes: bytes)
        }
        guard number(0, 4) == Int(ZipRecords.directorySignature), let method = number(10, 2),
            let checksum = number(16, 4), let packedCount = number(20, 4),
            let byteCount = number(24, 4), let nameLength = number(28, 2),
            let extraLength = number(30, 2), let commentLength = number(32, 2),
            let offset = number(42, 4)
        else { return nil }
        let nameStart = place + ZipRecords.directoryHeaderSize
        let extraStart = nameStart + nameLength
        let size =
            ZipRecords.directoryHeaderSize + nameLength + extraLength + commentLength
        guard place + size <= list.count else { return nil }
        var fields = [byteCount, packedCount, offset]
        if fields.contains(0xFFFF_FFFF) {
            var wide = wideSizes(in: list, from: extraStart, to: extraStart + extraLength)
            for index in fields.indices where fields[index] == 0xFFFF_FFFF {
                guard !wide.isEmpty else { return nil }
                fields[index] = wide.removeFirst()
            }
        }
        let member = ZipMember(
            name: Array(list[nameStart..<extraStart]), method: method,
            checksum: UInt32(truncatingIfNeeded: checksum), packedCount: fields[1],
            byteCount: fields[0], offset: fields[2])
        return (member, size)
    }

    /// The 64-bit numbers in the extra fields of an entry.
    private static func wideSizes(in list: [UInt8], from start: Int, to end: Int) -> [Int] {
        var place = start
        while place + 4 <= end, let tag = list.number(at: place, bytes: 2),
            let size = list.number(at: place + 2, bytes: 2)
        {
            if tag == ZipRecords.wideSizesTag {
                return stride(from: place + 4, to: min(place + 4 + size, end) - 7, by: 8)
                    .compactMap { list.number(at: $0, bytes: 8) }
            }
            place += 4 + size
        }
        return []
    }
}
