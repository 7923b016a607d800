import ApusSignal
import Foundation
import Testing

@Suite struct StreamingResamplerTests {
    /// Rates that recordings come in (Hz).
    static let rates = [
        4000, 6000, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 37800, 44100, 48000, 88200,
        96000, 176_400, 192_000, 352_800, 384_000,
    ]

    /// Resamples samples that are cut as the lengths say; the last length goes on.
    private func streamed(
        _ samples: [Float], from: Int, to: Int, quality: ResamplingQuality = .high,
        lengths: some Sequence<Int>
    ) throws -> [Float] {
        let resampler = try StreamingResampler(from: from, to: to, quality: quality)
        var output: [Float] = []
        var rest = samples[...]
        for length in lengths where !rest.isEmpty {
            output += try resampler.push(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return try output + resampler.push(Array(rest)) + resampler.finish()
    }

    @Test(arguments: rates, ResamplingQuality.allCases)
    func theCutsDoNotMatter(rate: Int, quality: ResamplingQuality) throws {
        let samples = noise(count: 9000)
        for (from, to) in [(rate, 16000), (16000, rate)] {
            let whole = try Waveform(samples: samples, sampleRate: from)
                .resampled(to: to, quality: quality)
            #expect(
                whole.samples.count
                    == StreamingResampler.outputCount(of: samples.count, from: from, to: to))
            for length in [1, 7, 1024, 4097] {
                let parts = try streamed(
                    samples, from: from, to: to, quality: quality,
                    lengths: repeatElement(length, count: samples.count))
                #expect(parts == whole.samples)
            }
            let drawn = noise(count: 100).map { Int(abs($0) * 500) }
            #expect(
                try streamed(samples, from: from, to: to, quality: quality, lengths: drawn)
                    == whole.samples)
        }
    }

    @Test(arguments: rates)
    func aToneStaysATone(rate: Int) throws {
        let frequency = 1000.0
        let tone = Waveform(
            samples: sine(frequency: frequency, amplitude: 0.5, count: rate, sampleRate: rate),
            sampleRate: rate)
        for to in [16000, 44100] {
            let resampled = try tone.resampled(to: to)
            #expect(resampled.samples.count == to)
            let expected = sine(
                frequency: frequency, amplitude: 0.5, count: to, sampleRate: to)
            let inner = (to / 10)..<(to - to / 10)
            #expect(signalToNoise(expected[inner], resampled.samples[inner]) > 90)
        }
    }

    @Test(arguments: [
        (ResamplingQuality.quick, 10.0), (.low, 70), (.medium, 70), (.high, 90), (.veryHigh, 110),
    ])
    func aQualityKeepsWhatItSays(quality: ResamplingQuality, least: Double) throws {
        let tone = Waveform(
            samples: sine(frequency: 3000, amplitude: 0.5, count: 44100, sampleRate: 44100),
            sampleRate: 44100)
        let resampled = try tone.resampled(to: 16000, quality: quality)
        let expected = sine(frequency: 3000, amplitude: 0.5, count: 16000)
        #expect(signalToNoise(expected[2000..<14000], resampled.samples[2000..<14000]) > least)
    }

    @Test(arguments: [
        (44100, 16000), (8000, 16000), (4000, 384_000), (384_000, 4000), (16000, 16000),
    ])
    func theOutputIsNeverLaterThanTheLatency(from: Int, to: Int) throws {
        for quality in ResamplingQuality.allCases {
            let resampler = try StreamingResampler(from: from, to: to, quality: quality)
            let latency = try resampler.latency
            #expect(from == to ? latency == 0 : latency > 0 && latency < 1)
            var pushed = 0
            var produced = 0
            var largest = 0.0
            let part = noise(count: max(1, from / 1000))
            while pushed < 10 * from {
                pushed += part.count
                produced += try resampler.push(part).count
                let lag = Double(pushed) / Double(from) - Double(produced) / Double(to)
                largest = max(largest, lag)
            }
            #expect(largest <= latency)
            #expect(largest >= 0.8 * latency)
        }
    }

    @Test func theLastSampleIsNoSilence() throws {
        // Three samples at 48 kHz are one at 16 kHz and a part, which the length counts.
        let constant = Waveform(
            samples: [Float](repeating: 0.5, count: 48001), sampleRate: 48000)
        let resampled = try constant.resampled(to: 16000)
        #expect(resampled.samples.count == 16001)
        #expect(abs(resampled.samples[16000]) > 0.1)
    }

    @Test func countsAreRoundedUpAtAnySize() {
        #expect(StreamingResampler.outputCount(of: 0, from: 44100, to: 16000) == 0)
        #expect(StreamingResampler.outputCount(of: 1, from: 44100, to: 16000) == 1)
        #expect(StreamingResampler.outputCount(of: 441, from: 44100, to: 16000) == 160)
        #expect(StreamingResampler.outputCount(of: 442, from: 44100, to: 16000) == 161)
        // The product of the two is beyond 64 bits.
        #expect(
            StreamingResampler.outputCount(of: 1 << 50, from: 1 << 20, to: 1 << 21) == 1 << 51)
    }

    @Test func nothingStaysNothing() throws {
        let resampler = try StreamingResampler(from: 8000, to: 16000)
        #expect(try resampler.push([]).isEmpty)
        #expect(try resampler.finish().isEmpty)
    }

    @Test func ratesThatCannotBeUsedAreErrors() {
        #expect(throws: SignalError.unsupportedSampleRate(path: "a", sampleRate: 0)) {
            try StreamingResampler(from: 0, to: 16000, source: "a")
        }
        #expect(throws: SignalError.unsupportedSampleRate(path: "a", sampleRate: -1)) {
            try StreamingResampler(from: 16000, to: -1, source: "a")
        }
        for (from, to) in [(15, 16000), (16000, 15), (Int.max, 16000)] {
            let error = #expect(throws: SignalError.self) {
                try StreamingResampler(from: from, to: to, source: "a")
            }
            guard case .resamplingFailed("a", _) = error else {
                Issue.record("another error: \(String(describing: error))")
                return
            }
        }
    }
}
