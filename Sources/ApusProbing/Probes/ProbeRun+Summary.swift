import ApusCorpus
import ApusMetrics
import ApusPretraining
import ApusReport
import ApusTensor

extension ProbeRun {
    /// The figures of all systems, and the best model's classifier.
    ///
    /// - Parameters:
    ///   - systems: What each system reached.
    ///   - models: The models.
    ///   - data: The recordings.
    ///   - folds: Which of them were learned from, chosen on and measured on.
    /// - Returns: The report.
    /// - Throws: `ProbingError`, `MetricsError`.
    func summary(
        _ systems: [ProbeReport.System], models: [(name: String, model: PretrainedModel)],
        data: ProbeData, folds: [ProbeFold]
    ) throws -> ProbeReport {
        let classes = ClassList(labels: data.train.labels)
        let tested = folds.flatMap(\.test)
        let testLabels = tested.map { data.labels[$0] }
        let trained = systems.filter { $0.kind == .trained }
        // Of equals the first: models are in the caller's order.
        let best = trained.dropFirst().reduce(trained[0]) {
            $1.developmentAccuracy > $0.developmentAccuracy ? $1 : $0
        }
        guard let outcome = best.utterances.last, let selection = outcome.selections.first,
            let model = models.first(where: {
                $0.name == best.name && $0.model.card.seed == best.seed
            })?.model
        else { preconditionFailure("a trained model with a probe") }
        let uniform = 1 / Double(classes.names.count)
        let targets = try classes.numbers(of: testLabels, part: data.test.name)
        var results = Results(
            task: options.label.task,
            protocol: procedure(data, models: models, foldCount: folds.count),
            metric: MetricName.accuracy, rows: try rows(systems),
            chance: [
                MetricName.accuracy: uniform, MetricName.frameAccuracy: uniform,
                MetricName.balancedFrameAccuracy: uniform,
                MetricName.weightedSumAccuracy: uniform,
                MetricName.perceptronAccuracy: uniform,
                MetricName.equalErrorRate: 0.5,
            ],
            classes: try .all(
                of: best.name, classes: classes.names, predictions: outcome.testPredictions,
                targets: targets), conditions: conditions(models, data, folds))
        results.comparisons = try comparisons(
            systems, labels: testLabels,
            units: testUnits(tested.map { data.cuts[$0] }, foldCount: folds.count))
        return ProbeReport(
            results: results,
            chance: ProbeReport.Chance(
                uniform: uniform, majorityShare: majorityShare(data, folds)),
            classes: classes.names, systems: systems, testIDs: tested.map { data.cuts[$0].id },
            testLabels: testLabels, bestSystem: best.name,
            confusion: try confusionMatrix(
                predictions: outcome.testPredictions, targets: targets,
                classCount: classes.names.count),
            classifier: try Classifier(
                path: "classifier.safetensors",
                card: Classifier.Card(
                    task: options.label.task, labels: classes.names, layer: selection.layer,
                    pooling: options.pooling,
                    inverseRegularization: selection.inverseRegularization,
                    developmentAccuracy: selection.developmentAccuracy,
                    trainingData: ModelCard.TrainingData(
                        manifest: data.train.path,
                        // A manifest in memory has no file to hash.
                        manifestHash: (try? ModelCard.TrainingData.hash(ofFile: data.train.path))
                            ?? "",
                        recordings: selection.trainingCount,
                        seconds: data.train.cuts.reduce(0) { $0 + ($1.duration ?? 0) })),
                model: model, regression: outcome.classifier),
            warnings: data.warnings)
    }

    /// What paired tests draw of test recordings.
    func testUnits(_ cuts: [Cut], foldCount: Int) -> TestUnits {
        let key = foldCount > 1 ? options.group : ProbeFold.officialKey
        return key == ProbeFold.officialKey
            ? TestUnits(count: cuts.count) : TestUnits(cuts, key: key)
    }

