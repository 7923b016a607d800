/// Identification among enrolled classes where a recording may be of none of them.
///
/// A recording's score is its highest with an enrolled class, and it is accepted as that class's where the
/// score lies above a threshold. Of the recordings of enrolled classes the identification rate is the share
/// that is accepted as the right class (DIR, detection and identification rate at rank one), of those of
/// strangers the false-alarm rate is the share that is accepted as anyone's (Phillips, Grother and Micheals,
/// Evaluation Methods in Face Recognition, 2011).
public struct OpenSetIdentification: Sendable {
    /// One threshold.
    public struct Point: Hashable, Sendable, Codable {
        /// A score above this is accepted.
        public var threshold: Double
        /// The share of strangers' recordings that are accepted.
        public var falseAlarmRate: Double
        /// The share of enrolled classes' recordings that are accepted as the right class.
        public var identificationRate: Double
    }

    /// The scores of what is identified rightly if it is accepted, ascending.
    private let identified: [Double]
    private let enrolledCount: Int
    /// Ascending.
    private let strangers: [Double]

    /// Takes scores.
    ///
    /// - Parameters:
    ///   - enrolled: Of each recording of an enrolled class its highest score, and whether it is with the right
    ///     class.
    ///   - strangers: Of each other recording its highest score.
    /// - Throws: `MetricsError.tooFew` without recordings of both kinds, `.notFinite` at a score that is not a
    ///   finite number.
    public init(enrolled: [(isRight: Bool, score: Double)], strangers: [Double]) throws {
        try requireCount(enrolled.count, atLeast: 1, "recordings of enrolled classes")
        try requireCount(strangers.count, atLeast: 1, "recordings of strangers")
        try requireFinite(enrolled.map(\.score), "scores of enrolled classes' recordings")
        try requireFinite(strangers, "scores of strangers' recordings")
        identified = enrolled.filter(\.isRight).map(\.score).sorted()
        enrolledCount = enrolled.count
        self.strangers = strangers.sorted()
    }

    /// The lowest threshold at which no more than a share of strangers' recordings are accepted.
    ///
    /// - Parameter falseAlarmRate: The share, in `0..<1`.
    /// - Returns: The threshold: the score of a stranger's recording.
    public func threshold(falseAlarmRate: Double) -> Double {
        precondition((0..<1).contains(falseAlarmRate), "a rate lies between 0 and 1")
        let accepted = Int(falseAlarmRate * Double(strangers.count))
        return strangers[strangers.count - 1 - accepted]
    }

    /// What a threshold gives.
    ///
    /// - Parameter threshold: A score above this is accepted.
    /// - Returns: The rates at it.
    public func point(above threshold: Double) -> Point {
        Point(
            threshold: threshold,
            falseAlarmRate: Double(strangers.count - rank(of: threshold, in: strangers))
                / Double(strangers.count),
            identificationRate: Double(identified.count - rank(of: threshold, in: identified))
                / Double(enrolledCount))
    }

    /// Every false-alarm rate that a threshold has, with its highest identification rate.
    ///
    /// - Returns: The points, with rising false-alarm rates.
    public func tradeoff() -> [Point] {
        // Between two strangers' scores only identifications are lost.
        var thresholds: [Double] = []
        for score in strangers.reversed() where thresholds.last != score {
            thresholds.append(score)
        }
        // Below all scores, and still a number that files can hold.
        let least = min(strangers[0], identified.first ?? strangers[0]).nextDown
        return thresholds.map(point) + [point(above: least)]
    }

    /// How many of sorted scores are at most a threshold.
    private func rank(of threshold: Double, in scores: [Double]) -> Int {
        var (low, high) = (0, scores.count)
        while low < high {
            let middle = (low + high) / 2
            if scores[middle] <= threshold { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
