import Foundation

/// The leading eigenvectors of a symmetric matrix of non-negative eigenvalues, by orthogonal
/// iteration on a few vectors more than wanted.
func leadingEigenvectors(
    of matrix: [Double], size: Int, count: Int
) -> (values: [Double], vectors: [[Double]]) {
    let blockSize = min(size, count + 10)
    var generator = SplitMix64(state: 0x5EED)
    var block = orthonormalized(
        (0..<blockSize).map { _ in (0..<size).map { _ in generator.nextSymmetric() } })
    var previous: [Double] = []
    for _ in 0..<maximumIterationCount {
        let images = block.map { product(matrix, $0) }
        let small = block.flatMap { vector in images.map { dot(vector, $0) } }
        let (values, mixing) = symmetricEigenvectors(of: small, size: blockSize)
        let leading = Array(values.prefix(count))
        let scale = max(leading.first ?? 0, .leastNormalMagnitude)
        let settled =
            !previous.isEmpty
            && zip(leading, previous).allSatisfy { abs($0 - $1) <= 1e-10 * scale }
        if blockSize == size || settled {
            return (leading, mixing.prefix(count).map { combination(of: block, weights: $0) })
        }
        previous = leading
        block = orthonormalized(mixing.map { combination(of: images, weights: $0) })
    }
    return (previous, Array(block.prefix(count)))
}

/// Enough for a spectrum without gaps, where more steps would only turn vectors of equal
/// eigenvalue into each other.
private let maximumIterationCount = 300

/// All eigenvalues, greatest first, and eigenvectors of a symmetric matrix by Jacobi's method.
func symmetricEigenvectors(
    of matrix: [Double], size: Int
) -> (values: [Double], vectors: [[Double]]) {
    var a = matrix
    var vectors = (0..<size).map { row in (0..<size).map { $0 == row ? 1.0 : 0.0 } }
    let total = a.reduce(0) { $0 + $1 * $1 }
    for _ in 0..<60 {
        var offDiagonal = 0.0
        for p in 0..<size {
            for q in 0..<size where p != q { offDiagonal += a[p * size + q] * a[p * size + q] }
        }
        if offDiagonal <= 1e-26 * total { break }
        for p in 0..<size {
            for q in (p + 1)..<max(size, p + 1) where a[p * size + q] != 0 {
                // The rotation that brings the entry (p, q) to zero (section 8.5.2).
                let tau = (a[q * size + q] - a[p * size + p]) / (2 * a[p * size + q])
                let tangent = (tau < 0 ? -1 : 1) / (abs(tau) + (1 + tau * tau).squareRoot())
                let cosine = 1 / (1 + tangent * tangent).squareRoot()
                let sine = tangent * cosine
                for k in 0..<size {
                    let (x, y) = (a[k * size + p], a[k * size + q])
                    a[k * size + p] = cosine * x - sine * y
                    a[k * size + q] = sine * x + cosine * y
                }
                for k in 0..<size {
                    let (x, y) = (a[p * size + k], a[q * size + k])
                    a[p * size + k] = cosine * x - sine * y
                    a[q * size + k] = sine * x + cosine * y
                    let (u, v) = (vectors[p][k], vectors[q][k])
                    vectors[p][k] = cosine * u - sine * v
                    vectors[q][k] = sine * u + cosine * v
                }
            }
        }
    }
    let order = (0..<size).sorted { a[$0 * size + $0] > a[$1 * size + $1] }
    return (order.map { a[$0 * size + $0] }, order.map { vectors[$0] })
}

/// Gram-Schmidt, twice for accuracy; a vector that depends on those before it is replaced by a
/// coordinate vector that does not.
private func orthonormalized(_ vectors: [[Double]]) -> [[Double]] {
    var basis: [[Double]] = []
    for vector in vectors {
        let size = vector.count
        let coordinates = (0..<size).lazy.map { axis in
            (0..<size).map { $0 == axis ? 1.0 : 0.0 }
        }
        if let unit = unitRemainder(vector, basis)
            ?? coordinates.compactMap({ unitRemainder($0, basis) }).first
        {
            basis.append(unit)
        }
    }
    return basis
}

private func unitRemainder(_ vector: [Double], _ basis: [[Double]]) -> [Double]? {
    let length = dot(vector, vector).squareRoot()
    guard length > 0 else { return nil }
    var rest = vector.map { $0 / length }
    for _ in 0..<2 {
        for other in basis {
            let share = dot(rest, other)
            for index in rest.indices { rest[index] -= share * other[index] }
        }
    }
    let remainder = dot(rest, rest).squareRoot()
    return remainder > 1e-8 ? rest.map { $0 / remainder } : nil
}

func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for index in a.indices { sum += a[index] * b[index] }
    return sum
}

/// A symmetric matrix times a vector, row by row.
private func product(_ matrix: [Double], _ vector: [Double]) -> [Double] {
    let size = vector.count
    var result = [Double](repeating: 0, count: size)
    for (row, factor) in vector.enumerated() where factor != 0 {
        let start = row * size
        for column in 0..<size { result[column] += factor * matrix[start + column] }
    }
    return result
}

private func combination(of vectors: [[Double]], weights: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: vectors.first?.count ?? 0)
    for (vector, weight) in zip(vectors, weights) {
        for index in result.indices { result[index] += weight * vector[index] }
    }
    return result
}

/// Numbers for a starting block that are the same on every run.
///
/// ## Reference
/// G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014, figure 17.
private struct SplitMix64 {
    var state: UInt64

    /// A number of -1...1.
    mutating func nextSymmetric() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        return Double(mixed >> 11) * 0x1p-52 - 1
    }
}
