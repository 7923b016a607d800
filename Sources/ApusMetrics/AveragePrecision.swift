extension DetectionTrials {
    /// The average precision: the mean of the precision at each target, by falling score.
    ///
    /// With the precision P_n and the recall R_n of accepting all scores at or above the n-th highest
    /// distinct score it is Σ_n (R_n - R_(n-1)) P_n. Trials of one score are accepted together, and
    /// nothing is interpolated: where all scores are equal it is the fraction of targets, which is
    /// also what scores at random reach on average.
    ///
    /// ## Reference
    /// Buckley and Voorhees, Evaluating Evaluation Measure Stability, 2000, with ties grouped.
    ///
    /// - Returns: A value above 0, at most 1.
    public func averagePrecision() -> Double {
        guard hasBothKinds else { return .nan }
        var (targets, accepted) = (targetTotal, targetTotal + nonTargetTotal)
        var sum = 0.0
        for tie in ties {
            sum += tie.targets * targets / accepted
            targets -= tie.targets
            accepted -= tie.targets + tie.nonTargets
        }
        return sum / targetTotal
    }

    /// The sensitivity index d′ of two normal distributions of equal variance with the same area under
    /// the ROC curve: √2 Φ⁻¹(area).
    ///
    /// ## Reference
    /// Green and Swets, Signal Detection Theory and Psychophysics, 1966; used for audio tagging by
    /// Hershey et al., CNN Architectures for Large-Scale Audio Classification, 2017.
    ///
    /// - Returns: 0 at chance; infinite where all targets score above all non-targets.
    public func sensitivityIndex() -> Double {
        ApusMetrics.sensitivityIndex(areaUnderCurve: areaUnderCurve())
    }
}
