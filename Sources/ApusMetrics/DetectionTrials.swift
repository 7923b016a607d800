/// Scored trials of a detector, sorted once for many measurements.
///
/// A trial is accepted when its score is at or above a threshold. Equal scores are accepted or
/// refused together.
///
/// Trials may count with different weights, see `weighted(by:)`. Where the targets or the
/// non-targets have no weight in all, every measurement is NaN.
///
/// It takes 9 bytes a trial, 8 more with weights, and another 16 while sorting.
public struct DetectionTrials: Sendable {
    /// For each trial in ascending order of scores, its position in the lists that were given.
    private let order: [UInt32]
    /// The scores in ascending order.
    private let scores: [Float]
    /// Whether each trial of `order` is a target.
    private let isTarget: [Bool]
    /// The weight of each trial of `order`; nil where each counts once.
    private var weights: [Double]?
    /// The sum of the targets' weights, without weights their number.
    public private(set) var targetTotal: Double
    /// The sum of the non-targets' weights, without weights their number.
    public private(set) var nonTargetTotal: Double

    /// The number of trials.
    public var count: Int { order.count }

    /// Sorts trials.
    ///
    /// - Parameters:
    ///   - scores: Higher means more alike; less than 2^32 of them.
    ///   - isTarget: Whether the two sides of each trial agree.
    /// - Throws: `MetricsError.countMismatch`, `.notFinite`, or `.tooFew` where targets or
    ///   non-targets are missing.
    public init(scores: [Float], isTarget: [Bool]) throws {
        let targetCount = try requireTrials(scores: scores, isTarget: isTarget)
        let order = ascendingOrder(of: scores)
        self.order = order
        self.scores = order.map { scores[Int($0)] }
        self.isTarget = order.map { isTarget[Int($0)] }
        targetTotal = Double(targetCount)
        nonTargetTotal = Double(scores.count - targetCount)
    }

    /// The same trials with other weights, in place of those that they had.
    ///
    /// A weight of 0 leaves a trial out, a weight of 2 counts it twice.
    ///
    /// - Parameter weight: The weight of the trial at a position of the lists that were given, 0 or
    ///   more.
    /// - Returns: The trials, not sorted again.
    public func weighted(by weight: (_ trial: Int) -> Double) -> DetectionTrials {
        var trials = self
        (trials.targetTotal, trials.nonTargetTotal) = (0, 0)
        let weights = order.map { weight(Int($0)) }
        for (weight, isTarget) in zip(weights, isTarget) {
            precondition(weight >= 0, "a weight is 0 or more")
            if isTarget { trials.targetTotal += weight } else { trials.nonTargetTotal += weight }
        }
        trials.weights = weights
        return trials
    }

    /// Whether both kinds of trials have weight.
    var hasBothKinds: Bool { targetTotal > 0 && nonTargetTotal > 0 }

    /// The trials of each distinct score, in ascending order.
    var ties: Ties { Ties(trials: self) }

    /// The trials of one score.
    struct Tie {
        var score: Double
        /// The weight of the targets with this score.
        var targets: Double
        /// The weight of the non-targets with this score.
        var nonTargets: Double
    }

    /// Steps through the distinct scores; those of trials without weight are left out.
    struct Ties: Sequence, IteratorProtocol {
        fileprivate let trials: DetectionTrials
        private var position = 0

        fileprivate init(trials: DetectionTrials) { self.trials = trials }

        mutating func next() -> Tie? {
            while position < trials.scores.count {
                let score = trials.scores[position]
                var tie = Tie(score: Double(score), targets: 0, nonTargets: 0)
                while position < trials.scores.count, trials.scores[position] == score {
                    let weight = trials.weights?[position] ?? 1
                    if trials.isTarget[position] {
                        tie.targets += weight
                    } else {
                        tie.nonTargets += weight
                    }
                    position += 1
                }
                if tie.targets + tie.nonTargets > 0 { return tie }
            }
            return nil
        }
    }
}

/// Throws where trials can't be measured; returns the number of targets.
func requireTrials(scores: [Float], isTarget: [Bool]) throws -> Int {
    guard scores.count == isTarget.count else {
        throw MetricsError.countMismatch(
            what: "kinds of trials", expected: scores.count, found: isTarget.count)
    }
    let targetCount = isTarget.count(where: \.self)
    try requireCount(targetCount, atLeast: 1, "target scores")
    try requireCount(isTarget.count - targetCount, atLeast: 1, "non-target scores")
    try requireFinite(scores, "scores")
    return targetCount
}
