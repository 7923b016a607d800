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
    /// - Throws: ``SignalError`` as ``SoundFile`` does, for a segment outside the file, and for a
    ///   rate that cannot be used.
    public init(
        contentsOf path: String, offset: Double = 0, duration: Double? = nil,
        channels: ChannelSelection = .mean, sampleRate: Int? = nil
    ) throws {
        let file = try SoundFile(path: path)
        guard offset.isFinite, duration?.isFinite ?? true else {
            throw SignalError.segmentOutside(
                path: path, start: 0, count: 0, frameCount: file.frameCount)
        }
        let start = Waveform.sampleCount(seconds: offset, sampleRate: file.sampleRate)
        var count = duration.map {
            Waveform.sampleCount(seconds: $0, sampleRate: file.sampleRate)
        }
        if let asked = count, (0..<file.frameCount).contains(start) {
            let available = file.frameCount - start
            let tolerance = max(1, file.sampleRate / 1000)
            if asked > available, asked - available <= tolerance { count = available }
        }
        self = try file.read(from: start, count: count, channels: channels)
        if let sampleRate { self = try resampled(to: sampleRate, path: path) }
    }
}
