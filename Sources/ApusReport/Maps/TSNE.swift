import Foundation

/// Exact t-distributed stochastic neighbour embedding into the plane.
///
/// Input similarities are Gaussian with a width for every point that gives the wanted perplexity,
/// made symmetric; map similarities are Student's t with one degree of freedom; gradient descent
/// on the Kullback-Leibler divergence with momentum, gains for every coordinate and early
/// exaggeration.
///
/// ## Reference
/// L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", JMLR 9, 2008, equations 1 to
/// 5 and algorithm 1. Deviations: the first map is given and not drawn at random; exaggeration is
/// 12 for 250 iterations and the learning rate N / 12, as in A. C. Belkina et al., "Automated
/// optimized parameters for t-distributed stochastic neighbor embedding", Nature Communications
/// 10, 2019.
public struct TSNE: Sendable {
    /// The effective number of neighbours; bounded by a third of the other points.
    public var perplexity = 30.0
    /// The number of gradient steps.
    public var iterationCount = 750
    /// The steps with exaggerated similarities, which let clusters form.
    public var exaggeratedIterationCount = 250

    /// The usual settings.
    public init() {}

    /// Embeds points.
    ///
    /// - Parameters:
    ///   - points: The points, N x D, row-major, finite.
    ///   - count: The number of points N.
    ///   - initial: The first map, N x 2, row-major; only its shape counts, its size does not.
    /// - Returns: The map, N x 2, row-major; `initial` itself for fewer than four points.
    public func embed(_ points: [Float], count: Int, initial: [Float]) -> [Float] {
        precondition(count > 0 ? points.count % count == 0 : points.isEmpty, "N x D values")
        precondition(initial.count == 2 * count, "Two first coordinates a point")
        guard count >= 4 else { return initial }
        let similarities = symmetricSimilarities(points, count: count)
        return descend(similarities, count: count, initial: initial)
    }

    // MARK: - Input similarities

    /// The joint similarities p_ij (equations 1 and 2 of the paper's section 3.1), N x N.
    private func symmetricSimilarities(_ points: [Float], count: Int) -> [Float] {
        let distances = Self.squaredDistances(points, count: count)
        let target = log(min(perplexity, Double(count - 1) / 3))
        var conditional = [Float](repeating: 0, count: count * count)
        for row in 0..<count {
            let others = Array(distances[(row * count)..<((row + 1) * count)])
            let similarities = Self.conditionalSimilarities(
                to: row, distances: others, entropy: target)
            for column in 0..<count { conditional[row * count + column] = similarities[column] }
        }
        var joint = [Float](repeating: 0, count: count * count)
        for row in 0..<count {
            for column in 0..<count {
                joint[row * count + column] =
                    (conditional[row * count + column] + conditional[column * count + row])
                    / Float(2 * count)
            }
        }
        return joint
    }

    private static func squaredDistances(_ points: [Float], count: Int) -> [Float] {
        let width = points.count / count
        var distances = [Float](repeating: 0, count: count * count)
        for i in 0..<count {
            for j in 0..<i {
                var sum: Float = 0
                for k in 0..<width {
                    let difference = points[i * width + k] - points[j * width + k]
                    sum += difference * difference
                }
                distances[i * count + j] = sum
                distances[j * count + i] = sum
            }
        }
        return distances
    }

    /// The similarities p_j|i whose entropy in nats is as wanted, by bisection of the precision.
    private static func conditionalSimilarities(
        to row: Int, distances: [Float], entropy target: Double
    ) -> [Float] {
        let others = distances.indices.filter { $0 != row }
        // Only differences count: the nearest point's distance is taken off, for exp's sake.
        let nearest = others.map { Double(distances[$0]) }.min() ?? 0
        let offsets = others.map { Double(distances[$0]) - nearest }
        let meanOffset = offsets.reduce(0, +) / Double(offsets.count)
        var precision = meanOffset > 0 ? 1 / meanOffset : 1
        var (lower, upper) = (0.0, Double.infinity)
        var weights = offsets
        var sum = 1.0
        for _ in 0..<64 {
            weights = offsets.map { exp(-precision * $0) }
            sum = weights.reduce(0, +)
            let moment = zip(weights, offsets).reduce(0) { $0 + $1.0 * $1.1 }
            let entropy = log(sum) + precision * moment / sum
            if abs(entropy - target) < 1e-5 || meanOffset == 0 { break }
            if entropy > target { lower = precision } else { upper = precision }
            precision = upper.isFinite ? (lower + upper) / 2 : 2 * precision
        }
        var similarities = [Float](repeating: 0, count: distances.count)
        for (index, weight) in zip(others, weights) { similarities[index] = Float(weight / sum) }
        return similarities
    }

