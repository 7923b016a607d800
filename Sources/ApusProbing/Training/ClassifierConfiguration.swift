import ApusCorpus
import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor

/// Everything that decides the outcome of training a classifier on labels.
public struct ClassifierConfiguration: Codable, Hashable, Sendable {
    /// What all draws depend on: initial weights, few-label subsets, batches, dropout.
    public var seed: UInt64 = 1
    /// How many threads one operation may use; 0 for all cores.
    public var threads = 0
    /// Where the classifier is trained: `cpu`, `cuda` or `cuda:N`.
    public var device = Device.cpu
    /// The numbers that matrix products of training are computed in; evaluation has 32 bits.
    public var precision = Precision.float32
    /// What recordings are told apart by.
    public var label = LabelSource.speaker
    /// The model whose encoder is used; empty for `objective`'s, untrained.
    public var model = ""
    /// How samples become features where no model says so, before normalisation by the corpus.
    public var frontEnd = FrontEnd.kaldi
    /// The encoder where no model says so.
    public var objective = ObjectiveConfiguration()
    /// What of the encoder is used and trained.
    public var encoder = Encoder()
    /// What makes one vector of a recording's frames.
    public var head = HeadConfiguration()
    /// What the last layer is trained by.
    public var loss = LossConfiguration()
    /// The model's own objective beside the labels.
    public var selfSupervised = SelfSupervised()
    /// The recordings.
    public var data = Data()
    /// How training recordings are changed in each epoch; nothing is by default.
    public var augmentation = AugmentationOptions()
    /// Whether log-mel and MFCC statistics, a random projection, the channel alone and the untrained encoder
    /// stand beside the network, by linear probes on the same labels.
    public var baselines = true
    /// How the weights move.
    public var optimizer = Self.adam
    /// How long, and what is written down.
    public var training = Training()

    /// What of the encoder is used and trained.
    public struct Encoder: Codable, Hashable, Sendable {
        /// The name of the sum of all layers of the last one's width by learned shares.
        public static let weightedSum = "weightedSum"
        /// The name of the last layer.
        public static let last = "last"

        /// The layer by its name, `last`, or `weightedSum`.
        public var layer = Self.weightedSum
        /// The encoder's highest learning rate; 0 leaves its weights as they are.
        public var rate = 0.0
        /// Whether the encoder begins with initial weights of `seed` instead of the model's.
        ///
        /// The mean and deviation of the model's features stay, which needed no labels.
        public var fromScratch = false
    }

    /// The model's own objective beside the labels: loss = classes + weight · objective.
    ///
    /// A model's file holds all of its objective, predictors and codebooks included: they go on from
    /// there, and from initial weights where the encoder does.
    public struct SelfSupervised: Codable, Hashable, Sendable {
        /// The weight; 0 for none.
        public var weight = 0.0
    }

    /// The recordings.
    public struct Data: Codable, Hashable, Sendable {
        /// The manifest that is trained on.
        public var train = ""
        /// The manifest that the step is chosen on.
        public var development = ""
        /// The manifest that figures are measured on; empty for none.
        public var test = ""
        /// So many training recordings of each class, drawn by the seed; 0 for all.
        public var labelledPerClass = 0
        /// The most frames in a batch, padding included.
        public var framesPerBatch = 8192
        /// The longest crop of a training recording, in frames; the others are used whole.
        public var cropFrames = 300
        /// Shorter training recordings are left out, in frames.
        public var minimumFrames = 10
        /// How recordings share a training batch: crops of one length, or whole lengths, padded.
        public var mode = SamplerOptions.Mode.padded
        /// Memory for features, in MiB.
        public var cacheMegabytes = 1024
        /// Tasks that make batches in the background.
        public var workers = 2
    }

    /// How long, and what is written down.
    public struct Training: Codable, Hashable, Sendable {
        /// The number of steps; 0 for no limit.
        public var steps = 0
        /// The number of times that every recording is seen; 0 for no limit.
        public var epochs = 20
        /// The development part is measured every so many steps, and at the end.
        public var validateEvery = 200
        /// So many measurements in a row without improvement end the run; 0 for no number.
        public var patience = 5
        /// A checkpoint is written every so many steps.
        public var checkpointEvery = 200
        /// So many steps in a row without a finite loss and gradient end the run.
        public var nonFinitePatience = 10
        /// The test recordings' first so many seconds are measured too, of those that are as long.
        public var testSeconds = [1.0, 2.0, 5.0]
        /// The resamples of a bootstrap.
        public var resamples = 2000
    }

