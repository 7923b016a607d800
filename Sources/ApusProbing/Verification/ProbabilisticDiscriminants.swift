import Foundation

/// Probabilistic linear discriminant analysis in its two-covariance form.
///
/// A recording is x = m + y + e with y ~ N(0, B) of its speaker and e ~ N(0, W) of its own. The
/// score of a pair is the logarithm of p(x1, x2 | one speaker) / (p(x1) p(x2)).
///
/// m is the mean of the speakers' means. B and W begin as the covariance of the speakers' means and
/// that within speakers (divided by N - K), and are then estimated by the EM algorithm:
///
///     B <- Σ_k (V_k + w_k w_k^T) / K
///     W <- (Σ_i (x_i - m_k)(x_i - m_k)^T + Σ_k n_k (V_k + (m_k - m - w_k)(m_k - m - w_k)^T)) / N
///
/// with the mean w_k and the covariance V_k of speaker k's y after its n_k recordings. It is the
/// estimation of Kaldi's `ivector-compute-plda`, which begins at unit matrices and makes 10 steps
/// too. Unlike Kaldi's scoring, vectors are not scaled again for PLDA.
///
/// ## Reference
/// Ioffe, Probabilistic Linear Discriminant Analysis, 2006; Brümmer and de Villiers, The Speaker
/// Partitioning Problem, 2010 (the two-covariance model).
public struct ProbabilisticDiscriminants: Hashable, Sendable {
    /// D.
    public var width: Int { mean.count }
    /// m, (D).
    public let mean: [Float]
    /// D x D: the basis in which W is the identity and B diagonal, one axis a row.
    public let transform: [Float]
    /// The diagonal of B in this basis, (D), descending and not negative.
    public let between: [Float]

    /// A model that is there.
    ///
    /// - Parameters:
    ///   - mean: m, (D).
    ///   - transform: D x D values.
    ///   - between: The diagonal of B in the new basis, (D).
    public init(mean: [Float], transform: [Float], between: [Float]) {
        precondition(
            between.count == mean.count && transform.count == mean.count * mean.count,
            "one basis for all")
        self.mean = mean
        self.transform = transform
        self.between = between
    }

    /// Fits a model to labelled vectors.
    ///
    /// - Parameters:
    ///   - rows: N x D values.
    ///   - width: D.
    ///   - labels: Each row's speaker.
    ///   - iterations: The number of EM steps.
    /// - Throws: `ProbingError.cannotFit`, also where there are too few recordings for W to have full
    ///   rank.
    public init(
        fitting rows: [Float], width: Int, labels: [String], iterations: Int = 10
    ) throws {
        let scatter = try ClassScatter(rows, width: width, labels: labels)
        let needed = width + scatter.classCount
        guard scatter.count >= needed else {
            throw ProbingError.cannotFit(
                what: "PLDA",
                reason: "\(scatter.count) recordings of \(scatter.classCount) speakers, expected "
                    + "at least \(needed) for vectors of \(width); LDA makes them shorter "
                    + "(discriminantCount)")
        }
        let classCount = Double(scatter.classCount)
        let mean = (0..<width).map { column in
            stride(from: column, to: scatter.means.count, by: width)
                .reduce(0) { $0 + scatter.means[$1] } / classCount
        }
        // K x D, one speaker's mean a row, in the basis of the step.
        var means = scatter.means.indices.map { scatter.means[$0] - mean[$0 % width] }
        var within = scatter.within
        var between = [Double](repeating: 0, count: width * width)
        for start in stride(from: 0, to: means.count, by: width) {
            addOuterProduct(
                of: Array(means[start..<start + width]), weight: 1 / classCount, to: &between)
        }
        let freedom = Double(scatter.count) - classCount
        var (values, transform) = try simultaneouslyDiagonalized(
            within: within.map { $0 / freedom }, between: between, size: width)
        func turn(by step: [Double]) {
            let turned = transposed(step, columns: width)
            means = product(means, turned, inner: width)
            within = product(product(step, within, inner: width), turned, inner: width)
        }
        turn(by: transform)
        for _ in 0..<iterations {
            let step = try simultaneouslyDiagonalized(
                within: Self.nextWithin(within, means, scatter, values),
                between: Self.nextBetween(means, scatter, values), size: width)
            values = step.values
            transform = product(step.transform, transform, inner: width)
            turn(by: step.transform)
        }
        self.init(
            mean: mean.map { Float($0) }, transform: transform.map { Float($0) },
            between: values.map { Float(max($0, 0)) })
    }

