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
        /// The share of recordings classified rightly by HEAR's protocol.
        public static let perceptronAccuracy = "perceptron accuracy"
        /// The rate at which as many pairs of one class are refused as others are accepted.
        public static let equalErrorRate = "equal error rate"
        /// The share of enrolled classes' recordings that a threshold identifies.
        ///
        /// - Parameter rate: The rate of false alarms that the threshold was found for.
        /// - Returns: The metric's name.
        static func identificationRate(at rate: Double) -> String {
            "identification rate at \(percent(rate))"
        }
        /// The share of strangers' recordings that a threshold accepts.
        ///
        /// - Parameter rate: The rate of false alarms that the threshold was found for.
        /// - Returns: The metric's name.
        static func falseAlarmRate(at rate: Double) -> String { "false alarms at \(percent(rate))" }
        private static func percent(_ rate: Double) -> String {
            String(format: "%g %%", 100 * rate)
        }
        /// The share of a class's recordings that are classified rightly.
        public static let recall = "recall"
        /// The share of what was answered as a class that is of it.
        public static let precision = "precision"
        /// The F1 score of a class: the harmonic mean of both.
        public static let fScore = "F1"
        /// The F1 score of whole events.
        public static let eventFScore = "event F1"
        /// The mean over labels of that score.
        public static let macroEventFScore = "event F1, macro"
        /// The F1 score of segments.
        public static let segmentFScore = "segment F1"
        /// The share of wrong labels in segments, which may be more than there are right ones.
        public static let segmentErrorRate = "segment error rate"
        /// The polyphonic sound detection score.
        public static let polyphonicScore = "PSDS"
        /// The mean over tags of their average precision.
        public static let meanAveragePrecision = "mean average precision"
        /// The mean of the precision at each recording that has a tag.
        public static let averagePrecision = "average precision"
        /// The area under the ROC curve.
        public static let areaUnderCurve = "area under ROC"
        /// The distance of two normal distributions with that area, in deviations.
        public static let sensitivityIndex = "d-prime"
    }

    let options: ProbeOptions
    let cache: RepresentationCache?
    let report: (Event) -> Void

    /// A run.
    ///
    /// - Parameters:
    ///   - options: What is done.
    ///   - cache: Where statistics of recordings, and what probes found of a system, are kept between runs;
    ///     `nil` for nowhere. Probes on frames compute statistics anew.
    ///   - report: Called with what happens, on the calling thread.
    /// - Throws: `ProbingError.badOption` for options that can't be run.
    public init(
        _ options: ProbeOptions = ProbeOptions(), cache: RepresentationCache? = nil,
        report: @escaping (Event) -> Void = { _ in }
    ) throws {
        try options.validate()
        self.options = options
        self.cache = cache
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
    /// Each group of recordings is measured on once: by default each published fold, with the next fold to
    /// choose on and the others to learn from; else those that share a value of the options' key `group`,
    /// with others, about a fifth of the rest, to choose on.
    ///
    /// - Parameters:
    ///   - models: The models with their names, as above.
    ///   - folds: The labelled recordings, each with its fold or group.
    /// - Returns: The figures over all folds together and what a report shows beside them. The
    ///   classifier is the first fold's.
    /// - Throws: `ProbingError` where labels or recordings don't suffice, or the options ask for probes
    ///   on frames or pairs; `SignalError` for a front end that can't be used.
    public func run(
        models: [(name: String, model: PretrainedModel)], folds: Manifest
    ) throws -> ProbeReport {
        try requireRecordingsOnly("with folds")
        let key = options.group
        return try run(
            models: models, data: ProbeData(folds: folds, label: options.label, key: key)
        ) { ProbeFold.all(of: $0, key: key) }
    }

    /// Refuses probes on frames and pairs.
    func requireRecordingsOnly(_ circumstance: String) throws {
        guard options.frames == nil else {
            throw ProbingError.badOption(
                option: "frames", expected: "none \(circumstance)", found: "a probe on frames")
        }
        guard !options.weightedSum.isOn else {
            throw ProbingError.badOption(
                option: "weightedSum.isOn", expected: "false \(circumstance)", found: "true")
        }
        guard options.verification.impostors == .none else {
            throw ProbingError.badOption(
                option: "verification.impostors", expected: "none \(circumstance)",
                found: options.verification.impostors.rawValue)
        }
        guard !options.perceptron.isOn else {
            throw ProbingError.badOption(
                option: "perceptron.isOn", expected: "false \(circumstance)", found: "true")
        }
        guard options.openSet.strangerShare == 0 else {
            throw ProbingError.badOption(
                option: "openSet.strangerShare", expected: "0 \(circumstance)",
                found: "\(options.openSet.strangerShare)")
        }
    }

    private func run(
        models: [(name: String, model: PretrainedModel)], data: ProbeData,
        _ folds: (ProbeData) -> [ProbeFold]
    ) throws -> ProbeReport {
        guard options.label != .tags, options.label != .events else {
            throw ProbingError.badOption(
                option: "label", expected: "one label for a recording",
                found: options.label.rawValue)
        }
        var data = data
        let stores = try stores(for: models)
        let frameCounts = try dropUnusable(&data, stores: stores)
        let folds = folds(data)
        if folds.count == 1 { data.warnOfUntestedClasses() }
        warn(of: &data, folds)
        let dataKey = resultsKey(of: data, folds: folds)
        let systems = try forEachSystem(models, stores) { source, system in
            let counts = system.hasFrames ? frameCounts[system.frontEnd] : nil
            return try knownOrProbed(
                dataKey, source, system, data, folds: folds,
                // Each of an encoder's strides rounds up.
                counts?.map { ($0 + source.stride - 1) / source.stride })
        }
        return try summary(
            systems.map { system, found in
                var found = found
                (found.name, found.seed) = (system.name, system.seed)
                return found
            }, models: models, data: data, folds: folds)
    }

    /// Reports what is known of the data before anything is computed.
    func warn(of data: inout ProbeData, _ folds: [ProbeFold]) {
        let doubts = DataDoubts(
            cuts: data.cuts, classes: data.labelSets, className: options.label.className,
            folds: folds, key: folds.count > 1 ? options.group : nil, workers: options.workers)
        doubts.warnings.forEach { data.warn($0) }
        data.warnings.forEach { report(.warning($0)) }
    }

    /// Models of one name are trainings of one system, and not one training named twice.
    func requireDifferentSeeds(
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
    func dropUnusable(
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
