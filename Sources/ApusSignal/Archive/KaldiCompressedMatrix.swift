/// Matrices that Kaldi packed into one or two bytes a value.
///
/// A header gives the least value m, the range r and the size. `CM2` holds each value v as 16 bits:
/// m + v r / 65535; `CM3` as 8 bits: m + v r / 255; both row by row. `CM` has for each column the
/// 0th, 25th, 75th and 100th percentiles, 16 bits each, and then column by column 8 bits a value:
/// 0...64 are spaced evenly between the first two percentiles, 64...192 between the next two,
/// 192...255 between the last two.
///
/// The order of operations and their precision are Kaldi's, so that the values have its bits.
///
/// ## Reference
/// Kaldi, class `CompressedMatrix` (its formats 1 to 3).
extension KaldiRecordReader {
    /// Reads a matrix whose token was read.
    ///
    /// - Parameter token: `CM`, `CM2` or `CM3`.
    /// - Returns: The unpacked values.
    /// - Throws: ``SignalError/malformedArchive(path:key:reason:)``.
    func compressedMatrix(_ token: String) throws -> FeatureMatrix {
        let header = try array(2, of: UInt32.self) { Float(bitPattern: $0) }
        let (least, range) = (header[0], header[1])
        let rowCount = try nakedSize()
        let columnCount = try nakedSize()
        try require(rowCount: rowCount, columnCount: columnCount)
        let count = rowCount * columnCount
        let values: [Float]
        switch token {
        case "CM2":
            let step = Float(Double(range) * (1 / 65535.0))
            values = try array(count, of: UInt16.self) { least + Float($0) * step }
        case "CM3":
            let step = Float(Double(range) * (1 / 255.0))
            values = try array(count, of: UInt8.self) { least + Float($0) * step }
        default:
            let step = range * Float(1.525_902_189_669_64e-05)
            let percentiles = try array(4 * columnCount, of: UInt16.self) {
                least + step * Float($0)
            }
            let packed = try array(count, of: UInt8.self) { $0 }
            values = unpacked(
                packed, percentiles: percentiles, rowCount: rowCount, columnCount: columnCount)
        }
        return FeatureMatrix(values: values, frameCount: rowCount, featureCount: columnCount)
    }

    private func unpacked(
        _ packed: [UInt8], percentiles: [Float], rowCount: Int, columnCount: Int
    ) -> [Float] {
        var values = [Float](repeating: 0, count: packed.count)
        for column in 0..<columnCount {
            let ends = percentiles[(4 * column)..<(4 * column + 4)].map { $0 }
            let levels = (0..<256).map { level(UInt8($0), between: ends) }
            for row in 0..<rowCount {
                values[row * columnCount + column] =
                    levels[Int(packed[column * rowCount + row])]
            }
        }
        return values
    }

    private func level(_ value: UInt8, between ends: [Float]) -> Float {
        func part(_ index: Int, from first: Int, share: Double) -> Float {
            let scaled = (ends[index + 1] - ends[index]) * Float(Int(value) - first)
            return Float(Double(ends[index]) + Double(scaled) * share)
        }
        return switch value {
        case ...64: part(0, from: 0, share: 1 / 64.0)
        case ...192: part(1, from: 64, share: 1 / 128.0)
        default: part(2, from: 192, share: 1 / 63.0)
        }
    }
}
