/// The p values of several tests, adjusted so that one bound holds for all of them together.
///
/// Of m tests the one with the k-th smallest p value has (m - k + 1) p, at least that of the one before and
/// at most 1. Rejecting those at or below a level rejects no true hypothesis with at least 1 - level
/// probability, however the tests depend on each other.
///
/// ## Reference
/// Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979.
///
/// - Parameter probabilities: The p values.
/// - Returns: The adjusted p values, in the same order.
public func holmAdjusted(_ probabilities: [Double]) -> [Double] {
    var adjusted = probabilities
    var largest = 0.0
    for (rank, test) in probabilities.indices.sorted(by: { probabilities[$0] < probabilities[$1] })
        .enumerated()
    {
        largest = max(largest, min(1, Double(probabilities.count - rank) * probabilities[test]))
        adjusted[test] = largest
    }
    return adjusted
}
