import ApusCorpus
import ApusMetrics
import ApusTensor

/// Open-set identification without training: who of the enrolled is heard, or none of them.
///
/// Some classes are strangers, drawn by chance: half of them are heard in the development part alone, the others
/// in the test part alone. The others are enrolled, each as the mean of the vectors of a few of its training
/// recordings, and a recording is compared with each by the cosine. The threshold for a rate of false alarms is
/// that at which so many development recordings of strangers are accepted. Layer and vectors are chosen by the
/// mean identification rate at these thresholds on the development part; the test part, whose strangers nothing
/// was chosen on, is looked at once. All of it is done again for every draw of strangers and enrolled recordings.
public struct OpenSetProbe: Sendable {
    /// How the probe is run.
    public struct Options: Codable, Hashable, Sendable {
        /// The share of classes that are strangers; 0 for no open-set identification.
        public var strangerShare = 0.0
        /// The training recordings that each class is enrolled by.
        public var enrolledPerClass = 5
        /// The rates of false alarms that thresholds are found for.
        public var falseAlarmRates = [0.01, 0.05, 0.1]
        /// The draws of strangers and of enrolled recordings.
        public var seedCount = 5

        /// The defaults.
        public init() {}

        /// The first option that can't be used.
        func problem() -> (name: String, expected: String, found: String)? {
            if !(0..<1).contains(strangerShare) {
                return ("strangerShare", "a number from 0 up to 1", "\(strangerShare)")
            }
            if enrolledPerClass < 1 {
                return ("enrolledPerClass", "at least 1", "\(enrolledPerClass)")
            }
            if falseAlarmRates.isEmpty || !falseAlarmRates.allSatisfy({ (0..<1).contains($0) }) {
                return ("falseAlarmRates", "numbers from 0 up to 1", "\(falseAlarmRates)")
            }
            return seedCount < 2 ? ("seedCount", "at least 2", "\(seedCount)") : nil
        }
    }

    /// What a threshold gives on the test part.
    public struct Rates: Codable, Hashable, Sendable {
        /// The rate of false alarms that the threshold was found for.
        public var aimed: Double
        /// The share of strangers' test recordings that are accepted: the mean over draws, and Student's t.
        public var falseAlarms: ConfidenceInterval
        /// The share of enrolled classes' test recordings that are identified: likewise.
        public var identified: ConfidenceInterval
    }

    /// What came of it.
    public struct Outcome: Codable, Sendable {
        /// For each rate of false alarms.
        public var rates: [Rates]
        /// The curve of the test part in the first draw.
        public var tradeoff: [OpenSetIdentification.Point]
        /// The layer chosen in each draw.
        public var layers: [String]
        /// The enrolled classes of a draw.
        public var enrolledCount: Int
        /// The strangers of the development part and of the test part of a draw.
        public var strangerCounts: [Int]
        /// The test recordings of a draw, of the enrolled and of strangers; the mean over draws.
        public var trials: Int
    }

    private let options: Options
    private let seed: UInt64

    /// A probe.
    ///
    /// - Parameters:
    ///   - options: How it is run.
    ///   - seed: What the draws depend on.
    public init(_ options: Options, seed: UInt64 = 1) {
        self.options = options
        self.seed = seed
    }

    /// Runs the probe.
    ///
    /// - Parameters:
    ///   - train: What classes are enrolled by; mean and deviation come from all of it.
    ///   - development: What thresholds, layer and vectors are chosen on.
    ///   - test: What the rates are measured on.
    ///   - hasDeviations: Whether the second half of each vector is standard deviations.
    /// - Returns: What came of it.
    /// - Throws: `ProbingError.nothingLeft` where classes or their recordings don't suffice, `MetricsError` for
    ///   vectors that aren't finite.
    public func evaluate(
        train: ProbePart, development: ProbePart, test: ProbePart, hasDeviations: Bool
    ) throws -> Outcome {
        let draws = try (0..<options.seedCount).map {
            try Draw($0, options, seed: seed, train: train, development: development, test: test)
        }
        var found: [[OpenSetIdentification.Point]] = []
        var tradeoff: [OpenSetIdentification.Point] = []
        var layers: [String] = []
        for draw in draws {
            var best: (layer: Int, kind: Int, rate: Double, thresholds: [Double])?
            let kinds = CentredLayer.kinds(hasDeviations: hasDeviations)
            func scored(
                _ layer: Int, _ kind: Int, _ part: ProbePart, strangers: Set<String>
            ) throws -> OpenSetIdentification {
                let base = train.representation.layers[layer]
                let centred = CentredLayer(
                    base, kinds[kind].pooling, standardizes: kinds[kind].standardizes,
                    hasDeviations: hasDeviations)
                return try draw.trials(
                    centred, enrolment: base, part.representation.layers[layer], part.labels,
                    strangers: strangers)
            }
            for layer in train.representation.layers.indices
            // Of all layers together the means don't lie in one piece.
            where train.representation.layers[layer].name != EmbeddingExtractor.allLayers {
                for kind in kinds.indices {
                    let trials = try scored(
                        layer, kind, development, strangers: draw.developmentStrangers)
                    let points = options.falseAlarmRates.map {
                        trials.point(above: trials.threshold(falseAlarmRate: $0))
                    }
                    let rate = points.reduce(0) { $0 + $1.identificationRate }
                    if rate > best?.rate ?? -1 {
                        best = (layer, kind, rate, points.map(\.threshold))
                    }
                }
            }
            guard let best else { preconditionFailure("a representation has layers") }
            let trials = try scored(
                best.layer, best.kind, test, strangers: draw.testStrangers)
            found.append(best.thresholds.map(trials.point))
            layers.append(train.representation.layers[best.layer].name)
            if tradeoff.isEmpty { tradeoff = trials.tradeoff() }
        }
        func interval(_ values: [Double]) throws -> ConfidenceInterval {
            var interval = try meanInterval(of: values)
            (interval.low, interval.high) = (max(0, interval.low), min(1, interval.high))
            return interval
        }
        return Outcome(
            rates: try options.falseAlarmRates.enumerated().map { index, rate in
                Rates(
                    aimed: rate,
                    falseAlarms: try interval(found.map { $0[index].falseAlarmRate }),
                    identified: try interval(found.map { $0[index].identificationRate }))
            }, tradeoff: tradeoff, layers: layers, enrolledCount: draws[0].enrolled.count,
            strangerCounts: [draws[0].developmentStrangers.count, draws[0].testStrangers.count],
            trials: draws.reduce(0) { $0 + $1.testCount } / draws.count)
    }
}

