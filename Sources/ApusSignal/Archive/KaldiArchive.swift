/// What a record of a Kaldi archive holds.
public enum KaldiValue: Sendable, Equatable {
    /// T x D features.
    case matrix(FeatureMatrix)
    /// A vector.
    case vector([Float])

    /// The features, where the record holds a matrix.
    public var features: FeatureMatrix? {
        if case .matrix(let features) = self { features } else { nil }
    }
}

/// Reads a Kaldi archive (`.ark`) from its start to its end, record by record.
///
/// It reads matrices and vectors of 32-bit and 64-bit floats, binary (`FM`, `FV`, `DM`, `DV`) and as
/// text, and compressed matrices (`CM`, `CM2`, `CM3`). 64-bit floats are rounded to 32 bits. An
/// instance is used by one task at a time.
///
///     let archive = try KaldiArchiveReader(path: "features.ark")
///     while let (key, value) = try archive.next() { print(key, value.features?.frameCount ?? 0) }
///
/// ## Reference
/// D. Povey et al., "The Kaldi Speech Recognition Toolkit", ASRU 2011; Kaldi's documentation, "Kaldi
/// I/O mechanisms" and class `CompressedMatrix`.
public final class KaldiArchiveReader {
    /// The archive's path.
    public var path: String { input.path }

    private let input: InputFile

    /// Opens an archive; one without any bytes has no records.
    ///
    /// - Parameter path: The archive's path.
    /// - Throws: ``SignalError`` where the file is missing or unreadable.
    public init(path: String) throws {
        input = try InputFile(path: path)
    }

    /// The next record.
    ///
    /// - Returns: Its key and what it holds; nil at the archive's end.
    /// - Throws: ``SignalError/malformedArchive(path:key:reason:)`` where the archive is cut off or
    ///   is not one, with the key of the record.
    public func next() throws -> (key: String, value: KaldiValue)? {
        guard let key = try nextKey() else { return nil }
        return (key, try KaldiRecord.read(from: input, key: key))
    }

    private func nextKey() throws -> String? {
        while let byte = try input.peek(), byte.isBlank { _ = try input.next() }
        var bytes: [UInt8] = []
        while let byte = try input.next(), !byte.isBlank {
            bytes.append(byte)
            guard bytes.count <= KaldiRecord.longestKey, byte != 0 else {
                throw SignalError.malformedArchive(
                    path: path, key: nil,
                    reason: "not a Kaldi archive: no key at byte \(input.offset - bytes.count)")
            }
        }
        guard !bytes.isEmpty else { return nil }
        guard let key = String(validating: bytes, as: UTF8.self) else {
            throw SignalError.malformedArchive(
                path: path, key: nil,
                reason: "the key at byte \(input.offset - bytes.count - 1) is not UTF-8")
        }
        return key
    }
}

extension UInt8 {
    /// Whether it is a space, a tab, or an end of a line.
    var isBlank: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}
