import ApusCorpus
import ApusMetrics
import ApusPretraining
import ApusReport
import ApusTensor

/// Everything that a run of tagging probes found.
public struct TaggingReport: Sendable {
    /// What one system reached.
    public struct System: Sendable {
        /// The system's name.
        public var name: String
        /// What it is.
        public var kind: ProbeReport.Kind
        /// The seed of the model's training; `nil` without a model.
        public var seed: UInt64?
        /// Its figures and scores.
        public var outcome: TaggingProbe.Outcome
    }

    /// The figures, as `results.json` holds them.
    public var results: Results
    /// The systems, baselines first; of several trainings of one name each.
    public var systems: [System]
    /// The ids of the test recordings that were used.
    public var testIDs: [String]
    /// The trained model with the highest mean average precision on the development part.
    public var bestSystem: String
    /// What the reader should know about the data.
    public var warnings: [ProbeWarning]
}

extension ProbeRun {
    /// Probes how well tags are told, on three parts.
    ///
    /// - Parameters:
    ///   - models: The models with their names; those of one name are one system.
    ///   - train: The recordings that classifiers are fitted on.
    ///   - development: Those that layer and C are chosen on.
    ///   - test: Those that the figures are measured on.
    /// - Returns: The figures.
    /// - Throws: `ProbingError` where tags or recordings don't suffice, `SignalError` for a front end
    ///   that can't be used.
    public func runTagging(
        models: [(name: String, model: PretrainedModel)], train: Manifest,
        development: Manifest, test: Manifest
    ) throws -> TaggingReport {
        try runTagging(
            models: models,
            data: ProbeData(train: train, development: development, test: test, label: .tags)
        ) { [ProbeFold($0)] }
    }

    /// Probes how well tags are told by cross-validation over folds or groups.
    ///
    /// - Parameters:
    ///   - models: The models with their names; those of one name are one system.
    ///   - folds: The recordings, each with its fold or group.
    /// - Returns: The figures over all folds together.
    /// - Throws: `ProbingError` where tags or recordings don't suffice, `SignalError` for a front end
    ///   that can't be used.
    public func runTagging(
        models: [(name: String, model: PretrainedModel)], folds: Manifest
    ) throws -> TaggingReport {
        let key = options.group
        return try runTagging(
            models: models, data: ProbeData(folds: folds, label: .tags, key: key)
        ) { ProbeFold.all(of: $0, key: key) }
    }

    private func runTagging(
        models: [(name: String, model: PretrainedModel)], data: ProbeData,
        _ folds: (ProbeData) -> [ProbeFold]
    ) throws -> TaggingReport {
        try requireRecordingsOnly("with tags")
        var data = data
        let stores = try stores(for: models)
        _ = try dropUnusable(&data, stores: stores)
        let folds = folds(data)
        data.warnOfUntestedClasses()
        warn(of: &data, folds)
        let labels = data.labelSets
        let probe = TaggingProbe(options.tags, seed: options.seed)
        let systems = try forEachSystem(models, stores) { source, system in
            let vectors = try extract(
                source, system.name, data, nil, summary: system.summary)
            return try probe.evaluate(
                vectors.recordings.representation, labels: labels, folds: folds
            ) { report(.progress(done: $0, total: $1, work: "\(system.name): tags")) }
        }.map {
            TaggingReport.System(name: $0.name, kind: $0.kind, seed: $0.seed, outcome: $1)
        }
        let trained = systems.filter { $0.kind == .trained }
        let best = trained.dropFirst().reduce(trained[0]) {
            $1.outcome.developmentPrecision > $0.outcome.developmentPrecision ? $1 : $0
        }
        let tested = folds.flatMap(\.test).map { data.cuts[$0] }
        var results = try results(systems, models, data, folds)
        results.comparisons = try comparisons(
            systems, testUnits(tested, foldCount: folds.count))
        return TaggingReport(
            results: results, systems: systems, testIDs: tested.map(\.id), bestSystem: best.name,
            warnings: data.warnings)
    }

