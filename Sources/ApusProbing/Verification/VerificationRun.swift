import ApusCorpus
import ApusMetrics
import ApusPretraining
import ApusReport
import ApusSignal

/// Verification of one list of trials by several systems, beside baselines.
///
/// Layer, pooling and standardisation are chosen by the equal error rate on the development trials;
/// calibration and fusion are fitted to them. The test trials are looked at once, with these.
public struct VerificationRun {
    /// What a run reports as it goes.
    public enum Event: Sendable {
        /// Something about the data that its reader should know.
        case warning(String)
        /// So much of a piece of work is done.
        case progress(done: Int, total: Int, work: String)
    }

    /// What is evaluated.
    public enum Source {
        /// A model.
        case model(name: String, model: PretrainedModel)
        /// The embeddings of a trained classifier's head.
        case head(name: String, classifier: TrainedClassifier)
        /// Embeddings of the recordings.
        case embeddings(name: String, embeddings: StoredEmbeddings)

        /// The system's name.
        public var name: String {
            switch self {
            case .model(let name, _), .head(let name, _), .embeddings(let name, _): name
            }
        }

        /// The encoder, where there is one.
        var encoder: PretrainedModel? {
            switch self {
            case .model(_, let model): model
            case .head(_, let classifier): classifier.model
            case .embeddings: nil
            }
        }
    }

    let options: VerificationOptions
    let cache: RepresentationCache?
    let report: (Event) -> Void

    /// A run.
    ///
    /// - Parameters:
    ///   - options: What is done.
    ///   - cache: Where statistics of recordings are kept between runs; `nil` for nowhere.
    ///   - report: Called with what happens, on the calling thread.
    /// - Throws: `ProbingError.badOption` for options that can't be run.
    public init(
        _ options: VerificationOptions = VerificationOptions(),
        cache: RepresentationCache? = nil,
        report: @escaping (Event) -> Void = { _ in }
    ) throws {
        try options.validate()
        self.options = options
        self.cache = cache
        self.report = report
    }

    /// Runs verification.
    ///
    /// - Parameters:
    ///   - sources: The models and embeddings, each with a name of its own.
    ///   - inputs: Trials and recordings.
    /// - Returns: The figures and what a report shows beside them.
    /// - Throws: `ProbingError` where trials, recordings or options don't suffice, `CorpusError`
    ///   where recordings are unknown or can't be read, `SignalError` for a front end that can't be
    ///   used.
    public func run(
        _ sources: [Source], on inputs: VerificationInputs
    ) throws -> VerificationReport {
        guard !sources.isEmpty else {
            throw ProbingError.badOption(option: "models", expected: "at least one", found: "none")
        }
        for (index, source) in sources.enumerated()
        where sources[..<index].contains(where: { $0.name == source.name }) {
            throw ProbingError.badOption(
                option: "models", expected: "a name of its own for each (NAME=PATH)",
                found: "'\(source.name)' twice")
        }
        try options.comparisons.requireSystems(among: names(of: sources, inputs))
        let data = try VerificationData(inputs, options: options)
        data.warnings.forEach { report(.warning($0)) }
        var systems: [VerificationReport.System] = []
        if options.baselines, let first = sources.lazy.compactMap(\.encoder).first {
            systems += try baselines(of: first, data)
        }
        for source in sources {
            let features = try source.encoder.map { try store($0.card.frontEnd) }
            func system(
                _ model: PretrainedModel, _ name: String, _ kind: VerificationReport.Kind
            ) throws -> VerificationReport.System {
                let extractor = try RepresentationExtractor(
                    model, store: features, workers: options.workers, cache: cache)
                return try evaluate(vectors(extractor, name, data), name, kind, data)
            }
            if options.baselines, let encoder = source.encoder {
                systems.append(
                    try system(
                        encoder.untrained(), ProbeRun.untrainedPrefix + source.name, .untrained))
            }
            switch source {
            case .model(let name, let model):
                systems.append(try system(model, name, .trained))
            case .head(let name, let classifier):
                systems.append(
                    try evaluate(vectors(classifier, name, data), name, .trained, data))
            case .embeddings(let name, let embeddings):
                systems.append(
                    try evaluate(
                        VerificationVectors(embeddings, for: data.cuts), name, .stored, data))
            }
        }
        let own = systems.filter { [.trained, .stored].contains($0.kind) }
        if own.count > 1, let development = data.development {
            systems.append(try fusion(of: own, data, development))
        }
        let figures = try systems.map { try self.figures(of: $0, data) }
        var results = Results(
            task: VerificationFolder.task, protocol: procedure(data, systems),
            metric: VerificationMetric.equalErrorRate, rows: figures.flatMap(\.rows),
            chance: VerificationMetric.chance(of: options), conditions: conditions(sources, data))
        results.comparisons = comparisons(systems, figures, data)
        return VerificationReport(
            results: results, systems: systems, warnings: data.warnings,
            targets: data.test.targetCount,
            nonTargets: data.test.isTarget.count - data.test.targetCount)
    }

    /// The names of the systems that the table will have.
    private func names(of sources: [Source], _ inputs: VerificationInputs) -> [String] {
        let encoders = options.baselines ? sources.filter { $0.encoder != nil } : []
        return (encoders.isEmpty ? [] : FeatureBaseline.allCases.map(\.name))
            + encoders.map { ProbeRun.untrainedPrefix + $0.name } + sources.map(\.name)
            + (sources.count > 1 && inputs.development != nil ? [Self.fusionName] : [])
    }

    private static let fusionName = "fusion"

    private func store(_ frontEnd: FrontEnd) throws -> FeatureStore {
        try FeatureStore(frontEnd: frontEnd, cacheByteLimit: options.cacheMegabytes << 20)
    }

