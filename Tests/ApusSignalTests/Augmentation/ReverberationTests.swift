import ApusSignal
import Testing

/// Rooms: a response's direct path stays in place, its energy where it is asked for.
@Suite struct ReverberationTests {
    private let voice = Waveform(samples: noise(count: 4000), sampleRate: 16000)

    private func room(_ taps: [Int: Float], count: Int) -> Waveform {
        Waveform(samples: (0..<count).map { taps[$0] ?? 0 }, sampleRate: 16000)
    }

    /// A response that starts late delays nothing.
    @Test(arguments: [0, 1, 80, 1999])
    func theDirectPathStaysInPlace(delay: Int) {
        let wet = voice.reverberated(by: room([delay: 0.5], count: 2000), preservesEnergy: false)
        #expect(largestDifference(wet.samples, voice.samples.map { 0.5 * $0 }) < 1e-6)
        let kept = voice.reverberated(by: room([delay: -0.5], count: 2000))
        #expect(largestDifference(kept.samples, voice.samples.map { -$0 }) < 1e-5)
    }

    /// Echoes follow the direct path, and what comes before it precedes it.
    @Test func echoesFollow() {
        let wet = voice.reverberated(
            by: room([90: 0.1, 100: -0.8, 400: 0.4], count: 500), preservesEnergy: false)
        let x = voice.samples
        let expected = x.indices.map { n in
            -0.8 * x[n] + (n >= 300 ? 0.4 * x[n - 300] : 0)
                + (n + 10 < x.count ? 0.1 * x[n + 10] : 0)
        }
        #expect(wet.samples.count == x.count)
        #expect(largestDifference(wet.samples, expected) < 1e-5)
    }

    @Test func energyIsPreserved() {
        let response = Waveform(
            samples: zip(noise(count: 3000), 0..<3000).map { $0 / Float(1 + $1 / 50) },
            sampleRate: 16000)
        let wet = voice.reverberated(by: response)
        #expect(abs(energy(wet.samples) / energy(voice.samples) - 1) < 1e-5)
        let free = voice.reverberated(by: response, preservesEnergy: false)
        #expect(abs(energy(free.samples) / energy(voice.samples) - 1) > 0.1)
    }

    @Test func silentResponsesAndRecordings() {
        #expect(voice.reverberated(by: room([:], count: 100)) == voice)
        #expect(voice.reverberated(by: room([:], count: 0)) == voice)
        let silence = Waveform(samples: [Float](repeating: 0, count: 50), sampleRate: 16000)
        #expect(silence.reverberated(by: room([3: 1], count: 9)) == silence)
        let none = Waveform(samples: [], sampleRate: 16000)
        #expect(none.reverberated(by: room([3: 1], count: 9)) == none)
    }
}
