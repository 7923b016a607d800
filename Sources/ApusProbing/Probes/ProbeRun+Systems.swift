import ApusCorpus
import ApusPretraining
import ApusSignal

extension ProbeRun {
    /// What stands before a model's name where its encoder has its initial weights.
    static let untrainedPrefix = "untrained "

    /// One of the systems of a run.
    struct ProbedSystem {
        var name: String
        var kind: ProbeReport.Kind
        /// The seed of the model's training; `nil` without a model.
        var seed: UInt64?
        /// What its features are made by.
        var frontEnd: FrontEnd
        /// Whether its single frames are probed too.
        var hasFrames = true
        /// Whether the second half of each vector is standard deviations.
        var hasDeviations = true
        /// What a recording's frames become, a vector for each layer; nil for their statistics.
        var summary: (([FeatureMatrix]) -> [[Float]])?
    }

    /// What stands beside the models.
    private var baselines: [FeatureBaseline] {
        FeatureBaseline.allCases.filter { options.label != .events || $0.hasFrames }
    }

    /// Stores of features for the baselines and all models, the baselines' first.
    ///
    /// - Parameter models: The models.
    /// - Returns: A store for each front end.
    /// - Throws: `ProbingError.badOption` without models or with a training named twice,
    ///   `SignalError` for a front end that can't be used.
    func stores(for models: [(name: String, model: PretrainedModel)]) throws -> [FeatureStore] {
        guard let first = models.first else {
            throw ProbingError.badOption(
                option: "models", expected: "at least one", found: "none")
        }
        try requireDifferentSeeds(models)
        try options.comparisons.requireSystems(
            among: baselines.map(\.name)
                + models.flatMap { [Self.untrainedPrefix + $0.name, $0.name] })
        var stores: [FeatureStore] = []
        for frontEnd in [PlainFeatures.frontEnd(of: first.model.card.frontEnd)]
            + models.map(\.model.card.frontEnd)
        where !stores.contains(where: { $0.frontEnd == frontEnd }) {
            stores.append(
                try FeatureStore(
                    frontEnd: frontEnd, cacheByteLimit: options.cacheMegabytes << 20))
        }
        return stores
    }

    /// Evaluates the baselines and, of each model, its encoder before and after training.
    ///
    /// - Parameters:
    ///   - models: The models.
    ///   - stores: What `stores(for:)` gave.
    ///   - evaluate: What is done with a system.
    /// - Returns: What each system reached, in the order of the table.
    /// - Throws: What `evaluate` throws.
    func forEachSystem<Outcome>(
        _ models: [(name: String, model: PretrainedModel)], _ stores: [FeatureStore],
        _ evaluate: (any RepresentationSource, ProbedSystem) throws -> Outcome
    ) throws -> [(system: ProbedSystem, outcome: Outcome)] {
        var stores = stores
        var found: [(system: ProbedSystem, outcome: Outcome)] = []
        func store(_ frontEnd: FrontEnd) throws -> FeatureStore {
            try stores.first { $0.frontEnd == frontEnd } ?? FeatureStore(frontEnd: frontEnd)
        }
        let plain = stores[0].frontEnd
        let features = PlainFeatures(store: stores[0], workers: options.workers)
        for baseline in baselines {
            let system = ProbedSystem(
                name: baseline.name, kind: .baseline, frontEnd: plain,
                // What is linear in single frames is in the log-mels' probe already.
                hasFrames: baseline == .logMelStatistics, hasDeviations: baseline.hasDeviations,
                summary: baseline.summary(of: features, pooling: options.pooling))
            // What is told frame by frame has the baselines' frames in place of their summaries.
            let source = options.label == .events ? baseline.frames(of: features) : features
            found.append((system, try evaluate(source ?? features, system)))
        }
        if !models.contains(where: { $0.model.card.frontEnd == plain }) {
            stores.removeAll { $0.frontEnd == plain }
        }
        var untrained: [(model: PretrainedModel, outcome: Outcome)] = []
        let pooling = options.pooling
        let summary: (([FeatureMatrix]) -> [[Float]])? =
            pooling == .meanAndStandardDeviation ? nil : { $0.map { pooling($0).values } }
        for (name, model) in models {
            let frontEnd = model.card.frontEnd
            func outcome(_ model: PretrainedModel, _ system: ProbedSystem) throws -> Outcome {
                try evaluate(
                    RepresentationExtractor(
                        model, store: store(frontEnd), workers: options.workers, cache: cache),
                    system)
            }
            let before = model.untrained()
            let initial = ProbedSystem(
                name: Self.untrainedPrefix + name, kind: .untrained, seed: model.card.seed,
                frontEnd: frontEnd, summary: summary)
            // Objectives may share an encoder; of one seed it begins as the same.
            if let known = untrained.first(where: { $0.model.hasSameEncoder(as: before) }) {
                found.append((initial, known.outcome))
            } else {
                let made = try outcome(before, initial)
                untrained.append((before, made))
                found.append((initial, made))
            }
            let trained = ProbedSystem(
                name: name, kind: .trained, seed: model.card.seed, frontEnd: frontEnd,
                summary: summary)
            found.append((trained, try outcome(model, trained)))
        }
        return found
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
