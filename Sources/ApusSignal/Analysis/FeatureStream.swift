/// Computes features of samples that arrive in pieces, in bounded memory.
///
/// The features are, bit for bit, those that ``FeatureExtractor`` computes of the whole, however the
/// samples are cut. For samples that come live:
///
///     let stream = try FeatureStream(.kaldi, sampleRate: 48_000)
///     while let samples = microphone.read() { use(try stream.push(samples)) }
///     use(try stream.finish())
///
/// ``latency`` says how long a frame waits for samples after its own. An instance is used by one task
/// at a time; after ``finish()`` it takes the next recording.
public final class FeatureStream {
    /// What the features are.
    public let frontEnd: FrontEnd
    /// The rate of the samples that are pushed (Hz).
    public let sampleRate: Int

    private let source: String
    private let ditherSeed: UInt64?
    private let analyzer: SpectrumAnalyzer
    private let pipeline: FeaturePipeline
    private var resampler: StreamingResampler?
    private var pushedCount = 0
    private var givenCount = 0
    private var hasBegun = false

    /// Prepares a stream.
    ///
    /// - Parameters:
    ///   - frontEnd: What the features are.
    ///   - sampleRate: The rate of the samples that are pushed (Hz); nil for the front end's.
    ///   - source: The name of the recording in errors.
    ///   - ditherSeed: What fixes the noise of a front end with dither; nil for no noise.
    /// - Throws: ``SignalError/invalidFrontEnd(option:expected:found:)`` for options that cannot be
    ///   used, and for those that need the whole recording first: `dynamicRange`, `logReference`
    ///   `maximum`, and normalization by the recording. ``SignalError`` for rates that cannot be
    ///   resampled.
    public init(
        _ frontEnd: FrontEnd, sampleRate: Int? = nil, source: String = SignalError.inMemory,
        ditherSeed: UInt64? = nil
    ) throws {
        try frontEnd.validate()
        if frontEnd.needsWholeRecording {
            throw SignalError.invalidFrontEnd(
                option: frontEnd.needsStatistics ? "normalization" : "dynamicRange or logReference",
                expected: "in a stream, nothing that depends on samples to come",
                found: frontEnd.needsStatistics
                    ? "the recording's own statistics" : "the recording's own maximum")
        }
        self.frontEnd = frontEnd
        self.sampleRate = sampleRate ?? frontEnd.sampleRate
        self.source = source
        self.ditherSeed = ditherSeed
        analyzer = SpectrumAnalyzer(frontEnd)
        pipeline = FeaturePipeline(frontEnd, analyzer: analyzer)
        // A rate that cannot be resampled is found here, not at the first samples.
        resampler = try makeResampler()
    }

    /// How long the last sample of a frame may wait, at most, until the frame is given (s).
    ///
    /// That is the delay of the resampler, of frames that deltas, sliding normalization and stacking
    /// look ahead, and of the samples that a caller pushes at once, which come on top.
    ///
    /// - Throws: ``SignalError/resamplingFailed(path:reason:)`` where the resampler fails.
    public var latency: Double {
        get throws {
            let ahead = frontEnd.framesAhead * frontEnd.frameShiftInSamples
            return Double(ahead) / Double(frontEnd.sampleRate)
                + (try makeResampler()?.latency ?? 0)
        }
    }

    /// Takes the next samples.
    ///
    /// - Parameter samples: Any number of samples, at ``sampleRate``.
    /// - Returns: The features that are ready, no frames at times.
    /// - Throws: ``SignalError/nonFinite(path:index:)`` for samples that are no numbers, and
    ///   ``SignalError/samplesTooLarge(path:limit:)`` and
    ///   ``SignalError/nonFiniteFeatures(path:frame:)`` as ``FeatureExtractor`` does; the stream
    ///   cannot go on after it.
    public func push(_ samples: [Float]) throws -> FeatureMatrix {
        if !hasBegun {
            analyzer.begin(ditherSeed: ditherSeed)
            hasBegun = true
        }
        if resampler != nil, let index = firstNonFiniteIndex(in: samples) {
            throw SignalError.nonFinite(path: source, index: pushedCount + index)
        }
        let atRate = try resampler?.push(samples) ?? samples
        try analyzer.check(atRate, source: source, first: resampler == nil ? pushedCount : nil)
        pushedCount += samples.count
        return try features(of: atRate, isLast: false)
    }

    /// Ends the recording.
    ///
    /// - Returns: The features that were held back.
    /// - Throws: ``SignalError/tooShort(path:samples:needed:)`` where the recording was too short for a
    ///   frame, ``SignalError/nonFiniteFeatures(path:frame:)`` as ``push(_:)`` does.
    public func finish() throws -> FeatureMatrix {
        if !hasBegun { analyzer.begin(ditherSeed: ditherSeed) }
        let rest = try resampler?.finish() ?? []
        try analyzer.check(rest, source: source)
        let last = try features(of: rest, isLast: true)
        defer { (hasBegun, pushedCount, givenCount) = (false, 0, 0) }
        resampler = try makeResampler()
        let count = analyzer.sampleCount
        guard frontEnd.frameCount(sampleCount: count) > 0 else {
            throw SignalError.tooShort(
                path: source, samples: count, needed: frontEnd.smallestSampleCount)
        }
        return last
    }

    private func features(of samples: [Float], isLast: Bool) throws -> FeatureMatrix {
        let rows = analyzer(samples, isLast: isLast)
        let levels = pipeline.levels(rows, maximum: nil, isLast: isLast)
        let values = pipeline.sequence(levels, statistics: nil, isLast: isLast)
        let features = FeatureMatrix(
            values: values, frameCount: values.count / frontEnd.featureCount,
            featureCount: frontEnd.featureCount)
        try features.checkFinite(source: source, firstFrame: givenCount)
        givenCount += features.frameCount
        return features
    }

    private func makeResampler() throws -> StreamingResampler? {
        sampleRate == frontEnd.sampleRate
            ? nil
            : try StreamingResampler(
                from: sampleRate, to: frontEnd.sampleRate, quality: frontEnd.resampling,
                source: source)
    }
}

extension FrontEnd {
    /// The number of analysed frames that a frame of features waits for.
    var framesAhead: Int {
        let deltas = deltaWindow * (deltaMethod == .savitzkyGolay ? min(deltaOrder, 1) : deltaOrder)
        var window = 0
        if case .sliding(let sliding, _) = normalization {
            // The first frames of a centred window wait for the whole of it.
            window = sliding.isCentered ? sliding.frameCount : sliding.minimumFrameCount
        }
        return deltas + window + stacking.right
    }
}
