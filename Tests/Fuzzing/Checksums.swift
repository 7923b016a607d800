/// Makes the checksums of Ogg pages and FLAC frames right after changes.
///
/// ## Reference
/// S. Pfeiffer, "The Ogg Encapsulation Format Version 0", RFC 3533, 2003, section 6.
/// M. van Beurden and A. Weaver, "Free Lossless Audio Codec", RFC 9639, 2024, section 9.
enum Checksums {
    /// Mends what looks like Ogg or FLAC.
    static func mend(_ content: UnsafeMutableBufferPointer<UInt8>) {
        if content.starts(with: Array("OggS".utf8)) { mendOgg(content) }
        if content.starts(with: Array("fLaC".utf8)) { mendFLAC(content) }
    }

    private static func mendOgg(_ content: UnsafeMutableBufferPointer<UInt8>) {
        var start = 0
        while start + 27 <= content.count {
            guard content[start..<start + 4].elementsEqual("OggS".utf8) else {
                start += 1
                continue
            }
            let tableEnd = start + 27 + Int(content[start + 26])
            guard tableEnd <= content.count else { return }
            let end = content[(start + 27)..<tableEnd].reduce(tableEnd) { $0 + Int($1) }
            guard end <= content.count else { return }
            for index in 22..<26 { content[start + index] = 0 }
            let sum = content[start..<end].reduce(UInt32(0)) { sum, byte in
                sum << 8 ^ table32[Int(UInt8(sum >> 24) ^ byte)]
            }
            for index in 0..<4 {
                content[start + 22 + index] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * index))
            }
            start = end
        }
    }

    /// A frame begins with 14 bits of ones and zeros, and ends where another begins or the file ends.
    private static func mendFLAC(_ content: UnsafeMutableBufferPointer<UInt8>) {
        let starts = content.indices.dropLast(6).filter { index in
            content[index] == 0xFF && content[index + 1] & 0xFE == 0xF8
                && content[index + 3] & 1 == 0
        }
        for (start, end) in zip(starts, starts.dropFirst() + [content.count]) where end - start > 8
        {
            guard let length = headerLength(content[start..<end]) else { continue }
            let header = content[start..<start + length]
            content[start + length] = header.reduce(UInt8(0)) { table8[Int($0 ^ $1)] }
            let sum = content[start..<end - 2].reduce(UInt16(0)) { sum, byte in
                sum << 8 ^ table16[Int(UInt8(sum >> 8) ^ byte)]
            }
            content[end - 2] = UInt8(sum >> 8)
            content[end - 1] = UInt8(sum & 0xFF)
        }
    }

    /// The length of a frame's header without its checksum.
    private static func headerLength(
        _ frame: Slice<UnsafeMutableBufferPointer<UInt8>>
    ) -> Int? {
        let start = frame.startIndex
        // The number of the frame has as many bytes as ones lead it.
        let ones = (~frame[start + 4]).leadingZeroBitCount
        var length = 4 + max(1, ones)
        let (size, rate) = (frame[start + 2] >> 4, frame[start + 2] & 0x0F)
        length += size == 6 ? 1 : size == 7 ? 2 : 0
        length += rate == 12 ? 1 : rate == 13 || rate == 14 ? 2 : 0
        return length + 3 <= frame.count ? length : nil
    }

    private static let table32 = (0..<256).map { index in
        (0..<8).reduce(UInt32(index) << 24) { sum, _ in
            sum << 1 ^ (sum >> 31 == 1 ? 0x04C1_1DB7 : 0)
        }
    }
    private static let table16 = (0..<256).map { index in
        (0..<8).reduce(UInt16(index) << 8) { sum, _ in
            sum << 1 ^ (sum >> 15 == 1 ? 0x8005 : 0)
        }
    }
    private static let table8 = (0..<256).map { index in
        (0..<8).reduce(UInt8(index)) { sum, _ in sum << 1 ^ (sum >> 7 == 1 ? 0x07 : 0) }
    }
}
