import ApusCorpus
import ApusNN
import ApusSignal
import ApusTensor

/// Everything that decides what a pretraining run does.
///
/// Paths are relative to the working directory. The resolved configuration is saved with the run.
public struct PretrainingConfiguration: Codable, Hashable, Sendable {
    /// What every draw of the run depends on.
    public var seed: UInt64 = 1
    /// How many threads one operation may use; 0 for all cores.
    ///
    /// They decide the order of sums, and with it the last digits of what is trained.
    public var threads = 0
    /// The numbers that matrix products are computed in.
    public var precision = Precision.bfloat16
    /// How samples become features, before normalisation by the corpus.
    public var frontEnd = FrontEnd.kaldi
    /// What is trained on.
    public var data = Data()
    /// How recordings are changed in each epoch; nothing is by default.
    public var augmentation = AugmentationOptions()
    /// What is trained.
    public var objective = ObjectiveConfiguration()
    /// How the weights move.
    public var optimizer = Optimizer()
    /// How long, and what is written down.
    public var training = Training()

    /// What is trained on.
    public struct Data: Codable, Hashable, Sendable {
        /// The manifest of the training recordings.
        public var manifest = ""
        /// Whether each mel band is brought to mean 0 and deviation 1 over the training recordings.
        public var normalizesByCorpus = true
        /// How recordings share a batch: crops of exactly one length, or whole lengths, padded.
        public var mode = SamplerOptions.Mode.exactLength
        /// The most frames in a batch, padding included.
        public var framesPerBatch = 4096
        /// The longest crop of a recording, in frames.
        public var cropFrames = 160
        /// Shorter recordings are left out, in frames.
        public var minimumFrames = 30
        /// Memory for features, in MiB: what fits is computed once.
        public var cacheMegabytes = 1024
        /// Tasks that make batches in the background.
        public var workers = 2
    }

    /// How the weights move: AdamW.
    public struct Optimizer: Codable, Hashable, Sendable {
        /// The highest learning rate.
        public var rate = 1e-3
        /// How much the running mean of the gradients keeps.
        public var beta1 = 0.9
        /// How much the running mean of their squares keeps.
        public var beta2 = 0.98
        /// What is added to the root of the second moment.
        public var epsilon = 1e-8
        /// The decoupled weight decay.
        public var weightDecay = 0.01
        /// The share of the run during which the rate rises.
        public var warmUp = 0.1
        /// What follows the rise.
        public var decay = LearningRateSchedule.Decay.cosine
        /// The largest joint norm of the gradients.
        public var clipNorm = 1.0
    }

    /// How long, and what is written down.
    public struct Training: Codable, Hashable, Sendable {
        /// The number of steps.
        public var steps = 1000
        /// Figures beside the loss are computed every so many steps.
        public var logEvery = 10
        /// A checkpoint is written every so many steps.
        public var checkpointEvery = 250
        /// How many checkpoints stay.
        public var keptCheckpoints = 2
    }

    /// The configuration that nothing was set in.
    public init() {}

    /// Refuses what can't be run.
    ///
    /// - Parameter source: Where the configuration comes from, for the error.
    /// - Throws: `PretrainingError.badValue` with the first key that has a value it can't have.
    public func validate(source: String) throws {
        func require(_ holds: Bool, _ key: String, _ reason: String) throws {
            if !holds { throw PretrainingError.badValue(key: key, reason: reason, source: source) }
        }
        try require(!data.manifest.isEmpty, "data.manifest", "no manifest is named")
        try require(threads >= 0, "threads", "is \(threads), expected 0 (all cores) or more")
        for (key, value) in [
            ("data.framesPerBatch", data.framesPerBatch), ("data.cropFrames", data.cropFrames),
            ("data.minimumFrames", data.minimumFrames), ("data.workers", data.workers),
            ("training.steps", training.steps), ("training.logEvery", training.logEvery),
            ("training.checkpointEvery", training.checkpointEvery),
            ("training.keptCheckpoints", training.keptCheckpoints),
        ] { try require(value >= 1, key, "is \(value), expected at least 1") }
        try require(data.cacheMegabytes >= 0, "data.cacheMegabytes", "is negative")
        try require(
            data.cropFrames >= data.minimumFrames, "data.cropFrames",
            "is \(data.cropFrames), less than data.minimumFrames, \(data.minimumFrames)")
        try require(
            data.framesPerBatch >= data.cropFrames, "data.framesPerBatch",
            "is \(data.framesPerBatch), less than data.cropFrames, \(data.cropFrames)")
        try require(
            optimizer.rate > 0 && optimizer.rate.isFinite, "optimizer.rate",
            "is \(optimizer.rate), expected a positive number")
        try require(
            (0...1).contains(optimizer.warmUp), "optimizer.warmUp",
            "is \(optimizer.warmUp), expected a share of the run, 0 to 1")
        for (key, beta) in [
            ("optimizer.beta1", optimizer.beta1), ("optimizer.beta2", optimizer.beta2),
        ] { try require((0..<1).contains(beta), key, "is \(beta), expected 0 up to 1") }
        try require(optimizer.clipNorm > 0, "optimizer.clipNorm", "expected a positive number")
        try require(
            optimizer.epsilon > 0 && optimizer.epsilon.isFinite, "optimizer.epsilon",
            "is \(optimizer.epsilon), expected a positive number")
        try require(
            optimizer.weightDecay >= 0 && optimizer.weightDecay.isFinite, "optimizer.weightDecay",
            "is \(optimizer.weightDecay), expected 0 or more")
        try frontEnd.validate()
        try validateAugmentation(source: source)
        if let problem = objective.problem() {
            let parts = problem.split(separator: " ", maxSplits: 1)
            throw PretrainingError.badValue(
                key: String(parts[0]), reason: parts.count > 1 ? String(parts[1]) : "",
                source: source)
        }
        if objective.kind == .cpc {
            let (steps, longest) = (
                objective.cpc.predictionSteps, objective.cpc.encodedFrames(data.cropFrames)
            )
            try require(
                longest > steps, "data.cropFrames",
                "is \(data.cropFrames), which the encoder makes \(longest) of: too few for "
                    + "objective.cpc.predictionSteps, \(steps)")
        }
    }

    private func validateAugmentation(source: String) throws {
        do {
            try augmentation.validate(sampleRate: frontEnd.sampleRate)
        } catch {
            guard case .invalidAugmentation(let option, let expected, let found) = error else {
                throw error
            }
            throw PretrainingError.badValue(
                key: "augmentation." + option, reason: "is \(found), expected \(expected)",
                source: source)
        }
    }

    /// How the sampler gathers recordings.
    var samplerOptions: SamplerOptions {
        SamplerOptions(
            mode: data.mode, framesPerBatch: data.framesPerBatch, cropFrames: data.cropFrames,
            minimumFrames: data.minimumFrames, seed: seed)
    }

    /// What changes the recordings in each epoch, where anything does.
    func makeAugmenter() throws -> Augmenter? {
        guard augmentation.isOn else { return nil }
        return try Augmenter(augmentation, seed: seed, sampleRate: frontEnd.sampleRate)
    }

    /// How the learning rate moves.
    var schedule: LearningRateSchedule {
        LearningRateSchedule(
            peak: optimizer.rate, warmUp: optimizer.warmUp, decay: optimizer.decay)
    }
}
