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
}