    /// Paired tests of systems by the mean average precision on the test recordings.
    private func comparisons(
        _ systems: [TaggingReport.System], _ units: TestUnits
    ) throws -> [Results.Comparison]? {
        guard units.members.count > 1 else { return nil }
        let compared = ComparedSystems(
            entries: systems.map {
                ComparedSystems.Entry(
                    name: $0.name, role: .init($0.kind), seed: $0.seed,
                    developmentScore: $0.outcome.developmentPrecision)
            })
        let pairs = compared.pairs(asked: options.comparisons)
        let shown = Set(pairs.flatMap { [$0.first, $0.second] }).sorted()
        let precisions = try shown.map { try systems[$0].outcome.weightedPrecision() }
        let count = systems[0].outcome.recordingCount
        // Of recordings so few that most draws have no tag to tell there are no tests.
        let found = try? bootstrapReplicates(
            count: units.members.count, resamples: options.tags.resamples, seed: comparisonSeed
        ) { drawn -> [Double]? in
            var weights = [Double](repeating: 0, count: count)
            for unit in drawn { for recording in units.members[unit] { weights[recording] += 1 } }
            let values = precisions.compactMap { $0(weights) }
            return values.count == precisions.count ? values : nil
        }
        guard let found else { return nil }
        let replicates = Dictionary(uniqueKeysWithValues: zip(shown, found))
        return Results.adjusted(
            try pairs.compactMap { pair in
                guard let first = replicates[pair.first], let second = replicates[pair.second]
                else { return nil }
                return Results.Comparison(
                    systems[pair.first].name, minus: systems[pair.second].name,
                    metric: MetricName.meanAveragePrecision, labelledPerClass: .all,
                    try PairedBootstrap(first: first, second: second), trials: count,
                    drawn: units.drawn)
            })
    }

    private func results(
        _ systems: [TaggingReport.System],
        _ models: [(name: String, model: PretrainedModel)], _ data: ProbeData,
        _ folds: [ProbeFold]
    ) throws -> Results {
        let tested = folds.reduce(0) { $0 + $1.test.count }
        var rows: [Results.Row] = []
        var classes: [Results.ClassRow] = []
        for name in systems.map(\.name).reduce(
            into: [String](),
            { names, name in
                if !names.contains(name) { names.append(name) }
            })
        {
            let outcomes = systems.filter { $0.name == name }.map(\.outcome)
            func interval(
                _ measure: KeyPath<TaggingProbe.Outcome, ConfidenceInterval>
            ) throws -> [Double] {
                let own = outcomes.map { $0[keyPath: measure] }
                let found = try own.count > 1 ? meanInterval(of: own.map(\.estimate)) : own[0]
                return [found.estimate, max(0, found.low), min(1, found.high)]
            }
            let area = try interval(\.areaUnderCurve)
            for (metric, figures) in [
                (MetricName.meanAveragePrecision, try interval(\.meanAveragePrecision)),
                (MetricName.areaUnderCurve, area),
                // It rises with the area, so that its quantiles are those of the area.
                (MetricName.sensitivityIndex, area.map(sensitivityIndex(areaUnderCurve:))),
            ] {
                // Of an area of 1 the index is infinite, which is no end of an interval.
                let isBounded = figures[1].isFinite && figures[2].isFinite
                rows.append(
                    Results.Row(
                        system: name, labelledPerClass: .all, metric: metric, value: figures[0],
                        low: isBounded ? figures[1] : nil, high: isBounded ? figures[2] : nil,
                        seeds: outcomes.count, trials: tested))
            }
            // Of several trainings the first.
            for (tag, measures) in zip(outcomes[0].tags, outcomes[0].measures) {
                classes.append(
                    Results.ClassRow(
                        system: name, label: tag, positives: measures?.positives,
                        metrics: measures.map {
                            [
                                MetricName.averagePrecision: $0.averagePrecision,
                                MetricName.areaUnderCurve: $0.areaUnderCurve,
                                MetricName.sensitivityIndex: $0.sensitivityIndex,
                            ]
                        } ?? [:]))
            }
        }
        let outcome = systems[0].outcome
        let shares = outcome.measures.compactMap {
            $0.map { Double($0.positives) / Double(tested) }
        }
        var results = Results(
            task: options.label.task,
            protocol: "One logistic regression for each tag on frozen representations (mean and "
                + "standard deviation over frames), weighting \(options.tags.weighting.rawValue); "
                + (folds.count > 1
                    ? "\(folds.count) \(options.group)s, each measured on once with layer and C chosen "
                        + "on others, probabilities of all measured together: "
                    : "layer and C chosen on \(data.development.cuts.count) development recordings: ")
                + "\(tested) test recordings, \(outcome.tags.count) tags. Bootstrap "
                + "intervals over test recordings; d-prime is that of the mean area.",
            metric: MetricName.meanAveragePrecision, rows: rows,
            chance: [
                MetricName.meanAveragePrecision: shares.reduce(0, +) / Double(max(1, shares.count)),
                MetricName.areaUnderCurve: 0.5, MetricName.sensitivityIndex: 0,
            ],
            conditions: conditions(
                models, folds, classCount: outcome.tags.count,
                intervals:
                    "a bootstrap over test recordings (\(options.tags.resamples) resamples), "
                    + "none for a d-prime whose upper end is infinite" + Self.ofTrainings(models),
                warnings: data.warnings.map(\.description)))
        results.classes = classes
        return results
    }
}

extension TaggingProbe.Outcome {
    /// The mean over folds of the mean average precision on the development part.
    public var developmentPrecision: Double {
        selections.reduce(0) { $0 + $1.developmentPrecision } / Double(max(1, selections.count))
    }
}
