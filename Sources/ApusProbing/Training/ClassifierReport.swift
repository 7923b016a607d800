import ApusCorpus
import ApusMetrics
import ApusNN
import ApusPretraining
import ApusReport
import ApusSignal
import ApusTensor
import Foundation

/// What came of training a classifier.
public struct ClassifierReport: Sendable {
    /// The figures, as `results.json` holds them.
    public var results: Results
    /// The step whose weights were kept.
    public var step: Int
    /// The steps that were trained.
    public var steps: Int
    /// Why the run ended.
    public var end: Pretrainer.End?
    /// The accuracy on the development part, on which the step was chosen.
    public var developmentAccuracy: Double
    /// The share of each layer, where several are summed.
    public var shares: [String: Float]
    /// What a reader should know of the data.
    public var warnings: [String]
    /// What a class is, in a word.
    public var className: String

    /// The figures as a table, with what stands under it.
    public var table: ResultsTable {
        ResultsTable(results, className: className, notes: notes)
    }

    /// What stands under the table.
    var notes: [String] {
        var notes = [
            String(
                format: "Step %d of %d, chosen on the development part (accuracy there %.1f %%).",
                step, steps, 100 * developmentAccuracy)
        ]
        if !shares.isEmpty {
            notes.append(
                "Shares of the layers: "
                    + shares.sorted { $0.key < $1.key }
                    .map { String(format: "%@ %.2f", $0.key, $0.value) }.joined(separator: ", ")
                    + ".")
        }
        return notes
    }

    /// The paired tests of the network; `nil` without baselines.
    public var pairedTests: ResultsTable? {
        ResultsTable.pairedTests(
            of: results,
            choice:
                "The network is compared with log-mel statistics and with the untrained encoder.")
    }
}

extension ClassifierTrainer {
    /// The names of metrics beside accuracy.
    public enum MetricName {
        /// The share of recordings classified rightly.
        public static let accuracy = "accuracy"
        /// The mean over classes of that share.
        public static let balancedAccuracy = "balanced accuracy"
        /// Accuracy on the first seconds of recordings that are as long.
        ///
        /// - Parameter seconds: How many seconds are heard.
        /// - Returns: The metric's name.
        public static func accuracy(seconds: Double) -> String {
            String(format: "accuracy on %g s", seconds)
        }
    }

