import ApusMetrics
import ApusTensor

/// Linear classification of single frames: what a representation tells in an instant.
///
/// A logistic regression sees one frame at a time, as in van den Oord, Li and Vinyals 2018,
/// Representation Learning with Contrastive Predictive Coding, section 3.1. The layer and C are
/// chosen by accuracy on development frames. Frames of one recording are not independent: intervals
/// come from a bootstrap that draws whole recordings.
///
/// Deviation from the paper: it fits by stochastic gradients without a penalty.
public struct FrameProbe: Sendable {
    /// How a probe is run.
    public struct Options: Codable, Hashable, Sendable {
        /// The largest number of training frames.
        public var trainingFrames = 100_000
        /// The largest number of development frames.
        public var developmentFrames = 30_000
        /// The largest number of test frames.
        public var testFrames = 100_000
        /// The values of C to choose from.
        public var inverseRegularizations = [1e-3, 0.1, 10]
        /// When a fit ends.
        public var stopping = LogisticRegression.Stopping(
            maximumIterations: 100, tolerance: 1e-4)
        /// The resamples of a bootstrap.
        public var resamples = 2000

        /// The defaults.
        public init() {}
    }

    /// What came of it.
    public struct Outcome: Codable, Sendable {
        /// The share of test frames classified rightly, with its 95 % interval.
        public var accuracy: ConfidenceInterval
        /// The mean over classes of that share, with its 95 % interval.
        public var balancedAccuracy: ConfidenceInterval
        /// The chosen layer's position.
        public var layerIndex: Int
        /// The chosen layer's name.
        public var layer: String
        /// The chosen C.
        public var inverseRegularization: Double
        /// The accuracy on the development frames.
        public var developmentAccuracy: Double
        /// The number of training frames.
        public var trainingFrames: Int
        /// The number of test frames.
        public var testFrames: Int
        /// The number of test recordings that they come from.
        public var testRecordings: Int
    }

    private let options: Options
    private let seed: UInt64

    /// A probe.
    ///
    /// - Parameters:
    ///   - options: How it is run.
    ///   - seed: What the bootstrap depends on.
    public init(_ options: Options = Options(), seed: UInt64 = 1) {
        self.options = options
        self.seed = seed
    }

