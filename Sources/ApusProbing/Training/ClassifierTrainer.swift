import ApusCorpus
import ApusMetrics
import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor
import Foundation

/// Trains a classifier on labels: a head on a frozen encoder, an encoder end to end, or one from
/// initial weights.
///
/// A run is a folder; started again on it, the run continues from the latest checkpoint and ends with
/// the same bits on as many threads. The development part is measured every so many steps; the step
/// with the highest accuracy there is kept (of equals the earliest), and the test part is looked at
/// once, with its weights.
public final class ClassifierTrainer {
    /// What a run reports as it goes.
    public enum Event: Sendable {
        /// Something that the run does.
        case message(String)
        /// Something that the reader should know.
        case warning(String)
        /// So much of a piece of work is done, with a word on how it goes.
        case progress(done: Int, total: Int, work: String, detail: String)
    }

    /// Asks the run to end after the step at hand.
    public let stopRequest = StopRequest()

    let configuration: ClassifierConfiguration
    let folder: ClassifierFolder
    let cache: RepresentationCache?
    let report: (Event) -> Void
    private var seed: Seed { Seed(configuration.seed) }

    /// A run.
    ///
    /// - Parameters:
    ///   - configuration: What the run does.
    ///   - folder: The run's folder; it is made where it is missing.
    ///   - source: Where the configuration comes from, for errors.
    ///   - cache: Where statistics of recordings, and what probes found of baselines, are kept between runs;
    ///     `nil` for nowhere.
    ///   - report: Called with what happens, on the training task.
    /// - Throws: `PretrainingError` for a configuration that can't be run.
    public init(
        _ configuration: ClassifierConfiguration, folder: String, source: String = "configuration",
        cache: RepresentationCache? = nil, report: @escaping (Event) -> Void = { _ in }
    ) throws {
        try configuration.validate(source: source)
        self.configuration = configuration
        self.folder = ClassifierFolder(path: folder)
        self.cache = cache
        self.report = report
    }

