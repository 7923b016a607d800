import ApusCorpus
import ApusNN
import ApusSignal
import ApusTensor
import Foundation

/// Whitening of vectors: y = W (x - m), after which the vectors that it was fitted to have mean zero and
/// the identity as their covariance.
///
/// The rows of W are the principal directions over the square roots of the variances along them, the
/// largest first. Directions with less than 1e-6 of the largest variance are left out: N vectors in
/// D > N dimensions have N - 1 at most.
///
/// ## Reference
/// Kessy, Lewin and Strimmer 2018, Optimal Whitening and Decorrelation: PCA whitening.
public struct Whitening: Hashable, Sendable {
    /// m, (D).
    public let mean: [Float]
    /// W, (d, D).
    public let directions: [Float]

    /// D.
    public var width: Int { mean.count }
    /// d.
    public var outputWidth: Int { directions.count / max(width, 1) }

    /// A whitening that is there.
    ///
    /// - Parameters:
    ///   - mean: D values.
    ///   - directions: d x D values.
    public init(mean: [Float], directions: [Float]) {
        precondition(
            !mean.isEmpty && directions.count % mean.count == 0, "rows of \(mean.count) values")
        (self.mean, self.directions) = (mean, directions)
    }

    /// Fits a whitening.
    ///
    /// - Parameters:
    ///   - width: D.
    ///   - blocks: Calls its argument with rows of D values, any number at a time; called twice.
    /// - Throws: `ProbingError.cannotFit` for fewer than two vectors or such that don't differ, and what
    ///   `blocks` throws.
    public init(width: Int, fitting blocks: ((_ rows: [Float]) -> Void) throws -> Void) throws {
        var (count, sums) = (0, [Double](repeating: 0, count: width))
        try blocks { rows in
            for start in stride(from: 0, to: rows.count, by: width) {
                for column in 0..<width { sums[column] += Double(rows[start + column]) }
            }
            count += rows.count / width
        }
        guard count > 1 else {
            throw ProbingError.cannotFit(what: "whitening", reason: "\(count) vectors")
        }
        let mean = sums.map { Float($0 / Double(count)) }
        var covariance = [Double](repeating: 0, count: width * width)
        try blocks { rows in
            var centred = rows
            for start in stride(from: 0, to: rows.count, by: width) {
                for column in 0..<width { centred[start + column] -= mean[column] }
            }
            let products = withoutGradients {
                let matrix = Tensor(centred, shape: [rows.count / width, width])
                return matrix.transposed(0, 1).matmul(matrix).floats
            }
            for (index, value) in products.enumerated() {
                covariance[index] += Double(value) / Double(count)
            }
        }
        guard covariance.allSatisfy(\.isFinite) else {
            throw ProbingError.cannotFit(what: "whitening", reason: "a covariance is not finite")
        }
        let (variances, axes) = symmetricEigenvectors(of: covariance, size: width)
        let largest = variances.last ?? 0
        guard largest > 0 else {
            throw ProbingError.cannotFit(what: "whitening", reason: "the vectors don't differ")
        }
        var directions: [Float] = []
        for index in variances.indices.reversed() where variances[index] > 1e-6 * largest {
            let factor = 1 / variances[index].squareRoot()
            directions += axes[index * width..<(index + 1) * width].map { Float($0 * factor) }
        }
        self.init(mean: mean, directions: directions)
    }

    /// Whitens rows.
    ///
    /// - Parameter rows: N x D values.
    /// - Returns: N x d values.
    public func callAsFunction(_ rows: [Float]) -> [Float] {
        precondition(rows.count % width == 0, "rows of \(width) values")
        var centred = rows
        for start in stride(from: 0, to: rows.count, by: width) {
            for column in 0..<width { centred[start + column] -= mean[column] }
        }
        return withoutGradients {
            Tensor(centred, shape: [rows.count / width, width])
                .matmul(Tensor(directions, shape: [outputWidth, width]).transposed(0, 1)).floats
        }
    }

    /// Reads a whitening.
    ///
    /// - Parameter path: The path of a file that `write(to:)` wrote.
    /// - Throws: `NNError` where it isn't a whole safetensors file, `ProbingError.badEmbeddings` where it
    ///   holds no whitening.
    public init(contentsOf path: String) throws {
        let file = try Safetensors(contentsOf: path)
        guard let mean = file.tensors["whitening.mean"],
            let directions = file.tensors["whitening.directions"], mean.shape.count == 1,
            directions.shape.count == 2, directions.shape[1] == mean.shape[0],
            !mean.values.isEmpty, !directions.values.isEmpty,
            mean.values.allSatisfy(\.isFinite), directions.values.allSatisfy(\.isFinite)
        else {
            throw ProbingError.badEmbeddings(
                path: path, reason: "holds no whitening; make one with --fit-whitening")
        }
        self.init(mean: mean.values, directions: directions.values)
    }

    /// Writes the whitening.
    ///
    /// - Parameter path: The file's path.
    /// - Throws: `SignalError.cannotWrite`.
    public func write(to path: String) throws {
        let file = Safetensors(tensors: [
            "whitening.mean": TensorValues(shape: [width], values: mean),
            "whitening.directions": TensorValues(shape: [outputWidth, width], values: directions),
        ])
        try writeAtomically(file.encoded(), to: path)
    }

    /// A hash of the values.
    public var fingerprint: String {
        var hash = SHA256()
        mean.withUnsafeBytes { hash.update($0) }
        directions.withUnsafeBytes { hash.update($0) }
        return hash.finalize()
    }
}
