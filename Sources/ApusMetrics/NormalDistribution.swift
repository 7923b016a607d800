import Foundation

/// The quantile of the standard normal distribution (probit).
///
/// - Parameter probability: The probability below the quantile, between 0 and 1.
/// - Returns: The quantile, to about the last digits that the probability itself resolves.
public func normalQuantile(probability: Double) -> Double {
    precondition(probability > 0 && probability < 1, "the probability lies between 0 and 1")
    // The upper half by symmetry: 1 - probability is exact there.
    if probability > 0.5 { return -normalQuantile(probability: 1 - probability) }
    var (low, high) = (-39.0, 0.0)
    while true {
        let middle = (low + high) / 2
        if middle <= low || middle >= high { return middle }
        if normalProbability(below: middle) < probability { low = middle } else { high = middle }
    }
}

/// The probability that a standard normal variable lies below a value.
func normalProbability(below value: Double) -> Double {
    0.5 * erfc(-value * 0.5.squareRoot())
}