    /// The variance and, as factors of the speaker's mean, the mean of y after n recordings.
    private static func posterior(
        _ values: [Double], _ count: Int
    ) -> (variances: [Double], factors: [Double]) {
        let variances = values.map { max($0, 0) / (1 + Double(count) * max($0, 0)) }
        return (variances, variances.map { $0 * Double(count) })
    }

    private static func nextBetween(
        _ means: [Double], _ scatter: ClassScatter, _ values: [Double]
    ) -> [Double] {
        let size = values.count
        var between = [Double](repeating: 0, count: size * size)
        for (number, count) in scatter.counts.enumerated() {
            let (variances, factors) = posterior(values, count)
            addOuterProduct(
                of: (0..<size).map { factors[$0] * means[number * size + $0] }, to: &between)
            for axis in 0..<size { between[axis * size + axis] += variances[axis] }
        }
        return between.map { $0 / Double(scatter.classCount) }
    }

    private static func nextWithin(
        _ scattered: [Double], _ means: [Double], _ scatter: ClassScatter, _ values: [Double]
    ) -> [Double] {
        let size = values.count
        var within = scattered
        for (number, count) in scatter.counts.enumerated() {
            let (variances, factors) = posterior(values, count)
            addOuterProduct(
                of: (0..<size).map { (1 - factors[$0]) * means[number * size + $0] },
                weight: Double(count), to: &within)
            for axis in 0..<size {
                within[axis * size + axis] += Double(count) * variances[axis]
            }
        }
        return within.map { $0 / Double(scatter.count) }
    }

    /// The vectors whose inner products, with a term of each, are the scores.
    ///
    /// With x in the basis of the model, the score of a pair is the sum over axes of
    ///
    ///     λ / (1 + 2λ) a b - λ² / (2 (1 + λ)(1 + 2λ)) (a² + b²) + log(1 + λ) - log(1 + 2λ) / 2.
    ///
    /// - Parameter rows: N x D values.
    /// - Returns: The vectors.
    func scorable(_ rows: [Float]) -> ScorableVectors {
        let size = width
        let values = between.map(Double.init)
        let scales = values.map { ($0 / (1 + 2 * $0)).squareRoot() }
        let weights = values.map { $0 * $0 / (2 * (1 + $0) * (1 + 2 * $0)) }
        let centred = rows.indices.map { rows[$0] - mean[$0 % size] }
        var vectors = projected(centred, directions: transform, width: size)
        var terms: [Float] = []
        for start in stride(from: 0, to: vectors.count, by: size) {
            var term = 0.0
            for axis in 0..<size {
                let value = Double(vectors[start + axis])
                term -= weights[axis] * value * value
                vectors[start + axis] = Float(value * scales[axis])
            }
            terms.append(Float(term))
        }
        let constant = values.reduce(0) { $0 + log1p($1) - log1p(2 * $1) / 2 }
        return ScorableVectors(
            width: size, vectors: vectors, terms: terms, constant: Float(constant))
    }

    /// The log-likelihood ratio of two vectors.
    ///
    /// - Parameters:
    ///   - first: D values.
    ///   - second: D values.
    /// - Returns: The natural logarithm.
    public func logLikelihoodRatio(_ first: [Float], _ second: [Float]) -> Float {
        scorable(first + second).score(0, 1)
    }
}