    /// Measures the kept weights, and writes all that a run leaves.
    func finish(
        _ network: ClassifierNetwork, _ recordings: LabelledRecordings, _ store: FeatureStore,
        _ state: TrainingCheckpoint.State
    ) throws -> ClassifierReport {
        let measured = recordings.hasTest ? recordings.data.test : recordings.data.development
        let labelled: Results.LabelledPerClass =
            configuration.data.labelledPerClass > 0
            ? .count(configuration.data.labelledPerClass) : .all
        var rows: [Results.Row] = []
        func add(
            _ metric: String, _ count: Int, _ interval: ConfidenceInterval, of system: String? = nil
        ) {
            rows.append(
                Results.Row(
                    system: system ?? systemName, labelledPerClass: labelled,
                    metric: metric == MetricName.accuracy ? nil : metric,
                    value: interval.estimate, low: interval.low, high: interval.high, seeds: 1,
                    trials: count))
        }
        let classCount = recordings.classes.names.count
        let targets = try recordings.classes.numbers(of: measured.labels, part: measured.name)
        let outputs = try outputs(network, measured.cuts, store)
        let answers = Answers(
            system: systemName, predictions: outputs.map { prediction($0.logits) })
        func addAccuracies(_ answers: Answers) throws {
            let predictions = answers.predictions
            add(
                MetricName.accuracy, targets.count, try interval(predictions, targets),
                of: answers.system)
            add(
                MetricName.balancedAccuracy, targets.count,
                try bootstrapInterval(
                    count: targets.count, resamples: configuration.training.resamples,
                    seed: bootstrapSeed
                ) { rows in
                    try balancedAccuracy(
                        predictions: rows.map { predictions[$0] },
                        targets: rows.map { targets[$0] }, classCount: classCount)
                }, of: answers.system)
        }
        try addAccuracies(answers)
        // Crops are heard once: they need no place in memory.
        let crops = try FeatureStore(frontEnd: store.frontEnd, cacheByteLimit: 0)
        for seconds in configuration.training.testSeconds {
            let long = zip(measured.cuts, store.lengths(of: measured.cuts)).enumerated()
                .compactMap { index, pair -> Int? in
                    guard case .success(let length) = pair.1 else { return nil }
                    let heard = Double(length.frameCount + 2) / store.frontEnd.frameRate
                    return (pair.0.duration ?? heard) >= seconds ? index : nil
                }
            guard !long.isEmpty else { continue }
            let cuts = long.map { index in
                var cut = measured.cuts[index]
                cut.duration = seconds
                return cut
            }
            let heard = try self.outputs(network, cuts, crops).map { prediction($0.logits) }
            add(
                MetricName.accuracy(seconds: seconds), long.count,
                try interval(heard, long.map { targets[$0] }))
        }
        let baselines = baselines(of: network.model, recordings)
        for baseline in baselines { try addAccuracies(baseline) }
        let best = state.validation
        var results = Results(
            task: configuration.label.task,
            protocol: procedure(recordings, state, hasBaselines: !baselines.isEmpty),
            metric: MetricName.accuracy, rows: rows,
            chance: Dictionary(
                rows.map { ($0.metric ?? MetricName.accuracy, 1 / Double(classCount)) }
            ) { $1 },
            classes: try .all(
                of: systemName, classes: recordings.classes.names,
                predictions: answers.predictions, targets: targets),
            conditions: conditions(recordings, measured.labels))
        results.comparisons = try comparisons(
            answers, baselines, targets: targets, labelled: labelled)
        let report = ClassifierReport(
            results: results, step: best?.bestStep ?? state.step, steps: state.step, end: state.end,
            developmentAccuracy: 1 - (best?.bestLoss ?? 1),
            shares: Dictionary(
                uniqueKeysWithValues: network.shares.map { ($0.layer, $0.share) }),
            warnings: recordings.warnings, className: configuration.label.className)
        try write(report, network, recordings)
        try folder.write(
            ClassifierFolder.Details(
                className: report.className, classes: recordings.classes.names,
                ids: measured.cuts.map(\.id), targets: targets,
                answers: ProbeFolder.Answers(
                    system: systemName, predictions: answers.predictions,
                    confidences: outputs.map { min(1, $0.probabilities.max() ?? 0) }),
                step: report.step, notes: report.notes))
        try runAnswers(outputs, measured, recordings.classes).write(toFolder: folder.path)
        return report
    }

    /// The network's answer to each recording that figures are measured on.
    private func runAnswers(
        _ outputs: [ClassifierNetwork.Output], _ measured: ProbeData.Part, _ classes: ClassList
    ) throws -> RunAnswers {
        try RunAnswers(
            path: folder.path, system: systemName, className: configuration.label.className,
            zip(outputs, zip(measured.cuts, measured.labels)).map { output, recording in
                let predicted = prediction(output.logits)
                return (
                    recording.0.id,
                    RunAnswers.Answer(
                        target: recording.1, predicted: classes.names[predicted],
                        probability: output.probabilities[predicted])
                )
            })
    }

    private func conditions(
        _ recordings: LabelledRecordings, _ measured: [String]
    ) -> Results.Conditions {
        Results.Conditions(
            measured: [
                .init(
                    recordings.hasTest ? "test recordings" : "development recordings",
                    measured.count),
                .init(configuration.label.className.plural, Set(measured).count),
            ], seed: configuration.seed,
            intervals: "a bootstrap over recordings "
                + "(\(configuration.training.resamples) resamples)",
            warnings: recordings.warnings)
    }

