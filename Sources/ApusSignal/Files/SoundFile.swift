import CSndfile
import Foundation

/// An open audio file of any format that libsndfile reads.
///
/// What is tested, each with a tone that libsndfile wrote:
///
/// | Container | Encodings | Read back |
/// | - | - | - |
/// | WAV | 8, 16, 24 and 32-bit integers | exactly |
/// | WAV | 32 and 64-bit floats | to the bit |
/// | WAV | µ-law, A-law, IMA and Microsoft ADPCM, GSM 6.10 | by signal-to-noise ratio |
/// | FLAC | 16 and 24 bits; also without a length in its header | exactly |
/// | Ogg | Vorbis, Opus | by signal-to-noise ratio |
/// | MP3 | MPEG layer III | by signal-to-noise ratio |
/// | AIFF, AU, SPHERE, Wave64, RF64 | 16-bit integers | exactly |
/// | CAF | 16-bit integers; ALAC of 16 and 24 bits | exactly |
/// | none (``RawFormat``) | 8 to 32-bit integers, floats, µ-law, A-law, either byte order | exactly |
///
/// ``supportedFormats`` lists the containers that the installed libsndfile knows; for what it lacks,
/// the error carries its reason. Rates of 4 to 384 kHz and up to 1024 channels are tested.
///
/// An instance is used by one task at a time.
public final class SoundFile {
    /// The path as it was given, or another name of what is read.
    public let path: String
    /// Frames a second (Hz).
    public let sampleRate: Int
    /// The number of channels C.
    public let channelCount: Int
    /// The number of frames; a frame is one sample of every channel.
    public let frameCount: Int
    /// Container and encoding in words, such as "FLAC (Free Lossless Audio Codec), Signed 16 bit PCM".
    public let formatDescription: String

    /// libsndfile's format number.
    let libraryFormat: Int32

    /// How many samples are read at a time, all channels together.
    private static let samplesPerBlock = 8192

    private var handle: OpaquePointer
    private let origin: Origin
    /// What libsndfile reads through, where that is no path; it outlives the handle.
    private var input: SoundInput?
    private let raw: RawFormat?
    private let canJump: Bool
    private var position = 0
    /// Interleaved samples, as they come from libsndfile.
    private var block: [Float]
    /// The same as one channel.
    private var mono: [Float] = []

    /// Where the bytes of an open file are.
    enum Origin {
        /// At the path.
        case path
        /// In a temporary file.
        case spool(SoundSpool)
        /// In a stretch of a file, or in memory.
        case bytes(SoundBytes)
    }

    /// Opens a file and reads its header.
    ///
    /// What is no file but a pipe with a name is read to its end first, into a temporary file. The
    /// address of a ``FileRange`` opens the recording in that stretch of a file.
    ///
    /// - Parameters:
    ///   - path: The file's path, or the address of a range of bytes.
    ///   - raw: What the samples are where the file has no header; nil where it has one.
    /// - Throws: ``SignalError`` where the file is missing, unreadable, empty, not audio, holds no
    ///   samples, has an impossible sample rate, or is seen to be cut off before its end.
    public convenience init(path: String, raw: RawFormat? = nil) throws {
        switch try SoundFile.checkBytes(path) {
        case .file:
            try self.init(name: path, origin: .path, raw: raw)
            return
        case .range:
            try self.init(name: path, origin: .bytes(SoundBytes(path: path)), raw: raw)
            return
        case .pipe: break
        }
        let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw SignalError.unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        try self.init(spooling: descriptor, name: path, raw: raw)
    }

