import Foundation

extension DetectionTrials {
    /// The cost of log-likelihood ratios (Cllr), in bits.
    ///
    /// The scores are taken for natural log-likelihood ratios: half the mean of log2(1 + exp(-s))
    /// over the targets and half that of log2(1 + exp(s)) over the non-targets. It averages the
    /// costs of all applications; 0 is perfect, 1 is knowing nothing, and bad calibration costs
    /// more than 1.
    ///
    /// ## Reference
    /// Brümmer and du Preez, Application-Independent Evaluation of Speaker Detection, 2006.
    ///
    /// - Returns: The cost, 0 or more.
    public func logLikelihoodRatioCost() -> Double {
        var (targets, nonTargets) = (0.0, 0.0)
        for tie in ties {
            if tie.targets > 0 { targets += tie.targets * softplus(-tie.score) }
            if tie.nonTargets > 0 { nonTargets += tie.nonTargets * softplus(tie.score) }
        }
        return (targets / targetTotal + nonTargets / nonTargetTotal) / (2 * log(2))
    }

    /// The lowest Cllr that a function which never falls makes of these scores (min Cllr), in bits.
    ///
    /// The function is that of the pools of `pooledScores()`. It measures what the scores tell
    /// apart, whatever their calibration.
    ///
    /// ## Reference
    /// Brümmer and du Preez, Application-Independent Evaluation of Speaker Detection, 2006.
    ///
    /// - Returns: The cost, in `0...1`.
    public func minimumLogLikelihoodRatioCost() -> Double {
        guard hasBothKinds else { return .nan }
        var cost = 0.0
        for pool in pooledScores() {
            let ratio = logLikelihoodRatio(of: pool)
            // A pool of one kind alone has an infinite ratio, and costs nothing.
            if pool.targets > 0 { cost += pool.targets / targetTotal * softplus(-ratio) }
            if pool.nonTargets > 0 { cost += pool.nonTargets / nonTargetTotal * softplus(ratio) }
        }
        return cost / (2 * log(2))
    }
}

/// log(1 + exp(value)) without overflow.
func softplus(_ value: Double) -> Double {
    max(value, 0) + log1p(exp(-abs(value)))
}
