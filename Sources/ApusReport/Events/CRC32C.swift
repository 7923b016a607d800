/// The cyclic redundancy check CRC-32C, which guards the records of an event file.
///
/// Polynomial 0x1EDC6F41 with reflected input and output, initial value and final inversion of
/// all ones.
///
/// ## Reference
/// G. Castagnoli, S. Bräuer and M. Herrmann, "Optimization of cyclic redundancy-check codes with
/// 24 and 32 parity bits", IEEE Transactions on Communications, 1993; the parameters are those of
/// RFC 3720, section 12.1.
public enum CRC32C {
    /// The remainder of every byte value, for the reflected polynomial.
    private static let remainders: [UInt32] = (0..<256).map { byte in
        var remainder = UInt32(byte)
        for _ in 0..<8 {
            remainder = (remainder >> 1) ^ (remainder & 1 == 1 ? 0x82F6_3B78 : 0)
        }
        return remainder
    }

    /// The check value of a run of bytes.
    ///
    /// - Parameter bytes: The bytes in order.
    /// - Returns: The CRC-32C; 0xE3069283 for the nine characters `123456789`.
    public static func checksum(of bytes: some Sequence<UInt8>) -> UInt32 {
        var remainder: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            let index = Int((remainder ^ UInt32(byte)) & 0xFF)
            remainder = (remainder >> 8) ^ remainders[index]
        }
        return ~remainder
    }

    /// The check value in the masked form that record files store.
    ///
    /// The value is rotated right by 15 bits and a constant is added, so that the check of data
    /// that holds checks itself stays meaningful.
    ///
    /// - Parameter bytes: The bytes in order.
    /// - Returns: The masked CRC-32C.
    public static func maskedChecksum(of bytes: some Sequence<UInt8>) -> UInt32 {
        let checksum = checksum(of: bytes)
        return ((checksum >> 15) | (checksum << 17)) &+ 0xA282_EAD8
    }
}
