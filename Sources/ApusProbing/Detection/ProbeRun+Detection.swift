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
        /// The seed of the model's training; `nil` without a model.
        public var seed: UInt64?
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
        /// The polyphonic sound detection score of the test part over the thresholds.
        public var polyphonicScore: Double
        /// The regressions.
        public var regression: LogisticRegression

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
            (found.name, found.kind, found.seed) = (system.name, system.kind, system.seed)
            systems.append(found)
        }
        let trained = systems.filter { $0.kind == .trained }
        let best = trained.dropFirst().reduce(trained[0]) {
            $1.developmentFScore > $0.developmentFScore ? $1 : $0
        }
        guard let model = models.first(where: { $0.name == best.name })?.model else {
            preconditionFailure("a trained model")
        }
        var results = results(systems, task)
        results.comparisons = comparisons(systems, TestUnits(count: test.cuts.count))
        return DetectionReport(
            results: results, labels: labels, systems: systems,
            detector: try SoundEventDetector(
                path: "detector.safetensors",
                card: SoundEventDetector.Card(
                    labels: labels, layer: best.layer,
                    inverseRegularization: best.inverseRegularization, decoder: best.decoder,
                    developmentFScore: best.developmentFScore),
                model: model, regression: best.regression),
            bestSystem: best.name, warnings: warnings)
    }

    /// Paired tests of systems by event-based F1 on the test recordings.
    private func comparisons(
        _ systems: [DetectionReport.System], _ units: TestUnits
    ) -> [Results.Comparison]? {
        guard units.members.count > 1 else { return nil }
        let compared = ComparedSystems(
            entries: systems.map {
                ComparedSystems.Entry(
                    name: $0.name, role: .init($0.kind), seed: $0.seed,
                    developmentScore: $0.developmentFScore)
            })
        return Results.adjusted(
            compared.pairs(asked: options.comparisons).compactMap { pair in
                let (first, second) = (systems[pair.first], systems[pair.second])
                let counts = [first, second].map { system in
                    units.members.map { unit in
                        unit.reduce(EventCounts()) { $0 + system.eventsByRecording[$1].overall }
                    }
                }
                // Of recordings so few that most draws have no event there are no tests.
                let bootstrap = try? pairedBootstrap(
                    count: units.members.count, resamples: options.events.resamples,
                    seed: comparisonSeed
                ) { drawn in
                    let scores = counts.map { counts in
                        drawn.reduce(EventCounts()) { $0 + counts[$1] }.fScore
                    }
                    let difference = scores[0] - scores[1]
                    return difference.isNaN ? nil : difference
                }
                return bootstrap.map {
                    Results.Comparison(
                        first.name, minus: second.name, metric: MetricName.eventFScore, $0,
                        trials: first.eventsByRecording.count, drawn: units.drawn)
                }
            })
    }

    private func results(
        _ systems: [DetectionReport.System], _ task: DetectionTask
    ) -> Results {
        // The score over thresholds has no counts that recordings could be drawn from.
        let area = "PSDS"
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
            measurements.map { measurement in
                let recordings = system[keyPath: measurement.counts]
                func value(_ drawn: [Int]) -> Double {
                    drawn.reduce(EventMeasures()) { $0 + recordings[$1] }[
                        keyPath: measurement.value]
                }
                // Recordings so few that most draws have no event have no interval.
                let interval =
                    recordings.count > 1
                    ? try? bootstrapInterval(
                        count: recordings.count, resamples: task.options.resamples,
                        seed: Seed(options.seed).derived("bootstrap").value
                    ) { drawn in
                        let value = value(drawn)
                        return value.isFinite ? value : nil
                    } : nil
                return Results.Row(
                    system: system.name, labelledPerClass: nil, metric: measurement.name,
                    value: value(Array(recordings.indices)), low: interval?.low,
                    high: interval?.high, trials: system.events.overall.reference)
            } + [
                Results.Row(
                    system: system.name, labelledPerClass: nil, metric: area,
                    value: system.polyphonicScore, trials: system.events.overall.reference)
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
            metric: measurements[0].name, rows: rows)
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
