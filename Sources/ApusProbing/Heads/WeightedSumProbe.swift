import ApusCorpus
import ApusMetrics
import ApusNN
import ApusTensor
import Dispatch

/// SUPERB's protocol for classifying recordings, exact on cached means, over learning rates and seeds.
///
/// Every rate is trained with every seed, by Adam with batches of 32 and gradients clipped to a norm
/// of 1, and measured on the development part now and then; a training's best step is kept (the
/// highest accuracy, of equals the earliest). The rate with the highest mean of these over the seeds
/// is chosen (of equals the lower rate), and the test part is looked at with its trainings alone.
/// s3prl's practice is the same sweep, 1e-1 to 1e-7, often with one seed.
///
/// With the standard deviations beside the means, each layer's two statistics form one vector of 2D
/// and the shares weigh these: Σ_l softmax(a)_l [μ_l; σ_l]. That is not the deviation of the weighted
/// frames, which is not linear in the shares; no cache of statistics gives that.
public struct WeightedSumProbe: Sendable {
    /// How a probe is run.
    public struct Options: Codable, Hashable, Sendable {
        /// Whether the probe is run among others.
        public var isOn = false
        /// The learning rates to choose from.
        public var rates = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7]
        /// The number of trainings of each rate.
        public var seedCount = 3
        /// The statistics of a layer: its mean, or mean and deviation.
        public var pooling = Pooling.mean
        /// The width of the projection.
        public var projectionWidth = 256
        /// The recordings in a batch.
        public var batchSize = 32
        /// The steps of a training.
        public var steps = 3000
        /// The development part is measured every so many steps, and at the end.
        public var validateEvery = 250
        /// The largest joint norm of the gradients.
        public var clipNorm = 1.0
        /// The resamples of a bootstrap.
        public var resamples = 2000

        /// The defaults.
        public init() {}

