/// The difference of two systems on the same trials.
public struct PairedBootstrap: Hashable, Sendable, Codable {
    /// The first system's value minus the second's, with its percentile interval.
    public var difference: ConfidenceInterval
    /// The two-sided p value of no difference.
    public var probability: Double
}

/// The bootstrap of the difference of two systems' means, drawing trials or whole groups of them.
///
/// Each draw takes the same trials from both systems. Trials of one group, as of one speaker or one
/// recording, aren't independent and are drawn together. The p value is the share of draws whose
/// difference, moved by the observed one, lies at least as far from 0 as the observed one does, with the
/// observation counted as a draw.
///
/// ## Reference
/// Efron and Tibshirani, An Introduction to the Bootstrap, 1993, sections 13.3 and 16.4.
///
/// - Parameters:
///   - first: The first system's value on each trial, for example 1 where it is right and else 0.
///   - second: The second system's values, in the same order.
///   - groups: The group of each trial; `nil` where each is its own.
///   - resamples: How often the groups are drawn again.
///   - confidence: The nominal coverage, between 0 and 1.
///   - seed: The seed of the draws.
/// - Returns: The difference and its p value.
/// - Throws: `MetricsError.tooFew` with fewer than two groups, `.countMismatch`, `.notFinite`.
public func pairedBootstrap(
    first: [Double], second: [Double], groups: [String]? = nil, resamples: Int = 2000,
    confidence: Double = 0.95, seed: UInt64
) throws -> PairedBootstrap {
    for (what, count) in [
        ("values of the second system", second.count), ("groups", groups?.count ?? first.count),
    ] where count != first.count {
        throw MetricsError.countMismatch(what: what, expected: first.count, found: count)
    }
    try requireFinite(first, "values of the first system")
    try requireFinite(second, "values of the second system")
    var numbers: [String: Int] = [:]
    var sums: [Double] = []
    var counts: [Int] = []
    for trial in first.indices {
        var number = sums.count
        if let groups {
            number = numbers[groups[trial]] ?? number
            numbers[groups[trial]] = number
        }
        if number == sums.count {
            sums.append(0)
            counts.append(0)
        }
        sums[number] += first[trial] - second[trial]
        counts[number] += 1
    }
    return try pairedBootstrap(
        count: sums.count, resamples: resamples, confidence: confidence, seed: seed
    ) { drawn in
        var (total, count) = (0.0, 0)
        for group in drawn {
            total += sums[group]
            count += counts[group]
        }
        return total / Double(count)
    }
}

/// The bootstrap of the difference of a statistic of two systems that isn't a mean over trials, an F1
/// score for one.
///
/// - Parameters:
///   - count: The number of trials, or of groups of them, that are drawn.
///   - resamples: How often they are drawn again.
///   - confidence: The nominal coverage, between 0 and 1.
///   - seed: The seed of the draws.
///   - difference: The first system's statistic on the drawn trials minus the second's; `nil` for a draw
///     that has none.
/// - Returns: The difference and its p value.
/// - Throws: `MetricsError.tooFew` with fewer than two trials or too many draws without a value,
///   `.notFinite`, what `difference` throws.
public func pairedBootstrap(
    count: Int, resamples: Int = 2000, confidence: Double = 0.95, seed: UInt64,
    difference: (_ drawn: [Int]) throws -> Double?
) throws -> PairedBootstrap {
    try requireCount(count, atLeast: 2, "groups of trials")
    var differences: [Double] = []
    let interval = try bootstrapInterval(
        count: count, resamples: resamples, confidence: confidence, seed: seed
    ) { drawn in
        let value = try difference(drawn)
        if let value { differences.append(value) }
        return value
    }
    // The first value is that of all trials once each.
    let observed = differences.removeFirst()
    // Sums in another order differ in their last bits.
    let least = abs(observed) * (1 - 1e-12)
    let extreme = differences.count { abs($0 - observed) >= least }
    return PairedBootstrap(
        difference: interval,
        probability: Double(extreme + 1) / Double(differences.count + 1))
}
