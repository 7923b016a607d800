/// The fraction of trials whose true class is among the `count` classes with the highest scores.
///
/// Of equal scores the class with the lower number comes first.
///
/// - Parameters:
///   - scores: N x classes scores.
///   - targets: The true class of each trial, in `0..<classCount`.
///   - classCount: The number of classes.
///   - count: How many classes may be named, k.
/// - Returns: A value in `0...1`.
/// - Throws: `MetricsError.tooFew`, `.countMismatch`, `.notFinite` or `.classOutOfRange`.
public func topKAccuracy(
    scores: [Float], targets: [Int], classCount: Int, count: Int
) throws -> Double {
    precondition(count > 0, "at least one class is named")
    try requireCount(targets.count, atLeast: 1, "targets")
    guard scores.count == targets.count * classCount else {
        throw MetricsError.countMismatch(
            what: "scores", expected: targets.count * classCount, found: scores.count)
    }
    try requireFinite(scores, "scores")
    var hits = 0
    for (trial, target) in targets.enumerated() {
        guard (0..<classCount).contains(target) else {
            throw MetricsError.classOutOfRange(
                what: "targets", index: trial, found: target, classCount: classCount)
        }
        let row = scores[trial * classCount..<(trial + 1) * classCount]
        let own = row[row.startIndex + target]
        let before = row.enumerated().count { $1 > own || ($1 == own && $0 < target) }
        if before < count { hits += 1 }
    }
    return Double(hits) / Double(targets.count)
}
