import ApusCorpus
import ApusMetrics
import ApusNN
import ApusTensor

/// HEAR's downstream classifier on one vector for each recording: a perceptron from a grid, the best on the
/// development part.
///
/// The grid has 1 or 2 hidden layers of 1024, Adam at 3.2e-3, 1e-3, 3.2e-4 or 1e-4 and Xavier's initial weights,
/// uniform or normal; of its 16 points 8 are drawn, as HEAR does. Each is trained in batches of 1024, measured on the
/// development part after every third epoch, and ends after 20 measurements without a higher accuracy or after 500
/// epochs; its best epoch is kept. The test part is looked at once, by the best of all. What HEAR leaves to the model
/// is chosen here by the linear probe: the vectors are those of its layer.
///
/// ## Deviations
/// HEAR computes biases by PyTorch's initial values, here they are zero.
///
/// ## Reference
/// Turian et al. 2022, HEAR: Holistic Evaluation of Audio Representations, appendix B; `hear-eval-kit`.
public struct PerceptronProbe: Sendable {
    /// How a probe is run.
    public struct Options: Codable, Hashable, Sendable {
        /// Whether the probe is run among others.
        public var isOn = false
        /// The numbers of hidden layers in the grid.
        public var hiddenLayers = [1, 2]
        /// The learning rates in the grid.
        public var rates = [3.2e-3, 1e-3, 3.2e-4, 1e-4]
        /// The kinds of initial weights in the grid.
        public var initializations = XavierInitialization.allCases
        /// The points of the grid that are drawn.
        public var gridPoints = 8
        /// The width of a hidden layer.
        public var width = 1024
        /// The share of values set to zero.
        public var dropout = 0.1
        /// The recordings in a batch.
        public var batchSize = 1024
        /// The most epochs.
        public var epochs = 500
        /// The development part is measured after every so many epochs.
        public var validateEvery = 3
        /// A training ends after so many measurements without a better one.
        public var patience = 20
        /// The resamples of the bootstrap over test recordings.
        public var resamples = 2000

        /// HEAR's.
        public init() {}

        /// The first option that can't be used.
        func problem() -> (name: String, expected: String, found: String)? {
            if hiddenLayers.isEmpty || !hiddenLayers.allSatisfy({ (1...8).contains($0) }) {
                return ("hiddenLayers", "numbers from 1 to 8", "\(hiddenLayers)")
            }
            if rates.isEmpty || !rates.allSatisfy({ $0 > 0 && $0.isFinite }) {
                return ("rates", "numbers above 0", "\(rates)")
            }
            if initializations.isEmpty { return ("initializations", "uniform or normal", "[]") }
            for (name, value) in [
                ("gridPoints", gridPoints), ("width", width), ("batchSize", batchSize),
                ("epochs", epochs), ("validateEvery", validateEvery), ("patience", patience),
            ] where value < 1 { return (name, "at least 1", "\(value)") }
            if !(0..<1).contains(dropout) {
                return ("dropout", "a number from 0 up to 1", "\(dropout)")
            }
            return resamples < 2 ? ("resamples", "at least 2", "\(resamples)") : nil
        }
    }

    /// A point of the grid.
    public struct Point: Codable, Hashable, Sendable {
        /// The number of hidden layers.
        public var hiddenLayers: Int
        /// The learning rate.
        public var rate: Double
        /// The kind of initial weights.
        public var initialization: XavierInitialization
    }

    /// One training.
    public struct Training: Codable, Hashable, Sendable {
        /// The point of the grid.
        public var point: Point
        /// The epoch that was best on the development part.
        public var epoch: Int
        /// The accuracy there.
        public var developmentAccuracy: Double
    }

    /// What a probe found.
    public struct Outcome: Codable, Sendable {
        /// All trainings.
        public var trainings: [Training]
        /// The chosen one.
        public var chosen: Training
        /// The layer whose vectors were taken.
        public var layer: String
        /// The accuracy on the test part, with the bootstrap's interval over its recordings.
        public var accuracy: ConfidenceInterval
        /// The classes, in the order of the predictions.
        public var classes: [String]
        /// The prediction for each test recording, as positions in `classes`.
        public var testPredictions: [Int]
    }

    private let options: Options
    private let seed: Seed

    /// A probe.
    ///
    /// - Parameters:
    ///   - options: How it is run.
    ///   - seed: What the draw from the grid, initial weights and batches depend on.
    public init(_ options: Options = Options(), seed: UInt64 = 1) {
        self.options = options
        self.seed = Seed(seed).derived("perceptron")
    }

    /// The points that are tried, in the order of the draw.
    public var points: [Point] {
        var grid = options.hiddenLayers.flatMap { count in
            options.rates.flatMap { rate in
                options.initializations.map {
                    Point(hiddenLayers: count, rate: rate, initialization: $0)
                }
            }
        }
        var generator = SeededGenerator(seed: seed.value, stream: "grid")
        generator.shuffle(&grid)
        return Array(grid.prefix(options.gridPoints))
    }

