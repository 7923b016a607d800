import ApusMetrics
import ApusReport

/// What verification found.
public struct VerificationReport: Sendable {
    /// What a system is.
    public enum Kind: String, Codable, Sendable {
        /// A summary of log-mels.
        case baseline
        /// A model's encoder before training.
        case untrained
        /// A model.
        case trained
        /// Embeddings from a file.
        case stored
        /// Several systems together.
        case fusion
    }

    /// What one system found.
    public struct System: Sendable {
        /// The system's name.
        public var name: String
        /// What it is.
        public var kind: Kind
        /// How it makes scores, in words.
        public var procedure: String
        /// The scores of the test trials, in the order of the list.
        public var scores: [Float]
        /// The scores of the development trials; empty without these.
        public var developmentScores: [Float]
        /// The map from scores to log-likelihood ratios; nil without development trials.
        public var calibration: ScoreCalibration?
        /// The equal error rate on the development trials; nil without these.
        public var developmentRate: Double?
        /// The operating points of the test trials.
        public var tradeoff: [DetectionOperatingPoint]
        /// What scores recordings one pair at a time; nil for a fusion.
        public var chosen: Chosen?
    }

    /// How a system compares two recordings.
    public struct Chosen: Sendable {
        /// The layer's name.
        public var layer: String
        /// How frames become a vector.
        public var pooling: Pooling
        /// What makes a score of two vectors.
        public var backend: VerificationBackend
        /// The cohort's vectors, M x D; empty where scores aren't normalised.
        public var cohort: [Float]
        /// How many of the highest scores against the cohort count; nil for all.
        public var cohortTop: Int?
    }

    /// The figures.
    public var results: Results
    /// The systems, in the order of the table.
    public var systems: [System]
    /// What a reader should know of the data.
    public var warnings: [String]
    /// The number of targets among the test trials.
    public var targets: Int
    /// The number of non-targets among the test trials.
    public var nonTargets: Int
}
