import ApusTensor

/// Multinomial logistic regression with an L2 penalty, on standardised features.
///
///     p(k | x) = softmax_k( w_k · (x - mean) / scale + b_k )
///     L = -mean over rows of log p(label | x) + 1 / (2 C N) Σ_k ||w_k||²
///
/// with biases unpenalised: scikit-learn's objective divided by C N. Fitted by L-BFGS.
public struct LogisticRegression: Codable, Hashable, Sendable {
    /// When a fit ends.
    public struct Stopping: Codable, Hashable, Sendable {
        /// The largest number of steps.
        public var maximumIterations = 200
        /// A fit ends when no part of the gradient of L is larger.
        public var tolerance = 1e-5

        /// The defaults.
        public init() {}

        /// Other bounds.
        ///
        /// - Parameters:
        ///   - maximumIterations: The largest number of steps.
        ///   - tolerance: A fit ends when no part of the gradient of L is larger.
        public init(maximumIterations: Int, tolerance: Double) {
            self.maximumIterations = maximumIterations
            self.tolerance = tolerance
        }
    }

    /// The number of classes.
    public let classCount: Int
    /// D, the number of features.
    public let width: Int
    /// How features are standardised.
    public let scaling: FeatureScaling
    /// classes x D, for standardised features.
    public let weight: [Float]
    /// One for each class.
    public let bias: [Float]

    /// A classifier from its numbers.
    ///
    /// - Parameters:
    ///   - scaling: How features are standardised.
    ///   - weight: classes x D, for standardised features.
    ///   - bias: One for each class.
    public init(scaling: FeatureScaling, weight: [Float], bias: [Float]) {
        precondition(weight.count == bias.count * scaling.mean.count, "classes x D weights")
        classCount = bias.count
        width = scaling.mean.count
        self.scaling = scaling
        self.weight = weight
        self.bias = bias
    }

    /// The most probable class of each row.
    ///
    /// - Parameter rows: N x D values that are not standardised.
    /// - Returns: N classes.
    public func predictions(for rows: [Float]) -> [Int] {
        predictions(standardized: scaling.tensor(rows))
    }

    /// The probability of each class for each row.
    ///
    /// - Parameter rows: N x D values that are not standardised.
    /// - Returns: N x classes; a row adds up to 1.
    public func probabilities(for rows: [Float]) -> [Float] {
        withoutGradients { logits(scaling.tensor(rows)).softmax(dimension: 1).floats }
    }

    func predictions(standardized rows: Tensor) -> [Int] {
        withoutGradients { logits(rows).argmax(dimension: 1).integers }
    }

    private func logits(_ rows: Tensor) -> Tensor {
        rows.linear(
            weight: Tensor(weight, shape: [classCount, width]),
            bias: Tensor(bias, shape: [classCount]))
    }
}

extension LogisticRegression {
    /// The regression at the least value of an objective.
    ///
    /// - Parameters:
    ///   - scaling: How the rows are standardised.
    ///   - classCount: The number of classes.
    ///   - rowCount: The number of rows, for the number of threads.
    ///   - stopping: When the search ends.
    ///   - start: Where it begins; `nil` for zeros.
    ///   - objective: The value and gradient at weights (classes x D), then biases.
    /// - Returns: The regression and where the search ended.
    static func minimizing(
        scaling: FeatureScaling, classCount: Int, rowCount: Int, stopping: Stopping,
        startingFrom start: [Double]?, _ objective: @escaping ([Double]) -> LBFGS.Sample
    ) -> (classifier: LogisticRegression, minimum: LBFGS.Minimum) {
        let width = scaling.mean.count
        let minimizer = LBFGS(
            maximumIterations: stopping.maximumIterations, tolerance: stopping.tolerance)
        // A product this small is done before a second thread has woken up.
        let isSmall = rowCount * width * classCount < 1 << 25
        let minimum = Engine.withThreadCount(isSmall ? 1 : Engine.threadCount) {
            withoutGradients {
                minimizer.minimize(
                    from: start ?? [Double](repeating: 0, count: classCount * (width + 1)),
                    objective)
            }
        }
        let numbers = minimum.point.map { Float($0) }
        let classifier = LogisticRegression(
            scaling: scaling, weight: Array(numbers.prefix(classCount * width)),
            bias: Array(numbers.suffix(classCount)))
        return (classifier, minimum)
    }
}

