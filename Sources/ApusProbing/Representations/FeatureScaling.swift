import ApusTensor

/// How vectors are standardised: (x - mean) / scale for each of D features.
public struct FeatureScaling: Codable, Hashable, Sendable {
    /// D means.
    public var mean: [Float]
    /// D standard deviations of the population; 1 for a feature that is constant.
    public var scale: [Float]

    /// A scaling.
    ///
    /// - Parameters:
    ///   - mean: D means.
    ///   - scale: D scales, none of them zero.
    public init(mean: [Float], scale: [Float]) {
        precondition(mean.count == scale.count, "as many means as scales")
        self.mean = mean
        self.scale = scale
    }

    /// The scaling that gives rows mean 0 and standard deviation 1.
    ///
    /// - Parameters:
    ///   - rows: N x D values with at least one row.
    ///   - width: D.
    public init(fitting rows: [Float], width: Int) {
        precondition(width > 0 && !rows.isEmpty && rows.count % width == 0, "N x \(width) values")
        let count = Double(rows.count / width)
        var mean = [Double](repeating: 0, count: width)
        var squares = mean
        for start in stride(from: 0, to: rows.count, by: width) {
            for feature in 0..<width { mean[feature] += Double(rows[start + feature]) }
        }
        for feature in 0..<width { mean[feature] /= count }
        for start in stride(from: 0, to: rows.count, by: width) {
            for feature in 0..<width {
                let difference = Double(rows[start + feature]) - mean[feature]
                squares[feature] += difference * difference
            }
        }
        self.mean = mean.map { Float($0) }
        scale = zip(squares, mean).map { squares, mean in
            let deviation = (squares / count).squareRoot()
            // Below the resolution of 32-bit floats around the mean, what differs is rounding.
            return deviation > max(1e-6 * abs(mean), 1e-30) ? Float(deviation) : 1
        }
    }

    /// Standardises rows in place.
    ///
    /// - Parameter rows: N x D values.
    public func apply(to rows: inout [Float]) {
        let width = mean.count
        precondition(rows.count % width == 0, "N x \(width) values")
        for start in stride(from: 0, to: rows.count, by: width) {
            for feature in 0..<width {
                rows[start + feature] = (rows[start + feature] - mean[feature]) / scale[feature]
            }
        }
    }

    /// Standardises rows.
    ///
    /// - Parameter rows: N x D values.
    /// - Returns: (N, D).
    func tensor(_ rows: [Float]) -> Tensor {
        var rows = rows
        apply(to: &rows)
        return Tensor(rows, shape: [rows.count / mean.count, mean.count])
    }
}
