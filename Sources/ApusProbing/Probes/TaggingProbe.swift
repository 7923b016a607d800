import ApusMetrics
import ApusTensor

/// Linear tagging: how well each tag of recordings that have several, or none, is told from its absence.
///
/// For each layer and each C one logistic regression a tag is fitted on one vector for each recording.
/// The layer and C with the highest mean average precision on the development part are kept (of equals
/// the smaller C, then the earlier layer), and the test part is looked at once. Of several folds the
/// probabilities of all test parts are measured together.
public struct TaggingProbe: Sendable {
    /// How a probe is run.
    public struct Options: Codable, Hashable, Sendable {
        /// How recordings with a tag and without it are weighed.
        public enum Weighting: String, Codable, Hashable, Sendable, CaseIterable {
            /// Each recording counts once.
            case none
            /// Those with a tag count as much together as those without it.
            case balanced
        }

        /// The values of C to choose from.
        public var inverseRegularizations = [1e-3, 1e-2, 0.1, 1, 10, 100]
        /// How rare tags are weighed.
        public var weighting = Weighting.none
        /// When a fit ends.
        public var stopping = LogisticRegression.Stopping()
        /// The resamples of a bootstrap over test recordings.
        public var resamples = 1000

        /// The defaults.
        public init() {}
    }

    /// What was chosen for one fold.
    public struct Selection: Hashable, Sendable {
        /// The chosen layer's position.
        public var layerIndex: Int
        /// The chosen layer's name.
        public var layer: String
        /// The chosen C.
        public var inverseRegularization: Double
        /// The mean average precision on the development part.
        public var developmentPrecision: Double
    }

    /// What came of it.
    public struct Outcome: Sendable {
        /// The mean average precision on the test part, with its 95 % interval.
        public var meanAveragePrecision: ConfidenceInterval
        /// The mean area under the ROC curve, with its 95 % interval.
        public var areaUnderCurve: ConfidenceInterval
        /// The tags, in the order of the measures.
        public var tags: [String]
        /// Each tag's measures; `nil` where all test recordings have it, or none.
        public var measures: [TaggingMeasures?]
        /// What was chosen, for each fold.
        public var selections: [Selection]
        /// Test recordings x tags, the probabilities.
        public var scores: [Float]
        /// Test recordings x tags, whether a recording has a tag.
        public var isPresent: [Bool]
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
    /// - Parameters:
    ///   - representation: One vector for each recording and layer.
    ///   - labels: The tags of each recording.
    ///   - folds: Which recordings are learned from, chosen on and measured on.
    ///   - progress: Called with the folds done and their number.
    /// - Returns: What came of it.
    /// - Throws: `MetricsError` where nothing can be measured.
    func evaluate(
        _ representation: Representation, labels: [[String]], folds: [ProbeFold],
        progress: (_ done: Int, _ total: Int) -> Void
    ) throws -> Outcome {
        let tags = Set(folds.flatMap(\.train).flatMap { labels[$0] }).sorted()
        func presence(_ positions: [Int]) -> [Bool] {
            positions.flatMap { position in
                let own = Set(labels[position])
                return tags.map(own.contains)
            }
        }
        var selections: [Selection] = []
        var scores: [Float] = []
        for (number, fold) in folds.enumerated() {
            let (selection, classifier) = try select(
                representation, fold, (presence(fold.train), presence(fold.development)),
                tagCount: tags.count)
            selections.append(selection)
            scores += classifier.tagProbabilities(
                for: representation.layers[selection.layerIndex].rows(fold.test))
            progress(number + 1, folds.count)
        }
        let isPresent = presence(folds.flatMap(\.test))
        let measures = try taggingMeasures(
            scores: scores, isPresent: isPresent, labelCount: tags.count)
        guard measures.contains(where: { $0 != nil }) else {
            throw ProbingError.nothingLeft(
                path: "test part", reason: "each tag is on all recordings or on none")
        }
        return Outcome(
            meanAveragePrecision: try interval(scores, isPresent, tagCount: tags.count) {
                $0.averagePrecision()
            },
            areaUnderCurve: try interval(scores, isPresent, tagCount: tags.count) {
                $0.areaUnderCurve()
            }, tags: tags,
            measures: measures, selections: selections, scores: scores, isPresent: isPresent)
    }