    /// Reads a pipe to its end, into a temporary file without a name, and opens that.
    ///
    /// So every format works, those that need to go back and forth too; memory stays small.
    ///
    /// - Parameters:
    ///   - descriptor: The pipe; it stays open.
    ///   - name: What errors call it.
    ///   - raw: What the samples are where there is no header; nil where there is one.
    ///   - head: What was read from the pipe before.
    /// - Throws: ``SignalError`` as ``init(path:raw:)`` does, ``SignalError/emptyFile(path:)`` where
    ///   nothing comes, and ``SignalError/cannotWrite(path:reason:)`` where the temporary folder has
    ///   no room.
    public convenience init(
        spooling descriptor: Int32, name: String, raw: RawFormat? = nil, after head: [UInt8] = []
    ) throws {
        let spool = try SoundSpool(readingToEndOf: descriptor, name: name, after: head)
        try self.init(name: name, origin: .spool(spool), raw: raw)
    }

    /// Opens a recording in memory: the bytes of a file of any format.
    ///
    /// - Parameters:
    ///   - bytes: The bytes.
    ///   - name: What errors call them.
    ///   - raw: What the samples are where there is no header; nil where there is one.
    /// - Throws: ``SignalError`` as ``init(path:raw:)`` does.
    public convenience init(
        bytes: [UInt8], name: String = SignalError.inMemory, raw: RawFormat? = nil
    ) throws {
        guard !bytes.isEmpty else { throw SignalError.emptyFile(path: name) }
        try self.init(name: name, origin: .bytes(SoundBytes(bytes)), raw: raw)
    }

    /// Reads standard input to its end, into a temporary file without a name, and opens that.
    ///
    /// - Parameters:
    ///   - raw: What the samples are where there is no header; nil where there is one.
    ///   - head: What was read from standard input before.
    /// - Returns: The open file, whose path is "standard input".
    /// - Throws: ``SignalError`` as ``init(spooling:name:raw:after:)`` does.
    public static func standardInput(
        raw: RawFormat? = nil, after head: [UInt8] = []
    ) throws -> SoundFile {
        try SoundFile(spooling: STDIN_FILENO, name: "standard input", raw: raw, after: head)
    }

    private init(name: String, origin: Origin, raw: RawFormat?) throws {
        path = name
        self.origin = origin
        self.raw = raw
        let info: SF_INFO
        (handle, info, input) = try SoundFile.open(name, origin, raw: raw)
        sampleRate = Int(info.samplerate)
        channelCount = max(1, Int(info.channels))
        canJump = info.seekable != 0 && SoundFile.jumpsExactly(format: info.format)
        libraryFormat = info.format
        formatDescription = SoundFile.describe(format: info.format)
        // A header that claims many channels must not ask for gigabytes.
        let framesPerBlock = max(1, SoundFile.samplesPerBlock / channelCount)
        block = [Float](repeating: 0, count: framesPerBlock * channelCount)
        // A streamed FLAC does not say its length: libsndfile answers with its largest count.
        let isLengthKnown = info.frames < Int64.max && info.frames >= 0
        frameCount =
            isLengthKnown
            ? Int(info.frames)
            : SoundFile.countFrames(handle, block: &block, framesPerBlock: framesPerBlock)
        try checkHeader(handle, format: info.format, origin: origin, raw: raw)
        if !isLengthKnown { try rewind() }
    }

    deinit {
        sf_close(handle)
    }

    /// The length in seconds.
    public var duration: Double { Double(frameCount) / Double(sampleRate) }

