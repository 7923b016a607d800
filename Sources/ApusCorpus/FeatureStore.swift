import ApusSignal

/// The features of cuts, made once where they are always the same.
///
/// Features for extraction, and those for training without dither and without augmentation of
/// waveforms, are kept in memory as far as it goes. Where they are others in each epoch, the samples
/// are kept instead. The store can be used from any thread.
public final class FeatureStore: Sendable {
    /// How samples become features.
    public let frontEnd: FrontEnd
    /// What the features are for.
    public let purpose: FeaturePurpose
    /// The number of bytes of features or samples that are kept.
    public let cacheByteLimit: Int

    /// What the features of a cut depend on: its place in its file, and its id where something is
    /// drawn.
    private struct Key: Hashable {
        var id: String
        var audioPath: String
        var offset: Double
        var duration: Double?
        var channel: Int?

        init(_ cut: Cut) {
            (id, audioPath, channel) = (cut.id, cut.audioPath, cut.channel)
            (offset, duration) = (cut.offset, cut.duration)
        }
    }
    private let features: BoundedCache<Key, FeatureMatrix>
    private let waveforms: BoundedCache<Key, Waveform>
    private let extractors: ExtractorPool

    /// Makes an empty store.
    ///
    /// - Parameters:
    ///   - frontEnd: How samples become features.
    ///   - cacheByteLimit: The number of bytes of features or samples to keep; 0 keeps none.
    ///   - purpose: What the features are for.
    /// - Throws: `SignalError.invalidFrontEnd` where the front end's options cannot be used.
    /// - Precondition: An augmenter has the front end's sample rate.
    public init(
        frontEnd: FrontEnd, cacheByteLimit: Int = 1 << 30, purpose: FeaturePurpose = .extraction
    ) throws {
        if case .training(_, let augmenter?) = purpose {
            precondition(
                augmenter.sampleRate == frontEnd.sampleRate,
                "an augmenter has the front end's sample rate")
        }
        self.frontEnd = frontEnd
        self.cacheByteLimit = cacheByteLimit
        self.purpose = purpose
        let valueSize = MemoryLayout<Float>.stride
        features = BoundedCache(byteLimit: cacheByteLimit) { $0.values.count * valueSize }
        waveforms = BoundedCache(byteLimit: cacheByteLimit) { $0.samples.count * valueSize }
        extractors = try ExtractorPool(frontEnd)
    }

    /// The number of bytes of features or samples in the cache.
    public var cachedByteCount: Int { features.byteCount + waveforms.byteCount }

    /// What augments the recordings, if anything.
    var augmenter: Augmenter? {
        if case .training(_, let augmenter) = purpose { augmenter } else { nil }
    }

    /// Whether a cut's features are others in each epoch.
    private var variesByEpoch: Bool {
        switch purpose {
        case .extraction: false
        case .training(_, let augmenter):
            frontEnd.dither > 0 || augmenter?.options.changesWaveforms == true
        }
    }

    /// The features of a cut, T x D: the same bits whether anything was cached or not.
    ///
    /// Masks of SpecAugment belong to crops and are not among them.
    ///
    /// - Parameters:
    ///   - cut: The cut.
    ///   - epoch: The epoch, counted from 0; it matters for training alone.
    ///   - repetition: How many times the cut was taken in the epoch before.
    /// - Returns: The features.
    /// - Throws: `CorpusError.badRecording` with the id of the cut and the reason.
    public func features(
        of cut: Cut, epoch: Int = 0, repetition: Int = 0
    ) throws(CorpusError) -> FeatureMatrix {
        try trainingFeatures(of: cut, epoch: epoch, repetition: repetition).matrix
    }

    /// The features of a cut, and the number of frames that crops of it are planned for.
    func trainingFeatures(
        of cut: Cut, epoch: Int, repetition: Int
    ) throws(CorpusError) -> (matrix: FeatureMatrix, plannedFrameCount: Int) {
        do {
            guard variesByEpoch, case .training(let seed, let augmenter) = purpose else {
                let matrix = try features.value(for: Key(cut)) {
                    try extractors.features(
                        of: cut.waveform(for: frontEnd), source: cut.audioPath,
                        ditherSeed: nil)
                }
                return (matrix, matrix.frameCount)
            }
            let clean = try waveforms.value(for: Key(cut)) {
                try cut.waveform(for: frontEnd)
            }
            let heard =
                try augmenter?.waveform(clean, id: cut.id, epoch: epoch, repetition: repetition)
                ?? clean
            var generator = SeededGenerator(
                seed: seed, stream: "dither/" + cut.id, epoch, repetition)
            let matrix = try extractors.features(
                of: heard, source: cut.audioPath, ditherSeed: generator.next())
            return (matrix, plannedFrameCount(sampleCount: clean.samples.count))
        } catch {
            throw badRecording(cut, error)
        }
    }

    /// The features of every cut, made by several threads.
    ///
    /// - Parameters:
    ///   - cuts: The cuts.
    ///   - workers: How many are made at a time.
    /// - Returns: The features or the problem of each cut, in the order of the cuts.
    public func features(
        of cuts: [Cut], workers: Int = 2
    ) -> [Result<FeatureMatrix, CorpusError>] {
        concurrentMap(cuts, workers: workers) { cut in
            do throws(CorpusError) {
                return .success(try self.features(of: cut))
            } catch {
                return .failure(error)
            }
        }
    }

    /// The frames of a recording of N samples that are there under every speed that is on.
    func plannedFrameCount(sampleCount: Int) -> Int {
        frontEnd.frameCount(
            sampleCount: augmenter?.fewestSamples(of: sampleCount) ?? sampleCount)
    }
}

/// A cut that could not be read or used, with the reason, and where it was listed if that is
/// elsewhere than the recordings.
package func badRecording(_ cut: Cut, _ error: any Error, origin: String? = nil) -> CorpusError {
    .badRecording(
        id: cut.id, path: cut.audioPath,
        reason: ReadingProblem(error).reason + (origin.map { " (\($0))" } ?? ""))
}

extension Cut {
    /// The channels to read: the one that is named, or the mean of all.
    public var channelSelection: ChannelSelection { channel.map { .channel($0) } ?? .mean }

    /// The cut's samples at a front end's rate.
    ///
    /// - Parameter frontEnd: Whose rate and resampling.
    /// - Returns: The samples.
    /// - Throws: `SignalError` where they can't be read.
    public func waveform(for frontEnd: FrontEnd) throws -> Waveform {
        try waveform(sampleRate: frontEnd.sampleRate, quality: frontEnd.resampling)
    }

    /// The cut's samples at a rate.
    func waveform(
        sampleRate: Int, quality: ResamplingQuality = .high
    ) throws -> Waveform {
        try Waveform(
            contentsOf: audioPath, offset: offset, duration: duration, channels: channelSelection,
            sampleRate: sampleRate, quality: quality)
    }
}
