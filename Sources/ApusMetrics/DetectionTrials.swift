/// Scored trials of a detector, sorted once for many measurements.
public struct DetectionTrials: Sendable {
    /// For each trial in ascending order of scores, its position in the lists that were given.
    public let order: [Int]
    /// Whether each trial of `order` is a target.
    private let isTarget: [Bool]
    /// Where in `order` each run of equal scores ends.
    private let ends: [Int]

    /// Sorts trials.
    ///
    /// - Parameters:
    ///   - scores: Higher means more alike.
    ///   - isTarget: Whether the two sides of each trial agree.
    /// - Throws: `MetricsError.countMismatch`, `.notFinite`, or `.tooFew` where targets or
    ///   non-targets are missing.
    public init(scores: [Float], isTarget: [Bool]) throws {
        guard scores.count == isTarget.count else {
            throw MetricsError.countMismatch(
                what: "kinds of trials", expected: scores.count, found: isTarget.count)
        }
        let targetCount = isTarget.count(where: \.self)
        try requireCount(targetCount, atLeast: 1, "target scores")
        try requireCount(isTarget.count - targetCount, atLeast: 1, "non-target scores")
        try requireFinite(scores, "scores")
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        self.order = order
        self.isTarget = order.map { isTarget[$0] }
        ends = order.indices.filter {
            $0 + 1 == order.count || scores[order[$0]] != scores[order[$0 + 1]]
        }.map { $0 + 1 }
    }

    /// The equal error rate of trials that count with different weights.
    ///
    /// The operating points and the line between them are those of
    /// `equalErrorRate(targets:nonTargets:)`, with sums of weights in place of numbers of trials. A
    /// weight of 0 leaves a trial out, a weight of 2 counts it twice.
    ///
    /// - Parameter weight: The weight of the trial at a position of the lists that were given, 0 or
    ///   more.
    /// - Returns: The rate, or NaN where the targets or the non-targets have no weight in all.
    public func equalErrorRate(weight: (_ trial: Int) -> Double) -> Double {
        let weights = order.map(weight)
        var (targetTotal, nonTargetTotal) = (0.0, 0.0)
        for (weight, isTarget) in zip(weights, isTarget) {
            if isTarget { targetTotal += weight } else { nonTargetTotal += weight }
        }
        guard targetTotal > 0, nonTargetTotal > 0 else { return .nan }
        var (missed, refused) = (0.0, 0.0)
        var previous = (falseAlarm: 1.0, miss: 0.0)
        var next = 0
        for end in ends {
            while next < end {
                if isTarget[next] { missed += weights[next] } else { refused += weights[next] }
                next += 1
            }
            let miss = missed / targetTotal
            let falseAlarm = 1 - refused / nonTargetTotal
            if miss >= falseAlarm {
                let before = previous.falseAlarm - previous.miss
                let fraction = before / (before + miss - falseAlarm)
                return previous.falseAlarm + fraction * (falseAlarm - previous.falseAlarm)
            }
            previous = (falseAlarm, miss)
        }
        // Rounding alone keeps the last point, where all is refused, from having crossed.
        return previous.falseAlarm
    }
}
