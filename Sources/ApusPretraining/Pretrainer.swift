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
/// sums.
public final class Pretrainer {
    /// What a run reports as it goes.
    public struct Progress: Sendable {
        /// Steps done.
        public var step: Int
        /// Steps in all.
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

    /// What a run ends with.
    public struct Summary: Sendable {
        /// The path of the trained model.
        public var modelPath: String
        /// Steps done in all.
        public var steps: Int
        /// The last step's loss.
        public var loss: Double
        /// Seconds of training, without preparation.
        public var trainingSeconds: Double
        /// The share of these in which the training task waited for data.
        public var waitingShare: Double
        /// Hours of audio seen per hour.
        public var audioHoursPerHour: Double
        /// Recordings that could not be used.
        public var problemCount: Int
    }

    private let configuration: PretrainingConfiguration
    private let folder: String
    private let report: (Event) -> Void
    private var problems: [String: String] = [:]

    /// So many steps in a row without a finite loss end a run.
    private static let longestDivergence = 10

    /// A run.
    ///
    /// - Parameters:
    ///   - configuration: What the run does.
    ///   - folder: The run's folder; it is made where it is missing.
    ///   - source: Where the configuration comes from, for errors.
    ///   - report: Called with what happens, on the training task.
    /// - Throws: `PretrainingError` for a configuration that can't be run.
    public init(
        _ configuration: PretrainingConfiguration, folder: String, source: String = "configuration",
        report: @escaping (Event) -> Void = { _ in }
    ) throws {
        try configuration.validate(source: source)
        self.configuration = configuration
        self.folder = folder
        self.report = report
    }

    /// Trains to the end, from the latest checkpoint where there is one.
    ///
    /// - Returns: What came of it.
    /// - Throws: `PretrainingError`, `CorpusError` or `SignalError` where the run can't begin or go on.
    public func run() throws -> Summary {
        Engine.start(
            threadCount: configuration.threads > 0
                ? configuration.threads : ProcessInfo.processInfo.activeProcessorCount)
        let manifest = try Manifest(contentsOf: configuration.data.manifest)
        let augmenter = try configuration.makeAugmenter()
        try claimFolder()
        if let finished = finishedSummary() {
            report(.message("\(folder) has all \(finished.steps) steps already"))
            return finished
        }

        let store = try FeatureStore(
            frontEnd: try normalizedFrontEnd(over: manifest.cuts),
            cacheByteLimit: configuration.data.cacheMegabytes << 20,
            purpose: .training(seed: configuration.seed, augmenter: augmenter))
        let (cuts, lengths) = try usableCuts(manifest.cuts, store: store)
        let sampler = try makeSampler(cuts, lengths: lengths)

        let seed = Seed(configuration.seed)
        let objective = configuration.objective.makeObjective(
            melBandCount: store.frontEnd.featureCount, seed: seed)
        let settings = configuration.optimizer
        let optimizer = AdamW(
            objective.namedParameters, betas: (settings.beta1, settings.beta2),
            epsilon: settings.epsilon, weightDecay: settings.weightDecay)
        var card = ModelCard(
            objective: configuration.objective, frontEnd: store.frontEnd, seed: configuration.seed,
            step: 0,
            trainingData: ModelCard.TrainingData(
                manifest: configuration.data.manifest,
                manifestHash: try ModelCard.TrainingData.hash(ofFile: configuration.data.manifest),
                recordings: cuts.count - sampler.skippedIndices.count,
                seconds: Set(cuts.indices).subtracting(sampler.skippedIndices).sorted().reduce(0) {
                    $0
                        + (cuts[$1].duration ?? Double(lengths[$1].frameCount)
                            / store.frontEnd.frameRate)
                }))
        var state = try restore(objective: objective, optimizer: optimizer)

        let schedule = configuration.schedule
        let steps = configuration.training.steps
        let metrics = try MetricsLog(folder: folder, keepingStepsThrough: state.step)
        let loader = BatchLoader(
            cuts: cuts, store: store, sampler: sampler, from: state.sampler,
            workers: configuration.data.workers)
        defer { loader.close() }
        report(
            .message(
                "\(configuration.objective.kind.rawValue): \(objective.parameterCount) parameters, "
                    + "\(cuts.count) recordings, steps \(state.step + 1) to \(steps)"))

        let clock = ContinuousClock()
        let began = clock.now
        let before = state
        var divergence = 0
        var loss = Double.nan
        while state.step < steps {
            let step = state.step + 1
            guard let batch = try loader.next() else { break }
            state.secondsWaited = before.secondsWaited + loader.secondsWaited
            for problem in loader.problems where problems[problem.id] == nil {
                leaveOut(problem.id, problem.reason)
            }

            let features = Tensor(
                batch.features, shape: [batch.count, batch.frameCount, batch.featureCount])
            let result = withPrecision(configuration.precision) {
                objective.loss(
                    features: features, lengths: batch.lengths, seed: seed.derived(step))
            }
            loss = Double(result.value.item)
            let rate = schedule.rate(at: Double(step) / Double(steps))
            var figures: [(name: String, value: Double)] = [
                ("loss", loss), ("learningRate", rate), ("epoch", Double(batch.epoch)),
            ]
            if loss.isFinite {
                divergence = 0
                result.value.backward()
                let norm = clipGradients(of: objective.parameters, toNorm: settings.clipNorm)
                figures.append(("gradientNorm", norm))
                if norm.isFinite { optimizer.step(rate: rate) } else { divergence += 1 }
            } else {
                divergence += 1
            }
            if divergence > 0 {
                optimizer.clearGradients()
                state.skippedSteps += 1
                report(
                    .warning(
                        "step \(step) is skipped: loss \(loss) with the recordings "
                            + batch.ids.prefix(8).joined(separator: ", ")))
                if divergence >= Self.longestDivergence {
                    throw PretrainingError.diverged(
                        step: step, times: divergence, recordings: batch.ids)
                }
            }

            state.step = step
            state.loss = loss.isFinite ? loss : nil
            state.threads = Engine.threadCount
            state.sampler = loader.state
            state.optimizerStep = optimizer.stepCount
            state.audioSeconds += Double(batch.lengths.reduce(0, +)) / store.frontEnd.frameRate
            let elapsed = (clock.now - began) / .seconds(1)
            state.trainingSeconds = before.trainingSeconds + elapsed
            if step % configuration.training.logEvery == 0 || step == steps {
                figures += withoutGradients { result.figures() }
                figures += [
                    ("secondsWaited", state.secondsWaited),
                    ("trainingSeconds", state.trainingSeconds),
                    ("audioHoursPerHour", state.audioSeconds / state.trainingSeconds),
                ]
            }
            try metrics.write(step: step, figures)
            report(
                .progress(
                    Progress(
                        step: step, steps: steps, loss: loss,
                        stepsPerSecond: Double(step - before.step) / elapsed)))
            if step % configuration.training.checkpointEvery == 0 || step == steps {
                card.step = step
                try TrainingCheckpoint.write(
                    state, model: objective.modelFile(card: card), moments: optimizer.state(),
                    to: folder + "/checkpoints", keeping: configuration.training.keptCheckpoints)
            }
        }
        try metrics.close()

        card.step = state.step
        try writeAtomically(objective.modelFile(card: card), to: modelPath)
        return summary(state)
    }

