/// The mean and the standard deviation of each of D features.
public struct FeatureStatistics: Codable, Sendable, Hashable {
    /// The smallest standard deviation that features are divided by.
    public static let smallestStandardDeviation: Float = 1e-5

    /// D means.
    public var mean: [Float]
    /// D standard deviations, of the population (divided by the number of frames).
    public var standardDeviation: [Float]

    /// Makes statistics from their values.
    ///
    /// - Parameters:
    ///   - mean: D means.
    ///   - standardDeviation: D standard deviations.
    /// - Precondition: Both have the same length.
    public init(mean: [Float], standardDeviation: [Float]) {
        precondition(
            mean.count == standardDeviation.count, "as many means as standard deviations")
        self.mean = mean
        self.standardDeviation = standardDeviation
    }
}

/// Gathers ``FeatureStatistics`` over any number of recordings in one pass.
///
/// Sums are taken in double precision, about the first frame, so that a large mean costs no digits;
/// frame by frame, so that the bits depend on the order of the frames alone, and not on how they were
/// cut into recordings or blocks.
///
/// ## Reference
/// T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance: analysis and
/// recommendations", The American Statistician 37(3), 1983, section 3 (shifted data).
public struct FeatureStatisticsAccumulator: Sendable {
    /// The number of features D.
    public let featureCount: Int
    /// The number of frames seen.
    public private(set) var frameCount = 0

    private var offsets: [Double]
    private var sums: [Double]
    private var squares: [Double]

    /// Starts without any frame.
    ///
    /// - Parameter featureCount: The number of features D.
    public init(featureCount: Int) {
        self.featureCount = featureCount
        offsets = [Double](repeating: 0, count: featureCount)
        sums = offsets
        squares = offsets
    }

    /// Takes in the frames of a recording.
    ///
    /// - Parameter features: T x D features.
    /// - Precondition: The matrix has as many features as the accumulator.
    public mutating func add(_ features: FeatureMatrix) {
        precondition(
            features.featureCount == featureCount, "\(featureCount) features a frame are expected")
        add(features.values)
    }

    /// Takes in whole rows of D features.
    mutating func add(_ rows: [Float]) {
        if frameCount == 0, rows.count >= featureCount {
            offsets = rows[..<featureCount].map { Double($0) }
        }
        let count = featureCount
        rows.withUnsafeBufferPointer { rows in
            offsets.withUnsafeBufferPointer { offsets in
                sums.withUnsafeMutableBufferPointer { sums in
                    squares.withUnsafeMutableBufferPointer { squares in
                        for start in stride(from: 0, to: rows.count, by: max(1, count)) {
                            for feature in 0..<count {
                                let value = Double(rows[start + feature]) - offsets[feature]
                                sums[feature] += value
                                squares[feature] += value * value
                            }
                        }
                    }
                }
            }
        }
        frameCount += rows.count / max(1, featureCount)
    }

    /// The statistics of all frames seen so far.
    ///
    /// - Returns: Means, and standard deviations of at least
    ///   ``FeatureStatistics/smallestStandardDeviation``; nil before the first frame.
    public func finalize() -> FeatureStatistics? {
        guard frameCount > 0 else { return nil }
        let count = Double(frameCount)
        return FeatureStatistics(
            mean: zip(offsets, sums).map { Float($0 + $1 / count) },
            standardDeviation: zip(sums, squares).map { sum, square in
                let mean = sum / count
                let variance = max(0, square / count - mean * mean)
                return max(
                    FeatureStatistics.smallestStandardDeviation, Float(variance.squareRoot()))
            })
    }
}
