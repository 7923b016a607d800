import ApusSignal
import Testing

/// Features that are the samples themselves.
@Suite struct WaveformFeatureTests {
    /// An option, and a value that it can't have.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let option: String
        let change: @Sendable (inout FrontEnd) -> Void
        var testDescription: String { option }

        init(_ option: String, _ change: @escaping @Sendable (inout FrontEnd) -> Void) {
            self.option = option
            self.change = change
        }
    }

    static let refused = [
        Refusal("frameLength") { $0.frameLength = .samples(400) },
        Refusal("edges") { $0.edges = .mirror },
        Refusal("removesDCOffset") { $0.removesDCOffset = true },
        Refusal("preEmphasis") { $0.preEmphasis = 0.97 },
        Refusal("energy") { $0.energy = .raw },
        Refusal("log") { $0.log = .natural },
        Refusal("pcen") { $0.pcen = PCEN() },
        Refusal("deltaOrder") { $0.deltaOrder = 1 },
        Refusal("stacking") { $0.stacking.right = 1 },
        Refusal("normalization") { $0.normalization = .perRecording(variance: true) },
    ]

    @Test func frameAfterFrameIsTheRecording() throws {
        let samples = noise(count: 1000)
        let features = try FeatureExtractor(.waveform)(
            Waveform(samples: samples, sampleRate: 16000))
        #expect(features.frameCount == 6)
        #expect(features.featureCount == 160)
        #expect(features.values == Array(samples.prefix(960)))
        #expect(FrontEnd.waveform.frameRate == 100)
        #expect(FrontEnd.waveform.smallestSampleCount == 160)
    }

    @Test func theScaleActsOnSamples() throws {
        var frontEnd = FrontEnd.waveform
        frontEnd.waveformScale = 32768
        frontEnd.frameLength = .samples(4)
        frontEnd.frameShift = .samples(4)
        let samples: [Float] = [0.5, -1, 0.25, 0, 1, 0.125, -0.5, 0.75, 0.3]
        let features = try FeatureExtractor(frontEnd)(
            Waveform(samples: samples, sampleRate: 16000))
        #expect(features.frameCount == 2)
        #expect(features.values == samples.prefix(8).map { $0 * 32768 })
    }

    @Test func aRecordingShorterThanAFrameIsTooShort() throws {
        let extractor = try FeatureExtractor(.waveform)
        #expect(throws: SignalError.self) {
            try extractor(Waveform(samples: noise(count: 159), sampleRate: 16000))
        }
    }

    /// What acts on frames or spectra is refused: it would be ignored in silence.
    @Test(arguments: refused)
    func whatHasNoPlaceIsNamed(_ refusal: Refusal) {
        var frontEnd = FrontEnd.waveform
        refusal.change(&frontEnd)
        let error = #expect(throws: SignalError.self) { try frontEnd.validate() }
        guard case .invalidFrontEnd(let option, _, _)? = error else { return }
        #expect(option == refusal.option)
    }
}
