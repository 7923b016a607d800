/// The equal error rate of a detector and the threshold that reaches it.
///
/// What `DetectionTrials.equalErrorRate()` says of the same trials.
///
/// - Parameters:
///   - targets: The scores of trials whose two sides agree (same speaker); higher means more alike.
///   - nonTargets: The scores of the other trials.
/// - Returns: The rate in `0...1` (0.5 is chance) and the threshold in score units.
/// - Throws: `MetricsError.tooFew` where a list is empty, `.notFinite` at a score that is NaN or
///   infinite.
/// - Complexity: O(n) in the number of scores.
public func equalErrorRate(
    targets: [Float], nonTargets: [Float]
) throws -> (rate: Double, threshold: Double) {
    try requireCount(targets.count, atLeast: 1, "target scores")
    try requireCount(nonTargets.count, atLeast: 1, "non-target scores")
    try requireFinite(targets, "target scores")
    try requireFinite(nonTargets, "non-target scores")
    let isTarget =
        [Bool](repeating: true, count: targets.count)
        + [Bool](repeating: false, count: nonTargets.count)
    return try DetectionTrials(scores: targets + nonTargets, isTarget: isTarget).equalErrorRate()
}

extension DetectionTrials {
    /// The equal error rate on the linearly interpolated ROC curve, and its threshold.
    ///
    /// With the false alarm rate FAR (the fraction of non-targets accepted) and the miss rate FRR
    /// (the fraction of targets refused), the operating points are those of a threshold below all
    /// scores and of one just above each distinct score. FAR - FRR falls strictly from 1 to -1 along
    /// them. The rate is FAR where the straight line between the two neighbouring points meets
    /// FAR = FRR. It is the same as 1 - TPR = FPR on the linearly interpolated ROC curve.
    ///
    /// The threshold is the score at which the line is crossed. Where an operating point lies on
    /// FAR = FRR itself, it is the midpoint of the two scores around that point.
    ///
    /// - Returns: The rate in `0...1` (0.5 is chance) and the threshold in score units.
    public func equalErrorRate() -> (rate: Double, threshold: Double) {
        var previous = (falseAlarm: 1.0, miss: 0.0)
        for (point, refused) in operatingPoints {
            let (falseAlarm, miss) = (point.falseAlarmRate, point.missRate)
            if miss == falseAlarm { return (falseAlarm, point.threshold) }
            if miss > falseAlarm {
                let before = previous.falseAlarm - previous.miss
                let fraction = before / (before + miss - falseAlarm)
                let rate = previous.falseAlarm + fraction * (falseAlarm - previous.falseAlarm)
                return (rate, refused)
            }
            previous = (falseAlarm, miss)
        }
        return (.nan, .nan)
    }

    /// The equal error rate on the convex hull of the ROC curve (ROCCH-EER).
    ///
    /// The hull is what thresholds reach that are drawn at random; it lies on or below the
    /// interpolated curve in (FAR, FRR), so that this rate is never above `equalErrorRate()` and
    /// never above 0.5.
    /// It is also the highest Bayes error rate over all priors.
    ///
    /// ## Reference
    /// Brümmer and de Villiers, The BOSARIS Toolkit, 2011, section 2 (ROCCH-EER).
    ///
    /// - Returns: The rate, in `0...0.5`.
    public func convexHullEqualErrorRate() -> Double {
        var previous = (falseAlarm: 1.0, miss: 0.0)
        var (missed, accepted) = (0.0, nonTargetTotal)
        for pool in pooledScores() {
            missed += pool.targets
            accepted -= pool.nonTargets
            let miss = missed / targetTotal
            let falseAlarm = max(accepted, 0) / nonTargetTotal
            if miss >= falseAlarm {
                let before = previous.falseAlarm - previous.miss
                let fraction = before / (before + miss - falseAlarm)
                return previous.falseAlarm + fraction * (falseAlarm - previous.falseAlarm)
            }
            previous = (falseAlarm, miss)
        }
        // Rounding alone keeps the last vertex, where all is refused, from having crossed.
        return hasBothKinds ? previous.falseAlarm : .nan
    }
}
