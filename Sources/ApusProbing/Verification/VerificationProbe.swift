import ApusCorpus
import ApusMetrics
import ApusTensor

/// Verification without training: whether two recordings are of one class, by the cosine of their
/// vectors.
///
/// A trial is a pair of recordings of one part. Vectors are means, or means and standard deviations,
/// over frames; the training part's mean is taken off, and perhaps its deviation divided out. Which
/// layer, which vectors and whether to divide is chosen by the equal error rate on the development
/// part, and the test part is looked at once, with these.
public struct VerificationProbe: Sendable {
    /// Which pairs of recordings of different classes are trials.
    public enum Impostors: String, Codable, Hashable, Sendable, CaseIterable {
        /// No verification.
        case none
        /// All pairs.
        case all
        /// Pairs of one language: without them, telling languages apart would do.
        case sameLanguage
    }

    /// How the probe is run.
    public struct Options: Codable, Hashable, Sendable {
        /// Which pairs of different classes are trials; `none` for no verification.
        public var impostors = Impostors.none
        /// Of a part with more recordings, so many are drawn.
        public var maximumRecordings = 3000
        /// The resamples of the bootstrap over classes.
        public var resamples = 500

        /// The defaults.
        public init() {}
    }

    /// The recordings of one part.
    struct Part {
        /// A vector for each recording and layer, means first.
        var layers: [Representation.Layer]
        /// Each recording's class.
        var classes: [String]
        /// Each recording's primary language, where it is known.
        var languages: [String?]
    }

    /// What came of it.
    public struct Outcome: Codable, Sendable {
        /// The equal error rate on the test part.
        public var rate: Double
        /// Its 95 % interval, by a bootstrap over classes; `nil` where these are so few that every
        /// other resample lacks trials of one of the kinds.
        public var interval: ConfidenceInterval?
        /// The chosen layer's name.
        public var layer: String
        /// What the vectors are.
        public var pooling: Pooling
        /// Whether the training part's deviation is divided out.
        public var standardizes: Bool
        /// The equal error rate on the development part.
        public var developmentRate: Double
        /// The number of pairs of one class in the test part.
        public var targets: Int
        /// The number of pairs of different classes in the test part.
        public var nonTargets: Int
    }

    private let options: Options
    private let seed: UInt64

    /// A probe.
    ///
    /// - Parameters:
    ///   - options: How it is run.
    ///   - seed: What draws and the bootstrap depend on.
    public init(_ options: Options, seed: UInt64 = 1) {
        self.options = options
        self.seed = seed
    }

    /// Runs the probe.
    ///
    /// - Parameters:
    ///   - train: What is unlabelled here: mean and deviation come from it.
    ///   - development: What layer and vectors are chosen on.
    ///   - test: What the rate is measured on.
    ///   - hasDeviations: Whether the second half of each vector is standard deviations.
    /// - Returns: What came of it.
    /// - Throws: `ProbingError.nothingLeft` where a part has no trials of one of the kinds.
    func evaluate(
        train: Part, development: Part, test: Part, hasDeviations: Bool
    ) throws -> Outcome {
        let developmentPairs = try VerificationPairs(
            sample(development.classes.count), of: development, impostors: options.impostors,
            name: "development part")
        let testPairs = try VerificationPairs(
            sample(test.classes.count), of: test, impostors: options.impostors, name: "test part")
        typealias Choice = (layer: Int, pooling: Pooling, standardizes: Bool, rate: Double)
        var best: Choice?
        func vectors(
            _ part: Part, _ layer: Int, _ pooling: Pooling, _ standardizes: Bool
        ) -> ScorableVectors {
            let centred = CentredLayer(
                train.layers[layer], pooling, standardizes: standardizes,
                hasDeviations: hasDeviations)
            return centred.backend.scorable(centred.columns(of: part.layers[layer]))
        }
        for index in train.layers.indices {
            for (pooling, standardizes) in CentredLayer.kinds(hasDeviations: hasDeviations) {
                let trials = try developmentPairs.scored(
                    vectors(development, index, pooling, standardizes))
                let rate = trials.equalErrorRate().rate
                if rate < best?.rate ?? .infinity {
                    best = (index, pooling, standardizes, rate)
                }
            }
        }
        guard let best else { preconditionFailure("a representation has layers") }
        let layer = train.layers[best.layer]
        let trials = try testPairs.scored(
            vectors(test, best.layer, best.pooling, best.standardizes))
        return Outcome(
            rate: trials.equalErrorRate().rate,
            interval: try? testPairs.interval(
                of: trials, resamples: options.resamples,
                seed: Seed(seed).derived("verification bootstrap").value),
            layer: layer.name, pooling: best.pooling, standardizes: best.standardizes,
            developmentRate: best.rate, targets: testPairs.targetCount,
            nonTargets: testPairs.pairs.count - testPairs.targetCount)
    }

    /// The recordings of a part that take part.
    private func sample(_ count: Int) -> [Int] {
        guard count > options.maximumRecordings else { return Array(0..<count) }
        var drawn = Array(0..<count)
        var generator = SeededGenerator(seed: seed, stream: "verification")
        generator.shuffle(&drawn)
        return drawn.prefix(options.maximumRecordings).sorted()
    }
}