    // MARK: - The run's folder

    private var modelPath: String { folder + "/model.safetensors" }

    private func summary(_ state: TrainingCheckpoint.State) -> Summary {
        Summary(
            modelPath: modelPath, steps: state.step, loss: state.loss ?? .nan,
            trainingSeconds: state.trainingSeconds,
            waitingShare: state.secondsWaited / max(state.trainingSeconds, 1e-9),
            audioHoursPerHour: state.audioSeconds / max(state.trainingSeconds, 1e-9),
            problemCount: problems.count)
    }

    /// The summary of a run that has nothing left to do: started again, it costs nothing.
    private func finishedSummary() -> Summary? {
        guard FileManager.default.fileExists(atPath: modelPath),
            let latest = TrainingCheckpoint.all(in: folder + "/checkpoints").first,
            let state = try? TrainingCheckpoint.state(in: latest),
            state.step >= configuration.training.steps
        else { return nil }
        for problem in measuredCorpus()?.problems ?? [] { problems[problem.id] = problem.reason }
        return summary(state)
    }

    /// Makes the folder, or makes sure that it holds a run of the same configuration.
    private func claimFolder() throws {
        let path = folder + "/config.yaml"
        let hashes = try ManifestHashes(of: configuration)
        if FileManager.default.fileExists(atPath: path) {
            let found = try ConfigurationFile.resolve(PretrainingConfiguration(), file: path)
            // Workers and memory decide nothing that is stored; threads only the last digits, which
            // a continued run warns of.
            var wanted = configuration
            wanted.threads = found.threads
            wanted.data.workers = found.data.workers
            wanted.data.cacheMegabytes = found.data.cacheMegabytes
            wanted.augmentation.cacheMegabytes = found.augmentation.cacheMegabytes
            var differences = try ConfigurationFile.differences(between: found, and: wanted)
            differences += hashes.differences(from: folder, beside: differences)
            if !differences.isEmpty {
                throw PretrainingError.otherConfiguration(path: folder, differences: differences)
            }
            return
        }
        do {
            try FileManager.default.createDirectory(
                atPath: folder + "/checkpoints", withIntermediateDirectories: true)
            try hashes.write(to: folder)
            try writeAtomically(Provenance().encoded(), to: folder + "/provenance.json")
            // The configuration comes last: a folder that has one is a run's.
            try writeAtomically(
                Data(ConfigurationFile.text(of: configuration).utf8), to: path)
        } catch {
            throw PretrainingError.cannotWrite(path: folder, reason: writingReason(error))
        }
    }