        /// What can't be run, in words that begin with the key.
        ///
        /// - Returns: The first problem found, or `nil`.
        public func problem() -> String? {
            if rates.isEmpty || !rates.allSatisfy({ $0 > 0 && $0.isFinite }) {
                return "rates: expected numbers above 0, found \(rates)"
            }
            for (key, value) in [
                ("seedCount", seedCount), ("projectionWidth", projectionWidth),
                ("batchSize", batchSize), ("steps", steps), ("validateEvery", validateEvery),
            ] where value < 1 { return "\(key): expected at least 1, found \(value)" }
            if pooling != .mean, pooling != .meanAndStandardDeviation {
                return "pooling: expected mean or meanAndStandardDeviation, found "
                    + pooling.rawValue
            }
            if !(clipNorm > 0) { return "clipNorm: expected a number above 0, found \(clipNorm)" }
            if resamples < 2 { return "resamples: expected at least 2, found \(resamples)" }
            return nil
        }
    }

    /// One training.
    public struct Training: Codable, Hashable, Sendable {
        /// The learning rate.
        public var rate: Double
        /// The number of the training among those of one rate, from 0.
        public var seed: Int
        /// The step that was best on the development part.
        public var step: Int
        /// The accuracy there.
        public var developmentAccuracy: Double
        /// The shares of the layers there.
        public var shares: [Float]
    }

    /// What a probe found.
    public struct Outcome: Codable, Sendable {
        /// All trainings, by rates as they were given and then by seeds.
        public var trainings: [Training]
        /// The chosen rate.
        public var rate: Double
        /// The layers that were weighed.
        public var layers: [String]
        /// The test accuracy of each of the chosen rate's trainings.
        public var testAccuracies: [Double]
        /// Their mean, with Student's t interval over the seeds; of one seed the bootstrap's over the
        /// test recordings.
        public var accuracy: ConfidenceInterval
        /// The classes, in the order of the logits.
        public var classes: [String]
        /// The first seed's prediction for each test recording, as positions in `classes`.
        public var testPredictions: [Int]
    }

    private let options: Options
    private let seed: Seed

    /// A probe.
    ///
    /// - Parameters:
    ///   - options: How it is run.
    ///   - seed: What initial weights and batches depend on.
    public init(_ options: Options = Options(), seed: UInt64 = 1) {
        self.options = options
        self.seed = Seed(seed).derived("weighted sum")
    }

    /// The recordings of each step of an epoch: a permutation in batches, the last one maybe smaller.
    ///
    /// - Parameters:
    ///   - epoch: The epoch, from 0.
    ///   - count: The number of training recordings.
    ///   - seed: The training's seed.
    /// - Returns: Positions of recordings, batch by batch.
    public func batches(epoch: Int, of count: Int, seed: Seed) -> [[Int]] {
        var order = Array(0..<count)
        var generator = SeededGenerator(seed: seed.value, stream: "epoch", epoch)
        generator.shuffle(&order)
        return stride(from: 0, to: count, by: options.batchSize).map {
            Array(order[$0..<min(count, $0 + options.batchSize)])
        }
    }

    /// Runs the sweep.
    ///
    /// - Parameters:
    ///   - train: What heads are trained on.
    ///   - development: What rate and step are chosen on.
    ///   - test: What accuracy is measured on.
    ///   - hasDeviations: Whether the second half of each layer's vectors is standard deviations.
    ///   - progress: Called with the trainings done and their number.
    /// - Returns: What was found.
    /// - Throws: `ProbingError` where classes or recordings are missing, or a value is not finite.
    public func evaluate(
        train: ProbePart, development: ProbePart, test: ProbePart, hasDeviations: Bool = true,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> Outcome {
        try requireUsable(train: train.labels, development: development.labels, test: test.labels)
        let classes = ClassList(labels: train.labels)
        let statistics = try [train, development, test].map {
            try LayerStatistics(
                $0.representation, pooling: options.pooling, hasDeviations: hasDeviations)
        }
        let targets = try [
            (train, "training part"), (development, "development part"), (test, "test part"),
        ].map { try classes.numbers(of: $0.0.labels, part: $0.1) }
        let sweep = options.rates.flatMap { rate in
            (0..<options.seedCount).map { (rate: rate, number: $0) }
        }
        var kept: [Fit] = []
        for start in stride(from: 0, to: sweep.count, by: Engine.threadCount) {
            let coming = Array(sweep[start..<min(start + Engine.threadCount, sweep.count)])
            kept += fits(coming, statistics, targets, classCount: classes.names.count)
            progress(kept.count, sweep.count)
        }
        let rate = chosenRate(kept.map(\.training))
        let chosen = kept.filter { $0.training.rate == rate }
        let accuracies = try chosen.map {
            try accuracy(predictions: $0.predictions, targets: targets[2])
        }
        return Outcome(
            trainings: kept.map(\.training), rate: rate, layers: statistics[0].layers,
            testAccuracies: accuracies,
            accuracy: try interval(
                accuracies, correct: zip(chosen[0].predictions, targets[2]).map { $0 == $1 }),
            classes: classes.names, testPredictions: chosen[0].predictions)
    }

    /// The rate with the highest mean accuracy on the development part, of equals the lower one.
    private func chosenRate(_ trainings: [Training]) -> Double {
        let means = Set(options.rates).map { rate in
            let own = trainings.filter { $0.rate == rate }.map(\.developmentAccuracy)
            return (rate: rate, accuracy: own.reduce(0, +) / Double(own.count))
        }
        let best = means.max { ($0.accuracy, -$0.rate) < ($1.accuracy, -$1.rate) }
        return best?.rate ?? options.rates[0]
    }

    /// One training, and what its best step predicts of the test part.
    private typealias Fit = (training: Training, predictions: [Int])

    /// Some trainings at once, each on a thread of its own: small products are fastest on one.
    private func fits(
        _ sweep: [(rate: Double, number: Int)], _ parts: [LayerStatistics], _ targets: [[Int]],
        classCount: Int
    ) -> [Fit] {
        var found = [Fit?](repeating: nil, count: sweep.count)
        Engine.withThreadCount(1) {
            found.withUnsafeMutableBufferPointer { found in
                // Each thread has a head of its own, and reads what is shared.
                nonisolated(unsafe) let (found, parts) = (found, parts)
                DispatchQueue.concurrentPerform(iterations: sweep.count) { index in
                    found[index] = fit(
                        parts, targets, classCount: classCount, rate: sweep[index].rate,
                        number: sweep[index].number)
                }
            }
        }
        return found.compactMap(\.self)
    }

    /// Trains one head.
    private func fit(
        _ parts: [LayerStatistics], _ targets: [[Int]], classCount: Int, rate: Double, number: Int
    ) -> Fit {
        // All rates begin with the same weights and see the same batches.
        let seed = self.seed.derived(number)
        let head = WeightedSumHead(
            layerCount: parts[0].layers.count, inputWidth: parts[0].width,
            projectionWidth: options.projectionWidth, classCount: classCount, seed: seed)
        let optimizer = AdamW(head.namedParameters, weightDecay: 0)
        var best: (training: Training, predictions: [Int])?
        Engine.withThreadCount(1) {
            var coming: ArraySlice<[Int]> = []
            var epoch = 0
            for step in 1...options.steps {
                if coming.isEmpty {
                    coming = batches(epoch: epoch, of: targets[0].count, seed: seed)[...]
                    epoch += 1
                }
                let rows = coming.removeFirst()
                let loss = head(means: parts[0].rows(rows)).crossEntropy(
                    targets: Tensor(integers: rows.map { targets[0][$0] }, shape: [rows.count]))
                loss.backward()
                _ = clipGradients(of: head.parameters, toNorm: options.clipNorm)
                optimizer.step(rate: rate)
                guard step % options.validateEvery == 0 || step == options.steps else { continue }
                let predictions = self.predictions(head, parts[1])
                let found =
                    Double(zip(predictions, targets[1]).count { $0 == $1 })
                    / Double(targets[1].count)
                if found > (best?.training.developmentAccuracy ?? -1) {
                    best = (
                        Training(
                            rate: rate, seed: number, step: step, developmentAccuracy: found,
                            shares: head.featurizer.shares),
                        self.predictions(head, parts[2])
                    )
                }
            }
        }
        guard let best else { preconditionFailure("the last step is measured") }
        return best
    }

    private func predictions(_ head: WeightedSumHead, _ part: LayerStatistics) -> [Int] {
        withoutGradients { head(means: part.tensor).argmax(dimension: 1).integers }
    }

    private func interval(_ accuracies: [Double], correct: [Bool]) throws -> ConfidenceInterval {
        guard accuracies.count > 1 else {
            return try bootstrapInterval(
                ofMeanOver: correct.map { [$0 ? 1 : 0] }, resamples: options.resamples,
                seed: seed.derived("bootstrap").value)
        }
        var interval = try meanInterval(of: accuracies)
        (interval.low, interval.high) = (max(0, interval.low), min(1, interval.high))
        return interval
    }
}