    /// Reads frames as one channel.
    ///
    /// A segment holds the very samples that the whole file holds there. Most formats are read from
    /// the segment's start on; Ogg, MP3 and GSM are decoded from the current position, or from the
    /// file's start where the segment lies before it, so segments in order are read fastest.
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
        try SampleReader(self, from: startFrame, count: count, channels: channels).rest()
    }

    /// Reads frames, every channel on its own.
    ///
    /// - Parameters:
    ///   - startFrame: The first frame to read.
    ///   - count: How many frames to read; nil for all that follow.
    /// - Returns: C waveforms of `count` samples at the file's own rate.
    /// - Throws: ``SignalError`` where the segment is not in the file, where fewer frames can be read
    ///   than the header says, and where a sample is not finite.
    public func readAllChannels(from startFrame: Int = 0, count: Int? = nil) throws -> [Waveform] {
        let frames = try frames(from: startFrame, count: count)
        var channels = [[Float]](repeating: [], count: channelCount)
        for channel in channels.indices {
            channels[channel].reserveCapacity(min(frames.count, (1 << 22) / channelCount))
        }
        try move(to: frames.lowerBound)
        while position < frames.upperBound {
            let first = position
            let count = min(framesPerBlock, frames.upperBound - first)
            try decode(count)
            if let index = firstNonFiniteIndex(in: block[..<(count * channelCount)]) {
                throw SignalError.nonFinite(path: path, index: first + index / channelCount)
            }
            for channel in channels.indices {
                extract(channel, count: count)
                channels[channel].append(contentsOf: mono[..<count])
            }
        }
        return channels.map { Waveform(samples: $0, sampleRate: sampleRate) }
    }

    /// The largest number of frames to read at a time.
    var framesPerBlock: Int { block.count / channelCount }

    /// The segment that begins and lasts so many seconds, cut at the file's end where it ends up to
    /// 1 ms after that.
    ///
    /// - Parameters:
    ///   - offset: Where it begins (s).
    ///   - duration: How long it lasts (s); nil for all that follows.
    /// - Returns: The first frame, and the number of frames or nil.
    /// - Throws: ``SignalError/segmentOutside(path:start:count:frameCount:)`` for times that are not
    ///   finite.
    package func segment(offset: Double, duration: Double?) throws -> (start: Int, count: Int?) {
        guard offset.isFinite, duration?.isFinite ?? true else {
            throw SignalError.segmentOutside(
                path: path, start: 0, count: 0, frameCount: frameCount)
        }
        let start = Waveform.sampleCount(seconds: offset, sampleRate: sampleRate)
        guard let duration else { return (start, nil) }
        let asked = Waveform.sampleCount(seconds: duration, sampleRate: sampleRate)
        if (0..<frameCount).contains(start) {
            let available = frameCount - start
            let tolerance = max(1, sampleRate / 1000)
            if asked > available, asked - available <= tolerance { return (start, available) }
        }
        return (start, asked)
    }

    /// The frames of a segment, which lies in the file.
    ///
    /// - Parameters:
    ///   - startFrame: The first frame.
    ///   - count: The number of frames, from 1; nil for all that follow.
    /// - Returns: The frames.
    /// - Throws: ``SignalError/segmentOutside(path:start:count:frameCount:)``.
    package func frames(from startFrame: Int, count: Int?) throws -> Range<Int> {
        let available = (0..<frameCount).contains(startFrame) ? frameCount - startFrame : 0
        let wanted = count ?? available
        guard wanted > 0, wanted <= available else {
            throw SignalError.segmentOutside(
                path: path, start: startFrame, count: wanted, frameCount: frameCount)
        }
        return startFrame..<(startFrame + wanted)
    }

    /// Reads frames as one channel.
    ///
    /// - Parameters:
    ///   - startFrame: The first frame to read.
    ///   - count: How many frames to read, at most ``framesPerBlock``.
    ///   - channels: Which channels to keep.
    ///   - samples: Where to append `count` samples.
    /// - Throws: ``SignalError`` where fewer frames can be read, and where a sample is not finite.
    func readBlock(
        from startFrame: Int, count: Int, channels: ChannelSelection, into samples: inout [Float]
    ) throws {
        try move(to: startFrame)
        try decode(count)
        if channelCount == 1 {
            try append(block[..<count], from: startFrame, to: &samples)
            return
        }
        switch channels {
        case .channel(let channel): extract(channel, count: count)
        case .mean: average(count: count)
        }
        try append(mono[..<count], from: startFrame, to: &samples)
    }

    private func append(
        _ part: ArraySlice<Float>, from startFrame: Int, to samples: inout [Float]
    ) throws {
        if let index = firstNonFiniteIndex(in: part) {
            throw SignalError.nonFinite(path: path, index: startFrame + index)
        }
        samples.append(contentsOf: part)
    }

    private func move(to frame: Int) throws {
        if frame == position { return }
        if canJump {
            guard sf_seek(handle, sf_count_t(frame), SEEK_SET) == sf_count_t(frame) else {
                throw SignalError.unreadable(
                    path: path,
                    reason: "cannot move to frame \(frame): \(SoundLibrary.reason(handle))")
            }
            position = frame
        } else if frame < position {
            try rewind()
        }
        while position < frame { try decode(min(framesPerBlock, frame - position)) }
    }

    /// Opens the file again, at its start.
    ///
    /// A decoder that was sent back to the start may keep something of what it decoded before.
    private func rewind() throws {
        let (again, info, newInput) = try SoundFile.open(path, origin, raw: raw)
        sf_close(handle)
        (handle, input) = (again, newInput)
        position = 0
        guard info.channels == channelCount, info.samplerate == sampleRate else {
            throw SignalError.unreadable(path: path, reason: "it was changed while it was read")
        }
    }

    private static func open(
        _ path: String, _ origin: Origin, raw: RawFormat?
    ) throws -> (OpaquePointer, SF_INFO, SoundInput?) {
        var info = SF_INFO()
        if let raw {
            info.format = raw.libraryFormat
            info.samplerate = Int32(clamping: raw.sampleRate)
            info.channels = Int32(clamping: raw.channelCount)
        }
        var input: SoundInput?
        let location: SoundLibrary.Location
        switch origin {
        case .path: location = .path(path)
        case .spool(let spool):
            lseek(spool.descriptor, 0, SEEK_SET)
            location = .descriptor(spool.descriptor)
        case .bytes(let bytes):
            let reader = SoundInput(bytes)
            (input, location) = (reader, .input(reader))
        }
        do {
            let handle = try SoundLibrary.open(location, mode: SFM_READ, info: &info)
            return (handle, info, input)
        } catch let failure as SoundLibrary.Failure {
            throw failure.isUnrecognized
                ? SignalError.notAudio(path: path, reason: failure.reason)
                : SignalError.unreadable(path: path, reason: failure.reason)
        }
    }

    /// Reads the next frames into the block.
    private func decode(_ count: Int) throws {
        let got = Int(sf_readf_float(handle, &block, sf_count_t(count)))
        position += max(0, got)
        guard got == count else {
            if case .bytes(let bytes) = origin, bytes.failureCode != 0 {
                throw SignalError.unreadable(
                    path: path, reason: String(cString: strerror(bytes.failureCode)))
            }
            throw SignalError.truncated(path: path, expected: frameCount, found: position)
        }
    }

    /// Copies one channel of the block.
    private func extract(_ channel: Int, count: Int) {
        if mono.isEmpty { mono = [Float](repeating: 0, count: framesPerBlock) }
        let channelCount = channelCount
        block.withUnsafeBufferPointer { block in
            mono.withUnsafeMutableBufferPointer { mono in
                for frame in 0..<count { mono[frame] = block[frame * channelCount + channel] }
            }
        }
    }

    /// Takes the mean of the block's channels.
    private func average(count: Int) {
        if mono.isEmpty { mono = [Float](repeating: 0, count: framesPerBlock) }
        let channelCount = channelCount
        let share = 1 / Float(channelCount)
        block.withUnsafeBufferPointer { block in
            mono.withUnsafeMutableBufferPointer { mono in
                if channelCount == 2 {
                    for frame in 0..<count {
                        mono[frame] = (block[2 &* frame] + block[2 &* frame &+ 1]) * share
                    }
                    return
                }
                for frame in 0..<count {
                    let first = frame * channelCount
                    mono[frame] = block[first..<(first + channelCount)].reduce(0, +) * share
                }
            }
        }
    }
}
