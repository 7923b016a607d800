/// Stable sorting of numbers by their keys, in memory of 4 bytes a number and as much again.
///
/// ## Reference
/// Knuth, The Art of Computer Programming, volume 3, 2nd edition, section 5.2.5: radix sort from the
/// least significant digit.
enum RadixSort {
    private static let digitBits = 16

    /// Sorts numbers by the keys that they have.
    ///
    /// - Parameters:
    ///   - numbers: The numbers; those with one key stay in their order.
    ///   - maximum: The largest key.
    ///   - key: The key of a number.
    static func sort(
        _ numbers: inout [UInt32], maximum: UInt64, by key: (UInt32) -> UInt64
    ) {
        guard numbers.count > 1 else { return }
        var sorted = [UInt32](repeating: 0, count: numbers.count)
        var shift = 0
        while shift < UInt64.bitWidth, maximum >> UInt64(shift) > 0 {
            let bits = min(digitBits, UInt64.bitWidth - shift)
            let largest = Int(min(maximum >> UInt64(shift), UInt64(1 << bits) - 1))
            var starts = [Int](repeating: 0, count: largest + 2)
            let mask = UInt64(1 << bits) - 1
            for number in numbers { starts[Int(key(number) >> UInt64(shift) & mask) + 1] += 1 }
            for digit in 1..<starts.count { starts[digit] += starts[digit - 1] }
            for number in numbers {
                let digit = Int(key(number) >> UInt64(shift) & mask)
                sorted[starts[digit]] = number
                starts[digit] += 1
            }
            swap(&numbers, &sorted)
            shift += bits
        }
    }

    /// The positions of keys in ascending order; equal ones are neighbours, in the order of their
    /// positions.
    ///
    /// - Parameter keys: The keys.
    /// - Returns: The positions.
    static func order(of keys: [UInt64]) -> [UInt32] {
        var order = Array(0..<UInt32(keys.count))
        sort(&order, maximum: .max) { keys[Int($0)] }
        return order
    }
}
