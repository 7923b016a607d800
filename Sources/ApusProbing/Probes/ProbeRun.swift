import ApusCorpus
import ApusMetrics
import ApusPretraining
import ApusReport
import ApusSignal

/// Probes models and baselines on the same recordings, with the same labels and draws.
///
/// The systems are the baselines on log-mels (`FeatureBaseline`), and for each model its encoder before
/// and after training. Each system's representations are computed once.
public struct ProbeRun {
    /// What a run reports as it goes.
    public enum Event: Sendable {
        /// Something about the data that its reader should know.
        case warning(ProbeWarning)
        /// So much of a piece of work is done.
        case progress(done: Int, total: Int, work: String)
    }

    /// The metrics by their names in results.
    public enum MetricName {
        /// The share of recordings classified rightly.
        public static let accuracy = "accuracy"
        /// The share of frames classified rightly.
        public static let frameAccuracy = "frame accuracy"
        /// The mean over classes of that share.
        public static let balancedFrameAccuracy = "balanced frame accuracy"
        /// The share of recordings classified rightly by SUPERB's protocol.
        public static let weightedSumAccuracy = "weighted-sum accuracy"
        /// The rate at which as many pairs of one class are refused as others are accepted.
        public static let equalErrorRate = "equal error rate"
    }

    let options: ProbeOptions
    let report: (Event) -> Void

    /// A run.
    ///
    /// - Parameters:
    ///   - options: What is done.
    ///   - report: Called with what happens, on the calling thread.
    /// - Throws: `ProbingError.badOption` for options that can't be run.
    public init(
        _ options: ProbeOptions = ProbeOptions(), report: @escaping (Event) -> Void = { _ in }
    ) throws {
        try options.validate()
        self.options = options
        self.report = report
    }

    /// Runs all probes on three parts.
    ///
    /// Recordings that some system can't use are left out for all, with a warning.
    ///
    /// - Parameters:
    ///   - models: The models with their names. Models of one name are one system trained with several
    ///     seeds: its figures are their means.
    ///   - train: The labelled recordings that classifiers are fitted on.
    ///   - development: Those that layer and C are chosen on.
    ///   - test: Those that the figures are measured on.
    /// - Returns: The figures and what a report shows beside them.
    /// - Throws: `ProbingError` where labels or recordings don't suffice, `SignalError` for a front
    ///   end that can't be used.
    public func run(
        models: [(name: String, model: PretrainedModel)], train: Manifest,
        development: Manifest, test: Manifest
    ) throws -> ProbeReport {
        try run(
            models: models,
            data: ProbeData(
                train: train, development: development, test: test, label: options.label)
        ) { [ProbeFold($0)] }
    }

    /// Runs the probes on recordings by cross-validation.
    ///
    /// Each fold that the manifest names is measured on once, with the next fold to choose on and the
    /// others to learn from.
    ///
    /// - Parameters:
    ///   - models: The models with their names, as above.
    ///   - folds: The labelled recordings, each with its fold.
    /// - Returns: The figures over all folds together and what a report shows beside them. The
    ///   classifier is the first fold's.
    /// - Throws: `ProbingError` where labels or recordings don't suffice, or the options ask for probes
    ///   on frames or pairs; `SignalError` for a front end that can't be used.
    public func run(
        models: [(name: String, model: PretrainedModel)], folds: Manifest
    ) throws -> ProbeReport {
        guard options.frames == nil else {
            throw ProbingError.badOption(
                option: "frames", expected: "none with folds", found: "a probe on frames")
        }
        guard !options.weightedSum.isOn else {
            throw ProbingError.badOption(
                option: "weightedSum.isOn", expected: "false with folds", found: "true")
        }
        guard options.verification.impostors == .none else {
            throw ProbingError.badOption(
                option: "verification.impostors", expected: "none with folds",
                found: options.verification.impostors.rawValue)
        }
        return try run(
            models: models, data: ProbeData(folds: folds, label: options.label), ProbeFold.all)
    }

