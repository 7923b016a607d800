import Foundation

/// Logistic regression of the kinds of trials on systems' scores by Newton's method.
///
/// It works on scores with mean 0 and variance 1 for each system, in which the penalty is counted
/// and Newton's equations are well scaled. The last of the parameters is the offset.
struct ScoreRegression {
    private let systems: [[Float]]
    private let isTarget: [Bool]
    private let means: [Double]
    private let deviations: [Double]
    /// What a target's, and a non-target's, log(1 + exp(-z)) and log(1 + exp(z)) weigh.
    private var targetWeights: (asTarget: Double, asNonTarget: Double)
    private var nonTargetWeights: (asTarget: Double, asNonTarget: Double)

    /// The factor of the weights' squares.
    private let penalty = 1e-10

    /// Takes checked trials: finite, of both kinds, no system constant.
    init(systems: [[Float]], isTarget: [Bool], targetPrior: Double) {
        self.systems = systems
        self.isTarget = isTarget
        let count = Double(isTarget.count)
        let means = systems.map { $0.reduce(0.0) { $0 + Double($1) } / count }
        self.means = means
        deviations = zip(systems, means).map { scores, mean in
            let squares = scores.reduce(0.0) { sum, score in
                let difference = Double(score) - mean
                return sum + difference * difference
            }
            return (squares / count).squareRoot()
        }
        let targetCount = Double(isTarget.count(where: \.self))
        targetWeights = (targetPrior / targetCount, 0)
        nonTargetWeights = (0, (1 - targetPrior) / (count - targetCount))
    }

    /// Platt's smoothing: each trial counts a little as one of the other kind.
    mutating func smoothKinds() {
        let targetCount = Double(isTarget.count(where: \.self))
        let targetShare = 1 / (targetCount + 2)
        let nonTargetShare = 1 / (Double(isTarget.count) - targetCount + 2)
        let (target, nonTarget) = (targetWeights.asTarget, nonTargetWeights.asNonTarget)
        targetWeights = (target * (1 - targetShare), target * targetShare)
        nonTargetWeights = (nonTarget * nonTargetShare, nonTarget * (1 - nonTargetShare))
    }

    /// The map to z, in units of the scores that were given.
    func solved() -> (weights: [Double], offset: Double) {
        var parameters = [Double](repeating: 0, count: systems.count + 1)
        var current = loss(at: parameters)
        while true {
            let step = solveSymmetric(current.hessian, current.gradient, leastPivot: penalty)
            let decrement = zip(step, current.gradient).reduce(0) { $0 + $1.0 * $1.1 }
            var length = 1.0
            var next = parameters
            var reached = current
            // Halved until the loss falls by a part of what the slope promises (Armijo's rule).
            repeat {
                next = zip(parameters, step).map { $0 - length * $1 }
                reached = loss(at: next)
                length /= 2
            } while !(reached.value <= current.value - 0.02 * length * decrement) && length > 1e-8
            guard reached.value < current.value else { break }
            (parameters, current) = (next, reached)
            // So close that Newton's next step would change nothing that a Float resolves.
            if decrement < 1e-18 { break }
        }
        let weights = zip(parameters, deviations).map { $0 / $1 }
        let shift = zip(weights, means).reduce(0) { $0 + $1.0 * $1.1 }
        return (weights, parameters[systems.count] - shift)
    }

    /// The penalised loss with its gradient (K + 1) and Hessian (K + 1, K + 1), row-major.
    private func loss(
        at parameters: [Double]
    ) -> (value: Double, gradient: [Double], hessian: [Double]) {
        let count = parameters.count
        var value = 0.0
        var gradient = [Double](repeating: 0, count: count)
        var hessian = [Double](repeating: 0, count: count * count)
        var inputs = [Double](repeating: 1, count: count)
        for trial in isTarget.indices {
            var z = parameters[count - 1]
            for system in systems.indices {
                inputs[system] =
                    (Double(systems[system][trial]) - means[system]) / deviations[system]
                z += parameters[system] * inputs[system]
            }
            let weight = isTarget[trial] ? targetWeights : nonTargetWeights
            // log(1 + exp(-|z|)), the part that both kinds share, and its slopes.
            let small = exp(-abs(z))
            let shared = log1p(small)
            value += weight.asTarget * (max(-z, 0) + shared)
            value += weight.asNonTarget * (max(z, 0) + shared)
            let probability = z >= 0 ? 1 / (1 + small) : small / (1 + small)
            let complement = z >= 0 ? small / (1 + small) : 1 / (1 + small)
            let slope = weight.asNonTarget * probability - weight.asTarget * complement
            let curvature =
                (weight.asTarget + weight.asNonTarget) * probability * complement
            for row in 0..<count {
                gradient[row] += slope * inputs[row]
                for column in 0...row {
                    hessian[row * count + column] += curvature * inputs[row] * inputs[column]
                }
            }
        }
        for system in systems.indices {
            value += penalty / 2 * parameters[system] * parameters[system]
            gradient[system] += penalty * parameters[system]
            hessian[system * count + system] += penalty
        }
        return (value, gradient, hessian)
    }
}

/// Solves A x = b for a symmetric positive matrix by Cholesky's factors.
///
/// - Parameters:
///   - matrix: (n, n), row-major; only its lower triangle is read.
///   - right: b, (n).
///   - leastPivot: What a pivot is at least, where rounding has made it smaller.
/// - Returns: x, (n).
private func solveSymmetric(
    _ matrix: [Double], _ right: [Double], leastPivot: Double
) -> [Double] {
    let count = right.count
    var factor = matrix
    for row in 0..<count {
        for column in 0...row {
            var sum = matrix[row * count + column]
            for k in 0..<column { sum -= factor[row * count + k] * factor[column * count + k] }
            factor[row * count + column] =
                row == column
                ? max(sum, leastPivot).squareRoot() : sum / factor[column * count + column]
        }
    }
    var solution = right
    for row in 0..<count {
        for k in 0..<row { solution[row] -= factor[row * count + k] * solution[k] }
        solution[row] /= factor[row * count + row]
    }
    for row in (0..<count).reversed() {
        for k in (row + 1)..<count { solution[row] -= factor[k * count + row] * solution[k] }
        solution[row] /= factor[row * count + row]
    }
    return solution
}
