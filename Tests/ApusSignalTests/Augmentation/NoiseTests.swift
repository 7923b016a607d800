import ApusSignal
import Foundation
import Testing

/// Noise at a signal-to-noise ratio, against the ratio that comes out.
@Suite struct NoiseTests {
    private let voice = Waveform(
        samples: sine(frequency: 440, amplitude: 0.3, count: 8000), sampleRate: 16000)

    @Test(arguments: [-10, 0, 5.5, 20, 60], [100, 8000, 9000])
    func theRatioIsExact(ratio: Double, noiseCount: Int) {
        let hiss = Waveform(samples: noise(count: noiseCount), sampleRate: 16000)
        let noisy = voice.addingNoise(hiss, signalToNoiseRatio: ratio, from: 37)
        #expect(noisy.samples.count == 8000 && noisy.sampleRate == 16000)
        let added = zip(noisy.samples, voice.samples).map { $0 - $1 }
        let found = 10 * log10(energy(voice.samples) / energy(added))
        #expect(abs(found - ratio) < 0.01, "\(found) dB")
    }

    /// A short noise starts over, from the sample it was begun at.
    @Test func aShortNoiseLoops() {
        let flat = Waveform(samples: [1, 1, 1, 1, 1, 1, 1], sampleRate: 8000)
        let ramp = Waveform(samples: [1, 2, 3], sampleRate: 8000)
        let noisy = flat.addingNoise(ramp, signalToNoiseRatio: 0, from: 1)
        // 2 3 1 2 3 1 2: squares add up to 32, those of the signal to 7.
        let gain = Float((7.0 / 32).squareRoot())
        let expected = [2, 3, 1, 2, 3, 1, 2].map { 1 + gain * $0 }
        #expect(largestDifference(noisy.samples, expected) < 1e-6)
        #expect(flat.addingNoise(ramp, signalToNoiseRatio: 0, from: 4) == noisy)
    }

    @Test func silenceStaysAsItIs() {
        let silence = Waveform(samples: [0, 0, 0], sampleRate: 16000)
        let hiss = Waveform(samples: noise(count: 50), sampleRate: 16000)
        #expect(silence.addingNoise(hiss, signalToNoiseRatio: 0) == silence)
        #expect(voice.addingNoise(silence, signalToNoiseRatio: 0) == voice)
        let none = Waveform(samples: [], sampleRate: 16000)
        #expect(voice.addingNoise(none, signalToNoiseRatio: 0) == voice)
        #expect(none.addingNoise(hiss, signalToNoiseRatio: 0) == none)
    }

    /// A noise that no single-precision gain makes loud enough is as good as none.
    @Test func faintNoiseStaysAway() {
        let faint = Waveform(samples: [.leastNonzeroMagnitude], sampleRate: 16000)
        #expect(voice.addingNoise(faint, signalToNoiseRatio: 0) == voice)
    }

    @Test func anotherRateTraps() async {
        await #expect(processExitsWith: .failure) {
            let one = Waveform(samples: [1], sampleRate: 16000)
            _ = one.addingNoise(
                Waveform(samples: [1], sampleRate: 8000), signalToNoiseRatio: 0)
        }
    }
}
