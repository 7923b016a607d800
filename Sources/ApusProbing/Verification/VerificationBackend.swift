import Foundation

/// How two vectors are compared.
public enum VerificationScoring: String, Codable, Hashable, Sendable, CaseIterable {
    /// By the cosine of the angle between them.
    case cosine
    /// By probabilistic linear discriminant analysis.
    case plda
}

/// What makes scores of vectors: a mean is subtracted, directions are taken (LDA), vectors are
/// brought to one length, pairs are compared.
///
/// The length is 1, for PLDA the square root of the number of values (Garcia-Romero and
/// Espy-Wilson, Analysis of I-vector Length Normalization in Speaker Recognition Systems, 2011).
public struct VerificationBackend: Hashable, Sendable {
    /// What is subtracted and divided by.
    public var scaling: FeatureScaling
    /// The directions of LDA; nil for none.
    public var discriminants: LinearDiscriminants?
    /// PLDA; nil for the cosine.
    public var probabilistic: ProbabilisticDiscriminants?

    /// D.
    public var width: Int { scaling.mean.count }

    /// A backend from its parts.
    ///
    /// - Parameters:
    ///   - scaling: What is subtracted and divided by.
    ///   - discriminants: The directions of LDA; nil for none.
    ///   - probabilistic: PLDA; nil for the cosine.
    public init(
        scaling: FeatureScaling, discriminants: LinearDiscriminants? = nil,
        probabilistic: ProbabilisticDiscriminants? = nil
    ) {
        self.scaling = scaling
        self.discriminants = discriminants
        self.probabilistic = probabilistic
    }

    /// Fits a backend.
    ///
    /// - Parameters:
    ///   - scaling: What is subtracted and divided by.
    ///   - scoring: How vectors are compared.
    ///   - discriminantCount: The number of directions of LDA; 0 for no LDA.
    ///   - rows: N x D values of labelled recordings.
    ///   - labels: Their speakers.
    /// - Throws: `ProbingError.cannotFit`.
    public init(
        scaling: FeatureScaling, scoring: VerificationScoring, discriminantCount: Int,
        rows: [Float], labels: [String]
    ) throws {
        self.init(scaling: scaling)
        if discriminantCount > 0 {
            var scaled = rows
            scaling.apply(to: &scaled)
            discriminants = try LinearDiscriminants(
                fitting: scaled, width: width, labels: labels, count: discriminantCount)
        }
        if scoring == .plda {
            let width = discriminants?.count ?? width
            probabilistic = try ProbabilisticDiscriminants(
                fitting: normalized(rows, length: Double(width).squareRoot()), width: width,
                labels: labels)
        }
    }

    /// N x d: vectors of one length.
    private func normalized(_ rows: [Float], length: Double) -> [Float] {
        var vectors = rows
        scaling.apply(to: &vectors)
        if let discriminants {
            vectors = projected(
                vectors, directions: discriminants.directions, width: discriminants.width)
        }
        let width = discriminants?.count ?? width
        for start in stride(from: 0, to: vectors.count, by: width) {
            var squares = 0.0
            for index in start..<start + width {
                squares += Double(vectors[index]) * Double(vectors[index])
            }
            let factor = Float(length / max(squares, 1e-30).squareRoot())
            for index in start..<start + width { vectors[index] *= factor }
        }
        return vectors
    }

    /// Recordings in a form that gives scores.
    func scorable(_ rows: [Float]) -> ScorableVectors {
        let count = rows.count / width
        let kept = discriminants?.count ?? width
        if let probabilistic {
            return probabilistic.scorable(
                normalized(rows, length: Double(kept).squareRoot()))
        }
        return ScorableVectors(
            width: kept, vectors: normalized(rows, length: 1),
            terms: [Float](repeating: 0, count: count), constant: 0)
    }

    /// The score of two vectors: their cosine, or for PLDA a log-likelihood ratio.
    ///
    /// - Parameters:
    ///   - first: D values.
    ///   - second: D values.
    /// - Returns: The score.
    public func score(_ first: [Float], _ second: [Float]) -> Float {
        precondition(first.count == width && second.count == width, "vectors of \(width)")
        return scorable(first + second).score(0, 1)
    }
}
