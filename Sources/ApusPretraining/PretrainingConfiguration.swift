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
    /// Where the model is trained: `cpu`, `cuda` or `cuda:N`.
    public var device = Device.cpu
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
    /// A model whose weights training begins with, in place of drawn ones; empty for none.
    ///
    /// It has the objective's weights and the front end, but for the normalisation;
    /// `continuing(_:)` makes a configuration that has.
    public var initialModel = ""
    /// How the weights move.
    public var optimizer = Optimizer()
    /// How long, and what is written down.
    public var training = Training()
    /// How processes that train the same model together do it; one by itself has no use for it.
    public var distributed = Distributed()

    /// What is trained on.
    public struct Data: Codable, Hashable, Sendable {
        /// The manifest of the training recordings.
        public var manifest = ""
        /// The manifest of recordings that are validated on; empty for none.
        public var validationManifest = ""
        /// The share of the training recordings, drawn by the seed, that are held out to validate on.
        public var validationShare = 0.0
        /// Whether each mel band is brought to mean 0 and deviation 1 over the training recordings.
        public var normalizesByCorpus = true
        /// How recordings share a batch: crops of exactly one length, or whole lengths, padded.
        public var mode = SamplerOptions.Mode.exactLength
        /// The most frames in a batch, padding included.
        public var framesPerBatch = 4096
        /// The most seconds in a batch, padding included, in place of `framesPerBatch`; 0 leaves it.
        public var secondsPerBatch = 0.0
        /// Whether a batch holds crops of one speaker only, as CPC_audio samples by default; the
        /// manifest says who speaks.
        public var batchesBySpeaker = false
        /// The longest crop of a recording, in frames.
        public var cropFrames = 160
        /// Shorter recordings are left out, in frames.
        public var minimumFrames = 30
        /// Memory for features, in MiB: what fits is computed once.
        public var cacheMegabytes = 1024
        /// Tasks that make batches in the background.
        public var workers = 2
        /// Whether a recording's length is that of its file's header or of the manifest.
        public var lengths = Lengths.automatic
        /// How many recordings, drawn by the seed, `normalizesByCorpus` measures; 0 for all of up to
        /// 100,000, and for 4096 of more.
        public var statisticsRecordings = 0
        /// What an epoch's order is drawn over.
        public var shuffle = Shuffle.automatic
        /// How many shards' batches are mixed, where the shards are shuffled.
        public var shardsTogether = 8

        /// Where the lengths of recordings come from.
        public enum Lengths: String, Codable, Sendable, CaseIterable {
            /// From the headers of up to 100,000 files; of more, from the manifest, where it has them.
            case automatic
            /// From the files' headers.
            case headers
            /// From the manifest, less a frame, since they may be rounded; from the header where it has
            /// none.
            case durations
        }

        /// What an epoch's order is drawn over.
        public enum Shuffle: String, Codable, Sendable, CaseIterable {
            /// Shards where the recordings are in some, else the recordings.
            case automatic
            /// All recordings: each may be read from anywhere.
            case recordings
            /// The shards, and the batches of `shardsTogether` of them; a batch is of one shard.
            case shards

            /// Whether shards are shuffled, where there are any.
            var goesByShards: Bool { self != .recordings }
        }

        /// More recordings than this are neither opened nor measured one by one before training.
        static let largestMeasuredCount = 100_000
        /// So many are measured instead.
        static let sampledCount = 4096

        /// Whether the manifest's durations are taken at their word.
        func trustsDurations(ofRecordings count: Int) -> Bool {
            switch lengths {
            case .automatic: count > Self.largestMeasuredCount
            case .headers: false
            case .durations: true
            }
        }

        /// How many recordings are measured.
        func measuredCount(ofRecordings count: Int) -> Int {
            if statisticsRecordings > 0 { return min(statisticsRecordings, count) }
            return count > Self.largestMeasuredCount ? Self.sampledCount : count
        }
    }

    /// How the weights move.
    public struct Optimizer: Codable, Hashable, Sendable {
        /// What moves them.
        public enum Kind: String, Codable, Sendable, CaseIterable {
            /// Adam with decoupled weight decay.
            case adamW
            /// Adam's direction, as long as the layer's weights.
            case lamb
            /// Stochastic gradient descent with momentum.
            case sgd
        }

        /// What moves the weights.
        public var kind = Kind.adamW
        /// The highest learning rate.
        public var rate = 1e-3
        /// How much SGD's running sum of the gradients keeps; unused by the others.
        public var momentum = 0.9
        /// How much the running mean of the gradients keeps; unused by SGD.
        public var beta1 = 0.9
        /// How much the running mean of their squares keeps; unused by SGD.
        public var beta2 = 0.98
        /// What is added to the root of the second moment; unused by SGD.
        public var epsilon = 1e-8
        /// The weight decay, decoupled from the gradients for all but SGD.
        public var weightDecay = 0.01
        /// The share of the run during which the rate rises.
        public var warmUp = 0.1
        /// What follows the rise.
        public var decay = LearningRateSchedule.Decay.cosine
        /// The largest joint norm of the gradients.
        public var clipNorm = 1.0
    }

    /// How long, and what is written down.
    ///
    /// The first of `steps`, `epochs` and `maximumMinutes` that is reached ends the run.
    public struct Training: Codable, Hashable, Sendable {
        /// The number of steps; 0 for no limit.
        public var steps = 1000
        /// The number of times that every recording is seen; 0 for no limit.
        public var epochs = 0
        /// The minutes that the run trains, interruptions left out; 0 for no limit.
        ///
        /// The learning rate then follows the larger of the shares of the steps and of the time that
        /// are done. Clocks aren't exactly repeatable, and neither is such a run.
        public var maximumMinutes = 0.0
        /// The number of batches whose gradients are averaged in a step.
        public var accumulation = 1
        /// So many steps in a row without a finite loss and gradient end the run.
        public var nonFinitePatience = 10
        /// The held-out recordings are validated on every so many steps.
        public var validateEvery = 250
        /// When a run ends that no longer improves on the held-out recordings.
        public var earlyStopping = EarlyStopping()
        /// Which mean of the weights becomes the model.
        public var averaging = Averaging()
        /// Deviation and effective rank of the hidden layers are measured every so many steps; 0 for
        /// never.
        public var healthEvery = 100
        /// Figures beside the loss are computed every so many steps.
        public var logEvery = 10
        /// A checkpoint is written every so many steps.
        public var checkpointEvery = 250
        /// How many checkpoints stay.
        public var keptCheckpoints = 2
    }

    /// How processes that train the same model together do it.
    ///
    /// Each computes its part of every batch; how large a batch is, `data` says, however many they are.
    public struct Distributed: Codable, Hashable, Sendable {
        /// In which numbers gradients are sent.
        public enum Compression: String, Codable, Sendable, CaseIterable {
            /// As they are, in 32 bits.
            case none
            /// Half of the bytes: sums are rounded to 8 bits.
            case bfloat16
        }

        /// Whether negatives are drawn from the recordings of all processes, as one process draws
        /// them, and not only from those of the same one.
        public var gathersNegatives = false
        /// In which numbers gradients are sent.
        public var compression = Compression.none
        /// The most that is sent at once while the backward pass still runs, in MiB.
        public var bucketMegabytes = 25.0
        /// The seconds after which a process that is silent, or doesn't come to an exchange, is lost.
        public var timeout = 60.0
        /// The seconds that the processes have to find together.
        public var joiningTimeout = 300.0
    }

    /// When a run ends that no longer improves on the held-out recordings.
    ///
    /// A validation improves where its loss is lower than the lowest before by more than
    /// `minimumImprovement`. `patience` validations in a row that don't improve end the run.
    public struct EarlyStopping: Codable, Hashable, Sendable {
        /// So many validations in a row without improvement end the run; 0 for no number.
        public var patience = 0
        /// The loss has to be lower by more than this.
        public var minimumImprovement = 0.0
    }

    /// Which mean of the weights becomes the model.
    public struct Averaging: Codable, Hashable, Sendable {
        /// How much the exponential moving average of the weights keeps in a step; 0 for none.
        public var decay = 0.0
        /// How many of the last checkpoints' weights are averaged at the end; 1 for the last alone.
        public var checkpoints = 1
    }

    /// The configuration that nothing was set in.
    public init() {}

    /// The configuration that trains a model on, on other recordings for one.
    ///
    /// Objective and front end are the model's. So is the normalisation, which its weights expect;
    /// `data.normalizesByCorpus` measures the recordings at hand instead.
    ///
    /// - Parameter model: A trained model.
    /// - Returns: The configuration, all else as by default.
    public static func continuing(_ model: PretrainedModel) -> PretrainingConfiguration {
        var configuration = PretrainingConfiguration()
        configuration.initialModel = model.path
        configuration.objective = model.card.objective
        configuration.frontEnd = model.card.frontEnd
        configuration.data.normalizesByCorpus = false
        return configuration
    }

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
        try require(device != .meta, "device", "is meta, expected cpu, cuda or cuda:N")
        for (key, value) in [
            ("data.framesPerBatch", data.framesPerBatch), ("data.cropFrames", data.cropFrames),
            ("data.minimumFrames", data.minimumFrames), ("data.workers", data.workers),
            ("data.shardsTogether", data.shardsTogether),
            ("training.logEvery", training.logEvery),
            ("training.checkpointEvery", training.checkpointEvery),
            ("training.keptCheckpoints", training.keptCheckpoints),
            ("training.accumulation", training.accumulation),
            ("training.nonFinitePatience", training.nonFinitePatience),
            ("training.validateEvery", training.validateEvery),
            ("training.averaging.checkpoints", training.averaging.checkpoints),
        ] { try require(value >= 1, key, "is \(value), expected at least 1") }
        for (key, value) in [
            ("data.statisticsRecordings", data.statisticsRecordings),
            ("training.steps", training.steps), ("training.epochs", training.epochs),
            ("training.healthEvery", training.healthEvery),
            ("training.earlyStopping.patience", training.earlyStopping.patience),
        ] { try require(value >= 0, key, "is \(value), expected 0 or more") }
        for (key, value) in [
            ("data.secondsPerBatch", data.secondsPerBatch),
            ("training.maximumMinutes", training.maximumMinutes),
            (
                "training.earlyStopping.minimumImprovement",
                training.earlyStopping.minimumImprovement
            ),
        ] {
            try require(value >= 0 && value.isFinite, key, "is \(value), expected 0 or more")
        }
        for (key, value) in [
            ("distributed.bucketMegabytes", distributed.bucketMegabytes),
            ("distributed.timeout", distributed.timeout),
            ("distributed.joiningTimeout", distributed.joiningTimeout),
        ] {
            // A day, and a gigabyte.
            try require(
                value > 0 && value <= 86_400, key, "is \(value), expected above 0 and at most 86400"
            )
        }
        try require(
            training.steps > 0 || training.epochs > 0 || training.maximumMinutes > 0,
            "training.steps",
            "is 0, and neither training.epochs nor training.maximumMinutes ends the run")
        try require(data.cacheMegabytes >= 0, "data.cacheMegabytes", "is negative")
        try require(
            data.cropFrames >= data.minimumFrames, "data.cropFrames",
            "is \(data.cropFrames), less than data.minimumFrames, \(data.minimumFrames)")
        try require(
            framesPerBatch >= data.cropFrames,
            data.secondsPerBatch > 0 ? "data.secondsPerBatch" : "data.framesPerBatch",
            (data.secondsPerBatch > 0 ? "makes \(framesPerBatch) frames" : "is \(framesPerBatch)")
                + ", less than data.cropFrames, \(data.cropFrames)")
        try validateValidation(require)
        try optimizer.validate(require)
        try require(
            (0..<1).contains(training.averaging.decay), "training.averaging.decay",
            "is \(training.averaging.decay), expected 0 up to 1")
        try require(
            training.averaging.decay == 0 || training.averaging.checkpoints == 1,
            "training.averaging.checkpoints",
            "is \(training.averaging.checkpoints), expected 1 where training.averaging.decay is set"
        )
        try frontEnd.validate()
        try validateAugmentation(source: source)
        try require(
            frontEnd.kind != .waveform || !data.normalizesByCorpus, "data.normalizesByCorpus",
            "is true, expected false where frontEnd.kind is waveform")
        try require(
            objective.kind != .imported, "objective.kind",
            "is imported, which has nothing to train without labels; expected one of "
                + ObjectiveKind.allCases.map(\.rawValue).joined(separator: ", "))
        if let problem = objective.problem() ?? objective.problem(reading: frontEnd) {
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

    private func validateValidation(_ require: (Bool, String, String) throws -> Void) throws {
        try require(
            (0..<1).contains(data.validationShare), "data.validationShare",
            "is \(data.validationShare), expected 0 up to 1")
        try require(
            data.validationShare == 0 || data.validationManifest.isEmpty, "data.validationShare",
            "is \(data.validationShare), expected 0 beside data.validationManifest")
        try require(
            training.earlyStopping.patience == 0 || validates, "training.earlyStopping.patience",
            "needs data.validationManifest or data.validationShare")
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
            mode: data.mode, framesPerBatch: framesPerBatch, cropFrames: data.cropFrames,
            minimumFrames: data.minimumFrames, seed: seed)
    }

    /// Whether recordings are held out to validate on.
    var validates: Bool { !data.validationManifest.isEmpty || data.validationShare > 0 }

    /// The most frames in a batch, whichever way the configuration says it.
    var framesPerBatch: Int {
        data.secondsPerBatch > 0
            ? Int(min(data.secondsPerBatch * frontEnd.frameRate, 1e9)) : data.framesPerBatch
    }

    /// What changes the recordings in each epoch, where anything does.
    func makeAugmenter() throws -> Augmenter? {
        guard augmentation.isOn else { return nil }
        return try Augmenter(augmentation, seed: seed, sampleRate: frontEnd.sampleRate)
    }
}
