import CSndfile
import Foundation

/// An open audio file of any format that libsndfile reads.
///
/// An instance is used by one task at a time.
public final class SoundFile {
    /// The path as it was given.
    public let path: String
    /// Frames a second (Hz).
    public let sampleRate: Int
    /// The number of channels C.
    public let channelCount: Int
    /// The number of frames; a frame is one sample of every channel.
    public let frameCount: Int
    /// Container and encoding in words, such as "FLAC (Free Lossless Audio Codec), Signed 16 bit PCM".
    public let formatDescription: String

    private let handle: OpaquePointer
    private let canRewind: Bool
    private let canJump: Bool
    private var position = 0

    /// Opens a file and reads its header.
    ///
    /// - Parameter path: The file's path.
    /// - Throws: ``SignalError`` where the file is missing, unreadable, empty, not audio, holds no
    ///   samples, has an impossible sample rate, or is seen to be cut off before its end.
    public init(path: String) throws {
        self.path = path
        try SoundFile.checkBytes(path)
        var info = SF_INFO()
        do {
            handle = try SoundLibrary.open(.path(path), mode: SFM_READ, info: &info)
        } catch let failure as SoundLibrary.Failure {
            throw failure.isUnrecognized
                ? SignalError.notAudio(path: path, reason: failure.reason)
                : SignalError.unreadable(path: path, reason: failure.reason)
        }
        sampleRate = Int(info.samplerate)
        channelCount = Int(info.channels)
        canRewind = info.seekable != 0
        canJump = canRewind && SoundFile.jumpsExactly(format: info.format)
        formatDescription = SoundFile.describe(format: info.format)
        // A streamed FLAC does not say its length: libsndfile answers with its largest count.
        let isLengthKnown = info.frames < Int64.max && info.frames >= 0
        frameCount =
            isLengthKnown
            ? Int(info.frames) : SoundFile.countFrames(handle, channelCount: Int(info.channels))
        guard sampleRate > 0 else {
            throw SignalError.unsupportedSampleRate(path: path, sampleRate: sampleRate)
        }
        if let bytes = SoundFile.missingBytes(handle) {
            let bytesPerFrame = max(1, bytes.found / max(1, frameCount))
            let missing = (bytes.declared - bytes.found) / bytesPerFrame
            throw SignalError.truncated(
                path: path, expected: frameCount > 0 ? frameCount + missing : nil,
                found: frameCount)
        }
        if SoundFile.isOgg(format: info.format), try !OggStream.isComplete(path: path) {
            throw SignalError.truncated(path: path, expected: nil, found: frameCount)
        }
        guard frameCount > 0 else { throw SignalError.noSamples(path: path) }
        if !isLengthKnown, sf_seek(handle, 0, SEEK_SET) != 0 {
            throw SignalError.unreadable(path: path, reason: "cannot be read from the start again")
        }
    }

    deinit {
        sf_close(handle)
    }

    /// The length in seconds.
    public var duration: Double { Double(frameCount) / Double(sampleRate) }

    /// Reads frames as one channel.
    ///
    /// A segment holds the very samples that the whole file holds there. Most formats are read from
    /// the segment's start on; Ogg and MP3 are decoded from the current position, or from the file's
    /// start where the segment lies before it, so segments in order are read fastest.
    ///
    /// - Parameters:
    ///   - startFrame: The first frame to read.
    ///   - count: How many frames to read; nil for all that follow.
    ///   - channels: Which channels to keep.
    /// - Returns: `count` samples at the file's own rate.
    /// - Throws: ``SignalError`` where the segment or the channel is not in the file, where fewer
    ///   frames can be read than the header says, and where a sample is not finite.
    public func read(
        from startFrame: Int = 0, count: Int? = nil, channels: ChannelSelection = .mean
    ) throws -> Waveform {
        let available = (0..<frameCount).contains(startFrame) ? frameCount - startFrame : 0
        let wanted = count ?? available
        guard wanted > 0, wanted <= available else {
            throw SignalError.segmentOutside(
                path: path, start: startFrame, count: wanted, frameCount: frameCount)
        }
        if case .channel(let channel) = channels, !(0..<channelCount).contains(channel) {
            throw SignalError.noSuchChannel(
                path: path, channel: channel, channelCount: channelCount)
        }
        try move(to: startFrame)

        let framesPerBlock = 65536
        var block = [Float](repeating: 0, count: framesPerBlock * channelCount)
        var samples: [Float] = []
        // The count comes from a header, which may lie: what is reserved is bounded.
        samples.reserveCapacity(min(wanted, 1 << 22))
        while samples.count < wanted {
            let asked = min(framesPerBlock, wanted - samples.count)
            let got = Int(sf_readf_float(handle, &block, sf_count_t(asked)))
            if got > 0 {
                append(frames: got, of: block, channels: channels, to: &samples)
                position += got
            }
            guard got == asked else {
                throw SignalError.truncated(path: path, expected: frameCount, found: position)
            }
        }
        if let index = firstNonFiniteIndex(in: samples) {
            throw SignalError.nonFinite(path: path, index: startFrame + index)
        }
        return Waveform(samples: samples, sampleRate: sampleRate)
    }

    private func move(to frame: Int) throws {
        if frame == position { return }
        if canJump || (canRewind && frame < position) {
            let target = canJump ? frame : 0
            guard sf_seek(handle, sf_count_t(target), SEEK_SET) == sf_count_t(target) else {
                let reason = SoundLibrary.reason(handle)
                throw SignalError.unreadable(
                    path: path, reason: "cannot move to frame \(target): \(reason)")
            }
            position = target
        }
        guard frame >= position else {
            throw SignalError.unreadable(path: path, reason: "cannot move back to frame \(frame)")
        }
        var block = [Float](repeating: 0, count: 4096 * channelCount)
        while position < frame {
            let asked = min(4096, frame - position)
            let got = Int(sf_readf_float(handle, &block, sf_count_t(asked)))
            position += max(0, got)
            guard got == asked else {
                throw SignalError.truncated(path: path, expected: frameCount, found: position)
            }
        }
    }

    private func append(
        frames: Int, of block: [Float], channels: ChannelSelection, to samples: inout [Float]
    ) {
        let channelCount = channelCount
        switch channels {
        case .mean where channelCount == 1, .channel where channelCount == 1:
            samples.append(contentsOf: block[..<frames])
        case .channel(let channel):
            for frame in 0..<frames { samples.append(block[frame * channelCount + channel]) }
        case .mean:
            let share = 1 / Float(channelCount)
            for frame in 0..<frames {
                var sum: Float = 0
                for channel in 0..<channelCount { sum += block[frame * channelCount + channel] }
                samples.append(sum * share)
            }
        }
    }
}

/// Finds the first sample that is NaN or infinite.
///
/// - Parameter samples: The samples to look at.
/// - Returns: The index, or nil where all are finite.
func firstNonFiniteIndex(in samples: [Float]) -> Int? {
    let exponent: UInt32 = 0x7F80_0000
    var isAnyBad: UInt32 = 0
    for sample in samples {
        isAnyBad |= sample.bitPattern & exponent == exponent ? 1 : 0
    }
    return isAnyBad == 0 ? nil : samples.firstIndex { !$0.isFinite }
}
