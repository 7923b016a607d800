import ApusCorpus
import ApusNN
import ApusSignal
import ApusTensor
import Foundation

/// Trains an encoder without labels: sample, load, forward, backward, clip, step, log, checkpoint.
///
/// A run is a folder. Started again on the same folder, it continues from the latest checkpoint and
/// ends with the same bits as a run that was never interrupted: whatever is drawn is a function of
/// the seed and the step. The same bits need the same number of threads, which decides the order of
/// sums, and a run that no clock ends.
public final class Pretrainer {
    /// Asks the run to end after the step at hand.
    public let stopRequest = StopRequest()

    private let configuration: PretrainingConfiguration
    private let folder: RunFolder
    private let shared: SharedRun
    private let report: (Event) -> Void

    /// A run.
    ///
    /// - Parameters:
    ///   - configuration: What the run does.
    ///   - folder: The run's folder; it is made where it is missing.
    ///   - source: Where the configuration comes from, for errors.
    ///   - processes: Those that train the same model together; `nil` for this one alone.
    ///   - report: Called with what happens, on the training task; of several processes, rank 0's.
    /// - Throws: `PretrainingError` for a configuration that can't be run.
    public init(
        _ configuration: PretrainingConfiguration, folder: String, source: String = "configuration",
        processes: ProcessGroup? = nil, report: @escaping (Event) -> Void = { _ in }
    ) throws {
        try configuration.validate(source: source)
        self.configuration = configuration
        self.folder = RunFolder(path: folder)
        shared = SharedRun(processes, configuration: configuration)
        self.report = shared.isFirst ? report : { _ in }
    }

    /// Trains to the end, from the latest checkpoint where there is one.
    ///
    /// - Returns: What came of it.
    /// - Throws: `EngineError` where the device isn't there; `PretrainingError`, `CorpusError` or
    ///   `SignalError` where the run can't begin or go on; `ProcessError.lost` where another process
    ///   can't.
    public func run() throws -> Summary {
        do {
            return try train()
        } catch {
            shared.processes?.leave(error)
            throw error
        }
    }

