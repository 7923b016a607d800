import ApusMetrics
import ApusReport

/// Everything that a run of probes found.
public struct ProbeReport {
    /// What a system is.
    public enum Kind: String, Codable, Hashable, Sendable {
        /// A summary of log-mels.
        case baseline
        /// An encoder with its initial weights.
        case untrained
        /// An encoder as it was trained.
        case trained
    }

    /// What one system reached.
    public struct System: Sendable {
        /// The system's name.
        public var name: String
        /// What it is.
        public var kind: Kind
        /// The seed of the model's training; `nil` without a model.
        public var seed: UInt64?
        /// The probes on recordings, all labels last.
        public var utterances: [UtteranceProbe.Outcome]
        /// The probe on frames, where the system has frames and it was asked for.
        public var frames: FrameProbe.Outcome?
        /// SUPERB's protocol, where it was asked for and the system has layers.
        public var weightedSum: WeightedSumProbe.Outcome?
        /// HEAR's protocol, where it was asked for.
        public var perceptron: PerceptronProbe.Outcome?
        /// Verification, where it was asked for.
        public var verification: VerificationProbe.Outcome?
        /// Open-set identification, where it was asked for.
        public var openSet: OpenSetProbe.Outcome?
        /// The vectors of the test recordings in the layer that the last probe chose.
        public var testEmbeddings: Representation.Layer

        /// The mean accuracy on the development part in the last probe.
        public var developmentAccuracy: Double {
            guard let last = utterances.last else { return 0 }
            return last.selections.reduce(0) { $0 + $1.developmentAccuracy }
                / Double(last.selections.count)
        }
    }

    /// What guessing reaches on the test part.
    public struct Chance: Hashable, Sendable, Codable {
        /// One over the number of classes.
        public var uniform: Double
        /// The share of test recordings of the most frequent class of the training part.
        public var majorityShare: Double
    }

    /// The figures, as `results.json` holds them.
    public var results: Results
    /// What guessing reaches.
    public var chance: Chance
    /// The classes, sorted.
    public var classes: [String]
    /// The systems, baselines first.
    public var systems: [System]
    /// The ids of the test recordings that were used.
    public var testIDs: [String]
    /// Their labels.
    public var testLabels: [String]
    /// The trained model with the highest accuracy on the development part.
    public var bestSystem: String
    /// That model's confusions in the last probe, of its first seed; rows are true classes.
    public var confusion: ConfusionMatrix
    /// That model with that probe's classifier.
    public var classifier: Classifier
    /// What the reader should know about the data.
    public var warnings: [ProbeWarning]
}