    private func baselines(
        of model: PretrainedModel, _ data: VerificationData
    ) throws -> [VerificationReport.System] {
        let features = PlainFeatures(
            store: try store(PlainFeatures.frontEnd(of: model.card.frontEnd)),
            workers: options.workers)
        return try FeatureBaseline.allCases.map { baseline in
            let vectors = try vectors(
                features, baseline.name, data, hasDeviations: baseline.hasDeviations,
                summary: baseline.summary(of: features))
            return try evaluate(vectors, baseline.name, .baseline, data)
        }
    }

    /// One pass over all recordings.
    private func vectors(
        _ source: some RepresentationSource, _ name: String, _ data: VerificationData,
        hasDeviations: Bool = true,
        summary: (([FeatureMatrix]) -> [[Float]])? = nil
    ) throws -> VerificationVectors {
        var rows = [[[Float]]](repeating: [], count: data.cuts.count)
        var problems: [String] = []
        var done = 0
        func take(_ index: Int, _ result: Result<[[Float]], CorpusError>) {
            switch result {
            case .success(let vectors): rows[index] = vectors
            case .failure(let problem): problems.append("\(problem)")
            }
            done += 1
            report(.progress(done: done, total: data.cuts.count, work: name))
        }
        if let summary {
            source.forEachRecording(of: data.cuts) { take($0, $1.map(summary)) }
        } else {
            source.forEachStatistics(of: data.cuts, take)
        }
        try requireAll(problems, data)
        return try VerificationVectors(
            layerNames: source.layerNames, rows: rows, hasDeviations: hasDeviations,
            ids: data.cuts.map(\.id))
    }

    /// The embeddings of a head, which has no layers to choose from.
    private func vectors(
        _ classifier: TrainedClassifier, _ name: String, _ data: VerificationData
    ) throws -> VerificationVectors {
        var rows = [[[Float]]](repeating: [], count: data.cuts.count)
        var problems: [String] = []
        for (index, result) in classifier.embeddings(of: data.cuts).enumerated() {
            switch result {
            case .success(let embedding): rows[index] = [embedding.values]
            case .failure(let problem): problems.append("\(problem)")
            }
        }
        try requireAll(problems, data)
        return try VerificationVectors(
            layerNames: [RecordingEmbedder.head], rows: rows, hasDeviations: false,
            ids: data.cuts.map(\.id))
    }

    private func requireAll(_ problems: [String], _ data: VerificationData) throws {
        guard let first = problems.first else { return }
        throw ProbingError.badTrials(
            path: data.test.path,
            reason: "\(problems.count) of \(data.cuts.count) recordings can't be used; the first: "
                + first)
    }

    private func fusion(
        of systems: [VerificationReport.System], _ data: VerificationData,
        _ development: VerificationData.Trials
    ) throws -> VerificationReport.System {
        let calibration = try ScoreCalibration(
            systems: systems.map(\.developmentScores), isTarget: development.isTarget,
            targetPrior: options.calibrationPrior)
        let fused = try calibration.logLikelihoodRatios(
            systems: systems.map(\.developmentScores))
        let scores = try calibration.logLikelihoodRatios(systems: systems.map(\.scores))
        let names = systems.map(\.name).joined(separator: ", ")
        // The sum is a log-likelihood ratio already.
        var identity = calibration
        (identity.weights, identity.offset) = ([1], 0)
        return VerificationReport.System(
            name: Self.fusionName, kind: .fusion,
            procedure: "the weighted sum of \(names), fitted to development trials",
            scores: scores, developmentScores: fused, calibration: identity,
            developmentRate: try DetectionTrials(
                scores: fused, isTarget: development.isTarget
            ).equalErrorRate().rate,
            tradeoff: try tradeoff(scores, data.test))
    }

    /// The operating points of scored trials.
    func tradeoff(
        _ scores: [Float], _ trials: VerificationData.Trials
    ) throws -> [DetectionOperatingPoint] {
        try DetectionTrials(scores: scores, isTarget: trials.isTarget).errorTradeoff()
    }

    private func procedure(
        _ data: VerificationData, _ systems: [VerificationReport.System]
    ) -> String {
        var text =
            "\(data.test.isTarget.count) trials (\(data.test.targetCount) targets) of "
            + (data.testSpeakerCount.map { "\($0) speakers" } ?? "unknown speakers") + "; "
            + (options.scoring == .cosine ? "cosine" : "PLDA (two-covariance model, EM)")
        if options.discriminantCount > 0 {
            text += " after LDA to \(options.discriminantCount) directions"
        }
        text +=
            data.meanSource.map { "; the mean of \($0.path) is subtracted" }
            ?? "; no mean subtracted"
        switch options.normalization {
        case .none: break
        case .symmetric: text += "; S-norm with \(data.cohort.count) recordings"
        case .adaptive:
            text +=
                "; AS-norm with the \(options.cohortTop) nearest of \(data.cohort.count) recordings"
        }
        text += ". Equal error rate by linear interpolation and on the ROC's convex hull (ROCCH). "
        if let development = data.development {
            text +=
                "Layer and vectors chosen by the equal error rate, and calibration fitted at the "
                + "prior \(options.calibrationPrior), on \(development.isTarget.count) development "
                + "trials. "
        } else {
            text +=
                "No development trials: nothing is chosen, and there is no calibration, so no "
                + "actual cost and no Cllr. "
        }
        if options.resamples > 0, data.speakers != nil {
            text += "Intervals by a bootstrap over speakers, \(options.resamples) resamples. "
        }
        return text
            + systems.map { "\($0.name): \($0.procedure)" }.joined(separator: "; ") + "."
    }
}