    /// Paired tests of systems on the test recordings, with the most labels.
    private func comparisons(
        _ systems: [ProbeReport.System], labels: [String], units: TestUnits
    ) throws -> [Results.Comparison]? {
        guard units.members.count > 1 else { return nil }
        func hits(_ system: ProbeReport.System) -> [Bool] {
            guard let outcome = system.utterances.last else { return [] }
            return zip(outcome.testPredictions, labels).map { outcome.classes[$0] == $1 }
        }
        let compared = ComparedSystems(
            entries: systems.map {
                ComparedSystems.Entry(
                    name: $0.name, role: .init($0.kind), seed: $0.seed,
                    developmentScore: $0.developmentAccuracy)
            })
        return Results.adjusted(
            try compared.pairs(asked: options.comparisons).map { pair in
                let (first, second) = (systems[pair.first], systems[pair.second])
                return try Results.Comparison(
                    AnswersInPairs(first: hits(first), second: hits(second), units: units),
                    first.name, minus: second.name,
                    labelledPerClass: first.utterances.last?.labelledPerClass,
                    resamples: options.utterances.resamples, seed: comparisonSeed)
            })
    }

    /// What the draws of paired tests depend on.
    var comparisonSeed: UInt64 { Seed(options.seed).derived("comparison").value }

    /// The figures of all systems; those of one name become one with their mean.
    private func rows(_ systems: [ProbeReport.System]) throws -> [Results.Row] {
        var names: [String] = []
        for system in systems where !names.contains(system.name) { names.append(system.name) }
        return try names.flatMap { name in
            let trainings = systems.filter { $0.name == name }.map(rows)
            guard trainings.count > 1 else { return trainings[0] }
            return try trainings[0].indices.map { index in
                var row = trainings[0][index]
                let interval = try meanInterval(of: trainings.map { $0[index].value })
                row.value = interval.estimate
                (row.low, row.high) = (max(0, interval.low), min(1, interval.high))
                row.seeds = trainings.count
                return row
            }
        }
    }

    private func rows(_ system: ProbeReport.System) -> [Results.Row] {
        var rows = system.utterances.map { outcome in
            Results.Row(
                system: system.name, labelledPerClass: outcome.labelledPerClass,
                value: outcome.accuracy.estimate, low: outcome.accuracy.low,
                high: outcome.accuracy.high, seeds: outcome.selections.count,
                trials: outcome.trials)
        }
        if let frames = system.frames {
            for (metric, interval) in [
                (MetricName.frameAccuracy, frames.accuracy),
                (MetricName.balancedFrameAccuracy, frames.balancedAccuracy),
            ] {
                rows.append(
                    Results.Row(
                        system: system.name, labelledPerClass: .all, metric: metric,
                        value: interval.estimate, low: interval.low, high: interval.high,
                        seeds: 1, trials: frames.testFrames))
            }
        }
        if let weightedSum = system.weightedSum {
            rows.append(
                Results.Row(
                    system: system.name, labelledPerClass: .all,
                    metric: MetricName.weightedSumAccuracy,
                    value: weightedSum.accuracy.estimate, low: weightedSum.accuracy.low,
                    high: weightedSum.accuracy.high, seeds: weightedSum.testAccuracies.count,
                    trials: weightedSum.testPredictions.count))
        }
        if let perceptron = system.perceptron {
            rows.append(
                Results.Row(
                    system: system.name, labelledPerClass: .all,
                    metric: MetricName.perceptronAccuracy,
                    value: perceptron.accuracy.estimate, low: perceptron.accuracy.low,
                    high: perceptron.accuracy.high, seeds: 1,
                    trials: perceptron.testPredictions.count))
        }
        if let verification = system.verification {
            rows.append(
                Results.Row(
                    system: system.name, labelledPerClass: nil,
                    metric: MetricName.equalErrorRate, value: verification.rate,
                    low: verification.interval?.low, high: verification.interval?.high, seeds: 1,
                    trials: verification.targets + verification.nonTargets))
        }
        for rates in system.openSet?.rates ?? [] {
            for (metric, interval) in [
                (MetricName.identificationRate(at: rates.aimed), rates.identified),
                (MetricName.falseAlarmRate(at: rates.aimed), rates.falseAlarms),
            ] {
                rows.append(
                    Results.Row(
                        system: system.name, labelledPerClass: nil, metric: metric,
                        value: interval.estimate, low: interval.low, high: interval.high,
                        seeds: options.openSet.seedCount, trials: system.openSet?.trials))
            }
        }
        return rows
    }

