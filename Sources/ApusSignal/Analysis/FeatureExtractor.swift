/// Computes the features that a ``FrontEnd`` describes, of recordings in memory.
///
/// An instance owns its plan and its buffers and is used by one task at a time. Features of the same
/// samples are the same bits in every instance and on every thread, and in a ``FeatureStream``.
public final class FeatureExtractor {
    /// What the features are.
    public let frontEnd: FrontEnd

    private let analyzer: SpectrumAnalyzer
    private let pipeline: FeaturePipeline

    /// Prepares the window, the mel bands and the transform.
    ///
    /// - Parameter frontEnd: What the features are.
    /// - Throws: ``SignalError/invalidFrontEnd(option:expected:found:)`` for options that cannot be
    ///   used.
    public init(_ frontEnd: FrontEnd) throws {
        try frontEnd.validate()
        self.frontEnd = frontEnd
        analyzer = SpectrumAnalyzer(frontEnd)
        pipeline = FeaturePipeline(frontEnd, analyzer: analyzer)
    }

    /// Computes the features of a recording.
    ///
    /// - Parameters:
    ///   - waveform: N samples; at another rate than the front end's they are resampled first.
    ///   - source: The name of the recording in errors.
    ///   - ditherSeed: What fixes the noise of a front end with dither; nil for no noise, as anywhere
    ///     but in training.
    /// - Returns: T x D features.
    /// - Throws: ``SignalError/tooShort(path:samples:needed:)`` for less than one frame,
    ///   ``SignalError/nonFinite(path:index:)`` for samples that are no numbers,
    ///   ``SignalError/samplesTooLarge(path:limit:)`` for those whose powers may be none,
    ///   ``SignalError/nonFiniteFeatures(path:frame:)`` where options make the features so large.
    public func callAsFunction(
        _ waveform: Waveform, source: String = SignalError.inMemory, ditherSeed: UInt64? = nil
    ) throws -> FeatureMatrix {
        let isResampled = waveform.sampleRate != frontEnd.sampleRate
        if isResampled, let index = firstNonFiniteIndex(in: waveform.samples) {
            throw SignalError.nonFinite(path: source, index: index)
        }
        let atRate = try waveform.resampled(
            to: frontEnd.sampleRate, quality: frontEnd.resampling, path: source)
        try analyzer.check(atRate.samples, source: source, first: isResampled ? nil : 0)
        let frameCount = frontEnd.frameCount(sampleCount: atRate.samples.count)
        guard frameCount > 0 else {
            throw SignalError.tooShort(
                path: source, samples: atRate.samples.count,
                needed: frontEnd.smallestSampleCount)
        }
        analyzer.begin(ditherSeed: ditherSeed)
        let rows = analyzer.rows(
            of: atRate.samples,
            frameCount: frontEnd.analysisFrameCount(sampleCount: atRate.samples.count))
        let maximum = frontEnd.needsMaximum ? pipeline.maximum(of: rows) : nil
        let levels = pipeline.levels(rows, maximum: maximum, isLast: true)
        var statistics: FeatureStatistics?
        if frontEnd.needsStatistics {
            var accumulator = FeatureStatisticsAccumulator(featureCount: pipeline.levelCount)
            accumulator.add(levels)
            statistics = accumulator.finalize().map(pipeline.normalization)
        }
        let values = pipeline.sequence(levels, statistics: statistics, isLast: true)
        let features = FeatureMatrix(
            values: values, frameCount: frameCount, featureCount: frontEnd.featureCount)
        try features.checkFinite(source: source)
        return features
    }
}
