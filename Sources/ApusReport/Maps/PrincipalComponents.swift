import Foundation

/// The directions of greatest variance of a set of points.
///
/// The leading eigenvectors of the covariance matrix, by orthogonal iteration with a Rayleigh-Ritz
/// step; where all D components are asked for, one step is exact. Everything is deterministic,
/// the sign of a component too: its entry of greatest size is positive.
///
/// ## Reference
/// G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th edition, 2013, sections 8.2.4
/// (orthogonal iteration) and 8.5 (Jacobi's method).
public struct PrincipalComponents: Sendable {
    /// The points' mean, D values.
    public let mean: [Double]
    /// The components in order of variance, each a unit vector of D values.
    public let components: [[Double]]
    /// The variance along every component, with N - 1 in the denominator.
    public let variances: [Double]

    /// Finds the components of points.
    ///
    /// - Parameters:
    ///   - points: The points, N x D, row-major, finite.
    ///   - count: The number of points N, at least 1.
    ///   - componentCount: The number of components wanted; there are at most D.
    public init(points: [Float], count: Int, componentCount: Int) {
        precondition(count >= 1 && points.count % count == 0, "N x D values for N points")
        precondition(componentCount >= 1, "One component or more")
        let width = points.count / count
        let centre = Self.mean(points, count: count, width: width)
        let covariance = Self.covariance(points, mean: centre, count: count, width: width)
        let wanted = min(componentCount, width)
        let (values, vectors) = leadingEigenvectors(of: covariance, size: width, count: wanted)
        mean = centre
        variances = values.map { max(0, $0) }
        components = vectors.map(Self.withPositivePeak)
    }

    /// The coordinates of points along the components.
    ///
    /// - Parameters:
    ///   - points: The points, N x D, row-major.
    ///   - count: The number of points N.
    /// - Returns: The coordinates, N x K for K components, row-major.
    public func project(_ points: [Float], count: Int) -> [Float] {
        let width = mean.count
        precondition(points.count == count * width, "N x D values for N points")
        var result: [Float] = []
        result.reserveCapacity(count * components.count)
        for row in 0..<count {
            let centred = (0..<width).map { Double(points[row * width + $0]) - mean[$0] }
            result += components.map { Float(dot($0, centred)) }
        }
        return result
    }

    private static func mean(_ points: [Float], count: Int, width: Int) -> [Double] {
        var sums = [Double](repeating: 0, count: width)
        for row in 0..<count {
            for column in 0..<width { sums[column] += Double(points[row * width + column]) }
        }
        return sums.map { $0 / Double(count) }
    }

    private static func covariance(
        _ points: [Float], mean: [Double], count: Int, width: Int
    ) -> [Double] {
        var covariance = [Double](repeating: 0, count: width * width)
        var centred = [Double](repeating: 0, count: width)
        for row in 0..<count {
            for column in 0..<width {
                centred[column] = Double(points[row * width + column]) - mean[column]
            }
            for i in 0..<width {
                for j in i..<width { covariance[i * width + j] += centred[i] * centred[j] }
            }
        }
        for i in 0..<width {
            for j in i..<width {
                covariance[i * width + j] /= Double(max(1, count - 1))
                covariance[j * width + i] = covariance[i * width + j]
            }
        }
        return covariance
    }

    private static func withPositivePeak(_ vector: [Double]) -> [Double] {
        let peak = vector.max { abs($0) < abs($1) } ?? 0
        return peak < 0 ? vector.map { -$0 } : vector
    }
}
