import ApusSignal
import Foundation
import Testing

/// Speed moves a tone by its factor; gain and clipping against their formulas.
@Suite struct SpeedAndGainTests {
    @Test(arguments: [0.8, 0.9, 1, 1.1, 1.25])
    func speedMovesATone(factor: Double) throws {
        let tone = Waveform(samples: sine(frequency: 1000, count: 16000), sampleRate: 16000)
        let moved = try tone.speedPerturbed(by: factor)
        #expect(moved.sampleRate == 16000)
        #expect(moved.samples.count == Int((16000 / factor).rounded(.up)))
        // Away from the ends it is the tone of another frequency.
        let expected = sine(
            frequency: 1000 * factor, count: moved.samples.count)
        let inside = 2000..<(moved.samples.count - 2000)
        #expect(
            largestDifference(Array(moved.samples[inside]), Array(expected[inside])) < 1e-3)
        if factor == 1 { #expect(moved == tone) }
    }

    @Test(
        arguments: [1, 399, 16000, 12345], [0.5, 0.87, 0.9, 1, 1.037, 1.1, 2])
    func lengthsAreKnownBefore(count: Int, factor: Double) throws {
        let wave = Waveform(samples: noise(count: count), sampleRate: 16000)
        #expect(
            try wave.speedPerturbed(by: factor).samples.count
                == Waveform.sampleCount(count, atSpeed: factor, sampleRate: 16000))
    }

    @Test func impossibleSpeeds() throws {
        let wave = Waveform(samples: noise(count: 100), sampleRate: 16000)
        #expect(throws: SignalError.self) { try wave.speedPerturbed(by: 1e9) }
        #expect(throws: SignalError.self) { try wave.speedPerturbed(by: 1e-9) }
    }

    @Test func gainIsInDecibels() {
        let wave = Waveform(samples: [0.25, -0.5, 0], sampleRate: 8000)
        #expect(wave.amplified(by: 20).samples == [2.5, -5, 0])
        #expect(wave.amplified(by: 0) == wave)
        let half = wave.amplified(by: -6.020_599_913)
        #expect(largestDifference(half.samples, [0.125, -0.25, 0]) < 1e-7)
    }

    @Test func clippingAtALevel() {
        let wave = Waveform(samples: [0.2, -0.6, 0.9, -0.1, 0.5], sampleRate: 8000)
        #expect(wave.clipped(at: 0.5).samples == [0.2, -0.5, 0.5, -0.1, 0.5])
        #expect(wave.clipped(at: 1) == wave)
        #expect(wave.clipped(at: 0).samples == [0, 0, 0, 0, 0])
    }

    @Test func clippingAtAQuantile() {
        let wave = Waveform(samples: [0.2, -0.6, 0.9, -0.1, 0.5], sampleRate: 8000)
        #expect(wave.clipped(atQuantile: 1) == wave)
        #expect(wave.clipped(atQuantile: 0.8).samples == [0.2, -0.6, 0.6, -0.1, 0.5])
        #expect(wave.clipped(atQuantile: 0.61).samples == [0.2, -0.6, 0.6, -0.1, 0.5])
        #expect(wave.clipped(atQuantile: 0.6).samples == [0.2, -0.5, 0.5, -0.1, 0.5])
        #expect(wave.clipped(atQuantile: 0.01).samples == [0.1, -0.1, 0.1, -0.1, 0.1])
        let none = Waveform(samples: [], sampleRate: 8000)
        #expect(none.clipped(atQuantile: 0.5) == none)
    }

    @Test func whatIsNoNumberStaysNone() {
        let wave = Waveform(samples: [0.2, .nan, -0.9, .infinity], sampleRate: 8000)
        for clipped in [wave.clipped(at: 0.5), wave.clipped(atQuantile: 0.6)] {
            #expect(clipped.samples[1].isNaN)
            #expect(clipped.samples[0] == 0.2 && clipped.samples[2] == -clipped.samples[3])
        }
        let nothing = Waveform(samples: [.nan], sampleRate: 8000).clipped(atQuantile: 0.5)
        #expect(nothing.samples.count == 1 && nothing.samples[0].isNaN)
    }

    @Test func chunksAreSilent() {
        let wave = Waveform(samples: [1, 2, 3, 4, 5, 6], sampleRate: 8000)
        #expect(wave.droppingChunks([1..<3, 4..<5]).samples == [1, 0, 0, 4, 0, 6])
        #expect(wave.droppingChunks([-3..<1, 5..<90, 100..<200]).samples == [0, 2, 3, 4, 5, 0])
        #expect(wave.droppingChunks([]) == wave)
    }
}
