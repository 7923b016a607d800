/// Computes the features of a file block by block, in memory that doesn't grow with the file.
///
///     let reader = try FeatureReader(SoundFile(path: "day.flac"), .kaldi)
///     while let block = try reader.next() { try writer.append(block) }
///
/// The blocks one after another are, bit for bit, what ``FeatureExtractor`` computes of the whole.
/// Front ends that depend on the recording as a whole read the file once more for its largest value,
/// and once more for its statistics. An instance is used by one task at a time.
public final class FeatureReader {
    /// The file that is read.
    public let file: SoundFile
    /// What the features are.
    public let frontEnd: FrontEnd
    /// The number of frames T to come in all, where the file holds what its header says.
    public let frameCount: Int

    private let makeSamples: () throws -> SampleReader
    private let ditherSeed: UInt64?
    private let analyzer: SpectrumAnalyzer
    private let pipeline: FeaturePipeline
    private var maximum: Float?
    private var statistics: FeatureStatistics?
    private var samples: SampleReader?
    private var givenCount = 0

    /// Prepares a reader; where the front end needs it, reads the file for that.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - frontEnd: What the features are.
    ///   - offset: Where to begin (s).
    ///   - duration: How much to read (s); nil for all that follows.
    ///   - channels: Which channels to keep.
    ///   - ditherSeed: What fixes the noise of a front end with dither; nil for no noise.
    /// - Throws: ``SignalError`` for a front end that cannot be used, a segment or a channel that is
    ///   not in the file, ``SignalError/tooShort(path:samples:needed:)`` for less than a frame, and
    ///   what reading the file throws.
    public init(
        _ file: SoundFile, _ frontEnd: FrontEnd, offset: Double = 0, duration: Double? = nil,
        channels: ChannelSelection = .mean, ditherSeed: UInt64? = nil
    ) throws {
        try frontEnd.validate()
        self.file = file
        self.frontEnd = frontEnd
        self.ditherSeed = ditherSeed
        analyzer = SpectrumAnalyzer(frontEnd)
        pipeline = FeaturePipeline(frontEnd, analyzer: analyzer)
        makeSamples = {
            try SampleReader(
                file, offset: offset, duration: duration, channels: channels,
                sampleRate: frontEnd.sampleRate, quality: frontEnd.resampling)
        }
        let sampleCount = try makeSamples().sampleCount
        frameCount = frontEnd.frameCount(sampleCount: sampleCount)
        guard frameCount > 0 else {
            throw SignalError.tooShort(
                path: file.path, samples: sampleCount, needed: frontEnd.smallestSampleCount)
        }
        if frontEnd.needsMaximum {
            try forEachBlock { rows, _ in
                guard let largest = pipeline.maximum(of: rows) else { return }
                maximum = max(maximum ?? largest, largest)
            }
        }
        if frontEnd.needsStatistics {
            var accumulator = FeatureStatisticsAccumulator(featureCount: pipeline.levelCount)
            try forEachBlock { rows, isLast in
                accumulator.add(pipeline.levels(rows, maximum: maximum, isLast: isLast))
            }
            statistics = accumulator.finalize().map(pipeline.normalization)
        }
        samples = try makeSamples()
        analyzer.begin(ditherSeed: ditherSeed)
    }

    /// Gives the next frames.
    ///
    /// - Returns: At least one frame of D features, or nil after the last.
    /// - Throws: ``SignalError`` where fewer frames can be read than the header says, where a sample
    ///   is not finite, and where samples or features are too large.
    public func next() throws -> FeatureMatrix? {
        while let samples {
            let block = try samples.next()
            if let block { try analyzer.check(block, source: file.path) }
            if block == nil { self.samples = nil }
            let rows = analyzer(block ?? [], isLast: block == nil)
            let levels = pipeline.levels(rows, maximum: maximum, isLast: block == nil)
            let values = pipeline.sequence(levels, statistics: statistics, isLast: block == nil)
            if !values.isEmpty {
                let features = FeatureMatrix(
                    values: values, frameCount: values.count / frontEnd.featureCount,
                    featureCount: frontEnd.featureCount)
                try features.checkFinite(source: file.path, firstFrame: givenCount)
                givenCount += features.frameCount
                return features
            }
        }
        return nil
    }

    /// Reads the whole file into rows of bins or bands.
    private func forEachBlock(_ body: (_ rows: [Float], _ isLast: Bool) -> Void) throws {
        let samples = try makeSamples()
        analyzer.begin(ditherSeed: ditherSeed)
        while let block = try samples.next() {
            try analyzer.check(block, source: file.path)
            body(analyzer(block, isLast: false), false)
        }
        body(analyzer([], isLast: true), true)
    }
}
