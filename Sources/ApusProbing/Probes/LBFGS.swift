import Foundation

/// Minimises a smooth function by limited-memory BFGS with a line search for the strong Wolfe
/// conditions.
///
/// ## Reference
/// Nocedal and Wright, Numerical Optimization, 2nd edition, 2006: algorithms 7.4 and 7.5 with the
/// scaling of equation 7.20, line search by algorithms 3.5 and 3.6.
///
/// Deviation: values count as equal within `noise`, since a function computed in 32-bit floats
/// stops falling before its gradient stops pointing.
struct LBFGS {
    /// A function's value and gradient at a point.
    struct Sample {
        var value: Double
        var gradient: [Double]
    }

    /// Where the search ended.
    struct Minimum {
        var point: [Double]
        var value: Double
        var iterations: Int
        /// Whether no part of the gradient is larger than the tolerance.
        var converged: Bool
    }

    /// The number of past steps that the inverse Hessian is approximated from.
    var historyCount = 10
    /// The largest number of steps.
    var maximumIterations: Int
    /// The search ends when no part of the gradient is larger.
    var tolerance: Double

    private struct Step {
        var movement: [Double]
        var gradientChange: [Double]
        /// 1 / (s · y).
        var inverseCurvature: Double
    }

    /// Searches for a minimum.
    ///
    /// - Parameters:
    ///   - start: Where to begin.
    ///   - function: The function.
    /// - Returns: The best point found.
    func minimize(
        from start: [Double], _ function: @escaping ([Double]) -> Sample
    ) -> Minimum {
        var point = start
        var sample = function(point)
        var history: [Step] = []
        var iterations = 0
        while iterations < maximumIterations, largest(sample.gradient) > tolerance {
            var direction = self.direction(sample.gradient, history)
            var slope = dot(direction, sample.gradient)
            if slope >= 0 {
                history = []
                direction = sample.gradient.map { -$0 }
                slope = dot(direction, sample.gradient)
            }
            // Without curvature known, the first step is one of unit length at most.
            let first = history.isEmpty ? min(1, 1 / (-slope).squareRoot()) : 1
            let search = LineSearch(
                origin: point, direction: direction, value: sample.value, slope: slope,
                function: function)
            guard let found = search.run(first: first) else {
                // A direction from an outdated history gets one chance to be the steepest descent.
                if history.isEmpty { break }
                history = []
                continue
            }
            iterations += 1
            let movement = zip(found.point, point).map { $0 - $1 }
            let change = zip(found.sample.gradient, sample.gradient).map { $0 - $1 }
            let curvature = dot(movement, change)
            if curvature > 1e-12 * dot(change, change) {
                if history.count == historyCount { history.removeFirst() }
                history.append(
                    Step(
                        movement: movement, gradientChange: change,
                        inverseCurvature: 1 / curvature))
            }
            (point, sample) = (found.point, found.sample)
        }
        return Minimum(
            point: point, value: sample.value, iterations: iterations,
            converged: largest(sample.gradient) <= tolerance)
    }

    /// -H g by the two loops of algorithm 7.4.
    private func direction(_ gradient: [Double], _ history: [Step]) -> [Double] {
        var q = gradient
        var weights: [Double] = []
        for step in history.reversed() {
            let weight = step.inverseCurvature * dot(step.movement, q)
            add(-weight, step.gradientChange, to: &q)
            weights.append(weight)
        }
        if let last = history.last {
            let scale =
                1 / (last.inverseCurvature * dot(last.gradientChange, last.gradientChange))
            for index in q.indices { q[index] *= scale }
        }
        for (step, weight) in zip(history, weights.reversed()) {
            add(weight - step.inverseCurvature * dot(step.gradientChange, q), step.movement, to: &q)
        }
        for index in q.indices { q[index] = -q[index] }
        return q
    }
}

/// A step length along a direction, by algorithms 3.5 and 3.6.
private struct LineSearch {
    let origin: [Double]
    let direction: [Double]
    let value: Double
    let slope: Double
    let function: ([Double]) -> LBFGS.Sample

