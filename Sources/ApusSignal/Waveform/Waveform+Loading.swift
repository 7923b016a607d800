extension Waveform {
    /// Reads a file, or a part of one, as one channel at a wanted rate.
    ///
    /// Offset and duration become frames of the file by ``sampleCount(seconds:sampleRate:)``. A
    /// segment may end up to 1 ms after the file's end, as times rounded to milliseconds do; it is
    /// then cut at the end.
    ///
    /// - Parameters:
    ///   - path: The file's path.
    ///   - offset: Where to begin (s).
    ///   - duration: How much to read (s); nil for all that follows.
    ///   - channels: Which channels to keep.
    ///   - sampleRate: The rate to resample to (Hz); nil for the file's own.
    ///   - quality: How precise resampling is.
    ///   - raw: What the samples are where the file has no header; nil where it has one.
    /// - Throws: ``SignalError`` as ``SoundFile`` does, for a segment outside the file, and for a
    ///   rate that cannot be used.
    public init(
        contentsOf path: String, offset: Double = 0, duration: Double? = nil,
        channels: ChannelSelection = .mean, sampleRate: Int? = nil,
        quality: ResamplingQuality = .high, raw: RawFormat? = nil
    ) throws {
        self = try SampleReader(
            SoundFile(path: path, raw: raw), offset: offset, duration: duration,
            channels: channels, sampleRate: sampleRate, quality: quality
        ).rest()
    }
}