    private func train() throws -> Summary {
        let training = configuration.training
        try Engine.use(shared.device(configuration.device))
        let cores = ProcessInfo.processInfo.activeProcessorCount
        Engine.start(
            threadCount: configuration.threads > 0
                ? configuration.threads : max(1, cores / shared.localCount))
        try shared.agree(on: configuration)
        let heldOut = try HeldOutRecordings(configuration)
        let augmenter = try configuration.makeAugmenter()
        let initial = try initialModel()
        try shared.asFirst { try folder.claim(for: configuration) }
        if let state = try shared.fromFirst({ folder.finishedState(steps: training.steps) }) {
            report(.message("\(folder.path) has all \(state.step) steps already"))
            return summary(state, problemCount: folder.measuredCorpus()?.problems.count ?? 0)
        }

        let recordings = try TrainingRecordings(
            heldOut.training, configuration: configuration, augmenter: augmenter, folder: folder,
            shared: shared, report: report)
        try shared.agree(on: recordings)
        let frontEnd = recordings.store.frontEnd
        let validator = try makeValidator(heldOut, frontEnd: frontEnd)

        let seed = Seed(configuration.seed)
        let objective = configuration.objective.makeObjective(
            melBandCount: frontEnd.featureCount, seed: seed)
        try objective.prepare(frontEnd: frontEnd)
        if let initial { try objective.load(initial.objective.weights(), from: initial.path) }
        let optimizer = configuration.optimizer.make(for: objective.namedParameters)
        let average =
            training.averaging.decay > 0
            ? WeightAverage(of: objective, decay: training.averaging.decay) : nil
        var card = ModelCard(
            objective: configuration.objective, frontEnd: frontEnd, seed: configuration.seed,
            step: 0, trainingData: try recordings.summary(manifest: configuration.data.manifest),
            origin: try initial.map(ModelCard.Origin.init))
        let restored =
            shared.isFirst
            ? try restore(objective, optimizer, average) : TrainingCheckpoint.State.start
        var state = try shared.spread(objective, optimizer, average, at: restored)

        let schedule = configuration.optimizer.schedule
        let limits = TrainingLimits(training, batchesPerEpoch: recordings.sampler.batchCount)
        let rule = TrainingCheckpoint.Rule(
            every: training.checkpointEvery,
            kept: max(training.keptCheckpoints, training.averaging.checkpoints))
        var stopping = EarlyStopping(training.earlyStopping, state: state.validation)
        var watch = CollapseWatch(
            encoder: objective.encoder, warmUp: configuration.optimizer.warmUp,
            warned: state.warned ?? [])
        let metrics =
            shared.isFirst
            ? try MetricsLog(folder: folder.path, keepingStepsThrough: state.step) : nil
        let loader = BatchLoader(
            cuts: recordings.cuts, store: recordings.store, sampler: recordings.sampler,
            from: state.sampler, workers: configuration.data.workers, share: shared.share)
        defer { loader.close() }
        func isDue(_ every: Int, _ step: Int) -> Bool { every > 0 && step % every == 0 }
        func writeCheckpoint() throws {
            card.step = state.step
            try shared.asFirst {
                try TrainingCheckpoint.write(
                    state,
                    TrainingCheckpoint.Content(
                        model: objective.modelFile(card: card), moments: optimizer.state(),
                        average: average?.weights()),
                    to: folder.checkpoints, rule: rule)
            }
        }
        describeStart(objective, recordings: recordings, limits: limits, state: state)

        let clock = ContinuousClock()
        let began = clock.now
        let before = state
        let waitedForOthers = shared.secondsWaited
        var secondsInSteps = 0.0
        var isStopped = try shared.agree(stops: stopRequest.isRequested).stops
        while state.end == nil, !isStopped {
            let step = state.step + 1
            let (stepBegan, waitedBefore) = (clock.now, loader.secondsWaited)
            let isHealthDue = isDue(training.healthEvery, step)
            let isLogged = step % training.logEvery == 0 || step == limits.steps
            let pass = try accumulateGradients(
                of: objective, from: loader, batchesPerEpoch: recordings.sampler.batchCount,
                seed: seed.derived(step), wantsFigures: isLogged || isHealthDue)

            let progress = limits.progress(step: step, seconds: state.trainingSeconds)
            let rate = schedule.rate(at: progress)
            var figures: [(name: String, value: Double)] = [
                ("loss", pass.loss), ("learningRate", rate), ("epoch", Double(pass.epoch)),
            ]
            var skipped = pass.nonFiniteIDs
            if pass.isFinite {
                let norm = clipGradients(
                    of: objective.parameters, toNorm: configuration.optimizer.clipNorm)
                figures.append(("gradientNorm", norm))
                if norm.isFinite {
                    optimizer.step(rate: rate)
                    average?.update()
                } else {
                    skipped = try shared.all(pass.ids)
                }
            }
            if pass.isFinite, skipped.isEmpty {
                state.skippedInARow = 0
            } else {
                optimizer.clearGradients()
                state.skippedSteps += 1
                state.skippedInARow = (state.skippedInARow ?? 0) + 1
                figures.append(("skippedSteps", Double(state.skippedSteps)))
                report(
                    .warning(
                        "step \(step) is skipped: loss \(pass.loss) with the recordings "
                            + skipped.prefix(8).joined(separator: ", ")))
            }

            secondsInSteps +=
                (clock.now - stepBegan) / .seconds(1) - (loader.secondsWaited - waitedBefore)

            if isHealthDue {
                figures += try health(of: objective.encoder, on: pass)
            }
            if let validator, isDue(training.validateEvery, step) || step == limits.steps {
                let found = try validate(
                    objective, average, by: validator, at: step, &stopping, card: card)
                figures += found
            }

            state.step = step
            state.loss = pass.loss.isFinite ? pass.loss : nil
            state.threads = Engine.threadCount
            state.device = configuration.device
            state.sampler = loader.state
            state.optimizerStep = optimizer.stepCount
            state.averagedSteps = average?.updateCount
            state.validation = stopping.state
            state.audioSeconds += Double(pass.frameCount) / frontEnd.frameRate
            state.secondsWaited = before.secondsWaited + loader.secondsWaited
            let elapsed = (clock.now - began) / .seconds(1)
            state.trainingSeconds = before.trainingSeconds + elapsed
            figures += pass.figures
            if isLogged {
                figures += [
                    ("secondsWaited", state.secondsWaited),
                    ("trainingSeconds", state.trainingSeconds),
                    ("waitingShare", state.secondsWaited / state.trainingSeconds),
                    ("outsideShare", max(0, 1 - secondsInSteps / elapsed)),
                    ("audioHoursPerHour", state.audioSeconds / state.trainingSeconds),
                ]
                if shared.processes != nil {
                    figures.append(
                        ("exchangeShare", (shared.secondsWaited - waitedForOthers) / elapsed))
                }
            }
            let warnings = isHealthDue ? watch.warnings(in: figures, progress: progress) : []
            state.warned = watch.warned
            for warning in warnings { report(.warning("step \(step): " + warning)) }
            try metrics?.write(
                step: step, figures, lists: [("skipped", skipped), ("warnings", warnings)])
            if let times = state.skippedInARow, times >= training.nonFinitePatience {
                throw PretrainingError.diverged(step: step, times: times, recordings: skipped)
            }
            report(
                .progress(
                    Progress(
                        step: step,
                        steps: limits.steps ?? max(step, Int(Double(step) / max(progress, 1e-9))),
                        loss: pass.loss, stepsPerSecond: Double(step - before.step) / elapsed)))

            let agreed = try shared.agree(
                stops: stopRequest.isRequested, seconds: state.trainingSeconds,
                problems: loader.problems)
            recordings.leaveOut(agreed.problems)
            state.trainingSeconds = agreed.seconds
            state.end =
                stopping.ends
                ? .earlyStopping : limits.end(step: step, seconds: state.trainingSeconds)
            isStopped = agreed.stops
            if step % training.checkpointEvery == 0 || state.end != nil || isStopped {
                try writeCheckpoint()
            }
        }
        try metrics?.close()
        guard state.end != nil else {
            return summary(state, problemCount: recordings.problems.count)
        }

        card.step = state.step
        try shared.asFirst {
            if let mean = try folder.meanWeights(
                ofLast: training.averaging.checkpoints, rule: rule)
            {
                try objective.load(mean, from: folder.checkpoints)
            }
            try writeAtomically(modelFile(objective, average, card: card), to: folder.modelPath)
        }
        return summary(state, problemCount: recordings.problems.count)
    }

