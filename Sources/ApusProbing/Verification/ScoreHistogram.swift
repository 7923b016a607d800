/// How the scores of targets and of non-targets are spread: their shares in bins of one width.
public struct ScoreHistogram: Codable, Hashable, Sendable {
    /// The middles of the bins.
    public var scores: [Double]
    /// The share of the targets in each bin.
    public var targets: [Double]
    /// The share of the non-targets in each bin.
    public var nonTargets: [Double]

    /// Counts scores.
    ///
    /// - Parameters:
    ///   - scores: The scores, all finite.
    ///   - isTarget: Whether each is a target's.
    ///   - binCount: The number of bins between the lowest and the highest score.
    public init(scores: [Float], isTarget: [Bool], binCount: Int = 50) {
        precondition(scores.count == isTarget.count, "a kind for each score")
        let low = Double(scores.min() ?? 0)
        let width = max(Double(scores.max() ?? 0) - low, 1e-12) / Double(binCount)
        var counts = [[Double]](repeating: [Double](repeating: 0, count: binCount), count: 2)
        for (score, isTarget) in zip(scores, isTarget) {
            let bin = min(max(Int((Double(score) - low) / width), 0), binCount - 1)
            counts[isTarget ? 0 : 1][bin] += 1
        }
        let targetCount = Double(max(1, isTarget.count(where: \.self)))
        let nonTargetCount = max(1, Double(isTarget.count) - targetCount)
        self.scores = (0..<binCount).map { low + (Double($0) + 0.5) * width }
        targets = counts[0].map { $0 / targetCount }
        nonTargets = counts[1].map { $0 / nonTargetCount }
    }
}