    // MARK: - Descent

    private func descend(_ joint: [Float], count: Int, initial: [Float]) -> [Float] {
        let padded = (count + 7) / 8 * 8
        var similarities = [SIMD8<Float>](repeating: .zero, count: count * padded / 8)
        for row in 0..<count {
            for column in 0..<count {
                similarities[row * padded / 8 + column / 8][column % 8] =
                    joint[row * count + column]
            }
        }
        var map = Self.scaledToSmall(initial)
        var velocity = [Float](repeating: 0, count: 2 * count)
        var gains = [Float](repeating: 1, count: 2 * count)
        let rate = max(Float(count) / 12, 50)
        for iteration in 0..<iterationCount {
            let early = iteration < exaggeratedIterationCount
            let gradient = Self.gradient(
                similarities, map: map, count: count, exaggeration: early ? 12 : 1)
            let momentum: Float = early ? 0.5 : 0.8
            for index in map.indices {
                let sameSign = gradient[index] * velocity[index] > 0
                gains[index] = max(0.01, sameSign ? gains[index] * 0.8 : gains[index] + 0.2)
                velocity[index] =
                    momentum * velocity[index] - rate * gains[index] * gradient[index]
                map[index] += velocity[index]
            }
            Self.centre(&map)
        }
        return map
    }

    /// The gradient of the divergence (equation 5), its attraction exaggerated.
    ///
    /// Eight columns at a time. The last group is filled up with points so far away that their
    /// map similarity is zero; so is their input similarity.
    private static func gradient(
        _ similarities: [SIMD8<Float>], map: [Float], count: Int, exaggeration: Float
    ) -> [Float] {
        let groups = (count + 7) / 8
        let farAway = SIMD8<Float>(repeating: 1e15)
        var x = [SIMD8<Float>](repeating: farAway, count: groups)
        var y = x
        for index in 0..<count {
            x[index / 8][index % 8] = map[2 * index]
            y[index / 8][index % 8] = map[2 * index + 1]
        }
        var attraction = [Float](repeating: 0, count: 2 * count)
        var repulsion = attraction
        var total: Double = 0
        for row in 0..<count {
            let here = (x: SIMD8(repeating: map[2 * row]), y: SIMD8(repeating: map[2 * row + 1]))
            var (pullX, pullY, pushX, pushY, sum) = (
                SIMD8<Float>.zero, SIMD8<Float>.zero, SIMD8<Float>.zero, SIMD8<Float>.zero,
                SIMD8<Float>.zero
            )
            for group in 0..<groups {
                let dx = here.x - x[group]
                let dy = here.y - y[group]
                let closeness = 1 / (1 + dx * dx + dy * dy)
                let pull = similarities[row * groups + group] * closeness
                let push = closeness * closeness
                pullX += pull * dx
                pullY += pull * dy
                pushX += push * dx
                pushY += push * dy
                sum += closeness
            }
            attraction[2 * row] = pullX.sum()
            attraction[2 * row + 1] = pullY.sum()
            repulsion[2 * row] = pushX.sum()
            repulsion[2 * row + 1] = pushY.sum()
            // A point is no neighbour of itself; its closeness to itself is one.
            total += Double(sum.sum() - 1)
        }
        let scale = Float(1 / max(total, .leastNormalMagnitude))
        return attraction.indices.map {
            4 * (exaggeration * attraction[$0] - scale * repulsion[$0])
        }
    }

    /// The first map, brought to a standard deviation of 1e-4 along its first coordinate.
    private static func scaledToSmall(_ initial: [Float]) -> [Float] {
        var map = initial
        centre(&map)
        let first = stride(from: 0, to: map.count, by: 2).map { Double(map[$0]) }
        let deviation = (first.reduce(0) { $0 + $1 * $1 } / Double(first.count)).squareRoot()
        guard deviation > 0 else { return map }
        return map.map { Float(Double($0) * 1e-4 / deviation) }
    }

    private static func centre(_ map: inout [Float]) {
        let count = Double(map.count / 2)
        for axis in 0..<2 {
            var sum = 0.0
            for index in stride(from: axis, to: map.count, by: 2) { sum += Double(map[index]) }
            let mean = Float(sum / count)
            for index in stride(from: axis, to: map.count, by: 2) { map[index] -= mean }
        }
    }
}
