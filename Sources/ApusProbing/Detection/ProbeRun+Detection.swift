import ApusCorpus
import ApusMetrics
import ApusPretraining
import ApusReport
import ApusSignal
import ApusTensor

/// Everything that a run of detection probes found.
public struct DetectionReport {
    /// What one system reached.
    public struct System: Sendable {
        /// The system's name.
        public var name: String
        /// What it is.
        public var kind: ProbeReport.Kind
        /// The chosen layer.
        public var layer: String
        /// The chosen C.
        public var inverseRegularization: Double
        /// Thresholds and median filter, chosen on the development part.
        public var decoder: EventDecoder
        /// The event-based F1 score over all labels on the development part.
        public var developmentFScore: Double
        /// Whole events of each test recording.
        public var eventsByRecording: [EventMeasures]
        /// Segments of each test recording.
        public var segmentsByRecording: [EventMeasures]
        /// What the polyphonic sound detection score of the test part over the thresholds is made of.
        public var polyphonicCounts: PolyphonicDetectionScore.Counts
        /// The regressions.
        public var regression: LogisticRegression

        /// The polyphonic sound detection score of the test part over the thresholds.
        public var polyphonicScore: Double { PolyphonicDetectionScore()(polyphonicCounts) }
        /// Whole events of the test part.
        public var events: EventMeasures { eventsByRecording.reduce(EventMeasures(), +) }
        /// Segments of the test part.
        public var segments: EventMeasures { segmentsByRecording.reduce(EventMeasures(), +) }
    }

    /// The figures, as `results.json` holds them.
    public var results: Results
    /// The labels.
    public var labels: [String]
    /// The systems, baselines first.
    public var systems: [System]
    /// The trained model with the highest event-based F1 score on the development part.
    public var detector: SoundEventDetector
    /// The system that it is of: the best trained one on the development part.
    public var bestSystem: String
    /// What the reader should know about the data.
    public var warnings: [String]
    /// The two systems that are best on the development part; `nil` where test
    /// recordings are too few to be drawn.
    public var comparison: StatisticComparison?
}

extension ProbeRun {
    /// Probes how well events are detected.
    ///
    /// Linear detection in single frames: a frame has a label where an event of it covers the frame's
    /// middle. Layer and C are chosen by the mean average precision on frames of the development part;
    /// then, on its events, the median filter and each label's threshold by event-based F1. The test part
    /// is looked at once.
    ///
    /// - Parameters:
    ///   - models: The models with their names.
    ///   - train: Recordings with timed labels that are learned from; one without the key `events` is an
    ///     error.
    ///   - development: Those that everything is chosen on.
    ///   - test: Those that the figures are measured on.
    /// - Returns: The figures and the best model's detector.
    /// - Throws: `ProbingError` where events or recordings don't suffice, `SignalError` for a front end
    ///   that can't be used.
    public func runDetection(
        models: [(name: String, model: PretrainedModel)], train: Manifest,
        development: Manifest, test: Manifest
    ) throws -> DetectionReport {
        let parts = [train, development, test]
        let stores = try stores(for: models)
        var events: [[SoundEvent]] = []
        for cut in parts.flatMap(\.cuts) {
            guard let own = try cut.soundEvents() else {
                throw ProbingError.badEvents(
                    id: cut.id,
                    reason: "its manifest has no key 'events' (an empty list for silence)")
            }
            events.append(own)
        }
        let labels = Set(events.prefix(train.cuts.count).joined().map(\.label)).sorted()
        guard !labels.isEmpty else {
            throw ProbingError.nothingLeft(path: train.path, reason: "no recording has an event")
        }
        for (part, count) in [
            (development, train.cuts.count), (test, train.cuts.count + development.cuts.count),
        ] {
            guard events[count..<count + part.cuts.count].contains(where: { !$0.isEmpty }) else {
                throw ProbingError.nothingLeft(path: part.path, reason: "no recording has an event")
            }
        }
        let task = DetectionTask(
            cuts: parts.flatMap(\.cuts), events: events, labels: labels,
            starts: [train.cuts.count, train.cuts.count + development.cuts.count],
            options: options.events, seed: options.seed)
        var systems: [DetectionReport.System] = []
        var unknown = Set(events.dropFirst(train.cuts.count).joined().map(\.label))
        unknown.subtract(labels)
        let warnings =
            unknown.isEmpty
            ? []
            : [
                "labels that the training part has nothing of: "
                    + unknown.sorted().joined(separator: ", ")
            ]
        for (system, found) in try forEachSystem(
            models, stores,
            { source, system -> DetectionReport.System? in
                guard system.hasFrames else { return nil }
                report(.progress(done: 0, total: 1, work: "\(system.name): events"))
                return try task.run(source, system, frontEnd: system.frontEnd)
            })
        {
            guard var found else { continue }
            (found.name, found.kind) = (system.name, system.kind)
            systems.append(found)
        }
        let trained = systems.filter { $0.kind == .trained }
        let best = trained.dropFirst().reduce(trained[0]) {
            $1.developmentFScore > $0.developmentFScore ? $1 : $0
        }
        guard let model = models.first(where: { $0.name == best.name })?.model else {
            preconditionFailure("a trained model")
        }
        return DetectionReport(
            results: results(systems, models, task, warnings: warnings), labels: labels,
            systems: systems,
            detector: try SoundEventDetector(
                path: "detector.safetensors",
                card: SoundEventDetector.Card(
                    labels: labels, layer: best.layer,
                    inverseRegularization: best.inverseRegularization, decoder: best.decoder,
                    developmentFScore: best.developmentFScore),
                model: model, regression: best.regression),
            bestSystem: best.name, warnings: warnings,
            comparison: comparison(systems, resamples: task.options.resamples))
    }

