/// The mean and the standard deviation of one recording's scores against a cohort.
///
/// A cohort is a set of recordings of other speakers. They are computed once per recording, not
/// once per trial.
public struct CohortStatistics: Hashable, Sendable, Codable {
    /// The mean.
    public var mean: Double
    /// The standard deviation, with n as the divisor.
    public var standardDeviation: Double

    /// Measures a recording's scores against the cohort.
    ///
    /// - Parameters:
    ///   - scores: The recording's score against each recording of the cohort, in any order.
    ///   - top: How many of the highest scores count, the recording's nearest impostors (adaptive
    ///     S-norm); nil for all of them (S-norm).
    /// - Throws: `MetricsError.tooFew` with fewer than two scores or fewer than `top`,
    ///   `.notFinite`, `.constant` where the scores that count are equal.
    public init(scores: [Float], top: Int? = nil) throws {
        precondition(top ?? 2 >= 2, "a standard deviation needs two scores")
        try requireCount(scores.count, atLeast: top ?? 2, "cohort scores")
        try requireFinite(scores, "cohort scores")
        let nearest = top.map { scores.sorted().suffix($0) } ?? scores[...]
        guard nearest.contains(where: { $0 != nearest.first }) else {
            throw MetricsError.constant(what: "cohort scores")
        }
        let count = Double(nearest.count)
        let mean = nearest.reduce(0.0) { $0 + Double($1) } / count
        let squares = nearest.reduce(0.0) { sum, score in
            let difference = Double(score) - mean
            return sum + difference * difference
        }
        self.mean = mean
        standardDeviation = (squares / count).squareRoot()
    }

    /// A score in standard deviations from the cohort's mean (Z-norm of the enrolment side, T-norm
    /// of the test side).
    ///
    /// - Parameter score: The recording's score in a trial.
    /// - Returns: The normalised score.
    public func normalized(_ score: Float) -> Double {
        (Double(score) - mean) / standardDeviation
    }
}

/// The symmetric normalisation of a trial's score: the mean of both sides' normalised scores.
///
/// S-norm where the statistics are of the whole cohort, adaptive S-norm (AS-norm) where they are of
/// each side's nearest impostors.
///
/// ## Reference
/// Kenny, Bayesian Speaker Verification with Heavy-Tailed Priors, 2010 (S-norm); Matějka et al.,
/// Analysis of Score Normalization in Multilingual Speaker Recognition, 2017, section 2 (AS-norm1).
///
/// - Parameters:
///   - score: The trial's score.
///   - enrolment: The enrolment side's scores against the cohort.
///   - test: The test side's scores against the cohort.
/// - Returns: The normalised score; exchanging the sides doesn't change it.
public func symmetricNormalization(
    of score: Float, enrolment: CohortStatistics, test: CohortStatistics
) -> Float {
    Float((enrolment.normalized(score) + test.normalized(score)) / 2)
}
