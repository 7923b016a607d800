/// What a detector does at one threshold.
public struct DetectionOperatingPoint: Hashable, Sendable, Codable {
    /// Trials are accepted whose score is at or above it.
    public var threshold: Double
    /// The fraction of targets that are refused.
    public var missRate: Double
    /// The fraction of non-targets that are accepted.
    public var falseAlarmRate: Double

    /// Makes a point from its parts.
    ///
    /// - Parameters:
    ///   - threshold: The lowest score that is accepted.
    ///   - missRate: The fraction of targets that are refused.
    ///   - falseAlarmRate: The fraction of non-targets that are accepted.
    public init(threshold: Double, missRate: Double, falseAlarmRate: Double) {
        self.threshold = threshold
        self.missRate = missRate
        self.falseAlarmRate = falseAlarmRate
    }
}

extension DetectionTrials {
    /// The rates of errors at a threshold.
    ///
    /// - Parameter threshold: The lowest score that is accepted.
    /// - Returns: The threshold with its two rates.
    public func operatingPoint(threshold: Double) -> DetectionOperatingPoint {
        var (missed, accepted) = (0.0, nonTargetTotal)
        for tie in ties {
            if tie.score >= threshold { break }
            missed += tie.targets
            accepted -= tie.nonTargets
        }
        return DetectionOperatingPoint(
            threshold: threshold, missRate: missed / targetTotal,
            falseAlarmRate: max(accepted, 0) / nonTargetTotal)
    }

    /// The operating point with the fewest misses among those with few enough false alarms.
    ///
    /// Its false alarm rate is at most the one given, and nothing is interpolated: the threshold can
    /// be set, and lies midway between the two scores around it. For open-set identification the
    /// trials are each recording's best score.
    ///
    /// - Parameter falseAlarmRate: The fraction of non-targets that may be accepted, from 0 to 1.
    /// - Returns: The point.
    public func operatingPoint(falseAlarmRate: Double) -> DetectionOperatingPoint {
        precondition((0...1).contains(falseAlarmRate), "a rate lies in 0...1")
        for (point, _) in operatingPoints where point.falseAlarmRate <= falseAlarmRate {
            return point
        }
        return DetectionOperatingPoint(threshold: .nan, missRate: .nan, falseAlarmRate: .nan)
    }

    /// All operating points: the threshold below all scores, and one above each distinct score.
    var operatingPoints: OperatingPoints { OperatingPoints(trials: self) }

    /// Steps through the operating points from where all trials are accepted to where none is.
    ///
    /// Beside each point stands the highest score that it refuses. The thresholds are the lowest
    /// score, the midpoints of neighbouring scores, and the next number above the highest score.
    struct OperatingPoints: Sequence, IteratorProtocol {
        private var ties: Ties
        private let targetTotal: Double
        private let nonTargetTotal: Double
        private var missed = 0.0
        private var accepted: Double
        private var upcoming: Tie?
        private var isFirst = true

        fileprivate init(trials: DetectionTrials) {
            ties = trials.ties
            targetTotal = trials.targetTotal
            nonTargetTotal = trials.nonTargetTotal
            accepted = trials.nonTargetTotal
            upcoming = trials.hasBothKinds ? ties.next() : nil
        }

        mutating func next() -> (point: DetectionOperatingPoint, refused: Double)? {
            guard let tie = upcoming else { return nil }
            if isFirst {
                isFirst = false
                return (
                    DetectionOperatingPoint(threshold: tie.score, missRate: 0, falseAlarmRate: 1),
                    -.infinity
                )
            }
            missed += tie.targets
            accepted -= tie.nonTargets
            upcoming = ties.next()
            guard let upcoming else {
                // Set rather than summed: sums of weights are rounded.
                return (
                    DetectionOperatingPoint(
                        threshold: tie.score.nextUp, missRate: 1, falseAlarmRate: 0),
                    tie.score
                )
            }
            return (
                DetectionOperatingPoint(
                    threshold: (tie.score + upcoming.score) / 2, missRate: missed / targetTotal,
                    falseAlarmRate: Swift.max(accepted, 0) / nonTargetTotal),
                tie.score
            )
        }
    }
}
