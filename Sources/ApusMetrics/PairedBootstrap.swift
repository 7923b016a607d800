/// The difference of two systems on the same trials.
public struct PairedBootstrap: Hashable, Sendable, Codable {
    /// The first system's value minus the second's, with its percentile interval.
    public var difference: ConfidenceInterval
    /// The two-sided p value of no difference.
    public var probability: Double
}

extension PairedBootstrap {
    /// The difference of a statistic of two systems by its values over the same draws.
    ///
    /// - Parameters:
    ///   - first: The first system's values.
    ///   - second: The second system's, over the same draws in the same order.
    ///   - confidence: The nominal coverage, between 0 and 1.
    /// - Throws: `MetricsError.countMismatch`, `.notFinite`.
    public init(
        first: BootstrapReplicates, second: BootstrapReplicates, confidence: Double = 0.95
    ) throws {
        guard first.values.count == second.values.count else {
            throw MetricsError.countMismatch(
                what: "draws of the second system", expected: first.values.count,
                found: second.values.count)
        }
        try self.init(
            BootstrapReplicates(
                estimate: first.estimate - second.estimate,
                values: zip(first.values, second.values).map { $0 - $1 }), confidence: confidence)
    }

    fileprivate init(_ replicates: BootstrapReplicates, confidence: Double) throws {
        difference = try replicates.interval(confidence: confidence)
        let observed = replicates.estimate
        // Sums in another order differ in their last bits.
        let least = abs(observed) * (1 - 1e-12)
        let extreme = replicates.values.count { abs($0 - observed) >= least }
        probability = Double(extreme + 1) / Double(replicates.values.count + 1)
    }
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
    let replicates = try bootstrapReplicates(count: count, resamples: resamples, seed: seed) {
        try difference($0).map { [$0] }
    }
    return try PairedBootstrap(replicates[0], confidence: confidence)
}
