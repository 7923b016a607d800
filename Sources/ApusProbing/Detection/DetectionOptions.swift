import ApusMetrics

/// How detection of events is probed.
public struct DetectionOptions: Codable, Hashable, Sendable {
    /// The largest number of frames that are learned from.
    public var trainingFrames = 60_000
    /// The largest number of frames that layer and C are chosen on.
    public var developmentFrames = 30_000
    /// The values of C to choose from.
    public var inverseRegularizations = [1e-3, 0.1, 10]
    /// The thresholds to choose from, between 0 and 1.
    public var thresholds = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    /// The lengths of the median filter to choose from, in seconds.
    public var medianSeconds = [0.0, 0.1, 0.2, 0.4, 0.8]
    /// How far events may lie apart to be the same.
    public var tolerance = EventTolerance()
    /// The length of a segment, in seconds.
    public var segment = 1.0
    /// When a fit ends.
    public var stopping = LogisticRegression.Stopping(maximumIterations: 100, tolerance: 1e-4)
    /// The resamples of a bootstrap over test recordings.
    public var resamples = 1000

    /// The defaults.
    public init() {}
}
