import ApusMetrics
import Foundation

/// Two systems on the same test recordings by a statistic that isn't a mean over them.
public struct StatisticComparison: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The system that is best on the development part.
    public var first: String
    /// The next one.
    public var second: String
    /// What is compared, such as "event F1".
    public var statistic: String
    /// The difference on the test part.
    public var bootstrap: PairedBootstrap

    /// A sentence under the table.
    public var description: String {
        let difference = bootstrap.difference
        return String(
            format:
                "%@ minus %@ (the two best on dev), %@: %+.1f points (%+.1f to %+.1f, bootstrap over "
                + "recordings, p = %.3f).",
            first, second, statistic, 100 * difference.estimate, 100 * difference.low,
            100 * difference.high, bootstrap.probability)
    }
}
