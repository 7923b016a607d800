import ApusSignal
import Foundation
import Testing

@Suite struct ResamplingTests {
    @Test(arguments: [(44100, 16000), (8000, 16000), (22050, 16000), (16000, 44100)])
    func aToneKeepsFrequencyAndAmplitude(from: Int, to: Int) throws {
        let count = from
        let waveform = Waveform(
            samples: sine(frequency: 1000, amplitude: 0.5, count: count, sampleRate: from),
            sampleRate: from)
        let resampled = try waveform.resampled(to: to)
        #expect(resampled.samples.count == to)
        #expect(resampled.sampleRate == to)
        let expected = sine(frequency: 1000, amplitude: 0.5, count: to, sampleRate: to)
        // Away from the ends, where the filter reaches over nothing.
        let inner = (to / 10)..<(to - to / 10)
        #expect(
            largestDifference(Array(resampled.samples[inner]), Array(expected[inner])) < 1e-4)
    }

    @Test(arguments: [(44100, 1), (44100, 441), (44101, 16000), (8000, 7999), (48000, 3)])
    func theLengthIsRoundedUp(rate: Int, count: Int) throws {
        let waveform = Waveform(samples: noise(count: count), sampleRate: rate)
        let resampled = try waveform.resampled(to: 16000)
        #expect(resampled.samples.count == Int(ceil(Double(count) * 16000 / Double(rate))))
    }

    @Test func whatTheNewRateCannotHoldIsRemoved() throws {
        let waveform = Waveform(
            samples: sine(frequency: 12000, count: 44100, sampleRate: 44100), sampleRate: 44100)
        let resampled = try waveform.resampled(to: 16000)
        #expect(resampled.samples[2000..<14000].allSatisfy { abs($0) < 1e-3 })
    }

    @Test func theSameRateChangesNothing() throws {
        let waveform = Waveform(samples: noise(count: 100), sampleRate: 16000)
        #expect(try waveform.resampled(to: 16000) == waveform)
    }

    @Test func nothingStaysNothing() throws {
        let empty = Waveform(samples: [], sampleRate: 8000)
        #expect(try empty.resampled(to: 16000) == Waveform(samples: [], sampleRate: 16000))
    }

    @Test func aRateOfZeroIsAnError() {
        let waveform = Waveform(samples: [0], sampleRate: 8000)
        #expect(
            throws: SignalError.unsupportedSampleRate(path: SignalError.inMemory, sampleRate: 0)
        ) {
            try waveform.resampled(to: 0)
        }
    }

    @Test func ratesThatAreFarApartAreAnError() {
        let waveform = Waveform(samples: noise(count: 1000), sampleRate: 1)
        let error = #expect(throws: SignalError.self) { try waveform.resampled(to: 16000) }
        guard case .resamplingFailed = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
    }
}