    private func select(
        _ representation: Representation, _ fold: ProbeFold,
        _ isPresent: (train: [Bool], development: [Bool]), tagCount: Int
    ) throws -> (Selection, LogisticRegression) {
        var best: (Selection, LogisticRegression)?
        for (index, layer) in representation.layers.enumerated() {
            let problem = TagRegressionProblem(
                rows: layer.rows(fold.train), width: layer.width, isPresent: isPresent.train,
                tagCount: tagCount, isBalanced: options.weighting == .balanced)
            let held = problem.scaling.tensor(layer.rows(fold.development))
            var fit: TagRegressionProblem.Fit?
            for penalty in options.inverseRegularizations.sorted() {
                let next = problem.fit(
                    inverseRegularization: penalty, stopping: options.stopping, startingFrom: fit)
                fit = next
                let measures = try taggingMeasures(
                    scores: next.classifier.tagProbabilities(standardized: held),
                    isPresent: isPresent.development, labelCount: tagCount)
                // Of a part where no tag can be told from its absence nothing is better than nothing.
                let precision = macroMean(\.averagePrecision, of: measures)
                let choice = Selection(
                    layerIndex: index, layer: layer.name, inverseRegularization: penalty,
                    developmentPrecision: precision.isNaN ? 0 : precision)
                let isBetter =
                    best.map { known, _ in
                        (choice.developmentPrecision, known.inverseRegularization)
                            > (known.developmentPrecision, choice.inverseRegularization)
                    } ?? true
                if isBetter { best = (choice, next.classifier) }
            }
        }
        guard let best else { preconditionFailure("a representation has layers, a grid values") }
        return best
    }

    /// The interval of a measure's mean over tags; recordings are drawn.
    private func interval(
        _ scores: [Float], _ isPresent: [Bool], tagCount: Int,
        measure: @escaping (DetectionTrials) -> Double
    ) throws -> ConfidenceInterval {
        let mean = try Self.weightedMean(
            scores, isPresent, tagCount: tagCount, measure: measure)
        let count = scores.count / tagCount
        return try bootstrapInterval(
            count: count, resamples: options.resamples,
            seed: Seed(seed).derived("bootstrap").value
        ) { drawn in
            var weights = [Double](repeating: 0, count: count)
            for recording in drawn { weights[recording] += 1 }
            return mean(weights)
        }
    }

    /// A measure's mean over tags, of recordings that count so many times; a tag that all of them have, or
    /// none, isn't in the mean, and `nil` comes out where no tag is.
    fileprivate static func weightedMean(
        _ scores: [Float], _ isPresent: [Bool], tagCount: Int,
        measure: @escaping (DetectionTrials) -> Double
    ) throws -> (_ weights: [Double]) -> Double? {
        let trials = try (0..<tagCount).compactMap { tag -> DetectionTrials? in
            let places = stride(from: tag, to: scores.count, by: tagCount)
            let kinds = places.map { isPresent[$0] }
            guard kinds.contains(true), kinds.contains(false) else { return nil }
            return try DetectionTrials(scores: places.map { scores[$0] }, isTarget: kinds)
        }
        return { weights in
            let values = trials.map { measure($0.weighted { weights[$0] }) }
                .filter { !$0.isNaN }
            return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }
    }
}

extension TaggingProbe.Outcome {
    /// The number of test recordings.
    var recordingCount: Int { scores.count / tags.count }

    /// The mean average precision as a function of how many times each test recording counts.
    func weightedPrecision() throws -> (_ weights: [Double]) -> Double? {
        try TaggingProbe.weightedMean(scores, isPresent, tagCount: tags.count) {
            $0.averagePrecision()
        }
    }
}

extension Representation.Layer {
    /// The vectors of some recordings.
    func rows(_ positions: [Int]) -> [Float] {
        var rows: [Float] = []
        rows.reserveCapacity(positions.count * width)
        for position in positions { rows += matrix[position * width..<(position + 1) * width] }
        return rows
    }
}