    // MARK: - Parts of a step

    /// What the batches of one step gave.
    private struct Pass {
        var loss = 0.0
        var figures: [(name: String, value: Double)] = []
        var epoch = 0
        /// The recordings, those here of several processes'.
        var ids: [String] = []
        /// Whether every batch's loss was finite, and the recordings of those without, all processes'.
        var isFinite = true
        var nonFiniteIDs: [String] = []
        var frameCount = 0
        /// The last batch: (B, T, M), the frames of its recordings, and how many of them count.
        var features = Tensor(zeros: [0])
        var lengths: [Int] = []
        var counted = 0
    }

    /// Adds up the gradients of a step's batches, each by its share.
    private func accumulateGradients(
        of objective: any Objective, from loader: BatchLoader, batchesPerEpoch: Int, seed: Seed,
        wantsFigures: Bool
    ) throws -> Pass {
        var pass = Pass()
        var means = WeightedFigures()
        let count = configuration.training.accumulation
        for part in 0..<count {
            let batch = try shared.next(from: loader, batchesPerEpoch: batchesPerEpoch)
            let (T, M) = (batch.frameCount, batch.featureCount)
            // Silence stands in where others alone have a recording.
            let features =
                batch.count > 0
                ? Tensor(batch.features, shape: [batch.count, T, M]) : Tensor(zeros: [1, T, M])
            let lengths = batch.count > 0 ? batch.lengths : [T]
            let places = try shared.part(of: batch)
            let result = withPrecision(configuration.precision) {
                objective.loss(
                    features: features, lengths: lengths, part: places,
                    seed: count == 1 ? seed : seed.derived(part))
            }
            let mean = try shared.mean(of: result, in: batch)
            if mean.loss.isFinite {
                if part == count - 1 { shared.sendGradients() }
                let share = mean.share / Double(count)
                (share == 1 ? result.value : result.value * share).backward()
                if part == count - 1 { try shared.addUpGradients() }
            } else {
                pass.isFinite = false
                pass.nonFiniteIDs += try shared.all(batch.ids)
            }
            if wantsFigures, mean.share > 0 {
                means.add(withoutGradients { result.figures() }, weight: mean.share)
            }
            pass.loss += mean.loss / Double(count)
            pass.epoch = batch.epoch
            pass.ids += batch.ids
            pass.frameCount += mean.frameCount
            (pass.features, pass.lengths, pass.counted) = (features, lengths, batch.count)
        }
        if wantsFigures { pass.figures = try shared.merged(means).means }
        return pass
    }

    /// Measures the objective on the held-out recordings, and keeps the best model.
    private func validate(
        _ objective: any Objective, _ average: WeightAverage?, by validator: Validator,
        at step: Int, _ stopping: inout EarlyStopping, card: ModelCard
    ) throws -> [(name: String, value: Double)] {
        let measured =
            try average?.whileInPlace { try validator.figures(of: objective) }
            ?? validator.figures(of: objective)
        if stopping.improves(loss: measured.first?.value ?? .nan, step: step) {
            var card = card
            card.step = step
            try shared.asFirst {
                try writeAtomically(
                    modelFile(objective, average, card: card), to: folder.bestModelPath)
            }
        }
        return measured
    }

