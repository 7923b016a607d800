import ApusTensor
import Foundation

/// One binary logistic regression for each tag, fitted together (one-vs-rest).
///
///     p_k(x) = σ( w_k · (x - mean) / scale + b_k )
///     L = Σ_k [ -mean over rows of v_k(y) log p(y_k | x) + 1 / (2 C N) ||w_k||² ]
///
/// with biases unpenalised: of each tag scikit-learn's objective divided by C N. The weight v_k is 1, or
/// with balanced weights N / 2 over the number of rows with the tag, or without it.
public final class TagRegressionProblem {
    /// What a fit ends with.
    public struct Fit {
        /// Weights, biases and scaling: see `tagProbabilities(for:)`; its softmax means nothing here.
        public var classifier: LogisticRegression
        var point: [Double]
    }

    /// How the rows are standardised.
    public let scaling: FeatureScaling
    private let rows: Tensor
    private let isPresent: [Bool]
    private let tagCount: Int
    private let width: Int
    /// Of each tag the weight of a row without it and of one with it.
    private let weights: [(without: Double, with: Double)]

    private var rowCount: Int { isPresent.count / tagCount }

    /// Standardises rows by their own means and standard deviations.
    ///
    /// - Parameters:
    ///   - rows: N x D values.
    ///   - width: D.
    ///   - isPresent: N x tags.
    ///   - tagCount: The number of tags.
    ///   - isBalanced: Whether rows with a tag and those without it weigh the same together.
    public init(
        rows: consuming [Float], width: Int, isPresent: [Bool], tagCount: Int, isBalanced: Bool
    ) {
        var rows = rows
        let count = rows.count / width
        precondition(isPresent.count == count * tagCount, "\(count) x \(tagCount) tags")
        scaling = FeatureScaling(fitting: rows, width: width)
        scaling.apply(to: &rows)
        self.rows = Tensor(rows, shape: [count, width])
        self.isPresent = isPresent
        self.tagCount = tagCount
        self.width = width
        weights = (0..<tagCount).map { tag in
            let positives = stride(from: tag, to: isPresent.count, by: tagCount)
                .count { isPresent[$0] }
            guard isBalanced, positives > 0, positives < count else { return (1, 1) }
            return (
                Double(count) / Double(2 * (count - positives)),
                Double(count) / Double(2 * positives)
            )
        }
    }

    /// Fits all tags for one penalty.
    ///
    /// - Parameters:
    ///   - inverseRegularization: C; above 0, smaller for a stronger penalty.
    ///   - stopping: When the fit ends.
    ///   - start: A fit of the same problem to start from; `nil` for zeros.
    /// - Returns: The regressions.
    public func fit(
        inverseRegularization: Double, stopping: LogisticRegression.Stopping,
        startingFrom start: Fit?
    ) -> Fit {
        let penalty = 1 / (inverseRegularization * Double(rowCount))
        let (classifier, minimum) = LogisticRegression.minimizing(
            scaling: scaling, classCount: tagCount, rowCount: rowCount, stopping: stopping,
            startingFrom: start?.point
        ) { self.objective(at: $0, penalty: penalty) }
        return Fit(classifier: classifier, point: minimum.point)
    }

    private func objective(at point: [Double], penalty: Double) -> LBFGS.Sample {
        let weightCount = tagCount * width
        let numbers = point.map { Float($0) }
        let weight = Tensor(Array(numbers.prefix(weightCount)), shape: [tagCount, width])
        let bias = Tensor(Array(numbers.suffix(tagCount)), shape: [tagCount])
        let logits = rows.linear(weight: weight, bias: bias).floats  // (N, tags)
        var residuals = [Float](repeating: 0, count: logits.count)
        var gradient = [Double](repeating: 0, count: point.count)
        var value = 0.0
        let scale = 1 / Double(rowCount)
        for (place, logit) in logits.enumerated() {
            let (tag, z) = (place % tagCount, Double(logit))
            let (present, weights) = (isPresent[place], weights[tag])
            let own = (present ? weights.with : weights.without) * scale
            // -log σ(±z), without overflow.
            value += own * (max(0, present ? -z : z) + log1p(exp(-abs(z))))
            let residual = own * (1 / (1 + exp(-z)) - (present ? 1 : 0))
            residuals[place] = Float(residual)
            gradient[weightCount + tag] += residual
        }
        let products = Tensor(residuals, shape: [rowCount, tagCount])
            .transposed(0, 1).matmul(rows).floats  // (tags, D)
        for index in 0..<weightCount {
            gradient[index] = Double(products[index]) + penalty * point[index]
            value += penalty / 2 * point[index] * point[index]
        }
        return LBFGS.Sample(value: value, gradient: gradient)
    }
}

extension LogisticRegression {
    /// The probability of each tag for each row, of a one-vs-rest regression.
    ///
    /// - Parameter rows: N x D values that are not standardised.
    /// - Returns: N x tags.
    public func tagProbabilities(for rows: [Float]) -> [Float] {
        tagProbabilities(standardized: scaling.tensor(rows))
    }

    func tagProbabilities(standardized rows: Tensor) -> [Float] {
        withoutGradients {
            let logits = rows.linear(
                weight: Tensor(weight, shape: [classCount, width]),
                bias: Tensor(bias, shape: [classCount]))
            // σ(z) = (1 + tanh(z / 2)) / 2
            return (logits * 0.5).hyperbolicTangent().scaled(by: 0.5, plus: 0.5).floats
        }
    }
}
