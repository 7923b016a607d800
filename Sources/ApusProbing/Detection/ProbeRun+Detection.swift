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
        /// The chosen layer, of several folds the first's.
        public var layer: String
        /// The chosen C, of several folds the first's.
        public var inverseRegularization: Double
        /// Thresholds and median filter, chosen on the development part, of several folds the first's.
        public var decoder: EventDecoder
        /// The event-based F1 score over all labels on the development part, the mean over folds.
        public var developmentFScore: Double
        /// Whole events of each test recording.
        public var eventsByRecording: [EventMeasures]
        /// Segments of each test recording.
        public var segmentsByRecording: [EventMeasures]
        /// What the polyphonic sound detection score of the test part over the thresholds is made of.
        public var polyphonicCounts: PolyphonicDetectionScore.Counts
        /// The length of each test recording, in seconds.
        public var lengths: [Double]
        /// The regressions, of several folds the first's.
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
    /// The trained model with the highest event-based F1 score on the development part, as it was fitted in
    /// the first fold.
    public var detector: SoundEventDetector
    /// The system that it is of: the best trained one on the development part.
    public var bestSystem: String
    /// What the reader should know about the data.
    public var warnings: [ProbeWarning]
}

extension ProbeRun {
    /// Probes how well events are detected.
    ///
    /// Linear detection in single frames: a frame has a label where an event of it covers the frame's
    /// middle. Layer and C are chosen by the mean average precision on frames of the development part;
    /// then, on its events, the median filter and each label's threshold by event-based F1. The test part
    /// is looked at once. Baselines are single frames of log-mels, of their MFCCs and of a random projection;
    /// the channel is that of a whole recording and has no frames.
    ///
    /// - Parameters:
    ///   - models: The models with their names; those of one name are one system.
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
        let ends = [
            train.cuts.count, train.cuts.count + development.cuts.count,
            parts.reduce(0) { $0 + $1.cuts.count },
        ]
        let fold = ProbeFold(
            train: Array(0..<ends[0]), development: Array(ends[0]..<ends[1]),
            test: Array(ends[1]..<ends[2]))
        return try runDetection(
            models: models, cuts: parts.flatMap(\.cuts), folds: [fold],
            paths: parts.map(\.path), events: try events(of: parts.flatMap(\.cuts)))
    }

    /// Probes how well events are detected by cross-validation over folds or groups.
    ///
    /// Everything is chosen anew in each fold, on recordings that it doesn't measure on; what all folds found
    /// is measured together.
    ///
    /// - Parameters:
    ///   - models: The models with their names; those of one name are one system.
    ///   - folds: Recordings with timed labels, each with its fold or group.
    /// - Returns: The figures over all folds together, and the best model's detector of the first fold.
    /// - Throws: `ProbingError` where events, groups or recordings don't suffice, `SignalError` for a front
    ///   end that can't be used.
    public func runDetection(
        models: [(name: String, model: PretrainedModel)], folds: Manifest
    ) throws -> DetectionReport {
        let key = options.group
        let groups = try ProbeFold.groups(of: folds, key: key)
        let events = try events(of: folds.cuts)
        let made = ProbeFold.all(
            groups: groups, labels: events.map { Set($0.map(\.label)).sorted() }, key: key)
        try ProbeFold.requireChoices(made, groups: groups, key: key, path: folds.path)
        return try runDetection(
            models: models, cuts: folds.cuts, folds: made,
            paths: [String](repeating: folds.path, count: 3), events: events)
    }

    private func events(of cuts: [Cut]) throws -> [[SoundEvent]] {
        try cuts.map { cut in
            guard let own = try cut.soundEvents() else {
                throw ProbingError.badEvents(
                    id: cut.id,
                    reason: "its manifest has no key 'events' (an empty list for silence)")
            }
            return own
        }
    }

    private func runDetection(
        models: [(name: String, model: PretrainedModel)], cuts: [Cut], folds: [ProbeFold],
        paths: [String], events: [[SoundEvent]]
    ) throws -> DetectionReport {
        let stores = try stores(for: models)
        for fold in folds {
            for (positions, path) in zip([fold.train, fold.development], paths)
            where !positions.contains(where: { !events[$0].isEmpty }) {
                throw ProbingError.nothingLeft(path: path, reason: "no recording has an event")
            }
        }
        let tested = folds.flatMap(\.test)
        guard tested.contains(where: { !events[$0].isEmpty }) else {
            throw ProbingError.nothingLeft(path: paths[2], reason: "no recording has an event")
        }
        let labels = Set(folds.flatMap(\.train).flatMap { events[$0] }.map(\.label)).sorted()
        let task = DetectionTask(
            cuts: cuts, events: events, labels: labels, folds: folds, options: options.events,
            seed: options.seed)
        let unknown = Set(events.joined().map(\.label)).subtracting(labels).sorted()
        let doubts = DataDoubts(
            cuts: cuts, classes: events.map { Set($0.map(\.label)).sorted() },
            className: options.label.className, folds: folds,
            key: folds.count > 1 ? options.group : nil, workers: options.workers)
        let warnings =
            (unknown.isEmpty ? [] : [ProbeWarning.unknownEvents(unknown)]) + doubts.warnings
        warnings.forEach { report(.warning($0)) }
        let systems = try forEachSystem(models, stores) { source, system in
            report(.progress(done: 0, total: 1, work: "\(system.name): events"))
            return try task.run(source, system, frontEnd: system.frontEnd)
        }.map { system, found in
            // Encoders that begin alike are run once.
            var found = found
            (found.name, found.kind, found.seed) = (system.name, system.kind, system.seed)
            return found
        }
        let trained = systems.filter { $0.kind == .trained }
        let best = trained.dropFirst().reduce(trained[0]) {
            $1.developmentFScore > $0.developmentFScore ? $1 : $0
        }
        guard
            let model = models.first(where: {
                $0.name == best.name && $0.model.card.seed == best.seed
            })?.model
        else { preconditionFailure("a trained model") }
        var results = try results(systems, models, task, warnings: warnings)
        results.comparisons = comparisons(
            systems, testUnits(tested.map { cuts[$0] }, foldCount: folds.count))
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

    private typealias Measurement = (
        name: String, counts: KeyPath<DetectionReport.System, [EventMeasures]>,
        value: KeyPath<EventMeasures, Double>
    )

    private static var measurements: [Measurement] {
        [
            (MetricName.eventFScore, \.eventsByRecording, \.overall.fScore),
            (MetricName.macroEventFScore, \.eventsByRecording, \.macroFScore),
            (MetricName.segmentFScore, \.segmentsByRecording, \.overall.fScore),
            (MetricName.segmentErrorRate, \.segmentsByRecording, \.overall.errorRate),
        ]
    }

    private func results(
        _ systems: [DetectionReport.System],
        _ models: [(name: String, model: PretrainedModel)], _ task: DetectionTask,
        warnings: [ProbeWarning]
    ) throws -> Results {
        let names = systems.map(\.name).reduce(into: [String]()) { names, name in
            if !names.contains(name) { names.append(name) }
        }
        let rows = try names.flatMap { name in
            try self.rows(systems.filter { $0.name == name })
        }
        let eventCount = systems[0].events.overall.reference
        var results = Results(
            task: DetectionFolder.task, protocol: procedure(task, eventCount: eventCount),
            metric: MetricName.eventFScore, rows: rows, chance: try chance(of: task, systems[0]),
            conditions: Results.Conditions(
                measured: [
                    .init("test recordings", task.tested.count), .init("events", eventCount),
                    .init("labels", task.labels.count),
                ], seed: options.seed, trainings: .init(models),
                intervals: "a bootstrap over test recordings (\(task.options.resamples) resamples)",
                warnings: warnings.map(\.description)))
        results.classes = names.flatMap { name -> [Results.ClassRow] in
            // Of several trainings the first.
            guard let system = systems.first(where: { $0.name == name }) else { return [] }
            let (events, segments) = (system.events.byLabel, system.segments.byLabel)
            return task.labels.map { label in
                Results.ClassRow(
                    system: name, label: label, positives: events[label]?.reference ?? 0,
                    metrics: [
                        MetricName.eventFScore: events[label]?.fScore ?? .nan,
                        MetricName.segmentFScore: segments[label]?.fScore ?? .nan,
                    ])
            }
        }
        return results
    }

    /// The figures of one system; of several trainings their means.
    private func rows(_ trainings: [DetectionReport.System]) throws -> [Results.Row] {
        func row(_ metric: String, _ values: [Double], _ interval: ConfidenceInterval?) throws
            -> Results.Row
        {
            var row = Results.Row(
                system: trainings[0].name, labelledPerClass: nil, metric: metric, value: values[0],
                low: interval?.low, high: interval?.high, seeds: trainings.count,
                trials: trainings[0].events.overall.reference)
            if values.count > 1, values.allSatisfy(\.isFinite) {
                let mean = try meanInterval(of: values)
                let highest = metric == MetricName.segmentErrorRate ? .infinity : 1
                (row.value, row.low, row.high) = (
                    mean.estimate, max(0, mean.low), min(highest, mean.high)
                )
            }
            return row
        }
        return try Self.measurements.map { measurement in
            let values = trainings.map { system in
                system[keyPath: measurement.counts].reduce(EventMeasures(), +)[
                    keyPath: measurement.value]
            }
            let recordings = trainings[0][keyPath: measurement.counts]
            return try row(
                measurement.name, values,
                trainings.count > 1
                    ? nil
                    : interval(recordings.count) { drawn in
                        drawn.reduce(EventMeasures()) { $0 + recordings[$1] }[
                            keyPath: measurement.value]
                    })
        } + [
            try row(
                MetricName.polyphonicScore, trainings.map(\.polyphonicScore),
                trainings.count > 1
                    ? nil
                    : interval(trainings[0].polyphonicCounts.recordingCount) {
                        PolyphonicDetectionScore()(trainings[0].polyphonicCounts, drawn: $0)
                    })
        ]
    }

    /// The bootstrap's interval of a measurement of drawn recordings; `nil` where these are so few that most
    /// draws have no event.
    private func interval(
        _ count: Int, _ value: ([Int]) -> Double
    ) -> ConfidenceInterval? {
        guard count > 1 else { return nil }
        return try? bootstrapInterval(
            count: count, resamples: options.events.resamples,
            seed: Seed(options.seed).derived("bootstrap").value
        ) { drawn in
            let value = value(drawn)
            return value.isFinite ? value : nil
        }
    }

    /// What knowing nothing reaches: by F1 and PSDS hearing every label from beginning to end of every
    /// recording, by the error rate never hearing any.
    private func chance(
        of task: DetectionTask, _ system: DetectionReport.System
    ) throws -> [String: Double] {
        let references = task.tested.map { task.events[$0] }
        let estimates = system.lengths.map { seconds in
            task.labels.map { SoundEvent(label: $0, onset: 0, offset: seconds) }
        }
        let events = try eventMeasures(
            references: references, estimates: estimates, tolerance: options.events.tolerance)
        let segments = try segmentMeasures(
            references: references, estimates: estimates, segment: options.events.segment)
        let score = PolyphonicDetectionScore()
        return [
            MetricName.eventFScore: events.overall.fScore,
            MetricName.macroEventFScore: events.macroFScore,
            MetricName.segmentFScore: segments.overall.fScore,
            MetricName.segmentErrorRate: 1,
            MetricName.polyphonicScore: score(
                try score.counts(
                    references: references, operatingPoints: [estimates], seconds: system.lengths)),
        ]
    }

    private func procedure(_ task: DetectionTask, eventCount: Int) -> String {
        let tolerance = task.options.tolerance
        let parts =
            task.folds.count > 1
            ? "\(task.folds.count) \(options.group)s, each measured on once with everything chosen on "
                + "others: " : ""
        return "One logistic regression a label on single frames of frozen representations; "
            + "layer and C chosen by average precision on frames of dev, median filter and "
            + "thresholds by event-based F1 on dev. \(parts)\(task.tested.count) test recordings with "
            + "\(eventCount) events of \(task.labels.count) labels. Events: onset within "
            + "\(tolerance.onset ?? .infinity) s, offset within "
            + "\(tolerance.offset ?? .infinity) s or a share of "
            + "\(tolerance.offsetShare) of the length; segments of "
            + "\(task.options.segment) s. Intervals by a bootstrap over test recordings, of several "
            + "trainings by Student's t over them."
    }
}
