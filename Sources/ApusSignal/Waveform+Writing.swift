import CSndfile
import Foundation

extension Waveform {
    /// Writes the waveform as an audio file of one channel.
    ///
    /// Whole-number formats take the nearest value, and the loudest one for samples beyond full
    /// scale. The file appears under its name only when it is complete.
    ///
    /// - Parameters:
    ///   - path: The file's path; its folder must exist.
    ///   - format: The kind of file.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)`` where there are no samples, where the
    ///   encoder is not in this libsndfile or does not take the rate, and where the disk is full;
    ///   ``SignalError/nonFinite(path:index:)`` for a sample that is no number.
    public func write(to path: String, format: AudioFormat = .wav16) throws {
        try [self].write(to: path, format: format)
    }
}

extension [Waveform] {
    /// Writes waveforms as the channels of one audio file.
    ///
    /// Whole-number formats take the nearest value, and the loudest one for samples beyond full
    /// scale. The file appears under its name only when it is complete.
    ///
    /// - Parameters:
    ///   - path: The file's path; its folder must exist.
    ///   - format: The kind of file.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)`` where there are no samples, where the
    ///   encoder is not in this libsndfile or does not take the rate or the number of channels, and
    ///   where the disk is full; ``SignalError/nonFinite(path:index:)`` for a sample that is no
    ///   number.
    /// - Precondition: All waveforms have the same rate and length.
    public func write(to path: String, format: AudioFormat = .wav16) throws {
        let frameCount = first?.samples.count ?? 0
        guard let sampleRate = first?.sampleRate, frameCount > 0 else {
            throw SignalError.cannotWrite(path: path, reason: "there are no samples")
        }
        for waveform in self {
            precondition(
                waveform.sampleRate == sampleRate && waveform.samples.count == frameCount,
                "the channels of a file have one rate and one length")
            if let index = firstNonFiniteIndex(in: waveform.samples) {
                throw SignalError.nonFinite(path: path, index: index)
            }
        }
        try writeAtomically(to: path) { descriptor in
            let encoder = try AudioEncoder(
                descriptor: descriptor, path: path, format: format, sampleRate: sampleRate,
                channelCount: count)
            try encoder.write(self)
            try encoder.finish()
        }
    }
}

/// One audio file while it is written.
private final class AudioEncoder {
    /// libsndfile's Vorbis encoder takes a whole call's frames on its stack.
    private static let framesPerBlock = 4096

    private let descriptor: Int32
    private let path: String
    private let format: AudioFormat
    private let channelCount: Int
    /// What was asked of the encoder, in words.
    private let asked: String
    private var handle: OpaquePointer?
    private var frameCount = 0

    init(
        descriptor: Int32, path: String, format: AudioFormat, sampleRate: Int, channelCount: Int
    ) throws {
        self.descriptor = descriptor
        self.path = path
        self.format = format
        self.channelCount = channelCount
        var info = SF_INFO()
        info.samplerate = Int32(clamping: sampleRate)
        info.channels = Int32(clamping: channelCount)
        info.format = format.libraryFormat
        asked = "\(format.formatDescription); \(sampleRate) Hz; channels: \(channelCount)"
        var mono = info
        mono.channels = 1
        if sf_format_check(&info) == 0, sf_format_check(&mono) != 0 {
            throw failure("the encoder takes fewer channels")
        }
        do {
            handle = try SoundLibrary.open(.descriptor(descriptor), mode: SFM_WRITE, info: &info)
            // The peak chunk of float files holds the time of writing: equal sounds are equal files.
            sf_command(handle, Int32(SFC_SET_ADD_PEAK_CHUNK), nil, Int32(SF_FALSE))
        } catch let failure as SoundLibrary.Failure {
            throw self.failure(failure.reason)
        }
    }

    deinit {
        if let handle { sf_close(handle) }
    }

    func write(_ channels: [Waveform]) throws {
        let total = channels.first?.samples.count ?? 0
        var floats = [Float](repeating: 0, count: Self.framesPerBlock * channelCount)
        var integers = [Int32](repeating: 0, count: floats.count)
        while frameCount < total {
            let frames = min(Self.framesPerBlock, total - frameCount)
            for (channel, waveform) in channels.enumerated() {
                for frame in 0..<frames {
                    floats[frame * channelCount + channel] = waveform.samples[frameCount + frame]
                }
            }
            let written: sf_count_t
            if let bits = format.encoderBitDepth {
                for index in 0..<(frames * channelCount) {
                    integers[index] = Self.integer(floats[index], bits: bits)
                }
                written = sf_writef_int(handle, integers, sf_count_t(frames))
            } else {
                written = sf_writef_float(handle, floats, sf_count_t(frames))
            }
            guard written == frames else {
                throw failure(handle.map(SoundLibrary.reason) ?? "the file is closed")
            }
            frameCount += frames
        }
    }

    /// Closes the file, and opens it again to see that what the encoder held back is in it.
    func finish() throws {
        let status = sf_close(handle)
        handle = nil
        guard status == 0 else {
            throw failure(SoundLibrary.trimmed(String(cString: sf_error_number(status))))
        }
        lseek(descriptor, 0, SEEK_SET)
        var info = SF_INFO()
        do {
            let written = try SoundLibrary.open(
                .descriptor(descriptor), mode: SFM_READ, info: &info)
            sf_close(written)
        } catch let failure as SoundLibrary.Failure {
            throw self.failure("it cannot be read back: \(failure.reason)")
        }
        guard info.frames >= frameCount else {
            throw failure("only \(info.frames) of \(frameCount) frames were written")
        }
    }

    private func failure(_ reason: String) -> SignalError {
        .cannotWrite(path: path, reason: "\(asked): \(reason)")
    }

    /// The nearest whole number of so many bits, in the upper bits of 32 as libsndfile takes it.
    ///
    /// libsndfile's own conversion scales by one less than it divides by when it reads.
    private static func integer(_ sample: Float, bits: Int) -> Int32 {
        let scale = Double(1 << (bits - 1))
        let value = (Double(sample) * scale).rounded(.toNearestOrEven)
        return Int32(min(max(value, -scale), scale - 1)) << Int32(32 - bits)
    }
}