    struct Trial {
        var length: Double
        var point: [Double]
        var sample: LBFGS.Sample
        var slope: Double
    }

    private let decrease = 1e-4
    private let curvature = 0.9
    private let longestSearch = 25

    init(
        origin: [Double], direction: [Double], value: Double, slope: Double,
        function: @escaping ([Double]) -> LBFGS.Sample
    ) {
        self.origin = origin
        self.direction = direction
        self.value = value
        self.slope = slope
        self.function = function
    }

    private var noise: Double { 1e-8 + 1e-7 * abs(value) }

    func run(first: Double) -> Trial? {
        var previous = Trial(
            length: 0, point: origin, sample: LBFGS.Sample(value: value, gradient: []),
            slope: slope)
        var length = first
        for count in 0..<longestSearch {
            let trial = at(length)
            if !isLow(trial) || (count > 0 && trial.sample.value >= previous.sample.value + noise) {
                return zoom(low: previous, high: trial)
            }
            if abs(trial.slope) <= -curvature * slope { return trial }
            if trial.slope >= 0 { return zoom(low: trial, high: previous) }
            previous = trial
            length *= 2
        }
        return previous.length > 0 ? previous : nil
    }

    /// Narrows an interval that holds a step length with both conditions.
    private func zoom(low: Trial, high: Trial) -> Trial? {
        var (low, high) = (low, high)
        for _ in 0..<longestSearch {
            let trial = at(between(low, high))
            if !isLow(trial) || trial.sample.value >= low.sample.value + noise {
                high = trial
            } else {
                if abs(trial.slope) <= -curvature * slope { return trial }
                if trial.slope * (high.length - low.length) >= 0 { high = low }
                low = trial
            }
            if abs(high.length - low.length) <= 1e-10 * max(1, low.length) { break }
        }
        return low.length > 0 ? low : nil
    }

    /// The minimum of the cubic through both ends (equation 3.59), kept off the ends.
    private func between(_ low: Trial, _ high: Trial) -> Double {
        let width = high.length - low.length
        let middle = low.length + width / 2
        let first =
            low.slope + high.slope - 3 * (low.sample.value - high.sample.value)
            / (low.length - high.length)
        let radicand = first * first - low.slope * high.slope
        guard radicand >= 0 else { return middle }
        let second = (width < 0 ? -1 : 1) * radicand.squareRoot()
        let share =
            (high.slope + second - first) / (high.slope - low.slope + 2 * second)
        guard share.isFinite else { return middle }
        return high.length - width * min(max(share, 0.1), 0.9)
    }

    private func isLow(_ trial: Trial) -> Bool {
        trial.sample.value <= value + decrease * trial.length * slope + noise
    }

    private func at(_ length: Double) -> Trial {
        var point = origin
        add(length, direction, to: &point)
        let sample = function(point)
        return Trial(
            length: length, point: point, sample: sample, slope: dot(direction, sample.gradient))
    }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
    precondition(a.count == b.count, "vectors of one length")
    var sums = SIMD4<Double>()
    let whole = a.count - a.count % 4
    for index in stride(from: 0, to: whole, by: 4) {
        let left = SIMD4<Double>(a[index], a[index + 1], a[index + 2], a[index + 3])
        let right = SIMD4<Double>(b[index], b[index + 1], b[index + 2], b[index + 3])
        sums += left * right
    }
    var total = sums.sum()
    for index in whole..<a.count { total += a[index] * b[index] }
    return total
}

private func add(_ scale: Double, _ vector: [Double], to target: inout [Double]) {
    precondition(vector.count == target.count, "vectors of one length")
    for index in target.indices { target[index] += scale * vector[index] }
}

private func largest(_ vector: [Double]) -> Double {
    // A gradient that is no number has no direction to follow.
    vector.reduce(0) { max($0, $1.isNaN ? .infinity : abs($1)) }
}