    /// Runs the probe.
    ///
    /// A layer's frames are freed once the layer is done.
    ///
    /// - Parameters:
    ///   - train: What classifiers are fitted on.
    ///   - development: What layer and C are chosen on.
    ///   - test: What accuracy is measured on.
    ///   - progress: Called with the fits done and their number.
    /// - Returns: What came of it.
    /// - Throws: `ProbingError` where classes or frames are missing.
    public func evaluate(
        train: consuming FrameSet, development: consuming FrameSet, test: consuming FrameSet,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> Outcome {
        var (train, development, test) = (train, development, test)
        let trainLabels = train.recordings.map { [labels = train.labels] in labels[$0] }
        let classes = ClassList(labels: trainLabels)
        let targets = try classes.numbers(of: trainLabels, part: "training part")
        let developmentTargets = try Self.targets(of: development, classes, "development part")
        let testTargets = try Self.targets(of: test, classes, "test part")
        try requireUsable(
            train: classes.names, development: developmentTargets.map { classes.names[$0] },
            test: testTargets.map { classes.names[$0] })

        var best: (choice: ProbeChoice, predictions: [Int])?
        var done = 0
        let layerNames = train.layerNames
        let penalties = options.inverseRegularizations.sorted()
        for (index, width) in train.layerWidths.enumerated() {
            let problem = LogisticRegressionProblem(
                rows: train.takeLayer(index), width: width, targets: targets,
                classCount: classes.names.count)
            var held = development.takeLayer(index)
            problem.scaling.apply(to: &held)
            let heldRows = Tensor(held, shape: [development.count, width])
            held = []
            var chosen: ProbeChoice?
            var fit: LogisticRegressionProblem.Fit?
            for penalty in penalties {
                let next = problem.fit(
                    inverseRegularization: penalty, stopping: options.stopping,
                    startingFrom: fit)
                fit = next
                let choice = ProbeChoice(
                    layerIndex: index, inverseRegularization: penalty,
                    accuracy: try accuracy(
                        predictions: next.classifier.predictions(standardized: heldRows),
                        targets: developmentTargets),
                    classifier: next.classifier)
                if choice.isBetter(than: chosen ?? best?.choice) { chosen = choice }
                done += 1
                progress(done, penalties.count * layerNames.count)
            }
            var unseen = test.takeLayer(index)
            guard let chosen else { continue }
            chosen.classifier.scaling.apply(to: &unseen)
            let rows = Tensor(unseen, shape: [test.count, width])
            best = (chosen, chosen.classifier.predictions(standardized: rows))
        }
        guard let best else { preconditionFailure("a representation has layers, a grid values") }
        let tally = Tally(
            predictions: best.predictions, targets: testTargets, recordings: test.recordings,
            classCount: classes.names.count)
        return Outcome(
            accuracy: try interval(tally, Tally.accuracy),
            balancedAccuracy: try interval(tally, Tally.balancedAccuracy),
            layerIndex: best.choice.layerIndex, layer: layerNames[best.choice.layerIndex],
            inverseRegularization: best.choice.inverseRegularization,
            developmentAccuracy: best.choice.accuracy, trainingFrames: targets.count,
            testFrames: testTargets.count, testRecordings: tally.recordings.count)
    }

    private static func targets(
        of frames: FrameSet, _ classes: ClassList, _ part: String
    ) throws -> [Int] {
        let labels = frames.labels
        return try classes.numbers(of: frames.recordings.map { labels[$0] }, part: part)
    }

    private func interval(
        _ tally: Tally, _ statistic: (Tally) -> ([Int]) -> Double
    ) throws -> ConfidenceInterval {
        try bootstrapInterval(
            count: tally.recordings.count, resamples: options.resamples,
            seed: Seed(seed).derived("frame bootstrap").value, statistic: statistic(tally))
    }
}

/// Right and all frames of each recording, class by class.
private struct Tally {
    /// For each recording with frames, the classes that occur with right and all frames.
    let recordings: [[(target: Int, correct: Int, total: Int)]]
    let classCount: Int

    init(predictions: [Int], targets: [Int], recordings: [Int], classCount: Int) {
        var counts: [Int: [Int: (correct: Int, total: Int)]] = [:]
        for (index, recording) in recordings.enumerated() {
            let target = targets[index]
            counts[recording, default: [:]][target, default: (0, 0)].total += 1
            if predictions[index] == target {
                counts[recording, default: [:]][target, default: (0, 0)].correct += 1
            }
        }
        self.recordings = counts.sorted { $0.key < $1.key }.map { _, classes in
            classes.sorted { $0.key < $1.key }.map { ($0.key, $0.value.correct, $0.value.total) }
        }
        self.classCount = classCount
    }

    func accuracy(_ indices: [Int]) -> Double {
        var (correct, total) = (0, 0)
        for index in indices {
            for entry in recordings[index] {
                correct += entry.correct
                total += entry.total
            }
        }
        return Double(correct) / Double(total)
    }

    /// The mean recall of the classes that occur.
    func balancedAccuracy(_ indices: [Int]) -> Double {
        var correct = [Int](repeating: 0, count: classCount)
        var total = correct
        for index in indices {
            for entry in recordings[index] {
                correct[entry.target] += entry.correct
                total[entry.target] += entry.total
            }
        }
        let recalls = (0..<classCount).filter { total[$0] > 0 }
            .map { Double(correct[$0]) / Double(total[$0]) }
        return recalls.reduce(0, +) / Double(recalls.count)
    }
}
