/// What the pages of an Ogg file tell about its end.
///
/// ## Reference
/// S. Pfeiffer, "The Ogg Encapsulation Format Version 0", RFC 3533, 2003, section 6.
enum OggStream {
    /// A page is at most 27 + 255 + 255 * 255 bytes.
    private static let largestPage = 65307

    /// Whether the file ends with a whole page.
    ///
    /// libsndfile takes the last whole page for the end, so a file that was cut off only looks
    /// shorter. A page should also be marked as the last of its stream, but encoders in wide use
    /// leave the mark out: its absence says nothing.
    ///
    /// - Parameter bytes: The file's bytes.
    /// - Returns: False where the last page is cut.
    static func isComplete(_ bytes: SoundBytes) -> Bool {
        let tail = bytes.tail(largestPage)
        let capture: [UInt8] = [0x4F, 0x67, 0x67, 0x53]
        // Compressed data may spell the capture pattern too; a page that fits decides.
        for start in stride(from: tail.count - 27, through: 0, by: -1)
        where tail[start] == capture[0] && tail[start..<start + 4].elementsEqual(capture) {
            let segmentCount = Int(tail[start + 26])
            let tableEnd = start + 27 + segmentCount
            guard tableEnd <= tail.count else { return false }
            let body = tail[(start + 27)..<tableEnd].reduce(0) { $0 + Int($1) }
            if tableEnd + body == tail.count { return true }
            if tail[start + 4] == 0, tail[start + 5] < 8 { return false }
        }
        return false
    }

    /// An Ogg file of one stream with another serial number, and checksums to it.
    ///
    /// - Parameters:
    ///   - number: The serial number.
    ///   - bytes: The file.
    /// - Returns: The file, as it was from where it is no pages of Ogg.
    static func withSerialNumber(_ number: UInt32, _ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        var start = 0
        while start + 27 <= bytes.count,
            bytes[start..<(start + 4)].elementsEqual("OggS".utf8)
        {
            let tableEnd = start + 27 + Int(bytes[start + 26])
            guard tableEnd <= bytes.count else { break }
            let end = tableEnd + bytes[(start + 27)..<tableEnd].reduce(0) { $0 + Int($1) }
            guard end <= bytes.count else { break }
            for place in 0..<4 {
                bytes[start + 14 + place] = UInt8(truncatingIfNeeded: number >> (8 * place))
                bytes[start + 22 + place] = 0
            }
            var sum: UInt32 = 0
            for byte in bytes[start..<end] {
                sum = sum << 8 ^ checksums[Int(UInt8(truncatingIfNeeded: sum >> 24) ^ byte)]
            }
            for place in 0..<4 {
                bytes[start + 22 + place] = UInt8(truncatingIfNeeded: sum >> (8 * place))
            }
            start = end
        }
        return bytes
    }

    /// The checksum of each byte: a CRC-32 of the polynomial 0x04C11DB7, from the highest bit on.
    private static let checksums: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte) << 24) { sum, _ in
            sum & 0x8000_0000 != 0 ? sum << 1 ^ 0x04C1_1DB7 : sum << 1
        }
    }
}
