/// Reads what follows the key of a record in a Kaldi archive.
enum KaldiRecord {
    /// The longest key that is believed, bytes.
    static let longestKey = 4096

    /// Reads a record from the place that an archive's script names: after the key and a blank.
    ///
    /// - Parameters:
    ///   - input: The archive.
    ///   - key: The record's key, for errors.
    /// - Returns: What the record holds.
    /// - Throws: ``SignalError/malformedArchive(path:key:reason:)``.
    static func read(from input: InputFile, key: String) throws -> KaldiValue {
        let reader = KaldiRecordReader(input: input, key: key)
        guard let first = try input.peek() else { throw reader.endsEarly() }
        return first == 0 ? try reader.binary() : try reader.text()
    }
}

/// One record's parts, with its key for errors.
struct KaldiRecordReader {
    let input: InputFile
    let key: String

    func wrong(_ reason: String) -> SignalError {
        .malformedArchive(path: input.path, key: key, reason: reason)
    }

    func endsEarly() -> SignalError { wrong("the archive ends within it") }

    /// A binary record: NUL, `B`, a token for the kind, and the content.
    func binary() throws -> KaldiValue {
        guard try input.next() == 0, try input.next() == UInt8(ascii: "B") else {
            throw wrong("neither binary nor text follows the key")
        }
        let token = try self.token()
        switch token {
        case "FM": return .matrix(try matrix(of: UInt32.self) { Float(bitPattern: $0) })
        case "DM": return .matrix(try matrix(of: UInt64.self) { Float(Double(bitPattern: $0)) })
        case "FV": return .vector(try vector(of: UInt32.self) { Float(bitPattern: $0) })
        case "DV": return .vector(try vector(of: UInt64.self) { Float(Double(bitPattern: $0)) })
        case "CM", "CM2", "CM3": return .matrix(try compressedMatrix(token))
        default:
            throw wrong(
                "of the kind '\(token)'; expected FM, DM, FV, DV, CM, CM2, CM3 or text")
        }
    }

    private func token() throws -> String {
        var token = ""
        while token.count < 8, let byte = try input.next() {
            if byte == 0x20 { return token }
            token.append((0x21..<0x7F).contains(byte) ? Character(UnicodeScalar(byte)) : "?")
        }
        guard token.count == 8 else { throw endsEarly() }
        return token
    }

    private func matrix<Stored: FixedWidthInteger>(
        of type: Stored.Type, _ element: (Stored) -> Float
    ) throws -> FeatureMatrix {
        let rowCount = try size()
        let columnCount = try size()
        try require(rowCount: rowCount, columnCount: columnCount)
        return FeatureMatrix(
            values: try array(rowCount * columnCount, of: type, element), frameCount: rowCount,
            featureCount: columnCount)
    }

    private func vector<Stored: FixedWidthInteger>(
        of type: Stored.Type, _ element: (Stored) -> Float
    ) throws -> [Float] {
        try array(try size(), of: type, element)
    }

    /// A size in a plain record: its number of bytes, 4, and the number.
    private func size() throws -> Int {
        guard let width = try input.next() else { throw endsEarly() }
        guard width == 4 else { throw wrong("a size of \(width) bytes, expected 4") }
        return try nakedSize()
    }

    /// A size in 4 bytes.
    func nakedSize() throws -> Int {
        let bits = try array(1, of: UInt32.self) { Int32(bitPattern: $0) }
        guard bits[0] >= 0 else { throw wrong("a size of \(bits[0])") }
        return Int(bits[0])
    }

    func require(rowCount: Int, columnCount: Int) throws {
        // Rows without columns would make a matrix of any length from a few bytes.
        guard columnCount > 0 || rowCount == 0 else {
            throw wrong("\(rowCount) rows without a column")
        }
    }

    func array<Stored: FixedWidthInteger, Element>(
        _ count: Int, of type: Stored.Type, _ element: (Stored) -> Element
    ) throws -> [Element] {
        guard let array = try input.array(count, of: type, element) else { throw endsEarly() }
        return array
    }
}
