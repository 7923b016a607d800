import ApusProbing
import ApusReport
import ApusSignal
import Testing

@Suite struct FeaturePictureTests {
    private let decibels: [Float] = (0..<400).map { Float(($0 * 37) % 61) - 50.5 }

    private func picture(
        _ values: [Float], _ change: (inout FrontEnd) -> Void
    ) -> RGBImage {
        var frontEnd = FrontEnd.kaldi
        frontEnd.melBandCount = 40
        change(&frontEnd)
        return FeatureMatrix(values: values, frameCount: 10, featureCount: 40)
            .picture(frontEnd: frontEnd, title: "levels")
    }

    @Test func everyLogarithmIsShownInDecibels() {
        let expected = picture(decibels) { $0.log = .decibel }
        #expect(picture(decibels.map { $0 / 10 }) { $0.log = .log10 } == expected)
        #expect(
            picture(decibels.map { $0 / 20 }) {
                $0.log = .log10
                $0.spectrum = .magnitude
            } == expected)
        // Rounding may move a value over the edge between two of the 256 colours.
        let natural = picture(decibels.map { $0 / 4.342_944_8 }) { $0.log = .natural }
        let differing = (0..<natural.pixels.count)
            .filter { abs(Int(natural.pixels[$0]) - Int(expected.pixels[$0])) > 4 }
        #expect(differing.isEmpty)
    }

    @Test func normalizedFeaturesAreNotCalledDecibels() {
        let levels = picture(decibels) { $0.log = .decibel }
        let relative = picture(decibels) {
            $0.log = .decibel
            $0.normalization = .perRecording(variance: true)
        }
        let centered = picture(decibels) {
            $0.log = .decibel
            $0.normalization = .perRecording(variance: false)
        }
        #expect(relative != levels)
        #expect(centered == levels)
    }

    @Test func whispersScaleIsUndone() {
        let expected = picture(decibels) { $0.log = .decibel }
        let whisper = picture(decibels.map { ($0 / 10 + 4) / 4 }) {
            $0.log = .log10
            $0.outputScale = 0.25
            $0.outputOffset = 1
        }
        let differing = (0..<whisper.pixels.count)
            .filter { abs(Int(whisper.pixels[$0]) - Int(expected.pixels[$0])) > 4 }
        #expect(differing.isEmpty)
    }

    @Test func bandsHaveTheirFrequencies() throws {
        var frontEnd = FrontEnd.kaldi
        let bands = try #require(frontEnd.bandFrequencies)
        #expect(bands.count == 80)
        #expect(bands.allSatisfy { $0 > 20 && $0 < 8000 })
        frontEnd.kind = .spectrogram
        let bins = try #require(frontEnd.bandFrequencies)
        #expect(bins.first == 0)
        #expect(bins.last == 8000)
        #expect(bins.count == 257)
        frontEnd.deltaOrder = 1
        #expect(frontEnd.bandFrequencies == nil)
        frontEnd = .kaldi
        frontEnd.energy = .raw
        #expect(frontEnd.bandFrequencies == nil)
        frontEnd.energy = .none
        frontEnd.kind = .mfcc
        #expect(frontEnd.bandFrequencies == nil)
    }
}