    /// The two systems that are best on the development part.
    private func comparison(
        _ systems: [DetectionReport.System], resamples: Int
    ) -> StatisticComparison? {
        let ranked = systems.enumerated().sorted {
            ($1.element.developmentFScore, $0.offset) < ($0.element.developmentFScore, $1.offset)
        }.map(\.element)
        guard ranked.count > 1, ranked[0].eventsByRecording.count > 1 else {
            return nil
        }
        let counts = ranked.prefix(2).map { $0.eventsByRecording.map(\.overall) }
        let bootstrap = try? pairedBootstrap(
            count: counts[0].count, resamples: resamples,
            seed: Seed(options.seed).derived("comparison").value
        ) { drawn in
            let scores = counts.map { counts in
                drawn.reduce(EventCounts()) { $0 + counts[$1] }.fScore
            }
            let difference = scores[0] - scores[1]
            return difference.isNaN ? nil : difference
        }
        return bootstrap.map {
            StatisticComparison(
                first: ranked[0].name, second: ranked[1].name, statistic: "event F1",
                bootstrap: $0)
        }
    }

    private func results(
        _ systems: [DetectionReport.System],
        _ models: [(name: String, model: PretrainedModel)], _ task: DetectionTask,
        warnings: [String]
    ) -> Results {
        let measurements:
            [(
                name: String, counts: KeyPath<DetectionReport.System, [EventMeasures]>,
                value: KeyPath<EventMeasures, Double>
            )] = [
                (MetricName.eventFScore, \.eventsByRecording, \.overall.fScore),
                ("event F1, macro", \.eventsByRecording, \.macroFScore),
                (MetricName.segmentFScore, \.segmentsByRecording, \.overall.fScore),
                ("segment error rate", \.segmentsByRecording, \.overall.errorRate),
            ]
        let rows = systems.flatMap { system in
            let count = system.eventsByRecording.count
            func row(_ metric: String, _ value: ([Int]) -> Double) -> Results.Row {
                // Recordings so few that most draws have no event have no interval.
                let interval =
                    count > 1
                    ? try? bootstrapInterval(
                        count: count, resamples: task.options.resamples,
                        seed: Seed(options.seed).derived("bootstrap").value
                    ) { drawn in
                        let value = value(drawn)
                        return value.isFinite ? value : nil
                    } : nil
                return Results.Row(
                    system: system.name, labelledPerClass: nil, metric: metric,
                    value: value(Array(0..<count)), low: interval?.low, high: interval?.high,
                    seeds: 1, trials: system.events.overall.reference)
            }
            return measurements.map { measurement in
                let recordings = system[keyPath: measurement.counts]
                return row(measurement.name) { drawn in
                    drawn.reduce(EventMeasures()) { $0 + recordings[$1] }[
                        keyPath: measurement.value]
                }
            } + [
                row(MetricName.polyphonicScore) {
                    PolyphonicDetectionScore()(system.polyphonicCounts, drawn: $0)
                }
            ]
        }
        var results = Results(
            task: DetectionFolder.task,
            protocol: "One logistic regression a label on single frames of frozen representations; "
                + "layer and C chosen by average precision on frames of dev, median filter and "
                + "thresholds by event-based F1 on dev. Events: onset within "
                + "\(task.options.tolerance.onset ?? .infinity) s, offset within "
                + "\(task.options.tolerance.offset ?? .infinity) s or a share of "
                + "\(task.options.tolerance.offsetShare) of the length; segments of "
                + "\(task.options.segment) s. Intervals by a bootstrap over test recordings.",
            metric: measurements[0].name, rows: rows,
            conditions: Results.Conditions(
                measured: [
                    .init("test recordings", task.cuts.count - task.starts[1]),
                    .init("events", systems.first?.events.overall.reference ?? 0),
                    .init("labels", task.labels.count),
                ], seed: options.seed, trainings: .init(models),
                intervals: "a bootstrap over test recordings (\(task.options.resamples) resamples)",
                warnings: warnings))
        results.classes = systems.flatMap { system in
            task.labels.map { label in
                let (events, segments) = (
                    system.events.byLabel[label], system.segments.byLabel[label]
                )
                return Results.ClassRow(
                    system: system.name, label: label, positives: events?.reference ?? 0,
                    metrics: [
                        MetricName.eventFScore: events?.fScore ?? .nan,
                        MetricName.segmentFScore: segments?.fScore ?? .nan,
                    ])
            }
        }
        return results
    }
}
