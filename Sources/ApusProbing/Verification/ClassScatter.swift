import ApusTensor

/// Labelled vectors as discriminant analysis sees them: the classes' means, and what is left.
struct ClassScatter {
    /// D.
    let width: Int
    /// N, the number of vectors.
    let count: Int
    /// The number of vectors of each class.
    let counts: [Int]
    /// K x D: the classes' means.
    let means: [Double]
    /// D x D: the sum over all vectors of (x - m)(x - m)^T with the mean m of their class.
    let within: [Double]

    var classCount: Int { counts.count }

    /// - Parameters:
    ///   - rows: N x D values.
    ///   - width: D.
    ///   - labels: Each row's class.
    /// - Throws: `ProbingError.cannotFit` where there are fewer than two classes, or none has two
    ///   vectors.
    init(_ rows: [Float], width: Int, labels: [String]) throws {
        precondition(rows.count == labels.count * width, "a label for each row")
        let names = ClassList(labels: labels)
        let classes = labels.map { names.number(of: $0) ?? 0 }
        var counts = [Int](repeating: 0, count: names.names.count)
        for number in classes { counts[number] += 1 }
        guard counts.count > 1, labels.count > counts.count else {
            throw ProbingError.cannotFit(
                what: "LDA or PLDA",
                reason: "\(labels.count) recordings of \(counts.count) speakers, expected at least "
                    + "two speakers, and one of them with two recordings")
        }
        var means = [Double](repeating: 0, count: counts.count * width)
        for (row, number) in classes.enumerated() {
            for column in 0..<width {
                means[number * width + column] += Double(rows[row * width + column])
            }
        }
        for index in means.indices { means[index] /= Double(counts[index / width]) }
        var within = [Double](repeating: 0, count: width * width)
        for (row, number) in classes.enumerated() {
            let difference = (0..<width).map {
                Double(rows[row * width + $0]) - means[number * width + $0]
            }
            addOuterProduct(of: difference, to: &within)
        }
        (self.width, count, self.counts, self.means) = (width, labels.count, counts, means)
        self.within = within
    }

    /// The mean of class `number`.
    func mean(_ number: Int) -> [Double] { Array(means[number * width..<(number + 1) * width]) }
}

/// Adds `weight` x x^T to a matrix.
func addOuterProduct(of vector: [Double], weight: Double = 1, to matrix: inout [Double]) {
    let size = vector.count
    matrix.withUnsafeMutableBufferPointer { matrix in
        vector.withUnsafeBufferPointer { vector in
            for row in 0..<size {
                let factor = weight * vector[row]
                let start = row * size
                for column in 0..<size { matrix[start + column] += factor * vector[column] }
            }
        }
    }
}

/// The product of (n, m) and (m, k).
func product(_ left: [Double], _ right: [Double], inner: Int) -> [Double] {
    let (rows, columns) = (left.count / inner, right.count / inner)
    var result = [Double](repeating: 0, count: rows * columns)
    result.withUnsafeMutableBufferPointer { result in
        right.withUnsafeBufferPointer { right in
            for row in 0..<rows {
                for k in 0..<inner {
                    let factor = left[row * inner + k]
                    for column in 0..<columns {
                        result[row * columns + column] += factor * right[k * columns + column]
                    }
                }
            }
        }
    }
    return result
}

/// The rows of (n, m) as columns.
func transposed(_ matrix: [Double], columns: Int) -> [Double] {
    let rows = matrix.count / columns
    return (0..<matrix.count).map { matrix[$0 % rows * columns + $0 / rows] }
}

/// The basis in which the one covariance is the identity and the other diagonal.
///
/// T W T^T = 1 and T B T^T = diag(λ), λ descending. Eigenvalues of W below 1e-6 of their mean are
/// raised to that, so that a W without full rank has a basis too.
///
/// - Parameters:
///   - within: W, (D, D).
///   - between: B, (D, D).
///   - size: D.
/// - Returns: λ and T, whose rows are the new axes.
/// - Throws: `ProbingError.cannotFit` where W is zero or not finite.
func simultaneouslyDiagonalized(
    within: [Double], between: [Double], size: Int
) throws -> (values: [Double], transform: [Double]) {
    guard within.allSatisfy(\.isFinite), between.allSatisfy(\.isFinite) else {
        throw ProbingError.cannotFit(what: "LDA or PLDA", reason: "a covariance is not finite")
    }
    let (spread, axes) = symmetricEigenvectors(of: within, size: size)
    let mean = spread.reduce(0, +) / Double(size)
    guard mean > 0 else {
        throw ProbingError.cannotFit(
            what: "LDA or PLDA", reason: "recordings of one speaker don't differ at all")
    }
    let factors = spread.map { 1 / max($0, 1e-6 * mean).squareRoot() }
    let whitening = axes.indices.map { axes[$0] * factors[$0 / size] }
    let inner = product(
        product(whitening, between, inner: size), transposed(whitening, columns: size), inner: size)
    let (values, turned) = symmetricEigenvectors(of: inner, size: size)
    let transform = product(turned, whitening, inner: size)
    // Greatest first.
    let rows = (0..<size).reversed().flatMap { transform[$0 * size..<($0 + 1) * size] }
    return (values.reversed(), rows)
}
