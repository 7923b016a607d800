import ApusCorpus
import ApusMetrics
import ApusReport
import ApusTensor

/// Linear classification of recordings by one vector each: how much a representation tells with few
/// labels and with all.
///
/// For each number of labelled recordings per class and each seed, a few-label subset of the
/// training part is drawn and a logistic regression is fitted for every layer and every C. The layer
/// and C with the highest accuracy on the development part are kept (of equals the smaller C, then
/// the earlier layer), and the test part is looked at once, with these.
public struct UtteranceProbe: Sendable {
    /// How a probe is run.
    public struct Options: Codable, Hashable, Sendable {
        /// Numbers of labelled recordings per class, for as many subsets as there are seeds.
        public var labelledPerClass = [1, 5]
        /// Whether a probe with all labels follows.
        public var usesAllLabels = true
        /// Whether with all labels the classifier is fitted again, to the training and the development part
        /// together, once layer and C are chosen.
        public var refits = false
        /// The number of few-label subsets.
        public var seedCount = 5
        /// The values of C to choose from.
        public var inverseRegularizations = [1e-3, 1e-2, 0.1, 1, 10, 100, 1000]
        /// When a fit ends.
        public var stopping = LogisticRegression.Stopping()
        /// The resamples of a bootstrap.
        public var resamples = 2000

        /// The defaults.
        public init() {}
    }

    /// How an interval came about.
    public enum IntervalMethod: String, Codable, Hashable, Sendable {
        /// Student's t over the accuracies of the seeds, cut at 0 and 1.
        case studentT
        /// A percentile bootstrap over the test recordings.
        case bootstrap
    }

    /// What was chosen for one seed.
    public struct Selection: Codable, Hashable, Sendable {
        /// The number of the few-label subset, from 0.
        public var seed: Int
        /// The chosen layer's position.
        public var layerIndex: Int
        /// The chosen layer's name.
        public var layer: String
        /// The chosen C.
        public var inverseRegularization: Double
        /// The accuracy on the development part.
        public var developmentAccuracy: Double
        /// The accuracy on the test part.
        public var testAccuracy: Double
        /// The number of training recordings.
        public var trainingCount: Int
    }

    /// The outcome for one number of labelled recordings per class.
    public struct Outcome: Codable, Sendable {
        /// Labelled recordings per class.
        public var labelledPerClass: Results.LabelledPerClass
        /// The mean accuracy on the test part over the seeds, with its 95 % interval.
        public var accuracy: ConfidenceInterval
        /// How the interval came about.
        public var intervalMethod: IntervalMethod
        /// What was chosen for each seed.
        public var selections: [Selection]
        /// The classes, in the order of the classifier's.
        public var classes: [String]
        /// The first seed's classifier.
        public var classifier: LogisticRegression
        /// The first seed's prediction for each test recording, as positions in `classes`.
        public var testPredictions: [Int]
        /// The probability that it gives each of these.
        public var testConfidences: [Double]

        /// The number of test recordings.
        public var trials: Int { testPredictions.count }
    }

    private let options: Options
    private let seed: UInt64

    /// A probe.
    ///
    /// - Parameters:
    ///   - options: How it is run.
    ///   - seed: What subsets and bootstraps depend on.
    public init(_ options: Options = Options(), seed: UInt64 = 1) {
        self.options = options
        self.seed = seed
    }

