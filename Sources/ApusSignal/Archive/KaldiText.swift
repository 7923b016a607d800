/// Records that Kaldi wrote as text: `[ 1 2 3 ]` is a vector, and a matrix where a line ends between
/// the brackets.
extension KaldiRecordReader {
    /// The longest number that is believed, characters.
    private static let longestNumber = 64

    /// Reads a record from its bracket to its bracket.
    ///
    /// - Returns: What the record holds.
    /// - Throws: ``SignalError/malformedArchive(path:key:reason:)``.
    func text() throws -> KaldiValue {
        while let byte = try input.peek(), byte == 0x20 || byte == 0x09 { _ = try input.next() }
        guard try input.next() == UInt8(ascii: "[") else {
            throw wrong("neither binary nor '[' follows the key")
        }
        var values: [Float] = []
        var rowEnds: [Int] = []
        var number = ""
        func endNumber() throws {
            guard !number.isEmpty else { return }
            guard let value = Float(number) else { throw wrong("'\(number)' is not a number") }
            values.append(value)
            number = ""
        }
        func endRow() {
            if values.count > rowEnds.last ?? 0 { rowEnds.append(values.count) }
        }
        var isMatrix = false
        while let byte = try input.next() {
            switch byte {
            case UInt8(ascii: "]"):
                try endNumber()
                guard isMatrix || values.isEmpty else { return .vector(values) }
                endRow()
                return .matrix(try matrix(of: values, rowEnds: rowEnds))
            case 0x0A:
                try endNumber()
                isMatrix = true
                endRow()
            case _ where byte.isBlank:
                try endNumber()
            default:
                guard (0x21..<0x7F).contains(byte), number.count < Self.longestNumber else {
                    throw wrong("'\(number.prefix(20))' is not a number")
                }
                number.append(Character(UnicodeScalar(byte)))
            }
        }
        throw endsEarly()
    }

    private func matrix(of values: [Float], rowEnds: [Int]) throws -> FeatureMatrix {
        let columnCount = rowEnds.first ?? 0
        for (row, end) in rowEnds.enumerated() where end != (row + 1) * columnCount {
            throw wrong("row \(row) has not the \(columnCount) values of the first")
        }
        return FeatureMatrix(
            values: values, frameCount: rowEnds.count, featureCount: columnCount)
    }
}
