import ApusMetrics

/// Everything that decides the figures of verification beside models and recordings.
public struct VerificationOptions: Codable, Hashable, Sendable {
    /// How frames become a vector.
    public enum PoolingChoice: String, Codable, Hashable, Sendable, CaseIterable {
        /// What is best on development trials; mean and standard deviation without them.
        case best
        /// The mean over frames.
        case mean
        /// The mean and the standard deviation over frames.
        case meanAndStandardDeviation
    }

    /// Whether each feature's deviation is divided out.
    public enum Standardization: String, Codable, Hashable, Sendable, CaseIterable {
        /// What is best on development trials; not without them.
        case best
        /// Not.
        case never
        /// It is.
        case always
    }

    /// How scores are normalised by a cohort.
    public enum Normalization: String, Codable, Hashable, Sendable, CaseIterable {
        /// Not at all.
        case none
        /// By each side's scores against the whole cohort (S-norm).
        case symmetric
        /// By each side's highest scores against the cohort (AS-norm).
        case adaptive
    }

    /// The layer's name; `best` for the one that is best on development trials, without these the
    /// last.
    public var layer = "best"
    /// How frames become a vector.
    public var pooling = PoolingChoice.best
    /// Whether each feature's deviation is divided out.
    public var standardization = Standardization.best
    /// How vectors are compared.
    public var scoring = VerificationScoring.cosine
    /// The directions of LDA; 0 for no LDA.
    public var discriminantCount = 0
    /// How scores are normalised by the cohort.
    public var normalization = Normalization.none
    /// How many of the highest scores against the cohort count in AS-norm.
    public var cohortTop = 300
    /// The priors of a target that detection costs are measured at.
    public var targetPriors = [0.01, 0.05, 0.5]
    /// The cost of refusing a target.
    public var missCost = 1.0
    /// The cost of accepting a non-target.
    public var falseAlarmCost = 1.0
    /// The prior at which calibration is best.
    public var calibrationPrior = 0.5
    /// The resamples of the bootstrap over speakers; 0 for no intervals.
    public var resamples = 500
    /// Whether log-mel statistics, the channel alone and untrained encoders stand beside the models.
    public var baselines = true
    /// Systems that are compared beside those that always are.
    public var comparisons: [SystemPair] = []
    /// What the bootstrap depends on.
    public var seed: UInt64 = 1
    /// How many recordings are read at a time, and threads compute scores.
    public var workers = 2
    /// The memory for the features of each front end (MiB).
    public var cacheMegabytes = 512

    /// The name of what is chosen on development trials.
    public static let bestLayer = "best"

    /// The defaults.
    public init() {}

    /// The applications that detection costs are measured for.
    public var costs: [DetectionCost] {
        targetPriors.map {
            DetectionCost(targetPrior: $0, missCost: missCost, falseAlarmCost: falseAlarmCost)
        }
    }

    /// Refuses what can't be run.
    ///
    /// - Throws: `ProbingError.badOption` with the option's name.
    public func validate() throws {
        func require(_ holds: Bool, _ option: String, _ expected: String, _ found: Any) throws {
            if !holds {
                throw ProbingError.badOption(option: option, expected: expected, found: "\(found)")
            }
        }
        func isProbability(_ value: Double) -> Bool { value > 0 && value < 1 }
        try require(
            discriminantCount >= 0, "discriminantCount", "0 or more", discriminantCount)
        try require(cohortTop > 1, "cohortTop", "at least 2", cohortTop)
        try require(
            !targetPriors.isEmpty && targetPriors.allSatisfy(isProbability), "targetPriors",
            "numbers between 0 and 1", targetPriors)
        for (name, cost) in [("missCost", missCost), ("falseAlarmCost", falseAlarmCost)] {
            try require(cost > 0 && cost.isFinite, name, "a number above 0", cost)
        }
        try require(
            isProbability(calibrationPrior), "calibrationPrior", "a number between 0 and 1",
            calibrationPrior)
        try require(resamples == 0 || resamples > 1, "resamples", "0, or at least 2", resamples)
        try require(workers > 0, "workers", "at least 1", workers)
        try require(cacheMegabytes >= 0, "cacheMegabytes", "0 or more", cacheMegabytes)
    }
}
