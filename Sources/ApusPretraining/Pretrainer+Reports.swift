extension Pretrainer {
    /// What a run reports as it goes.
    public struct Progress: Sendable {
        /// Steps done.
        public var step: Int
        /// Steps in all; at the pace so far, where time alone ends the run.
        public var steps: Int
        /// The last step's loss.
        public var loss: Double
        /// Steps per second since the start or continuation.
        public var stepsPerSecond: Double
    }

    /// What a run reports in words: what it does beside the steps, and what went wrong with a recording.
    public enum Event: Sendable {
        /// Something that the run does.
        case message(String)
        /// Something wrong that doesn't end the run.
        case warning(String)
        /// A step is done.
        case progress(Progress)
    }

    /// Why a run has ended.
    public enum End: String, Codable, Sendable {
        /// All steps or epochs are done.
        case steps
        /// The time is over.
        case minutes
        /// The loss on the held-out recordings no longer improved.
        case earlyStopping
    }

    /// What a run ends with.
    public struct Summary: Sendable {
        /// The path of the trained model; it isn't there yet where `end` is nil.
        public var modelPath: String
        /// Why the run has ended; nil where it was asked to stop, and continues when it is started again.
        public var end: End?
        /// Steps done in all.
        public var steps: Int
        /// The last step's loss.
        public var loss: Double
        /// The lowest loss on the held-out recordings, if there are any.
        public var bestValidationLoss: Double?
        /// Steps skipped, since their loss or gradient wasn't finite.
        public var skippedSteps: Int
        /// Seconds of training, without preparation.
        public var trainingSeconds: Double
        /// The share of these in which the training task waited for data.
        public var waitingShare: Double
        /// Hours of audio seen per hour.
        public var audioHoursPerHour: Double
        /// Recordings that could not be used.
        public var problemCount: Int
    }
}
