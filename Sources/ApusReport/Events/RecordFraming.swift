import Foundation

/// The framing of a TFRecord file.
///
/// A record is the payload's length (8 bytes), the masked CRC-32C of that length (4 bytes), the
/// payload, and the masked CRC-32C of the payload (4 bytes); all numbers little-endian.
public enum RecordFraming {
    /// Puts a payload into its frame.
    ///
    /// - Parameter payload: The bytes to store.
    /// - Returns: The record's bytes, 16 more than the payload's.
    public static func record(_ payload: Data) -> Data {
        let length = littleEndianBytes(UInt64(payload.count))
        var record = Data(capacity: payload.count + 16)
        record.append(contentsOf: length)
        record.append(contentsOf: littleEndianBytes(CRC32C.maskedChecksum(of: length)))
        record.append(payload)
        record.append(contentsOf: littleEndianBytes(CRC32C.maskedChecksum(of: payload)))
        return record
    }

    private static func littleEndianBytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
