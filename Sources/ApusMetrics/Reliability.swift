/// Predictions with about the same confidence.
public struct ReliabilityBin: Hashable, Sendable, Codable {
    /// The number of predictions.
    public var count: Int
    /// The mean of their confidences; NaN without predictions.
    public var confidence: Double
    /// The fraction of them that are right; NaN without predictions.
    public var accuracy: Double
}

/// Whether probabilities mean what they say.
public struct Reliability: Hashable, Sendable, Codable {
    /// The bins, of equal width from 0 to 1.
    public var bins: [ReliabilityBin]
    /// The mean over predictions of |accuracy - confidence| of their bin (ECE).
    public var expectedCalibrationError: Double
    /// The largest of these differences (MCE).
    public var maximumCalibrationError: Double
}

/// Sorts predictions into bins by their confidence.
///
/// Bin m of M holds the confidences in ((m - 1) / M, m / M]; 0 is in the first.
///
/// ## Reference
/// Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, 2017, section 2.
///
/// - Parameters:
///   - confidences: The probability of each prediction, in `0...1`.
///   - isRight: Whether each prediction is right.
///   - binCount: The number of bins, M.
/// - Returns: The bins and the calibration errors.
/// - Throws: `MetricsError.tooFew`, `.countMismatch`, `.notFinite`, or `.outOfRange` for a confidence
///   outside `0...1`.
public func reliability(
    confidences: [Double], isRight: [Bool], binCount: Int = 10
) throws -> Reliability {
    precondition(binCount > 0, "at least one bin")
    try requireCount(confidences.count, atLeast: 1, "confidences")
    guard confidences.count == isRight.count else {
        throw MetricsError.countMismatch(
            what: "kinds of predictions", expected: confidences.count, found: isRight.count)
    }
    try requireFinite(confidences, "confidences")
    var counts = [Int](repeating: 0, count: binCount)
    var right = counts
    var sums = [Double](repeating: 0, count: binCount)
    for (index, (confidence, isRight)) in zip(confidences, isRight).enumerated() {
        guard (0...1).contains(confidence) else {
            throw MetricsError.outOfRange(
                what: "confidences", index: index, expected: "a number from 0 to 1",
                found: "\(confidence)")
        }
        let bin = max(0, Int((confidence * Double(binCount)).rounded(.up)) - 1)
        counts[bin] += 1
        sums[bin] += confidence
        if isRight { right[bin] += 1 }
    }
    let bins = counts.indices.map { bin in
        let count = Double(counts[bin])
        return ReliabilityBin(
            count: counts[bin], confidence: sums[bin] / count, accuracy: Double(right[bin]) / count)
    }
    let used = bins.filter { $0.count > 0 }
    let gaps = used.map { abs($0.accuracy - $0.confidence) }
    let total = Double(confidences.count)
    return Reliability(
        bins: bins,
        expectedCalibrationError: zip(used, gaps).reduce(0) {
            $0 + Double($1.0.count) / total * $1.1
        },
        maximumCalibrationError: gaps.max() ?? 0)
}