    /// Runs the probe for every number of labelled recordings per class.
    ///
    /// - Parameters:
    ///   - train: What classifiers are fitted on.
    ///   - development: What layer and C are chosen on.
    ///   - test: What accuracy is measured on.
    ///   - progress: Called with the subsets done and their number.
    /// - Returns: An outcome for each number, all labels last.
    /// - Throws: `ProbingError` where classes or recordings are missing.
    public func evaluate(
        train: ProbePart, development: ProbePart, test: ProbePart,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> [Outcome] {
        try requireUsable(train: train.labels, development: development.labels, test: test.labels)
        let classes = ClassList(labels: train.labels)
        let targets = (
            train: try classes.numbers(of: train.labels, part: "training part"),
            development: try classes.numbers(of: development.labels, part: "development part"),
            test: try classes.numbers(of: test.labels, part: "test part")
        )
        var amounts: [(Results.LabelledPerClass, seeds: Int)] =
            options.labelledPerClass.sorted().map { (.count($0), options.seedCount) }
        if options.usesAllLabels { amounts.append((.all, 1)) }
        let total = amounts.reduce(0) { $0 + $1.seeds }
        var done = 0

        return try amounts.map { amount, seeds in
            var selections: [Selection] = []
            var first: (classifier: LogisticRegression, predictions: [Int], confidences: [Double])?
            for seed in 0..<seeds {
                let subset: [Int] =
                    switch amount {
                    case .all: Array(train.labels.indices)
                    case .count(let count):
                        fewLabelSubset(
                            labels: train.labels, perClass: count,
                            seed: Seed(self.seed).derived(seed).value)
                    }
                var chosen = select(
                    train.representation, rows: subset, targets: subset.map { targets.train[$0] },
                    development: development.representation,
                    developmentTargets: targets.development, classCount: classes.names.count)
                if options.refits, amount == .all {
                    chosen.classifier = refitted(
                        chosen, [train.representation, development.representation],
                        targets: targets.train + targets.development,
                        classCount: classes.names.count)
                }
                let layer = test.representation.layers[chosen.layerIndex]
                let predictions = chosen.classifier.predictions(for: layer.matrix)
                selections.append(
                    Selection(
                        seed: seed, layerIndex: chosen.layerIndex, layer: layer.name,
                        inverseRegularization: chosen.inverseRegularization,
                        developmentAccuracy: chosen.accuracy,
                        testAccuracy: try accuracy(
                            predictions: predictions, targets: targets.test),
                        trainingCount: subset.count
                            + (options.refits && amount == .all ? targets.development.count : 0)))
                if first == nil {
                    let probabilities = chosen.classifier.probabilities(for: layer.matrix)
                    let confidences = predictions.enumerated().map { row, predicted in
                        min(1, Double(probabilities[row * classes.names.count + predicted]))
                    }
                    first = (chosen.classifier, predictions, confidences)
                }
                done += 1
                progress(done, total)
            }
            guard let first else { preconditionFailure("at least one seed") }
            let (interval, method) = try interval(
                selections.map(\.testAccuracy),
                correct: zip(first.predictions, targets.test).map { $0 == $1 })
            return Outcome(
                labelledPerClass: amount, accuracy: interval, intervalMethod: method,
                selections: selections, classes: classes.names, classifier: first.classifier,
                testPredictions: first.predictions, testConfidences: first.confidences)
        }
    }

    /// Runs the probe for every fold.
    ///
    /// - Parameters:
    ///   - all: All recordings.
    ///   - folds: Which of them are learned from, chosen on and measured on.
    ///   - progress: Called with the subsets done and their number.
    /// - Returns: An outcome for each number over all folds together, all labels last.
    /// - Throws: `ProbingError` where classes or recordings are missing.
    func evaluate(
        _ all: ProbePart, folds: [ProbeFold], progress: (_ done: Int, _ total: Int) -> Void
    ) throws -> [Outcome] {
        let byFold = try folds.enumerated().map { number, fold in
            try evaluate(
                train: all.rows(fold.train), development: all.rows(fold.development),
                test: all.rows(fold.test)
            ) { progress(number * $1 + $0, folds.count * $1) }
        }
        return try byFold[0].indices.map { amount in
            let outcomes = byFold.map { $0[amount] }
            let correct = zip(outcomes, folds).flatMap { outcome, fold in
                zip(outcome.testPredictions, fold.test).map {
                    outcome.classes[$0] == all.labels[$1]
                }
            }
            return try Outcome(folds: outcomes) { try interval($0, correct: correct) }
        }
    }

    /// Fits every layer and C, and keeps what does best on the development part.
    private func select(
        _ train: Representation, rows: [Int], targets: [Int], development: Representation,
        developmentTargets: [Int], classCount: Int
    ) -> ProbeChoice {
        var best: ProbeChoice?
        for (index, layer) in train.layers.enumerated() {
            var matrix: [Float] = []
            matrix.reserveCapacity(rows.count * layer.width)
            for row in rows {
                matrix += layer.matrix[row * layer.width..<(row + 1) * layer.width]
            }
            let problem = LogisticRegressionProblem(
                rows: matrix, width: layer.width, targets: targets, classCount: classCount)
            let held = problem.scaling.tensor(development.layers[index].matrix)
            var fit: LogisticRegressionProblem.Fit?
            for penalty in options.inverseRegularizations.sorted() {
                // From the stronger penalty's weights it is a short way.
                let next = problem.fit(
                    inverseRegularization: penalty, stopping: options.stopping,
                    startingFrom: fit)
                fit = next
                let predictions = next.classifier.predictions(standardized: held)
                let correct = zip(predictions, developmentTargets).count { $0 == $1 }
                let choice = ProbeChoice(
                    layerIndex: index, inverseRegularization: penalty,
                    accuracy: Double(correct) / Double(developmentTargets.count),
                    classifier: next.classifier)
                if choice.isBetter(than: best) { best = choice }
            }
        }
        guard let best else { preconditionFailure("a representation has layers, a grid values") }
        return best
    }

    /// The classifier of the chosen layer and C that is fitted to several parts together.
    private func refitted(
        _ choice: ProbeChoice, _ parts: [Representation], targets: [Int], classCount: Int
    ) -> LogisticRegression {
        let layers = parts.map { $0.layers[choice.layerIndex] }
        return LogisticRegressionProblem(
            rows: layers.flatMap(\.matrix), width: layers[0].width, targets: targets,
            classCount: classCount
        ).fit(
            inverseRegularization: choice.inverseRegularization, stopping: options.stopping,
            startingFrom: nil
        ).classifier
    }

    private func interval(
        _ accuracies: [Double], correct: [Bool]
    ) throws -> (ConfidenceInterval, IntervalMethod) {
        if accuracies.count > 1 {
            var interval = try meanInterval(of: accuracies)
            interval.low = max(0, interval.low)
            interval.high = min(1, interval.high)
            return (interval, .studentT)
        }
        let interval = try bootstrapInterval(
            ofMeanOver: correct.map { [$0 ? 1 : 0] }, resamples: options.resamples,
            seed: Seed(seed).derived("bootstrap").value)
        return (interval, .bootstrap)
    }
}