/// Rows with their classes, prepared for fits with different penalties.
public final class LogisticRegressionProblem {
    /// What a fit ends with.
    public struct Fit: Sendable {
        /// The classifier.
        public var classifier: LogisticRegression
        /// L at the end, in nats.
        public var loss: Double
        /// The steps taken.
        public var iterations: Int
        /// Whether the gradient fell below the tolerance.
        public var converged: Bool
        /// Weights and biases in double precision, to start the next fit from.
        var point: [Double]
    }

    /// How the rows are standardised.
    public let scaling: FeatureScaling
    /// The number of classes.
    public let classCount: Int

    private let rows: Tensor
    private let targets: Tensor
    private let rowCount: Int
    private let width: Int

    /// Standardises rows by their own means and standard deviations.
    ///
    /// - Parameters:
    ///   - rows: N x D values with at least one row.
    ///   - width: D.
    ///   - targets: The class of each row, in 0..<classCount.
    ///   - classCount: The number of classes.
    public init(rows: consuming [Float], width: Int, targets: [Int], classCount: Int) {
        // The caller's last reference, where it gave it away: standardised without a copy.
        var rows = rows
        precondition(rows.count == targets.count * width, "\(targets.count) x \(width) values")
        precondition(targets.allSatisfy { (0..<classCount).contains($0) }, "a class out of range")
        scaling = FeatureScaling(fitting: rows, width: width)
        scaling.apply(to: &rows)
        self.rows = Tensor(rows, shape: [targets.count, width])
        var indicators = [Float](repeating: 0, count: targets.count * classCount)
        for (row, target) in targets.enumerated() { indicators[row * classCount + target] = 1 }
        self.targets = Tensor(indicators, shape: [targets.count, classCount])
        self.classCount = classCount
        self.width = width
        rowCount = targets.count
    }

    /// Fits the classifier for one penalty.
    ///
    /// - Parameters:
    ///   - inverseRegularization: C; above 0, smaller for a stronger penalty.
    ///   - stopping: When the fit ends.
    ///   - start: A fit of the same problem to start from; `nil` for zeros.
    /// - Returns: The classifier and how it came about.
    public func fit(
        inverseRegularization: Double, stopping: LogisticRegression.Stopping = .init(),
        startingFrom start: Fit? = nil
    ) -> Fit {
        precondition(inverseRegularization > 0, "C is above 0")
        let penalty = 1 / (inverseRegularization * Double(rowCount))
        let (classifier, minimum) = LogisticRegression.minimizing(
            scaling: scaling, classCount: classCount, rowCount: rowCount, stopping: stopping,
            startingFrom: start?.point
        ) { self.objective(at: $0, penalty: penalty) }
        return Fit(
            classifier: classifier, loss: minimum.value, iterations: minimum.iterations,
            converged: minimum.converged,
            point: minimum.point)
    }

    /// L and its gradient; a point holds the weights (classes x D), then the biases.
    private func objective(at point: [Double], penalty: Double) -> LBFGS.Sample {
        let weightCount = classCount * width
        let numbers = point.map { Float($0) }
        let weight = Tensor(Array(numbers.prefix(weightCount)), shape: [classCount, width])
        let bias = Tensor(Array(numbers.suffix(classCount)), shape: [classCount])
        let logits = rows.linear(weight: weight, bias: bias)  // (N, classes)
        let logLikelihoods = (logits.logSoftmax(dimension: 1) * targets).sum(dimension: 1)
        let residuals = logits.softmax(dimension: 1) - targets
        let weightGradient = residuals.transposed(0, 1).matmul(rows).floats  // (classes, D)
        let biasGradient = residuals.sum(dimension: 0).floats

        // Summed in double precision: the line search compares values that hardly differ.
        var value = -logLikelihoods.floats.reduce(0) { $0 + Double($1) } / Double(rowCount)
        var gradient = [Double](repeating: 0, count: point.count)
        var squares = 0.0
        for index in 0..<weightCount {
            squares += point[index] * point[index]
            gradient[index] =
                Double(weightGradient[index]) / Double(rowCount) + penalty * point[index]
        }
        for index in 0..<classCount {
            gradient[weightCount + index] = Double(biasGradient[index]) / Double(rowCount)
        }
        value += penalty / 2 * squares
        return LBFGS.Sample(value: value, gradient: gradient)
    }
}