    var bootstrapSeed: UInt64 {
        Seed(configuration.seed).derived("bootstrap").value
    }

    private func interval(_ predictions: [Int], _ targets: [Int]) throws -> ConfidenceInterval {
        try bootstrapInterval(
            ofMeanOver: zip(predictions, targets).map { [$0 == $1 ? 1 : 0] },
            resamples: configuration.training.resamples, seed: bootstrapSeed)
    }

    /// The head on what encoder, in a few words.
    private var systemName: String {
        let encoder =
            configuration.model.isEmpty || configuration.encoder.fromScratch
            ? configuration.encoder.rate > 0 ? "from scratch" : "untrained encoder"
            : configuration.encoder.rate > 0 ? "fine-tuned" : "frozen encoder"
        let more =
            configuration.selfSupervised.weight > 0
            ? String(format: ", own objective %g", configuration.selfSupervised.weight) : ""
        return "\(configuration.head.kind.rawValue), \(encoder)\(more)"
    }

    private func procedure(
        _ recordings: LabelledRecordings, _ state: TrainingCheckpoint.State, hasBaselines: Bool
    ) -> String {
        let (data, head) = (recordings.data, configuration.head)
        let tested = recordings.hasTest ? data.test : data.development
        var text =
            "\(head.kind.rawValue) head on the layer \(configuration.encoder.layer), "
            + "\(configuration.loss.kind.rawValue) loss, \(state.step) steps on "
            + "\(recordings.labelled.count) recordings of \(recordings.classes.names.count) "
            + "\(configuration.label.className.plural); the encoder "
        let isScratch = configuration.model.isEmpty || configuration.encoder.fromScratch
        text +=
            isScratch
            ? "begins with initial weights and " : "is that of \(configuration.model) and "
        text +=
            configuration.encoder.rate > 0
            ? String(format: "is trained at a rate of %g.", configuration.encoder.rate)
            : "stays as it is."
        text +=
            " The step with the highest accuracy on \(data.development.cuts.count) development "
            + "recordings is kept, of equals the earliest; figures on \(tested.cuts.count) "
        text +=
            recordings.hasTest
            ? "test recordings of \(Set(tested.labels).count) \(configuration.label.className.plural)"
            : "of these same recordings, so that they are too high"
        text +=
            ", with bootstrap intervals over recordings. Accuracy on the first seconds counts the "
            + "recordings that are as long alone."
        if hasBaselines {
            text +=
                " The other systems are logistic regressions on mean and standard deviation over frames, "
                + "fitted to the same labelled recordings, layer and C chosen on the same development "
                + "recordings."
        }
        return text
    }

    private func write(
        _ report: ClassifierReport, _ network: ClassifierNetwork, _ recordings: LabelledRecordings
    ) throws {
        let train = recordings.data.train
        let classifier = try TrainedClassifier(
            path: folder.classifierPath,
            card: TrainedClassifier.Card(
                task: configuration.label.task, labels: recordings.classes.names,
                layer: configuration.encoder.layer, head: configuration.head,
                loss: configuration.loss, trainsEncoder: network.trainsEncoder, step: report.step,
                seed: configuration.seed, developmentAccuracy: report.developmentAccuracy,
                trainingData: ModelCard.TrainingData(
                    manifest: train.path,
                    manifestHash: try ModelCard.TrainingData.hash(ofFile: train.path),
                    recordings: recordings.labelled.count,
                    seconds: recordings.labelled.reduce(0) {
                        $0 + (train.cuts[$1].duration ?? 0)
                    })), network: network)
        try writeAtomically(classifier.encoded(), to: folder.classifierPath)
        if network.trainsEncoder {
            try writeAtomically(network.model.contents().encoded(), to: folder.modelPath)
        }
        try ResultsTable.write(
            [report.table] + [report.pairedTests].compactMap(\.self), toFolder: folder.path)
        try report.results.write(to: URL(fileURLWithPath: folder.path + "/results.json"))
    }
}
