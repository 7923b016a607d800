/// An estimate and the interval around it.
public struct ConfidenceInterval: Hashable, Sendable, Codable {
    /// The estimate from all the data.
    public var estimate: Double
    /// The lower end of the interval.
    public var low: Double
    /// The upper end of the interval.
    public var high: Double
    /// The fraction of such intervals that hold the true value, for example 0.95.
    public var confidence: Double

    /// Makes an interval from its parts.
    ///
    /// - Parameters:
    ///   - estimate: The estimate from all the data.
    ///   - low: The lower end.
    ///   - high: The upper end.
    ///   - confidence: The nominal coverage, between 0 and 1.
    public init(estimate: Double, low: Double, high: Double, confidence: Double) {
        self.estimate = estimate
        self.low = low
        self.high = high
        self.confidence = confidence
    }
}