    /// Trains what was drawn from the grid.
    ///
    /// - Parameters:
    ///   - train: What perceptrons are trained on.
    ///   - development: What the point and the epoch are chosen on.
    ///   - test: What accuracy is measured on.
    ///   - layer: The layer whose vectors are taken, as a position.
    ///   - progress: Called with the trainings done and their number.
    /// - Returns: What was found.
    /// - Throws: `ProbingError` where classes or recordings are missing.
    public func evaluate(
        train: ProbePart, development: ProbePart, test: ProbePart, layer: Int,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> Outcome {
        try requireUsable(train: train.labels, development: development.labels, test: test.labels)
        let classes = ClassList(labels: train.labels)
        let targets = try [
            (train, "training part"), (development, "development part"), (test, "test part"),
        ].map { try classes.numbers(of: $0.0.labels, part: $0.1) }
        // (N, D)
        let inputs = [train, development, test].map { part in
            let vectors = part.representation.layers[layer]
            return Tensor(vectors.matrix, shape: [part.labels.count, vectors.width])
        }
        let points = points
        var trainings: [Training] = []
        var best: (training: Training, predictions: [Int])?
        for (number, point) in points.enumerated() {
            let found = fit(
                point, inputs, targets, classCount: classes.names.count,
                seed: seed.derived(number))
            trainings.append(found.training)
            // Of equals the first drawn.
            if found.training.developmentAccuracy > best?.training.developmentAccuracy ?? -1 {
                best = found
            }
            progress(trainings.count, points.count)
        }
        guard let best else { preconditionFailure("a grid has points") }
        return Outcome(
            trainings: trainings, chosen: best.training,
            layer: train.representation.layers[layer].name,
            accuracy: try bootstrapInterval(
                ofMeanOver: zip(best.predictions, targets[2]).map { [$0 == $1 ? 1 : 0] },
                resamples: options.resamples, seed: seed.derived("bootstrap").value),
            classes: classes.names, testPredictions: best.predictions)
    }

    /// One training, and what its best epoch predicts of the test part.
    private func fit(
        _ point: Point, _ inputs: [Tensor], _ targets: [[Int]], classCount: Int, seed: Seed
    ) -> (training: Training, predictions: [Int]) {
        let hidden = MultilayerPerceptron(
            inputWidth: inputs[0].shape[1], layerCount: point.hiddenLayers, width: options.width,
            dropout: options.dropout, initialization: point.initialization, seed: seed)
        let weight = point.initialization.weight(
            inputWidth: options.width, outputWidth: classCount, seed: seed.derived("output"))
        let bias = parameter(Tensor(zeros: [classCount]))
        let optimizer = AdamW(
            hidden.namedParameters + [("output.weight", weight), ("output.bias", bias)],
            weightDecay: 0)
        func logits(_ vectors: Tensor, _ draws: TrainingDraws?) -> Tensor {
            let count = vectors.shape[0]
            // A recording's vector is a frame of its own: (B, 1, D).
            return hidden.embedding(
                vectors.reshaped(count, 1, vectors.shape[1]),
                lengths: [Int](repeating: 1, count: count), draws: draws
            ).linear(weight: weight, bias: bias)
        }
        func predictions(_ part: Int) -> [Int] {
            withoutGradients { logits(inputs[part], nil).argmax(dimension: 1).integers }
        }
        var best: (training: Training, predictions: [Int])?
        var (step, waited) = (0, 0)
        for epoch in 1...options.epochs {
            var order = Array(targets[0].indices)
            var generator = SeededGenerator(seed: seed.value, stream: "epoch", epoch)
            generator.shuffle(&order)
            for start in stride(from: 0, to: order.count, by: options.batchSize) {
                let rows = Array(order[start..<min(order.count, start + options.batchSize)])
                // Of one recording there is no batch to normalise by.
                guard rows.count > 1 else { continue }
                step += 1
                let loss = logits(
                    inputs[0].selected(Tensor(integers: rows, shape: [rows.count]), dimension: 0),
                    TrainingDraws(seed: seed.derived("step").derived(step))
                ).crossEntropy(
                    targets: Tensor(integers: rows.map { targets[0][$0] }, shape: [rows.count]))
                loss.backward()
                optimizer.step(rate: point.rate)
            }
            guard epoch % options.validateEvery == 0 || epoch == options.epochs else { continue }
            let found =
                Double(zip(predictions(1), targets[1]).count { $0 == $1 })
                / Double(targets[1].count)
            if found > best?.training.developmentAccuracy ?? -1 {
                best = (
                    Training(point: point, epoch: epoch, developmentAccuracy: found),
                    predictions(2)
                )
                waited = 0
            } else {
                waited += 1
                if waited >= options.patience { break }
            }
        }
        guard let best else { preconditionFailure("the last epoch is measured") }
        return best
    }
}