    /// The accuracy on the test parts of always naming the most frequent class of the training part.
    private func majorityShare(_ data: ProbeData, _ folds: [ProbeFold]) -> Double {
        let labels = data.labels
        let hits = folds.map { fold in
            let counts = Dictionary(grouping: fold.train.map { labels[$0] }, by: { $0 })
                .mapValues(\.count)
            // Of equally frequent classes the first.
            let largest = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
            return fold.test.count { labels[$0] == largest }
        }
        return Double(hits.reduce(0, +)) / Double(folds.reduce(0) { $0 + $1.test.count })
    }

    private func procedure(
        _ data: ProbeData, models: [(name: String, model: PretrainedModel)], foldCount: Int
    ) -> String {
        let seeds = options.utterances.seedCount
        var text =
            "Multinomial logistic regression on frozen representations (mean and standard deviation "
            + "over frames"
            + (options.pooling == .dynamics
                ? ", largest and smallest value, deviation of the change from frame to frame" : "")
            + "); "
        text +=
            foldCount > 1
            ? "\(foldCount) \(options.group)s, each measured on once with layer and C chosen on "
                + (options.group == ProbeFold.officialKey
                    ? "the next" : "a fifth of the others, whole \(options.group)s,")
                + " and the others to learn from: \(data.cuts.count) recordings of "
                + "\(Set(data.labels).count) classes."
            : "layer and C chosen on \(data.development.cuts.count) development "
                + "recordings, accuracy on \(data.test.cuts.count) test recordings of "
                + "\(Set(data.test.labels).count) classes."
        if !options.utterances.labelledPerClass.isEmpty {
            text +=
                seeds > 1
                ? " Few labels: mean over \(seeds) subsets with Student's t interval."
                : " Few labels: one subset with a bootstrap interval over test recordings."
        }
        if options.utterances.usesAllLabels {
            text +=
                foldCount > 1
                ? " All labels: a bootstrap interval over test recordings."
                : " All labels: \(data.train.cuts.count) recordings, with a bootstrap interval over "
                    + "test recordings."
            if options.utterances.refits {
                text +=
                    " With all labels the chosen layer and C are fitted again, to what was learned "
                    + "from and what was chosen on together."
            }
        }
        if options.frames != nil {
            text +=
                " Frames: the same on single frames, with a bootstrap interval over whole test "
                + "recordings."
        }
        if options.weightedSum.isOn {
            let sweep = options.weightedSum
            text +=
                " Weighted sum: SUPERB's head on the layers' "
                + (sweep.pooling == .mean ? "means" : "means and deviations")
                + " over frames, \(sweep.steps) steps of \(sweep.batchSize) recordings at "
                + "\(sweep.rates.count) learning rates with \(sweep.seedCount) seeds each, rate and "
                + "step chosen on the development recordings; the interval is "
                + (sweep.seedCount > 1
                    ? "Student's t over seeds." : "a bootstrap over test recordings.")
        }
        if options.perceptron.isOn {
            let grid = options.perceptron
            text +=
                " Perceptron: HEAR's, \(PerceptronProbe(grid).points.count) points of its "
                + "grid on the vectors of the linear probe's layer, point and epoch chosen on the "
                + "development recordings, with a bootstrap interval over test recordings."
        }
        switch options.verification.impostors {
        case .none: break
        case .all, .sameLanguage:
            text +=
                " Verification: cosine of centred vectors of all pairs of test recordings, "
                + (options.verification.impostors == .all
                    ? ""
                    : "those of different \(options.label.className.plural) in one language only, ")
                + "layer and vectors chosen on development pairs, with a bootstrap interval over "
                + "\(options.label.className.plural)."
        }
        if options.openSet.strangerShare > 0 {
            let plural = options.label.className.plural
            text +=
                " Open set: \(options.openSet.strangerShare) of the \(plural) are strangers, half of them in "
                + "the development part and the others in the test part, the rest is enrolled by "
                + "\(options.openSet.enrolledPerClass) recordings each and compared by the cosine; the "
                + "threshold at which a share of development strangers' recordings is accepted, layer and "
                + "vectors are chosen on the development part; Student's t over "
                + "\(options.openSet.seedCount) draws."
        }
        let trainings = Dictionary(grouping: models, by: \.name).mapValues(\.count)
            .filter { $0.value > 1 }
        if !trainings.isEmpty {
            text +=
                " Several trainings, in place of the intervals above the mean over seeds with "
                + "Student's t interval: "
                + trainings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                .joined(separator: ", ") + "."
        }
        return text
    }
}
