/// The two laws by which telephone networks keep a sample in 8 bits, finely near zero and coarsely
/// far from it.
///
/// ## Reference
/// ITU-T Recommendation G.711, "Pulse code modulation (PCM) of voice frequencies", 1988, tables 1 and
/// 2.
public enum CompandingLaw: String, Sendable, Codable, CaseIterable {
    /// µ-law, of North America and Japan: 14 bits in 8.
    case muLaw
    /// A-law, of the rest of the world: 13 bits in 8.
    case aLaw

    /// The code of a 16-bit sample.
    ///
    /// Bits that the law does not know are dropped first, rounding down: 2 under µ-law, 3 under A-law.
    ///
    /// - Parameter sample: A sample, full scale at 32768.
    /// - Returns: The 8 bits as they go over the wire.
    public func code(of sample: Int16) -> UInt8 {
        switch self {
        case .muLaw:
            let value = Int(sample) >> 2
            // Sign, 3 bits of segment, 4 bits of place; all inverted. Segment s ends at 64 * 2^s.
            let biased = min(value.magnitude, 8158) + 33
            let segment = biased.topBit - 5
            let code = UInt8(segment << 4) | UInt8((biased >> (segment + 1)) & 0xF)
            return value < 0 ? ~(code | 0x80) : ~code
        case .aLaw:
            let value = Int(sample) >> 3
            let magnitude = value < 0 ? (~value).magnitude : value.magnitude
            // Sign, segment, place; even bits are inverted. The first two segments have one step.
            let segment = max(0, magnitude.topBit - 4)
            let code =
                UInt8(segment << 4) | UInt8((magnitude >> max(1, segment)) & 0xF)
            return (value < 0 ? code : code | 0x80) ^ 0x55
        }
    }

    /// The 16-bit sample that a code stands for: the middle of its interval.
    ///
    /// - Parameter code: The 8 bits as they go over the wire.
    /// - Returns: A sample, full scale at 32768.
    public func sample(of code: UInt8) -> Int16 {
        switch self {
        case .muLaw:
            let bits = ~code
            let segment = Int16(bits >> 4 & 7)
            let magnitude = ((Int16(bits & 0xF) << 3) + 0x84) << segment - 0x84
            return bits & 0x80 == 0 ? magnitude : -magnitude
        case .aLaw:
            let bits = code ^ 0x55
            let segment = Int16(bits >> 4 & 7)
            let place = Int16(bits & 0xF) << 4 + 8
            let magnitude = segment == 0 ? place : (place + 0x100) << (segment - 1)
            return bits & 0x80 == 0 ? -magnitude : magnitude
        }
    }
}

extension UInt {
    /// The place of the highest set bit; 0 where there is none.
    fileprivate var topBit: Int { self == 0 ? 0 : UInt.bitWidth - 1 - leadingZeroBitCount }
}
