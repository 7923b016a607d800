import Foundation

/// A small generator whose numbers are fixed by its seed, on every machine.
///
/// ## Reference
/// G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
struct SplitMix64 {
    private var state: UInt64

    /// Starts from a seed.
    ///
    /// - Parameter seed: Any number.
    init(seed: UInt64) {
        state = seed
    }

    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Two independent numbers of the standard normal distribution (Box and Muller, 1958).
    ///
    /// - Returns: The two numbers.
    mutating func normalPair() -> (Float, Float) {
        let scale = 0x1p-53
        let first = Double((next() >> 11) + 1) * scale
        let angle = 2 * Double.pi * Double(next() >> 11) * scale
        let radius = (-2 * log(first)).squareRoot()
        return (Float(radius * cos(angle)), Float(radius * sin(angle)))
    }
}
