/// Random numbers that depend on a seed, a stream's name and counters, and on nothing else.
///
/// `SeededGenerator(seed: 1, stream: "crop/speaker-3", epoch)` is a generator of its own for each
/// name and counter: draws do not depend on the order of work or on the number of workers. The
/// numbers are the same on every machine and in every release of this package, those of `integer`,
/// `unitInterval` and `shuffle` too, which the standard library does not promise for its own.
///
/// The parts are hashed with FNV-1a and the finaliser of SplitMix64, which also fills the state of
/// xoshiro256**.
///
/// ## Reference
/// Blackman and Vigna, Scrambled Linear Pseudorandom Number Generators, ACM TOMS 47(4), 2021,
/// section 5. Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var s0: UInt64
    private var s1: UInt64
    private var s2: UInt64
    private var s3: UInt64

    /// Makes the generator of one stream.
    ///
    /// - Parameters:
    ///   - seed: The seed that all streams of a run share.
    ///   - stream: The name of the use, with the id of what is drawn for.
    ///   - counters: Further parts, such as the epoch and the step.
    public init(seed: UInt64, stream: String, _ counters: Int...) {
        self.init(seed: seed, streamHash: fnv1a(stream.utf8), counters)
    }

    /// Makes the generator of a stream whose name is known by its hash alone.
    init(seed: UInt64, streamHash: UInt64, _ counters: [Int]) {
        var hash = Self.finalized(seed &+ Self.increment)
        hash = Self.finalized(hash ^ streamHash)
        for counter in counters {
            hash = Self.finalized((hash &+ Self.increment) ^ UInt64(bitPattern: Int64(counter)))
        }
        var words: [UInt64] = []
        for _ in 0..<4 {
            hash &+= Self.increment
            words.append(Self.finalized(hash))
        }
        (s0, s1, s2, s3) = (words[0], words[1], words[2], words[3])
    }

    /// The next 64 uniform bits.
    ///
    /// - Returns: A number that is uniform over all of `UInt64`.
    public mutating func next() -> UInt64 {
        let result = Self.rotated(s1 &* 5, by: 7) &* 9
        let shifted = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= shifted
        s3 = Self.rotated(s3, by: 45)
        return result
    }

    /// A uniform integer in `0..<bound`.
    ///
    /// Lemire, Fast Random Integer Generation in an Interval, 2019, algorithm 5: exact.
    ///
    /// - Parameter bound: The first integer that is too large; above 0.
    /// - Returns: The integer.
    public mutating func integer(below bound: Int) -> Int {
        precondition(bound > 0, "the bound of a random integer is above 0")
        let bound = UInt64(bound)
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let rejected = (0 &- bound) % bound
            while product.low < rejected { product = next().multipliedFullWidth(by: bound) }
        }
        return Int(product.high)
    }

    /// A uniform number in `0..<1`, a multiple of 2^-53.
    ///
    /// - Returns: The number.
    public mutating func unitInterval() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Brings the elements into a uniformly random order (Fisher and Yates).
    ///
    /// - Parameter elements: The array to reorder.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        for last in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(last, integer(below: last + 1))
        }
    }

    private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    private static func finalized(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private static func rotated(_ value: UInt64, by count: UInt64) -> UInt64 {
        (value << count) | (value >> (64 - count))
    }
}

/// The 64-bit FNV-1a hash of bytes (Fowler, Noll and Vo; RFC 9923).
///
/// - Parameters:
///   - bytes: The bytes.
///   - start: The hash of what comes before them.
/// - Returns: The hash.
package func fnv1a(
    _ bytes: some Sequence<UInt8>, after start: UInt64 = 0xCBF2_9CE4_8422_2325
) -> UInt64 {
    var hash = start
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return hash
}
