import Foundation

/// An affine map from the scores of one or several systems to log-likelihood ratios.
///
/// With one system it calibrates, with several it also fuses:
///
///     llr = w_1 s_1 + ... + w_K s_K + offset
///
/// Fitted by logistic regression on development trials. Targets weigh P in all and non-targets
/// 1 - P, whatever their numbers, and log(P / (1 - P)) is taken off again, so that what remains is a
/// log-likelihood ratio (natural) that doesn't depend on how many trials there were of each kind:
///
///     P / T Σ_targets log(1 + exp(-z)) + (1 - P) / N Σ_non-targets log(1 + exp(z)),
///     z = llr + log(P / (1 - P))
///
/// P is where the calibration is best, for example the prior of the detection cost.
///
/// Two deviations from the references:
/// - 1e-10 / 2 times the sum of squares of the weights, in units of a system's standard deviation,
///   is added: systems that say the same share their weight.
/// - Trials that a threshold tells apart without an error have no best map: the steeper, the better.
///   For these, and only for these, a target counts as a non-target by 1 / (T + 2), a non-target as
///   a target by 1 / (N + 2) (Platt, Probabilistic Outputs for Support Vector Machines, 1999), which
///   keeps the ratios of these trials near the logarithm of their number; `isSeparable` says so.
///
/// ## Reference
/// Brümmer and du Preez, Application-Independent Evaluation of Speaker Detection, 2006; Brümmer et
/// al., Fusion of Heterogeneous Speaker Recognition Systems in the STBU Submission, 2007.
public struct ScoreCalibration: Hashable, Sendable, Codable {
    /// The factor of each system's scores.
    public var weights: [Double]
    /// What is added.
    public var offset: Double
    /// The prior of targets that the map was fitted for.
    public var targetPrior: Double
    /// Whether the map told the trials apart without an error, so that it rests on smoothed kinds.
    public var isSeparable: Bool

    /// Fits the calibration of one system.
    ///
    /// - Parameters:
    ///   - scores: The scores of development trials.
    ///   - isTarget: Whether the two sides of each trial agree.
    ///   - targetPrior: P, between 0 and 1.
    /// - Throws: `MetricsError.countMismatch`, `.notFinite`, `.tooFew` where targets or non-targets
    ///   are missing, `.constant` where all scores are equal.
    public init(scores: [Float], isTarget: [Bool], targetPrior: Double = 0.5) throws {
        try self.init(systems: [scores], isTarget: isTarget, targetPrior: targetPrior)
    }

    /// Fits the calibration and fusion of several systems.
    ///
    /// - Parameters:
    ///   - systems: Each system's scores of the same development trials.
    ///   - isTarget: Whether the two sides of each trial agree.
    ///   - targetPrior: P, between 0 and 1.
    /// - Throws: `MetricsError.countMismatch`, `.notFinite`, `.tooFew` where targets, non-targets or
    ///   systems are missing, `.constant` where all scores of a system are equal.
    public init(systems: [[Float]], isTarget: [Bool], targetPrior: Double = 0.5) throws {
        precondition(targetPrior > 0 && targetPrior < 1, "the prior lies between 0 and 1")
        try requireCount(systems.count, atLeast: 1, "systems")
        for (index, scores) in systems.enumerated() {
            _ = try requireTrials(scores: scores, isTarget: isTarget)
            guard scores.contains(where: { $0 != scores[0] }) else {
                throw MetricsError.constant(what: "scores of system \(index)")
            }
        }
        var regression = ScoreRegression(
            systems: systems, isTarget: isTarget, targetPrior: targetPrior)
        var map = regression.solved()
        isSeparable = isSeparated(systems, isTarget, weights: map.weights)
        if isSeparable {
            regression.smoothKinds()
            map = regression.solved()
        }
        weights = map.weights
        offset = map.offset - log(targetPrior / (1 - targetPrior))
        self.targetPrior = targetPrior
    }

    /// The log-likelihood ratio of one trial.
    ///
    /// - Parameter scores: Each system's score of the trial.
    /// - Returns: The natural logarithm.
    public func logLikelihoodRatio(_ scores: Float...) -> Double {
        precondition(scores.count == weights.count, "a score for each system")
        return zip(weights, scores).reduce(offset) { $0 + $1.0 * Double($1.1) }
    }

    /// The log-likelihood ratios of trials.
    ///
    /// - Parameter systems: Each system's scores of the same trials.
    /// - Returns: The natural logarithms, in the order of the trials.
    /// - Throws: `MetricsError.countMismatch` for another number of systems than was fitted or
    ///   lists that differ in length.
    public func logLikelihoodRatios(systems: [[Float]]) throws -> [Float] {
        guard systems.count == weights.count else {
            throw MetricsError.countMismatch(
                what: "systems", expected: weights.count, found: systems.count)
        }
        for (index, scores) in systems.enumerated() where scores.count != systems[0].count {
            throw MetricsError.countMismatch(
                what: "scores of system \(index)", expected: systems[0].count, found: scores.count)
        }
        return systems[0].indices.map { trial in
            Float(combined(systems, trial, weights, offset))
        }
    }

    /// The probability of a target by Bayes' rule.
    ///
    /// - Parameters:
    ///   - logLikelihoodRatio: The natural logarithm of the likelihood ratio.
    ///   - prior: The probability of a target before the trial, between 0 and 1.
    /// - Returns: The probability after it.
    public static func targetProbability(
        logLikelihoodRatio: Double, prior: Double
    ) -> Double {
        precondition(prior > 0 && prior < 1, "the prior lies between 0 and 1")
        return 1 / (1 + exp(-logLikelihoodRatio) * (1 - prior) / prior)
    }
}

/// The weighted sum of the systems' scores of one trial.
private func combined(
    _ systems: [[Float]], _ trial: Int, _ weights: [Double], _ offset: Double
) -> Double {
    var sum = offset
    for (system, weight) in weights.enumerated() { sum += weight * Double(systems[system][trial]) }
    return sum
}

/// Whether no non-target is above any target when the systems' scores are combined.
private func isSeparated(_ systems: [[Float]], _ isTarget: [Bool], weights: [Double]) -> Bool {
    var (lowestTarget, highestNonTarget) = (Double.infinity, -Double.infinity)
    for (trial, isTarget) in isTarget.enumerated() {
        let score = combined(systems, trial, weights, 0)
        if isTarget {
            lowestTarget = min(lowestTarget, score)
        } else {
            highestNonTarget = max(highestNonTarget, score)
        }
    }
    return highestNonTarget <= lowestTarget
}
