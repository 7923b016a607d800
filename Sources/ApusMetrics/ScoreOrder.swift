/// The order that sorts scores ascending; equal scores keep their order.
///
/// A radix sort of the scores' bits in three passes of 11 bits, least significant first (Knuth, The
/// Art of Computer Programming, volume 3, section 5.2.5), so the time grows with the number of
/// scores alone. It takes 16 bytes a score while it runs.
///
/// - Parameter scores: Finite numbers, less than 2^32 of them.
/// - Returns: Positions in `scores`.
func ascendingOrder(of scores: [Float]) -> [UInt32] {
    precondition(scores.count <= Int(UInt32.max), "positions of scores have 32 bits")
    // The score's key in the upper half, its position in the lower one.
    var entries = [UInt64](repeating: 0, count: scores.count)
    for index in scores.indices {
        entries[index] = UInt64(ascendingKey(scores[index])) << 32 | UInt64(index)
    }
    var sorted = [UInt64](repeating: 0, count: scores.count)
    let digits: UInt64 = 0x7FF
    for shift in [32, 43, 54] as [UInt64] {
        var starts = [Int](repeating: 0, count: Int(digits) + 2)
        for entry in entries { starts[Int(entry >> shift & digits) + 1] += 1 }
        for digit in 1..<starts.count { starts[digit] += starts[digit - 1] }
        for entry in entries {
            let digit = Int(entry >> shift & digits)
            sorted[starts[digit]] = entry
            starts[digit] += 1
        }
        swap(&entries, &sorted)
    }
    return entries.map { UInt32(truncatingIfNeeded: $0) }
}

/// An integer that compares as the score does: -0 as 0, negative numbers with all bits inverted.
private func ascendingKey(_ score: Float) -> UInt32 {
    let bits = (score + 0).bitPattern
    return bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
}
