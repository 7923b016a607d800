/// Linear discriminant analysis: the directions in which speakers differ most, compared with how
/// the recordings of one speaker differ.
///
/// The leading solutions of B v = λ W v with W = Σ_i (x_i - m_k)(x_i - m_k)^T / N, the covariance
/// within classes, and B = Σ_k n_k (m_k - m)(m_k - m)^T / N, that of their means, scaled so that
/// v^T W v = 1. The same as scikit-learn's with the solver `eigen`, up to signs; W without full rank
/// is filled up as `simultaneouslyDiagonalized` says.
///
/// ## Reference
/// Fukunaga, Introduction to Statistical Pattern Recognition, 1990, section 10.2.
public struct LinearDiscriminants: Hashable, Sendable {
    /// D, the length of what is projected.
    public let width: Int
    /// d x D: the directions, the best first.
    public let directions: [Float]
    /// d.
    public var count: Int { directions.count / max(width, 1) }

    /// Directions that are there.
    ///
    /// - Parameters:
    ///   - directions: d x D values.
    ///   - width: D.
    public init(directions: [Float], width: Int) {
        precondition(width > 0 && directions.count % width == 0, "rows of \(width) values")
        self.directions = directions
        self.width = width
    }

    /// Fits directions to labelled vectors.
    ///
    /// - Parameters:
    ///   - rows: N x D values.
    ///   - width: D.
    ///   - labels: Each row's speaker.
    ///   - count: d; at most D, and at most one less than there are speakers.
    /// - Throws: `ProbingError.cannotFit`.
    public init(fitting rows: [Float], width: Int, labels: [String], count: Int) throws {
        let scatter = try ClassScatter(rows, width: width, labels: labels)
        let most = min(width, scatter.classCount - 1)
        guard (1...most).contains(count) else {
            throw ProbingError.cannotFit(
                what: "LDA",
                reason: "\(count) directions, expected 1 to \(most) for vectors of \(width) and "
                    + "\(scatter.classCount) speakers")
        }
        let total = Double(scatter.count)
        var mean = [Double](repeating: 0, count: width)
        for number in scatter.counts.indices {
            let share = Double(scatter.counts[number]) / total
            for (column, value) in scatter.mean(number).enumerated() {
                mean[column] += share * value
            }
        }
        var between = [Double](repeating: 0, count: width * width)
        for number in scatter.counts.indices {
            addOuterProduct(
                of: zip(scatter.mean(number), mean).map { $0 - $1 },
                weight: Double(scatter.counts[number]) / total, to: &between)
        }
        let transform = try simultaneouslyDiagonalized(
            within: scatter.within.map { $0 / total }, between: between, size: width
        ).transform
        self.init(
            directions: transform.prefix(count * width).map { Float($0) }, width: width)
    }
}