    private func health(
        of encoder: any Encoder, on pass: Pass
    ) throws -> [(name: String, value: Double)] {
        let layers = try withPrecision(configuration.precision) {
            try shared.health(
                of: encoder, features: pass.features, lengths: pass.lengths, counted: pass.counted)
        }
        return layers.map { ("featureDeviation/" + $0.name, $0.health.deviation) }
            + layers.map { ("effectiveRank/" + $0.name, $0.health.effectiveRank) }
    }

    /// The file of the model with the averaged weights, where they are averaged.
    private func modelFile(
        _ objective: any Objective, _ average: WeightAverage?, card: ModelCard
    ) throws -> Data {
        try average?.whileInPlace { try objective.modelFile(card: card) }
            ?? objective.modelFile(card: card)
    }

    // MARK: - Beginning and end

    /// The model whose weights the run begins with, where there is one.
    private func initialModel() throws -> PretrainedModel? {
        guard !configuration.initialModel.isEmpty else { return nil }
        let model = try PretrainedModel(contentsOf: configuration.initialModel)
        var frontEnd = configuration.frontEnd
        frontEnd.normalization = model.card.frontEnd.normalization
        try model.require(frontEnd)
        return model
    }

    private func makeValidator(
        _ heldOut: HeldOutRecordings, frontEnd: FrontEnd
    ) throws -> Validator? {
        guard configuration.validates else { return nil }
        let repeated = try heldOut.sharedCount()
        if repeated > 0 {
            report(
                .warning(
                    "\(repeated) of the \(heldOut.validation.count) held-out recordings "
                        + "are trained on too"))
        }
        return try Validator(
            heldOut.validation, frontEnd: frontEnd, configuration: configuration, shared: shared,
            report: report)
    }

    /// The state to begin from: the latest whole checkpoint's, else the start.
    private func restore(
        _ objective: any Objective, _ optimizer: any Optimizer, _ average: WeightAverage?
    ) throws -> TrainingCheckpoint.State {
        let untrained = objective.weights()
        for path in TrainingCheckpoint.all(in: folder.checkpoints) {
            do {
                let checkpoint = try TrainingCheckpoint(contentsOf: path)
                try objective.load(checkpoint.weights, from: path)
                try optimizer.load(
                    checkpoint.moments, stepCount: checkpoint.state.optimizerStep, from: path)
                try average?.load(
                    checkpoint.average ?? [:], updateCount: checkpoint.state.averagedSteps ?? 0,
                    from: path)
                report(.message("continuing from \(path)"))
                let threads = (there: checkpoint.state.threads, here: Engine.threadCount)
                if threads.there != threads.here {
                    report(
                        .warning(
                            "the run so far had \(threads.there) threads, here there are "
                                + "\(threads.here): its last digits will be others than without "
                                + "the interruption"))
                }
                let device = (there: checkpoint.state.device ?? .cpu, here: configuration.device)
                if device.there != device.here {
                    report(
                        .warning(
                            "the run so far was on \(device.there), here it is on \(device.here): "
                                + "its last digits will be others than without the interruption"))
                }
                return checkpoint.state
            } catch {
                report(.warning("\(error); trying the checkpoint before it"))
            }
        }
        // A checkpoint with good weights and bad moments has left its weights behind.
        try objective.load(untrained, from: folder.path)
        return .start
    }

    private func describeStart(
        _ objective: any Objective, recordings: TrainingRecordings, limits: TrainingLimits,
        state: TrainingCheckpoint.State
    ) {
        if limits.cutsEpochs {
            report(
                .message(
                    "training.steps, \(configuration.training.steps), ends the run before epoch "
                        + "\(configuration.training.epochs) is through"))
        }
        shared.describe { report(.message($0)) }
        let end = limits.steps.map { " to \($0)" } ?? " and on"
        report(
            .message(
                "\(configuration.objective.kind.rawValue): \(objective.parameterCount) parameters, "
                    + "\(recordings.cuts.count) recordings, steps \(state.step + 1)\(end)"))
    }

    private func summary(_ state: TrainingCheckpoint.State, problemCount: Int) -> Summary {
        Summary(
            modelPath: folder.modelPath, end: state.end,
            steps: state.step, loss: state.loss ?? .nan,
            bestValidationLoss: state.validation?.bestLoss, skippedSteps: state.skippedSteps,
            trainingSeconds: state.trainingSeconds,
            waitingShare: state.secondsWaited / max(state.trainingSeconds, 1e-9),
            audioHoursPerHour: state.audioSeconds / max(state.trainingSeconds, 1e-9),
            problemCount: problemCount)
    }
}