    private func run(
        models: [(name: String, model: PretrainedModel)], data: ProbeData,
        _ folds: (ProbeData) -> [ProbeFold]
    ) throws -> ProbeReport {
        guard let first = models.first else {
            throw ProbingError.badOption(
                option: "models", expected: "at least one", found: "none")
        }
        try requireDifferentSeeds(models)
        var data = data
        let plain = PlainFeatures.frontEnd(of: first.model.card.frontEnd)
        var stores: [FeatureStore] = []
        for frontEnd in [plain] + models.map(\.model.card.frontEnd)
        where !stores.contains(where: { $0.frontEnd == frontEnd }) {
            stores.append(
                try FeatureStore(
                    frontEnd: frontEnd, cacheByteLimit: options.cacheMegabytes << 20))
        }
        let frameCounts = try dropUnusable(&data, stores: stores)
        let folds = folds(data)
        if folds.count == 1 { data.warnOfUntestedClasses() }
        data.warnings.forEach { report(.warning($0)) }

        var systems: [ProbeReport.System] = []
        func store(_ frontEnd: FrontEnd) throws -> FeatureStore {
            try stores.first { $0.frontEnd == frontEnd } ?? FeatureStore(frontEnd: frontEnd)
        }
        func counts(_ frontEnd: FrontEnd, _ stride: Int) -> [Int] {
            // Each of an encoder's strides rounds up.
            (frameCounts[frontEnd] ?? []).map { ($0 + stride - 1) / stride }
        }
        let features = PlainFeatures(store: try store(plain), workers: options.workers)
        for baseline in FeatureBaseline.allCases {
            systems.append(
                try probe(
                    features, baseline.name, .baseline, data, folds: folds,
                    // What is linear in single frames is in the log-mels' probe already.
                    baseline == .logMelStatistics ? counts(plain, 1) : nil,
                    hasDeviations: baseline.hasDeviations,
                    summary: baseline.summary(of: features)))
        }
        if !models.contains(where: { $0.model.card.frontEnd == plain }) {
            stores.removeAll { $0.frontEnd == plain }
        }
        var untrained: [(model: PretrainedModel, system: ProbeReport.System)] = []
        for (name, model) in models {
            let frontEnd = model.card.frontEnd
            func system(
                _ model: PretrainedModel, _ name: String, _ kind: ProbeReport.Kind
            ) throws -> ProbeReport.System {
                let extractor = try RepresentationExtractor(
                    model, store: store(frontEnd), workers: options.workers)
                return try probe(
                    extractor, name, kind, seed: model.card.seed, data, folds: folds,
                    counts(frontEnd, extractor.stride))
            }
            let before = model.untrained()
            // Objectives may share an encoder; of one seed it begins as the same.
            if var known = untrained.first(where: { $0.model.hasSameEncoder(as: before) })?.system {
                known.name = "untrained " + name
                systems.append(known)
            } else {
                let made = try system(before, "untrained " + name, .untrained)
                untrained.append((before, made))
                systems.append(made)
            }
            systems.append(try system(model, name, .trained))
        }
        return try summary(systems, models: models, data: data, folds: folds)
    }

    /// Models of one name are trainings of one system, and not one training named twice.
    private func requireDifferentSeeds(
        _ models: [(name: String, model: PretrainedModel)]
    ) throws {
        for (name, group) in Dictionary(grouping: models, by: \.name) where group.count > 1 {
            let seeds = group.map(\.model.card.seed)
            guard Set(seeds).count == seeds.count else {
                throw ProbingError.badOption(
                    option: "models",
                    expected: "a seed of its own for each model of one name",
                    found: "'\(name)' with the seeds "
                        + seeds.map(String.init).joined(separator: ", "))
            }
        }
    }

    /// Makes the features of every recording by every front end, and leaves out what fails.
    private func dropUnusable(
        _ data: inout ProbeData, stores: [FeatureStore]
    ) throws -> [FrontEnd: [Int]] {
        let cuts = data.cuts
        var problems: [Int: RecordingProblem] = [:]
        var counts: [FrontEnd: [Int]] = [:]
        let total = cuts.count * stores.count
        var done = 0
        for store in stores {
            var own = [Int](repeating: 0, count: cuts.count)
            PlainFeatures(store: store, workers: options.workers)
                .forEachRecording(of: cuts) { index, result in
                    switch result {
                    case .success(let layers): own[index] = layers[0].frameCount
                    case .failure(let problem):
                        problems[index] = RecordingProblem(
                            id: cuts[index].id, reason: problem.description)
                    }
                    done += 1
                    report(.progress(done: done, total: total, work: "features"))
                }
            counts[store.frontEnd] = own
        }
        try data.drop(problems)
        let kept = data.origins
        return counts.mapValues { own in kept.map { own[$0] } }
    }
}

extension PretrainedModel {
    /// Whether two models make the same of a recording.
    fileprivate func hasSameEncoder(as other: PretrainedModel) -> Bool {
        let (own, others) = (encoder.weights(), other.encoder.weights())
        return card.frontEnd == other.card.frontEnd
            && encoder.layerNames == other.encoder.layerNames
            && encoder.stride == other.encoder.stride && own == others
    }
}