    /// The state to begin from: the latest whole checkpoint's, else the start.
    private func restore(
        objective: any Objective, optimizer: AdamW
    ) throws -> TrainingCheckpoint.State {
        let untrained = objective.weights()
        for path in TrainingCheckpoint.all(in: folder + "/checkpoints") {
            do {
                let checkpoint = try TrainingCheckpoint(contentsOf: path)
                try objective.load(checkpoint.weights, from: path)
                try optimizer.load(
                    checkpoint.moments, stepCount: checkpoint.state.optimizerStep, from: path)
                report(.message("continuing from \(path)"))
                let threads = (there: checkpoint.state.threads, here: Engine.threadCount)
                if threads.there != threads.here {
                    report(
                        .warning(
                            "the run so far had \(threads.there) threads, here there are "
                                + "\(threads.here): its last digits will be others than without "
                                + "the interruption"))
                }
                return checkpoint.state
            } catch {
                report(.warning("\(error); trying the checkpoint before it"))
            }
        }
        // A checkpoint with good weights and bad moments has left its weights behind.
        try objective.load(untrained, from: folder)
        return TrainingCheckpoint.State(
            step: 0, threads: Engine.threadCount, sampler: SamplerState(), optimizerStep: 0,
            skippedSteps: 0, audioSeconds: 0, trainingSeconds: 0, secondsWaited: 0)
    }

    // MARK: - The recordings

    /// What the pass over the corpus before the first step found.
    private struct MeasuredCorpus: Codable {
        var statistics: FeatureStatistics
        // A continued run must leave out the same recordings.
        var problems: [RecordingProblem]
    }

    private var statisticsPath: String { folder + "/statistics.json" }

    private func measuredCorpus() -> MeasuredCorpus? {
        (try? Data(contentsOf: URL(fileURLWithPath: statisticsPath))).flatMap {
            try? JSONDecoder().decode(MeasuredCorpus.self, from: $0)
        }
    }

    /// The configuration's front end, with the training recordings' mean and deviation in it.
    ///
    /// They are those of the recordings themselves, without dither and augmentation, as they are met
    /// when the model is used.
    ///
    /// The statistics are kept in the run's folder: a continued run reads the corpus once less.
    private func normalizedFrontEnd(over cuts: [Cut]) throws -> FrontEnd {
        var frontEnd = configuration.frontEnd
        guard configuration.data.normalizesByCorpus else { return frontEnd }
        if let measured = measuredCorpus() {
            for problem in measured.problems { problems[problem.id] = problem.reason }
            frontEnd.normalization = .corpus(measured.statistics)
            return frontEnd
        }
        report(.message("measuring the features of \(cuts.count) recordings"))
        // A recording is normalized before its frames are stacked.
        var unstacked = frontEnd
        unstacked.stacking = FrameStacking()
        let store = try FeatureStore(frontEnd: unstacked, cacheByteLimit: 0)
        let (statistics, found) = try store.statistics(
            of: cuts, workers: ProcessInfo.processInfo.activeProcessorCount)
        for problem in found {
            leaveOut(problem.id, problem.reason)
        }
        try writeAtomically(
            JSONEncoder().encode(MeasuredCorpus(statistics: statistics, problems: found)),
            to: statisticsPath)
        frontEnd.normalization = .corpus(statistics)
        return frontEnd
    }

    private func leaveOut(_ id: String, _ reason: String) {
        problems[id] = reason
        report(.warning("\(id) is left out: \(reason)"))
    }

    /// The recordings without a known problem, with their lengths from the files' headers: a manifest
    /// need not give durations, and those that it gives may be rounded.
    private func usableCuts(
        _ cuts: [Cut], store: FeatureStore
    ) throws -> (cuts: [Cut], lengths: [RecordingLength]) {
        let candidates = cuts.filter { problems[$0.id] == nil }
        var usable: (cuts: [Cut], lengths: [RecordingLength]) = ([], [])
        for (cut, result) in zip(candidates, store.lengths(of: candidates)) {
            switch result {
            case .success(let length):
                usable.cuts.append(cut)
                usable.lengths.append(length)
            case .failure(let error): leaveOut(cut.id, error.description)
            }
        }
        if usable.cuts.isEmpty, let first = candidates.first {
            throw CorpusError.noUsableCuts(
                reason: "every recording is bad; the first: \(problems[first.id] ?? "")")
        }
        return usable
    }

    private func makeSampler(
        _ cuts: [Cut], lengths: [RecordingLength]
    ) throws -> LengthBucketedSampler {
        do {
            return try LengthBucketedSampler(
                ids: cuts.map(\.id), frameCounts: lengths.map(\.plannedFrameCount),
                options: configuration.samplerOptions)
        } catch CorpusError.noUsableCuts(let reason) {
            throw PretrainingError.nothingToTrainOn(
                path: configuration.data.manifest, reason: reason)
        }
    }
}
