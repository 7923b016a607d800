/// Reads a file, or a part of one, as one channel at a wanted rate, block by block.
///
///     let reader = try SampleReader(SoundFile(path: "day.flac"), sampleRate: 16000)
///     while let block = try reader.next() { use(block) }
///
/// The blocks one after another are the samples of ``Waveform/init(contentsOf:offset:duration:channels:sampleRate:quality:raw:)``
/// to the bit; memory doesn't grow with the file.
///
/// An instance is used by one task at a time.
public final class SampleReader {
    /// The file that is read.
    public let file: SoundFile
    /// The rate of the samples (Hz).
    public let sampleRate: Int
    /// The number of samples to come in all, where the file holds what its header says.
    public let sampleCount: Int

    private let channels: ChannelSelection
    private let endFrame: Int
    private let resampler: StreamingResampler?
    private var nextFrame: Int
    private var isFinished = false
    private var failure: (any Error)?
    /// Samples at the file's rate, on their way to the resampler.
    private var block: [Float] = []

    /// Makes a reader at the start of a segment.
    ///
    /// Offset and duration become frames of the file by
    /// ``Waveform/sampleCount(seconds:sampleRate:)``. A segment may end up to 1 ms after the file's
    /// end, as times rounded to milliseconds do; it is then cut at the end.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - offset: Where to begin (s).
    ///   - duration: How much to read (s); nil for all that follows.
    ///   - channels: Which channels to keep.
    ///   - sampleRate: The rate to resample to (Hz); nil for the file's own.
    ///   - quality: How precise resampling is.
    /// - Throws: ``SignalError`` for a segment or a channel that is not in the file, and for a rate
    ///   that cannot be used.
    public convenience init(
        _ file: SoundFile, offset: Double = 0, duration: Double? = nil,
        channels: ChannelSelection = .mean, sampleRate: Int? = nil,
        quality: ResamplingQuality = .high
    ) throws {
        let (start, count) = try file.segment(offset: offset, duration: duration)
        try self.init(
            file, from: start, count: count, channels: channels, sampleRate: sampleRate,
            quality: quality)
    }

    /// Makes a reader at the start of a segment of whole frames.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - startFrame: The first frame to read.
    ///   - count: How many frames to read; nil for all that follow.
    ///   - channels: Which channels to keep.
    ///   - sampleRate: The rate to resample to (Hz); nil for the file's own.
    ///   - quality: How precise resampling is.
    /// - Throws: ``SignalError`` for a segment or a channel that is not in the file, and for a rate
    ///   that cannot be used.
    init(
        _ file: SoundFile, from startFrame: Int, count: Int?, channels: ChannelSelection,
        sampleRate: Int? = nil, quality: ResamplingQuality = .high
    ) throws {
        let frames = try file.frames(from: startFrame, count: count)
        if case .channel(let channel) = channels, !(0..<file.channelCount).contains(channel) {
            throw SignalError.noSuchChannel(
                path: file.path, channel: channel, channelCount: file.channelCount)
        }
        let rate = sampleRate ?? file.sampleRate
        resampler =
            rate == file.sampleRate
            ? nil
            : try StreamingResampler(
                from: file.sampleRate, to: rate, quality: quality, source: file.path)
        self.file = file
        self.channels = channels
        self.sampleRate = rate
        sampleCount = StreamingResampler.outputCount(
            of: frames.count, from: file.sampleRate, to: rate)
        nextFrame = frames.lowerBound
        endFrame = frames.upperBound
    }

    /// Gives the next samples.
    ///
    /// - Returns: At least one sample, or nil after the last.
    /// - Throws: ``SignalError`` where fewer frames can be read than the header says, and where a
    ///   sample is not finite; then each further call throws the same.
    public func next() throws -> [Float]? {
        var samples: [Float] = []
        return try append(to: &samples) ? samples : nil
    }

    /// Gives all samples that are left.
    ///
    /// - Returns: The samples with their rate.
    /// - Throws: ``SignalError`` as ``next()`` does.
    func rest() throws -> Waveform {
        var samples: [Float] = []
        // The count comes from a header, which may lie: what is reserved is bounded.
        samples.reserveCapacity(min(sampleCount, 1 << 22))
        while try append(to: &samples) {}
        return Waveform(samples: samples, sampleRate: sampleRate)
    }

    /// Appends the next samples, at least one; false after the last.
    private func append(to samples: inout [Float]) throws -> Bool {
        if let failure { throw failure }
        let before = samples.count
        do {
            while samples.count == before, !isFinished { try step(into: &samples) }
        } catch {
            failure = error
            throw error
        }
        return samples.count > before
    }

    private func step(into samples: inout [Float]) throws {
        guard nextFrame < endFrame else {
            isFinished = true
            let before = samples.count
            try resampler?.finish(into: &samples)
            try checkResampled(samples[before...])
            return
        }
        let count = min(file.framesPerBlock, endFrame - nextFrame)
        if let resampler {
            block.removeAll(keepingCapacity: true)
            try file.readBlock(from: nextFrame, count: count, channels: channels, into: &block)
            let before = samples.count
            try block.withUnsafeBufferPointer { try resampler.push($0, into: &samples) }
            try checkResampled(samples[before...])
        } else {
            try file.readBlock(from: nextFrame, count: count, channels: channels, into: &samples)
        }
        nextFrame += count
    }

    /// The sum that a filter makes of samples near the largest float may be infinite.
    private func checkResampled(_ samples: ArraySlice<Float>) throws {
        guard firstNonFiniteIndex(in: samples) == nil else {
            throw SignalError.resamplingFailed(
                path: file.path, reason: "its samples are too large for 32-bit floats")
        }
    }
}