    /// Trains to the end, from the latest checkpoint where there is one, and measures.
    ///
    /// - Returns: What came of it; nil where the run was asked to stop.
    /// - Throws: `EngineError` where the device isn't there; `PretrainingError`, `ProbingError`,
    ///   `CorpusError` or `SignalError` where the run can't begin or go on.
    public func run() throws -> ClassifierReport? {
        let training = configuration.training
        try Engine.use(configuration.device)
        Engine.start(
            threadCount: configuration.threads > 0
                ? configuration.threads : ProcessInfo.processInfo.activeProcessorCount)
        try folder.claim(for: configuration)
        let model = try makeModel()
        let store = try FeatureStore(
            frontEnd: model.card.frontEnd, cacheByteLimit: configuration.data.cacheMegabytes << 20)
        let recordings = try LabelledRecordings(configuration, store: store) {
            report(.progress(done: $0, total: $1, work: "features", detail: ""))
        }
        recordings.warnings.forEach { report(.warning($0)) }
        let network = try ClassifierNetwork(
            model, layer: configuration.encoder.layer, head: configuration.head,
            loss: configuration.loss, classCount: recordings.classes.names.count,
            trainsEncoder: configuration.encoder.rate > 0, seed: seed)
        let batches = try TrainingBatches(recordings, configuration, evaluation: store)
        if configuration.selfSupervised.weight > 0 {
            try model.objective.prepare(frontEnd: model.card.frontEnd)
        }
        let optimizers = try makeOptimizers(network)
        var state = try restore(network, optimizers)
        let limits = TrainingLimits(
            configuration.limits, batchesPerEpoch: batches.sampler.batchCount)
        let rule = TrainingCheckpoint.Rule(every: training.checkpointEvery, kept: 2)
        var stopping = EarlyStopping(
            configuration.limits.earlyStopping, state: state.validation)
        let metrics = try MetricsLog(folder: folder.path, keepingStepsThrough: state.step)
        let loader = batches.loader(from: state.sampler)
        defer { loader.close() }
        let schedule = configuration.optimizer.schedule
        report(
            .message(
                "\(configuration.head.kind.rawValue): \(network.trained.parameterCount) parameters, "
                    + "\(recordings.labelled.count) recordings of "
                    + "\(recordings.classes.names.count) \(configuration.label.className.plural), steps "
                    + "\(state.step + 1) to \(limits.steps ?? 0)"))
        let clock = ContinuousClock()
        let began = clock.now
        let before = state
        while state.end == nil, !stopRequest.isRequested {
            let step = state.step + 1
            guard let batch = try loader.next() else {
                preconditionFailure("a loader without a last epoch ended")
            }
            let losses = losses(network, batch, batches.targets, seed: seed.derived(step))
            let rate = schedule.rate(at: limits.progress(step: step, seconds: 0))
            var figures: [(name: String, value: Double)] = [
                ("loss", losses.labels), ("learningRate", rate), ("epoch", Double(batch.epoch)),
            ]
            if let own = losses.selfSupervised { figures.append(("selfSupervisedLoss", own)) }
            var isSkipped = !losses.total.item.isFinite
            if !isSkipped {
                losses.total.backward()
                let norm = clipGradients(
                    of: optimizers.flatMap(\.parameters), toNorm: configuration.optimizer.clipNorm)
                figures.append(("gradientNorm", norm))
                isSkipped = !norm.isFinite
            }
            if isSkipped {
                optimizers.forEach { $0.optimizer.clearGradients() }
                state.skippedSteps += 1
                state.skippedInARow = (state.skippedInARow ?? 0) + 1
                report(.warning("step \(step) is skipped: its loss or gradient is not finite"))
            } else {
                optimizers.forEach { $0.optimizer.step(rate: rate * $0.share) }
                state.skippedInARow = 0
            }
            if step % training.validateEvery == 0 || step == limits.steps {
                let found = try measure(network, recordings.data.development, recordings, store)
                figures += [
                    ("validation/accuracy", found.accuracy), ("validation/loss", found.loss),
                ]
                if stopping.improves(loss: 1 - found.accuracy, step: step) {
                    try writeAtomically(
                        Safetensors(tensors: network.trained.weights()).encoded(),
                        to: folder.bestPath)
                }
            }
            state.step = step
            state.loss = losses.labels.isFinite ? losses.labels : nil
            state.threads = Engine.threadCount
            state.device = Engine.device
            state.sampler = loader.state
            state.optimizerStep = optimizers[0].optimizer.stepCount
            state.validation = stopping.state
            state.trainingSeconds = before.trainingSeconds + (clock.now - began) / .seconds(1)
            try metrics.write(
                step: step, figures, lists: [("skipped", isSkipped ? batch.ids : [])])
            if let times = state.skippedInARow, times >= training.nonFinitePatience {
                throw PretrainingError.diverged(step: step, times: times, recordings: batch.ids)
            }
            report(
                .progress(
                    done: step, total: limits.steps ?? step, work: "steps",
                    detail: String(format: "loss %.4f", losses.labels)))
            state.end = stopping.ends ? .earlyStopping : limits.end(step: step, seconds: 0)
            let isDue = step % training.checkpointEvery == 0
            if isDue || state.end != nil || stopRequest.isRequested {
                try TrainingCheckpoint.write(
                    state,
                    TrainingCheckpoint.Content(
                        model: Safetensors(tensors: network.trained.weights()).encoded(),
                        moments: optimizers.reduce(into: [:]) { all, each in
                            all.merge(each.optimizer.state()) { $1 }
                        }), to: folder.checkpoints, rule: rule)
            }
        }
        try metrics.close()
        guard state.end != nil else { return nil }
        // Where no measurement was finite, nothing was kept: the last weights stand.
        if FileManager.default.fileExists(atPath: folder.bestPath) {
            try network.trained.load(
                Safetensors(contentsOf: folder.bestPath).tensors, from: folder.bestPath)
        }
        return try finish(network, recordings, store, state)
    }

    // MARK: - Parts of a step

    private struct Losses {
        var total: Tensor
        var labels: Double
        var selfSupervised: Double?
    }

    /// A batch's loss against its classes, and the objective's own by its weight.
    private func losses(
        _ network: ClassifierNetwork, _ batch: FeatureBatch, _ targets: [String: Int], seed: Seed
    ) -> Losses {
        let features = Tensor(
            batch.features, shape: [batch.count, batch.frameCount, batch.featureCount])
        return withPrecision(configuration.precision) {
            let loss = network.trainingLoss(
                features, lengths: batch.lengths, targets: batch.ids.compactMap { targets[$0] },
                draws: TrainingDraws(seed: seed.derived("labels")))
            let weight = configuration.selfSupervised.weight
            guard weight > 0 else { return Losses(total: loss, labels: Double(loss.item)) }
            let own = network.model.objective.loss(
                features: features, lengths: batch.lengths, groups: batch.groups,
                seed: seed.derived("objective")
            ).value
            return Losses(
                total: loss + own * weight, labels: Double(loss.item),
                selfSupervised: Double(own.item))
        }
    }

    /// The accuracy and the mean cross-entropy of a part.
    private func measure(
        _ network: ClassifierNetwork, _ part: ProbeData.Part, _ recordings: LabelledRecordings,
        _ store: FeatureStore
    ) throws -> (accuracy: Double, loss: Double) {
        let targets = try recordings.classes.numbers(of: part.labels, part: part.name)
        let outputs = try outputs(network, part.cuts, store)
        let losses = zip(outputs, targets).map { output, target in
            let largest = Double(output.logits.max() ?? 0)
            let sum = output.logits.reduce(0) { $0 + exp(Double($1) - largest) }
            return largest + log(sum) - Double(output.logits[target])
        }
        return (
            try accuracy(predictions: outputs.map { prediction($0.logits) }, targets: targets),
            losses.reduce(0, +) / Double(losses.count)
        )
    }

