import Foundation

/// Neighbouring scores that calibration by a monotone function gives one value.
public struct PooledScores: Hashable, Sendable {
    /// The lowest score.
    public var lowest: Double
    /// The highest score.
    public var highest: Double
    /// The weight of the targets, without weights their number.
    public var targets: Double
    /// The weight of the non-targets, without weights their number.
    public var nonTargets: Double

    /// The fraction of targets.
    public var targetFraction: Double { targets / (targets + nonTargets) }
}

extension DetectionTrials {
    /// The pools of the pool-adjacent-violators algorithm, by ascending score.
    ///
    /// The pools' fractions of targets rise strictly. They are the isotonic regression of the kinds
    /// on the scores, the best calibration of these trials by any function that never falls, and
    /// the pools are the edges of the ROC curve's convex hull. Equal scores are one pool from the
    /// start.
    ///
    /// ## Reference
    /// Ayer et al., An Empirical Distribution Function for Sampling with Incomplete Information,
    /// 1955; Fawcett and Niculescu-Mizil, PAV and the ROC Convex Hull, 2007.
    ///
    /// - Returns: The pools; none where the targets or the non-targets have no weight in all.
    /// - Complexity: O(n) in the number of trials.
    public func pooledScores() -> [PooledScores] {
        guard hasBothKinds else { return [] }
        var pools: [PooledScores] = []
        for tie in ties {
            var pool = PooledScores(
                lowest: tie.score, highest: tie.score, targets: tie.targets,
                nonTargets: tie.nonTargets)
            // Fractions compared by cross-multiplication, which is exact for counts.
            while let last = pools.last,
                last.targets * pool.nonTargets >= pool.targets * last.nonTargets
            {
                pool.lowest = last.lowest
                pool.targets += last.targets
                pool.nonTargets += last.nonTargets
                pools.removeLast()
            }
            pools.append(pool)
        }
        return pools
    }

    /// The log-likelihood ratio of a pool: of its targets' and its non-targets' shares of all.
    ///
    /// - Parameter pool: One of `pooledScores()`.
    /// - Returns: The natural logarithm; minus infinity without targets, infinity without
    ///   non-targets.
    public func logLikelihoodRatio(of pool: PooledScores) -> Double {
        log(pool.targets / targetTotal) - log(pool.nonTargets / nonTargetTotal)
    }
}