/// The statistics of recordings' layers in one piece: those of the last layer's width.
struct LayerStatistics {
    /// The layers' names.
    let layers: [String]
    /// The width of one layer's statistics.
    let width: Int
    /// (N, L, width).
    let tensor: Tensor

    /// - Parameters:
    ///   - representation: One vector for each recording and layer.
    ///   - pooling: Which statistics are taken.
    ///   - hasDeviations: Whether the second half of each vector is standard deviations.
    /// - Throws: `ProbingError.badEmbeddings` at a value that isn't finite.
    init(_ representation: Representation, pooling: Pooling, hasDeviations: Bool) throws {
        let single = representation.layers.filter { $0.name != EmbeddingExtractor.allLayers }
        let stored = single.last?.width ?? 0
        let taken = single.filter { $0.width == stored }
        let width = hasDeviations && pooling == .mean ? stored / 2 : stored
        var values: [Float] = []
        values.reserveCapacity(representation.count * taken.count * width)
        for row in 0..<representation.count {
            for layer in taken {
                let vector = layer.matrix[row * stored..<row * stored + width]
                guard vector.allSatisfy(\.isFinite) else {
                    throw ProbingError.badEmbeddings(
                        path: representation.system,
                        reason: "recording \(row) in the layer \(layer.name) is not finite")
                }
                values += vector
            }
        }
        layers = taken.map(\.name)
        self.width = width
        tensor = Tensor(values, shape: [representation.count, taken.count, width])
    }

    /// Some of the recordings, (B, L, width).
    func rows(_ rows: [Int]) -> Tensor {
        tensor.selected(Tensor(integers: rows, shape: [rows.count]), dimension: 0)
    }
}
