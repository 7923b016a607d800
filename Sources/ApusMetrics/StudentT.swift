import Foundation

/// The mean of a few independent results and its Student t interval.
///
/// With n values of mean m and standard deviation s (n - 1 in the denominator) the interval is
/// m ± t s / √n, where t is the (1 + confidence) / 2 quantile of Student's distribution with n - 1
/// degrees of freedom. It is meant for the results of several seeds.
///
/// - Parameters:
///   - values: The results, one for each seed.
///   - confidence: The nominal coverage, between 0 and 1.
/// - Returns: The mean and the interval.
/// - Throws: `MetricsError.tooFew` with fewer than two values, `.notFinite` at a value that is not
///   a finite number.
public func meanInterval(
    of values: [Double], confidence: Double = 0.95
) throws -> ConfidenceInterval {
    precondition(confidence > 0 && confidence < 1, "the confidence lies between 0 and 1")
    try requireCount(values.count, atLeast: 2, "values")
    try requireFinite(values, "values")
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let standardError = (squares / (count - 1) / count).squareRoot()
    let width =
        standardError
        * studentTQuantile(
            probability: (1 + confidence) / 2, degreesOfFreedom: count - 1)
    return ConfidenceInterval(
        estimate: mean, low: mean - width, high: mean + width, confidence: confidence)
}

/// The value that a Student t variable stays below with the given probability.
///
/// Solved by bisection on the distribution function, to the last bits of a Double.
///
/// - Parameters:
///   - probability: The probability, strictly between 0 and 1.
///   - degreesOfFreedom: The degrees of freedom, above 0; need not be whole.
/// - Returns: The quantile.
public func studentTQuantile(probability: Double, degreesOfFreedom: Double) -> Double {
    precondition(probability > 0 && probability < 1, "a probability lies between 0 and 1")
    precondition(degreesOfFreedom > 0, "the degrees of freedom are above 0")
    if probability == 0.5 { return 0 }
    if probability < 0.5 {
        return -studentTQuantile(probability: 1 - probability, degreesOfFreedom: degreesOfFreedom)
    }
    let tail = 1 - probability
    var low = 0.0
    var high = 1.0
    while studentTTail(high, degreesOfFreedom) > tail { high *= 2 }
    while true {
        let middle = low + (high - low) / 2
        if middle <= low || middle >= high { return middle }
        if studentTTail(middle, degreesOfFreedom) > tail { low = middle } else { high = middle }
    }
}

/// The probability that a Student t variable exceeds `value`, which is 0 or above.
///
/// Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.1 with 26.5.27:
/// I_x(ν/2, 1/2) / 2 at x = ν / (ν + value²).
private func studentTTail(_ value: Double, _ degreesOfFreedom: Double) -> Double {
    let square = value * value
    let total = degreesOfFreedom + square
    return 0.5
        * regularizedBeta(
            degreesOfFreedom / total, complement: square / total, degreesOfFreedom / 2, 0.5)
}

/// The regularised incomplete beta function I_x(a, b); `complement` is 1 - x without cancellation.
///
/// The continued fraction of the Handbook (26.5.8), evaluated by Lentz's method, on the side of the
/// mean where it converges fast.
private func regularizedBeta(_ x: Double, complement: Double, _ a: Double, _ b: Double) -> Double {
    if x <= 0 { return 0 }
    if complement <= 0 { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - regularizedBeta(complement, complement: x, b, a) }
    let logFactor =
        logGamma(a + b) - logGamma(a) - logGamma(b) + a * log(x) + b * log(complement)
    let smallest = Double.leastNormalMagnitude
    var numerator = 1.0
    var denominator = 1 / max(1 - (a + b) * x / (a + 1), smallest)
    var fraction = denominator
    for step in 1...500 {
        let m = Double(step)
        let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        var change = 1.0
        for coefficient in [even, odd] {
            denominator = 1 + coefficient * denominator
            if abs(denominator) < smallest { denominator = smallest }
            denominator = 1 / denominator
            numerator = 1 + coefficient / numerator
            if abs(numerator) < smallest { numerator = smallest }
            change = numerator * denominator
            fraction *= change
        }
        if abs(change - 1) < 1e-16 { break }
    }
    return exp(logFactor) * fraction / a
}

/// The natural logarithm of Γ(x) for x above 0.
private func logGamma(_ x: Double) -> Double {
    let (value, _): (Double, Int) = lgamma(x)
    return value
}
