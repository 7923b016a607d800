import ApusSignal
import Testing

/// Against kaldi-native-fbank; `References/make_kaldi.py` made the data.
@Suite struct KaldiReferenceTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let change: @Sendable (inout FrontEnd) -> Void
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "80-snip") { _ in },
        Case(name: "80-mirror") {
            $0.edges = .mirror
            $0.highFrequency = -400
        },
        Case(name: "40-mirror-hamming") {
            $0.melBandCount = 40
            $0.edges = .mirror
            $0.window = .hamming
        },
        Case(name: "23-snip-hann-20ms") {
            $0.melBandCount = 23
            $0.window = .hann
            $0.frameLength = 20
            $0.frameShift = 12.5
        },
        Case(name: "40-raw-blackman-magnitude") {
            $0.melBandCount = 40
            $0.window = .blackman
            $0.removesDCOffset = false
            $0.preEmphasis = 0
            $0.spectrum = .magnitude
        },
        Case(name: "23-rectangular") {
            $0.melBandCount = 23
            $0.window = .rectangular
        },
    ]

    @Test(arguments: cases)
    func agreesWithKaldiNativeFbank(reference: Case) throws {
        let signal = try NumPyFile.read("\(references)/signal.npy")
        let expected = try NumPyFile.read("\(references)/kaldi-\(reference.name).npy")
        var frontEnd = FrontEnd.kaldi
        reference.change(&frontEnd)
        let features = try FeatureExtractor(frontEnd)(
            Waveform(samples: signal.values, sampleRate: 16000))
        #expect([features.frameCount, features.featureCount] == expected.shape)
        let difference = largestDifference(features.values, expected.values)
        // Both round in single precision; against double precision kaldi-native-fbank itself is off by
        // 1.6e-4 in these data.
        #expect(difference < 5e-4)
    }
}
