import ApusMetrics
import ApusPretraining
import ApusReport

extension ProbeRun {
    /// The figures of all systems, and the best model's classifier.
    ///
    /// - Parameters:
    ///   - systems: What each system reached.
    ///   - models: The models.
    ///   - data: The recordings.
    /// - Returns: The report.
    /// - Throws: `ProbingError`, `MetricsError`.
    func summary(
        _ systems: [ProbeReport.System], models: [(name: String, model: PretrainedModel)],
        data: ProbeData
    ) throws -> ProbeReport {
        let classes = ClassList(labels: data.train.labels)
        let trained = systems.filter { $0.kind == .trained }
        // Of equals the first: models are in the caller's order.
        let best = trained.dropFirst().reduce(trained[0]) {
            $1.developmentAccuracy > $0.developmentAccuracy ? $1 : $0
        }
        guard let outcome = best.utterances.last, let selection = outcome.selections.first,
            let model = models.first(where: { $0.name == best.name })?.model
        else { preconditionFailure("a trained model with a probe") }
        let uniform = 1 / Double(classes.names.count)
        let targets = try classes.numbers(of: data.test.labels, part: data.test.name)
        return ProbeReport(
            results: Results(
                task: options.label.task, protocol: procedure(data),
                metric: MetricName.accuracy, rows: systems.flatMap(rows),
                chance: [
                    MetricName.accuracy: uniform, MetricName.frameAccuracy: uniform,
                    MetricName.balancedFrameAccuracy: uniform,
                    MetricName.equalErrorRate: 0.5,
                ]),
            chance: ProbeReport.Chance(
                uniform: uniform, majorityShare: majorityShare(data, classes)),
            classes: classes.names, systems: systems, testIDs: data.test.cuts.map(\.id),
            testLabels: data.test.labels, bestSystem: best.name,
            confusion: try confusionMatrix(
                predictions: outcome.testPredictions, targets: targets,
                classCount: classes.names.count),
            classifier: try Classifier(
                path: "classifier.safetensors",
                card: Classifier.Card(
                    task: options.label.task, labels: classes.names, layer: selection.layer,
                    pooling: .meanAndStandardDeviation,
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
        if let verification = system.verification {
            rows.append(
                Results.Row(
                    system: system.name, labelledPerClass: nil,
                    metric: MetricName.equalErrorRate, value: verification.rate,
                    low: verification.interval?.low, high: verification.interval?.high, seeds: 1,
                    trials: verification.targets + verification.nonTargets))
        }
        return rows
    }

    /// The accuracy on the test part of always naming the training part's most frequent class.
    private func majorityShare(_ data: ProbeData, _ classes: ClassList) -> Double {
        let counts = Dictionary(grouping: data.train.labels, by: { $0 }).mapValues(\.count)
        // Of equally frequent classes the first.
        let largest = classes.names.reduce(classes.names[0]) {
            (counts[$1] ?? 0) > (counts[$0] ?? 0) ? $1 : $0
        }
        return Double(data.test.labels.count { $0 == largest }) / Double(data.test.labels.count)
    }

    private func procedure(_ data: ProbeData) -> String {
        let seeds = options.utterances.seedCount
        var text =
            "Multinomial logistic regression on frozen representations (mean and standard deviation "
            + "over frames); layer and C chosen on \(data.development.cuts.count) development "
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
                " All labels: \(data.train.cuts.count) recordings, with a bootstrap interval over "
                + "test recordings."
        }
        if options.frames != nil {
            text +=
                " Frames: the same on single frames, with a bootstrap interval over whole test "
                + "recordings."
        }
        switch options.verification.impostors {
        case .none: break
        case .all, .sameLanguage:
            text +=
                " Verification: cosine of centred vectors of all pairs of test recordings, "
                + (options.verification.impostors == .all
                    ? "" : "those of different \(options.label.className)s in one language only, ")
                + "layer and vectors chosen on development pairs, with a bootstrap interval over "
                + "\(options.label.className)s."
        }
        return text
    }
}