    /// Adam at 1e-3, its rate rising for a tenth of the run and then falling with a cosine.
    private static var adam: PretrainingConfiguration.Optimizer {
        var optimizer = PretrainingConfiguration().optimizer
        optimizer.beta2 = 0.999
        return optimizer
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
        try require(!data.train.isEmpty, "data.train", "no manifest is named")
        try require(!data.development.isEmpty, "data.development", "no manifest is named")
        // What several classes or none may be heard in is told by apus probe alone.
        try require(
            [.speaker, .soundClass, .language].contains(label), "label",
            "is \(label.rawValue), expected speaker, soundClass or language (apus probe has tags and "
                + "events)")
        try require(threads >= 0, "threads", "is \(threads), expected 0 (all cores) or more")
        try require(device != .meta, "device", "is meta, expected cpu, cuda or cuda:N")
        for (key, value) in [
            ("data.framesPerBatch", data.framesPerBatch),
            ("data.minimumFrames", data.minimumFrames), ("data.workers", data.workers),
            ("training.validateEvery", training.validateEvery),
            ("training.checkpointEvery", training.checkpointEvery),
            ("training.nonFinitePatience", training.nonFinitePatience),
        ] { try require(value >= 1, key, "is \(value), expected at least 1") }
        for (key, value) in [
            ("data.labelledPerClass", data.labelledPerClass), ("training.steps", training.steps),
            ("training.epochs", training.epochs), ("training.patience", training.patience),
            ("data.cacheMegabytes", data.cacheMegabytes),
        ] { try require(value >= 0, key, "is \(value), expected 0 or more") }
        try require(
            training.steps > 0 || training.epochs > 0, "training.epochs",
            "is 0, and training.steps doesn't end the run")
        try require(
            training.resamples > 1, "training.resamples",
            "is \(training.resamples), expected at least 2")
        try require(
            data.cropFrames >= data.minimumFrames, "data.cropFrames",
            "is \(data.cropFrames), less than data.minimumFrames, \(data.minimumFrames)")
        try require(
            training.testSeconds.allSatisfy { $0 > 0 && $0.isFinite }, "training.testSeconds",
            "is \(training.testSeconds), expected numbers above 0")
        for (key, value) in [
            ("encoder.rate", encoder.rate), ("selfSupervised.weight", selfSupervised.weight),
        ] {
            try require(value >= 0 && value.isFinite, key, "is \(value), expected 0 or more")
        }
        try require(
            selfSupervised.weight == 0 || encoder.rate > 0, "selfSupervised.weight",
            "is \(selfSupervised.weight), expected 0 where encoder.rate is 0")
        try optimizer.validate(require)
        if let problem = head.problem().map({ "head." + $0 })
            ?? loss.problem().map({ "loss." + $0 })
        {
            let parts = problem.split(separator: " ", maxSplits: 1).map(String.init)
            try require(false, parts[0], parts.count > 1 ? parts[1] : "")
        }
        try validateModel(require)
        try validateAugmentation(source: source)
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

    private func validateModel(_ require: (Bool, String, String) throws -> Void) throws {
        if model.isEmpty {
            try require(
                encoder.rate > 0, "encoder.rate",
                "is 0, expected more where no model is named: nothing would train the encoder")
            try frontEnd.validate()
            let problem = objective.problem() ?? objective.problem(reading: frontEnd)
            try require(problem == nil, "objective", problem ?? "")
        } else {
            for (key, isDefault) in [
                ("objective", objective == ObjectiveConfiguration()),
                ("frontEnd", frontEnd == .kaldi),
            ] { try require(isDefault, key, "is set, and model brings its own") }
        }
    }

    /// When the run ends.
    var limits: PretrainingConfiguration.Training {
        var limits = PretrainingConfiguration().training
        (limits.steps, limits.epochs) = (training.steps, training.epochs)
        limits.earlyStopping.patience = training.patience
        return limits
    }

    /// How training recordings are cut and gathered.
    ///
    /// - Parameter frontEnd: What makes the features. Where a frame is a sample, the configuration's
    ///   frames are still those of a hundredth of a second.
    /// - Returns: The options.
    func samplerOptions(_ frontEnd: FrontEnd) -> SamplerOptions {
        let scale = frontEnd.featureShiftInSamples == 1 ? max(1, frontEnd.sampleRate / 100) : 1
        return SamplerOptions(
            mode: data.mode, framesPerBatch: max(data.framesPerBatch, data.cropFrames) * scale,
            cropFrames: data.cropFrames * scale, minimumFrames: data.minimumFrames * scale,
            seed: seed)
    }
}
