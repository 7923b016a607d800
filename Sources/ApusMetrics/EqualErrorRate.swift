/// The equal error rate of a detector and the threshold that reaches it.
///
/// A trial is accepted when its score is at or above the threshold. With the false alarm rate FAR
/// (the fraction of non-targets accepted) and the miss rate FRR (the fraction of targets rejected),
/// the operating points are those of a threshold below all scores and of one just above each
/// distinct score, so that equal scores are accepted or rejected together. FAR - FRR falls strictly
/// from 1 to -1 along them. The rate is FAR where the straight line between the two neighbouring
/// points meets FAR = FRR. It is the same as 1 - TPR = FPR on the linearly interpolated ROC curve.
///
/// The threshold is the score at which the line is crossed. Where an operating point lies on
/// FAR = FRR itself, it is the midpoint of the two scores around that point.
///
/// - Parameters:
///   - targets: The scores of trials whose two sides agree (same speaker); higher means more alike.
///   - nonTargets: The scores of the other trials.
/// - Returns: The rate in `0...1` (0.5 is chance) and the threshold in score units.
/// - Throws: `MetricsError.tooFew` where a list is empty, `.notFinite` at a score that is NaN or
///   infinite.
/// - Complexity: O(n log n) in the number of scores.
public func equalErrorRate(
    targets: [Float], nonTargets: [Float]
) throws -> (rate: Double, threshold: Double) {
    try requireCount(targets.count, atLeast: 1, "target scores")
    try requireCount(nonTargets.count, atLeast: 1, "non-target scores")
    try requireFinite(targets, "target scores")
    try requireFinite(nonTargets, "non-target scores")

    let accepted = targets.sorted()
    let refused = nonTargets.sorted()
    let targetCount = Double(accepted.count)
    let nonTargetCount = Double(refused.count)
    var targetsBelow = 0
    var nonTargetsBelow = 0
    var previous = (falseAlarm: 1.0, miss: 0.0)
    while true {
        // The lowest score not yet below the threshold; the crossing comes before both run out.
        let score = min(
            targetsBelow < accepted.count ? accepted[targetsBelow] : .infinity,
            nonTargetsBelow < refused.count ? refused[nonTargetsBelow] : .infinity)
        while targetsBelow < accepted.count, accepted[targetsBelow] == score { targetsBelow += 1 }
        while nonTargetsBelow < refused.count, refused[nonTargetsBelow] == score {
            nonTargetsBelow += 1
        }
        let falseAlarm = Double(refused.count - nonTargetsBelow) / nonTargetCount
        let miss = Double(targetsBelow) / targetCount
        // Compared as products of counts: the quotients can differ in their last bit.
        let missProduct = targetsBelow * refused.count
        let falseAlarmProduct = (refused.count - nonTargetsBelow) * accepted.count
        if missProduct == falseAlarmProduct {
            let next = min(
                targetsBelow < accepted.count ? accepted[targetsBelow] : .infinity,
                nonTargetsBelow < refused.count ? refused[nonTargetsBelow] : .infinity)
            return (falseAlarm, (Double(score) + Double(next)) / 2)
        }
        if missProduct > falseAlarmProduct {
            let before = previous.falseAlarm - previous.miss
            let after = falseAlarm - miss
            let fraction = before / (before - after)
            let rate = previous.falseAlarm + fraction * (falseAlarm - previous.falseAlarm)
            return (rate, Double(score))
        }
        previous = (falseAlarm, miss)
    }
}
