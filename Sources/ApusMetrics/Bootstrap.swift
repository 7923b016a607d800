/// The percentile bootstrap interval of any statistic of `count` independent trials.
///
/// Draws `count` trial indices with replacement, `resamples` times, and takes the
/// (1 - confidence) / 2 and (1 + confidence) / 2 quantiles of the statistic, with linear
/// interpolation between order statistics. The same seed gives the same interval.
///
/// ## Reference
/// Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.
///
/// - Parameters:
///   - count: The number of independent trials.
///   - resamples: How often the trials are drawn again.
///   - confidence: The nominal coverage, between 0 and 1.
///   - seed: The seed of the draws.
///   - statistic: The value of the statistic over the trials at the given indices, which may repeat;
///     `nil` where these have none, as when one of two kinds is missing. They are drawn again then.
/// - Returns: The statistic over all trials once each, and the interval.
/// - Throws: `MetricsError.tooFew` without trials or where half of the draws have no value,
///   `.notFinite` where the statistic is not a number, and whatever `statistic` throws.
public func bootstrapInterval(
    count: Int, resamples: Int = 2000, confidence: Double = 0.95, seed: UInt64,
    statistic: (_ indices: [Int]) throws -> Double?
) throws -> ConfidenceInterval {
    let replicates = try bootstrapReplicates(count: count, resamples: resamples, seed: seed) {
        try statistic($0).map { [$0] }
    }
    return try replicates[0].interval(confidence: confidence)
}

/// A statistic over all trials once each, and over the trials of each draw of a bootstrap.
public struct BootstrapReplicates: Hashable, Sendable {
    /// The statistic over all trials once each.
    public var estimate: Double
    /// The statistic over each draw, in the order of the draws.
    public var values: [Double]

    /// The percentile interval.
    ///
    /// The (1 - confidence) / 2 and (1 + confidence) / 2 quantiles of the values, with linear
    /// interpolation between order statistics.
    ///
    /// - Parameter confidence: The nominal coverage, between 0 and 1.
    /// - Returns: The statistic over all trials once each, and the interval.
    /// - Throws: `MetricsError.notFinite` where the statistic is not a number.
    public func interval(confidence: Double = 0.95) throws -> ConfidenceInterval {
        precondition(confidence > 0 && confidence < 1, "the confidence lies between 0 and 1")
        try requireFinite([estimate], "statistic over all trials")
        try requireFinite(values, "statistic over the resamples")
        let sorted = values.sorted()
        let tail = (1 - confidence) / 2
        return ConfidenceInterval(
            estimate: estimate, low: quantile(tail, ofSorted: sorted),
            high: quantile(1 - tail, ofSorted: sorted), confidence: confidence)
    }
}

/// Several statistics of `count` independent trials over the same draws of them.
///
/// Draws `count` trial indices with replacement, `resamples` times. The same seed gives the same draws,
/// so that statistics of two systems on the same trials are paired.
///
/// - Parameters:
///   - count: The number of independent trials.
///   - resamples: How often the trials are drawn again.
///   - seed: The seed of the draws.
///   - statistics: The values of the statistics over the trials at the given indices, which may repeat;
///     `nil` where these have none, as when one of two kinds is missing. They are drawn again then.
/// - Returns: The values of each statistic.
/// - Throws: `MetricsError.tooFew` without trials or where half of the draws have no value,
///   `.notFinite` where all trials once each have none, and whatever `statistics` throws.
public func bootstrapReplicates(
    count: Int, resamples: Int = 2000, seed: UInt64,
    statistics: (_ indices: [Int]) throws -> [Double]?
) throws -> [BootstrapReplicates] {
    precondition(resamples > 1, "a bootstrap needs at least two resamples")
    try requireCount(count, atLeast: 1, "trials")
    guard let estimates = try statistics(Array(0..<count)) else {
        throw MetricsError.notFinite(what: "statistic over all trials", index: 0)
    }
    var replicates = estimates.map { BootstrapReplicates(estimate: $0, values: []) }
    var generator = ResamplingGenerator(state: seed)
    var indices = [Int](repeating: 0, count: count)
    var found = 0
    for _ in 0..<2 * resamples where found < resamples {
        for position in indices.indices { indices[position] = generator.index(below: count) }
        guard let values = try statistics(indices) else { continue }
        precondition(values.count == estimates.count, "a value of each statistic")
        for (index, value) in values.enumerated() { replicates[index].values.append(value) }
        found += 1
    }
    try requireCount(found, atLeast: resamples, "resamples with a value")
    return replicates
}

/// The bootstrap interval of the mean over groups of values that belong together.
///
/// A group is one trial with its value under each seed: values of one trial go together and are
/// not independent, so whole groups are drawn (cluster bootstrap). The estimate is the mean of all
/// values, each with the same weight.
///
/// ## Reference
/// Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8 (the first of
/// the two schemes: groups with replacement, all of a group's values).
///
/// - Parameters:
///   - groups: One list of values for each trial; none may be empty.
///   - resamples: How often the groups are drawn again.
///   - confidence: The nominal coverage, between 0 and 1.
///   - seed: The seed of the draws.
/// - Returns: The mean of all values, and the interval.
/// - Throws: `MetricsError.tooFew` without groups or at an empty one, `.notFinite` at a value that
///   is not a finite number.
public func bootstrapInterval(
    ofMeanOver groups: [[Double]], resamples: Int = 2000, confidence: Double = 0.95, seed: UInt64
) throws -> ConfidenceInterval {
    for (index, group) in groups.enumerated() {
        try requireCount(group.count, atLeast: 1, "values of trial \(index)")
        try requireFinite(group, "values of trial \(index)")
    }
    let sums = groups.map { $0.reduce(0, +) }
    return try bootstrapInterval(
        count: groups.count, resamples: resamples, confidence: confidence, seed: seed
    ) { indices in
        var total = 0.0
        var count = 0
        for index in indices {
            total += sums[index]
            count += groups[index].count
        }
        return total / Double(count)
    }
}

/// The quantile at `fraction` with linear interpolation between the sorted values.
private func quantile(_ fraction: Double, ofSorted values: [Double]) -> Double {
    let position = fraction * Double(values.count - 1)
    let lower = Int(position)
    let upper = min(lower + 1, values.count - 1)
    return values[lower] + (position - Double(lower)) * (values[upper] - values[lower])
}

/// SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014).
private struct ResamplingGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// The high half of a 64 x 64 bit product: uniform to within count / 2^64.
    mutating func index(below count: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(count)).high)
    }
}
