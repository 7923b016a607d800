import Foundation

/// McNemar's test of two systems on the same trials.
public struct McNemarTest: Hashable, Sendable, Codable {
    /// The trials that only the first system got right.
    public var onlyFirst: Int
    /// The trials that only the second system got right.
    public var onlySecond: Int
    /// The two-sided p value of the binomial distribution.
    public var exactProbability: Double
    /// max(0, |b - c| - 1)² / (b + c), the statistic with continuity correction.
    public var correctedStatistic: Double
    /// The p value of that statistic, by the χ² distribution with one degree of freedom.
    public var correctedProbability: Double
}

/// Tests whether two systems err equally often, by the trials on which exactly one of them is right.
///
/// Of b trials that only the first gets right and c that only the second does, b is binomial with
/// probability 1/2 where the systems are equally good. The exact p value is twice the smaller tail, at
/// most 1; it is 1 where no trial tells the systems apart. Trials are taken for independent: recordings
/// of few speakers aren't, see `pairedBootstrap(first:second:groups:resamples:confidence:seed:)`.
///
/// ## Reference
/// McNemar, Note on the Sampling Error of the Difference between Correlated Proportions or
/// Percentages, 1947; Edwards 1948 for the continuity correction.
///
/// - Parameters:
///   - first: Whether the first system is right on each trial.
///   - second: The same for the second system.
/// - Returns: The counts and both p values.
/// - Throws: `MetricsError.tooFew` without trials, `.countMismatch`.
public func mcNemarTest(first: [Bool], second: [Bool]) throws -> McNemarTest {
    try requireCount(first.count, atLeast: 1, "trials")
    guard first.count == second.count else {
        throw MetricsError.countMismatch(
            what: "trials of the second system", expected: first.count, found: second.count)
    }
    let onlyFirst = zip(first, second).count { $0 && !$1 }
    let onlySecond = zip(first, second).count { !$0 && $1 }
    let total = onlyFirst + onlySecond
    let difference = max(0, abs(onlyFirst - onlySecond) - 1)
    let statistic = total == 0 ? 0 : Double(difference * difference) / Double(total)
    return McNemarTest(
        onlyFirst: onlyFirst, onlySecond: onlySecond,
        exactProbability: min(1, 2 * fairTail(upTo: min(onlyFirst, onlySecond), of: total)),
        correctedStatistic: statistic,
        // A χ² variable with one degree of freedom is a squared normal one.
        correctedProbability: erfc((statistic / 2).squareRoot()))
}

/// The probability of at most `count` heads in `total` throws of a fair coin.
private func fairTail(upTo count: Int, of total: Int) -> Double {
    let n = Double(total)
    func logFactorial(_ x: Double) -> Double {
        let (value, _): (Double, Int) = lgamma(x + 1)
        return value
    }
    return (0...count).reduce(0.0) { sum, heads in
        let k = Double(heads)
        return sum
            + exp(logFactorial(n) - logFactorial(k) - logFactorial(n - k) - n * log(2.0))
    }
}