    /// What a network makes of recordings that were usable before.
    func outputs(
        _ network: ClassifierNetwork, _ cuts: [Cut], _ store: FeatureStore
    ) throws -> [ClassifierNetwork.Output] {
        var outputs = [ClassifierNetwork.Output?](repeating: nil, count: cuts.count)
        try network.forEachRecording(
            of: cuts, store: store, workers: configuration.data.workers
        ) { index, result in
            switch result {
            case .success(let output): outputs[index] = output
            case .failure(let problem):
                throw ProbingError.recordingLost(
                    id: cuts[index].id, reason: problem.description)
            }
        }
        return outputs.compactMap(\.self)
    }

    // MARK: - Beginning

    /// The encoder to begin with.
    private func makeModel() throws -> PretrainedModel {
        var model: PretrainedModel
        if configuration.model.isEmpty {
            model = PretrainedModel(untrained: try cardWithoutModel(), path: folder.modelPath)
        } else {
            model = try PretrainedModel(contentsOf: configuration.model)
            if configuration.encoder.fromScratch {
                var card = model.card
                card.seed = configuration.seed
                model = PretrainedModel(untrained: card, path: configuration.model)
            }
        }
        if model.card.objective.kind == .imported, configuration.selfSupervised.weight > 0 {
            throw PretrainingError.badValue(
                key: "selfSupervised.weight",
                reason: "is \(configuration.selfSupervised.weight), expected 0: an imported "
                    + "encoder has no objective", source: "configuration")
        }
        let fewest = configuration.data.minimumFrames
        guard
            configuration.selfSupervised.weight == 0
                || model.card.objective.isTrainable(onFrames: fewest)
        else {
            throw PretrainingError.badValue(
                key: "data.minimumFrames",
                reason: "is \(fewest): too few for the steps that CPC predicts, with "
                    + "selfSupervised.weight", source: "configuration")
        }
        return model
    }

    /// The card of an encoder that no model gives, with the features' mean and deviation.
    private func cardWithoutModel() throws -> ModelCard {
        let manifest = try Manifest(contentsOf: configuration.data.train)
        var frontEnd = configuration.frontEnd
        if frontEnd.kind != .waveform {
            var unstacked = frontEnd
            unstacked.stacking = FrameStacking()
            let statistics = try FeatureStore(frontEnd: unstacked, cacheByteLimit: 0)
                .statistics(of: manifest.cuts, workers: configuration.data.workers).statistics
            frontEnd.normalization = .corpus(statistics)
        }
        return ModelCard(
            objective: configuration.objective, frontEnd: frontEnd, seed: configuration.seed,
            step: 0,
            trainingData: ModelCard.TrainingData(
                manifest: manifest.path,
                manifestHash: try ModelCard.TrainingData.hash(ofFile: manifest.path),
                recordings: manifest.cuts.count, seconds: manifest.totalSeconds))
    }

    /// An optimiser with the parameters that it moves, and its share of the rate.
    private struct Moved {
        var optimizer: any ApusNN.Optimizer
        var parameters: [Tensor]
        var share: Double
    }

    private func makeOptimizers(_ network: ClassifierNetwork) throws -> [Moved] {
        func moved(_ parameters: [(name: String, tensor: Tensor)], _ share: Double) -> Moved {
            Moved(
                optimizer: configuration.optimizer.make(for: parameters),
                parameters: parameters.map(\.tensor), share: share)
        }
        var all = [moved(network.ownParameters, 1)]
        if network.trainsEncoder {
            let share = configuration.encoder.rate / configuration.optimizer.rate
            all.append(moved(network.modelParameters, share))
        }
        return all
    }

    /// The state to begin from: the latest whole checkpoint's, else the start.
    private func restore(
        _ network: ClassifierNetwork, _ optimizers: [Moved]
    ) throws -> TrainingCheckpoint.State {
        let untrained = network.trained.weights()
        for path in TrainingCheckpoint.all(in: folder.checkpoints) {
            do {
                let checkpoint = try TrainingCheckpoint(contentsOf: path)
                try network.trained.load(checkpoint.weights, from: path)
                for each in optimizers {
                    try each.optimizer.load(
                        checkpoint.moments, stepCount: checkpoint.state.optimizerStep, from: path)
                }
                report(.message("continuing from \(path)"))
                return checkpoint.state
            } catch {
                report(.warning("\(error); trying the checkpoint before it"))
            }
        }
        try network.trained.load(untrained, from: folder.path)
        return TrainingCheckpoint.State(
            step: 0, threads: Engine.threadCount, sampler: SamplerState(), optimizerStep: 0,
            skippedSteps: 0, audioSeconds: 0, trainingSeconds: 0, secondsWaited: 0)
    }
}

/// The class with the highest score, of equals the first.
func prediction(_ logits: [Float]) -> Int {
    logits.indices.reduce(0) { logits[$1] > logits[$0] ? $1 : $0 }
}
