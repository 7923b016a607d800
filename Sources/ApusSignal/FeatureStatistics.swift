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
/// Each matrix is reduced by itself and then merged, in double precision, so that neither a large
/// mean nor the number of frames costs digits.
///
/// ## Reference
/// T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing
/// sample variances", 1979, equation 1.5.
public struct FeatureStatisticsAccumulator: Sendable {
    /// The number of features D.
    public let featureCount: Int
    /// The number of frames seen.
    public private(set) var frameCount = 0

    private var mean: [Double]
    private var squares: [Double]

    /// Starts without any frame.
    ///
    /// - Parameter featureCount: The number of features D.
    public init(featureCount: Int) {
        self.featureCount = featureCount
        mean = [Double](repeating: 0, count: featureCount)
        squares = mean
    }

    /// Takes in the frames of a recording.
    ///
    /// - Parameter features: T x D features.
    /// - Precondition: The matrix has as many features as the accumulator.
    public mutating func add(_ features: FeatureMatrix) {
        precondition(
            features.featureCount == featureCount, "\(featureCount) features a frame are expected")
        guard features.frameCount > 0 else { return }
        let added = Double(features.frameCount)
        var addedMean = [Double](repeating: 0, count: featureCount)
        var addedSquares = addedMean
        for frame in 0..<features.frameCount {
            for feature in 0..<featureCount {
                addedMean[feature] += Double(features.values[frame * featureCount + feature])
            }
        }
        for feature in 0..<featureCount { addedMean[feature] /= added }
        for frame in 0..<features.frameCount {
            for feature in 0..<featureCount {
                let value = Double(features.values[frame * featureCount + feature])
                addedSquares[feature] += (value - addedMean[feature]) * (value - addedMean[feature])
            }
        }
        let before = Double(frameCount)
        let total = before + added
        for feature in 0..<featureCount {
            let difference = addedMean[feature] - mean[feature]
            mean[feature] += difference * added / total
            squares[feature] +=
                addedSquares[feature] + difference * difference * before * added / total
        }
        frameCount += features.frameCount
    }

    /// The statistics of all frames seen so far.
    ///
    /// - Returns: Means, and standard deviations of at least
    ///   ``FeatureStatistics/smallestStandardDeviation``; nil before the first frame.
    public func finalize() -> FeatureStatistics? {
        guard frameCount > 0 else { return nil }
        let count = Double(frameCount)
        return FeatureStatistics(
            mean: mean.map { Float($0) },
            standardDeviation: squares.map {
                max(FeatureStatistics.smallestStandardDeviation, Float(($0 / count).squareRoot()))
            })
    }
}