/// One draw of strangers and enrolled recordings.
private struct Draw {
    let enrolled: [String]
    let developmentStrangers: Set<String>
    let testStrangers: Set<String>
    /// The test recordings that take part.
    let testCount: Int
    /// The enrolled recordings of each enrolled class, as rows of the training part.
    private let rows: [[Int]]

    init(
        _ number: Int, _ options: OpenSetProbe.Options, seed: UInt64, train: ProbePart,
        development: ProbePart, test: ProbePart
    ) throws {
        let heard = Set(train.labels).intersection(development.labels).intersection(test.labels)
        var names = heard.sorted()
        var generator = SeededGenerator(seed: seed, stream: "strangers/\(number)")
        generator.shuffle(&names)
        let count = Int((Double(names.count) * options.strangerShare).rounded())
        guard count >= 2, names.count - count >= 2 else {
            throw ProbingError.nothingLeft(
                path: "open-set identification",
                reason: "of \(names.count) classes that each part has, a share of "
                    + "\(options.strangerShare) are \(count) strangers; expected at least 2, and 2 enrolled"
            )
        }
        developmentStrangers = Set(names[..<(count / 2)])
        testStrangers = Set(names[(count / 2)..<count])
        enrolled = names[count...].sorted()
        let chosen = fewLabelSubset(
            labels: train.labels, perClass: options.enrolledPerClass,
            seed: Seed(seed).derived("enrolled/\(number)").value)
        let byClass = Dictionary(grouping: chosen) { train.labels[$0] }
        rows = enrolled.map { byClass[$0] ?? [] }
        let taking = Set(enrolled).union(testStrangers)
        testCount = test.labels.count { taking.contains($0) }
    }

    /// The scores of a part's recordings.
    ///
    /// - Parameters:
    ///   - centred: How vectors are compared.
    ///   - enrolment: The layer in the training part.
    ///   - layer: The layer in the part.
    ///   - labels: The part's labels.
    ///   - strangers: Those classes whose recordings are strangers'.
    /// - Returns: The trials.
    /// - Throws: `MetricsError` for vectors that aren't finite.
    func trials(
        _ centred: CentredLayer, enrolment: Representation.Layer, _ layer: Representation.Layer,
        _ labels: [String], strangers: Set<String>
    ) throws -> OpenSetIdentification {
        let width = centred.backend.width
        let known = centred.columns(of: enrolment)
        var means = [Float](repeating: 0, count: enrolled.count * width)
        for (index, rows) in rows.enumerated() {
            let share = 1 / Float(rows.count)
            for row in rows {
                for column in 0..<width {
                    means[index * width + column] += share * known[row * width + column]
                }
            }
        }
        let scorable = centred.backend.scorable(means + centred.columns(of: layer))
        let matrix = Tensor(scorable.vectors, shape: [scorable.count, scorable.width])
        // (N, S)
        let products = withoutGradients {
            matrix.sliced(enrolled.count..<scorable.count, dimension: 0)
                .matmul(matrix.sliced(0..<enrolled.count, dimension: 0).transposed(0, 1)).floats
        }
        let numbers = Dictionary(uniqueKeysWithValues: enrolled.enumerated().map { ($1, $0) })
        var own: [(isRight: Bool, score: Double)] = []
        var others: [Double] = []
        for (row, label) in labels.enumerated() {
            let number = numbers[label]
            guard number != nil || strangers.contains(label) else { continue }
            var highest = 0
            for speaker in 1..<enrolled.count
            where products[row * enrolled.count + speaker]
                > products[row * enrolled.count + highest]
            { highest = speaker }
            let score = Double(products[row * enrolled.count + highest])
            if let number { own.append((number == highest, score)) } else { others.append(score) }
        }
        return try OpenSetIdentification(enrolled: own, strangers: others)
    }
}
