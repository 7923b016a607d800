/// What random draws depend on: a number from which independent seeds are derived by name or number.
///
/// Every draw in training is a function of such a seed and not of what was drawn before, so that a
/// run continued from a checkpoint draws what an undisturbed one does.
public struct Seed: Hashable, Sendable {
    /// The number itself.
    public let value: UInt64

    /// Whether what depends on this seed isn't drawn at all, and is zero.
    let drawsZeros: Bool

    /// A seed.
    ///
    /// - Parameter value: Any number.
    public init(_ value: UInt64) { self.init(value, drawsZeros: false) }

    private init(_ value: UInt64, drawsZeros: Bool) {
        (self.value, self.drawsZeros) = (value, drawsZeros)
    }

    /// A seed for weights that will be read: nothing is drawn from it, nor from what is derived of it,
    /// and the tensors are zero.
    public static let zeros = Seed(0, drawsZeros: true)

    /// An independent seed for something with a number.
    ///
    /// - Parameter index: The number, such as a training step.
    /// - Returns: The derived seed.
    public func derived(_ index: Int) -> Seed {
        Seed(
            Self.mixed(
                value ^ Self.mixed(UInt64(bitPattern: Int64(index)) &+ 0x9E37_79B9_7F4A_7C15)),
            drawsZeros: drawsZeros)
    }

    /// An independent seed for something with a name.
    ///
    /// - Parameter name: The name, such as a parameter's.
    /// - Returns: The derived seed.
    public func derived(_ name: String) -> Seed {
        // FNV-1a: stable between runs and releases, which `Hasher` is not.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Seed(Self.mixed(value ^ Self.mixed(hash)), drawsZeros: drawsZeros)
    }

    /// SplitMix64's output function.
    private static func mixed(_ bits: UInt64) -> UInt64 {
        var z = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
