import CSndfile
import Foundation

/// One audio file while it is written.
final class AudioEncoder {
    /// libsndfile's Vorbis encoder takes a whole call's frames on its stack.
    private static let framesPerBlock = 4096

    private let output: SoundOutput
    private let path: String
    private let format: AudioFormat
    private let channelCount: Int
    /// What was asked of the encoder, in words.
    private let asked: String
    private var handle: OpaquePointer?

    /// Begins a file.
    ///
    /// - Parameters:
    ///   - descriptor: Where to write to, from its position on; it stays open.
    ///   - path: The file's name in errors.
    ///   - format: The kind of file.
    ///   - sampleRate: The rate (Hz).
    ///   - channelCount: The number of channels C.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)`` where the encoder does not take them.
    init(
        descriptor: Int32, path: String, format: AudioFormat, sampleRate: Int, channelCount: Int
    ) throws {
        output = SoundOutput(descriptor)
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
            handle = try SoundLibrary.open(.output(output), mode: SFM_WRITE, info: &info)
            // The peak chunk of float files holds the time of writing: equal sounds are equal files.
            sf_command(handle, Int32(SFC_SET_ADD_PEAK_CHUNK), nil, Int32(SF_FALSE))
        } catch let failure as SoundLibrary.Failure {
            throw self.failure(failure.reason)
        }
    }

    deinit {
        if let handle { sf_close(handle) }
    }

    /// Writes channels after those frames that are written.
    ///
    /// - Parameter channels: C waveforms of one length.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    func write(_ channels: [Waveform]) throws {
        let total = channels.first?.samples.count ?? 0
        var frameCount = 0
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
            guard written == frames, output.failureCode == 0 else {
                throw failure(handle.map(SoundLibrary.reason) ?? "the file is closed")
            }
            frameCount += frames
        }
    }

    /// Writes what the encoder holds back.
    ///
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    func finish() throws {
        let status = sf_close(handle)
        handle = nil
        guard status == 0, output.failureCode == 0 else {
            throw failure(SoundLibrary.trimmed(String(cString: sf_error_number(status))))
        }
    }

    /// An encoder may go on after a failed write, or call it an internal error: the system's reason
    /// comes first.
    private func failure(_ reason: String) -> SignalError {
        let code = output.failureCode
        return .cannotWrite(
            path: path,
            reason: code != 0 ? String(cString: strerror(code)) : "\(asked): \(reason)")
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
