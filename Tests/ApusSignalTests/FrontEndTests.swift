import ApusSignal
import Foundation
import Testing

@Suite struct FrontEndTests {
    @Test func theKaldiPresetIsKaldis() throws {
        let kaldi = try #require(FrontEnd.preset(named: "kaldi"))
        #expect(kaldi == FrontEnd.kaldi)
        #expect(kaldi.featureCount == 80)
        #expect(kaldi.frameRate == 100)
        #expect(kaldi.frameLengthInSamples == 400)
        #expect(kaldi.frameShiftInSamples == 160)
        #expect(kaldi.transformLength == 512)
        #expect(FrontEnd.presetNames.contains("kaldi"))
        #expect(FrontEnd.preset(named: "no such front end") == nil)
    }

    @Test(arguments: [
        (FrameEdges.snip, 16000, 98), (.snip, 400, 1), (.snip, 399, 0), (.snip, 559, 1),
        (.snip, 560, 2), (.mirror, 16000, 100), (.mirror, 16080, 101), (.mirror, 16079, 100),
        (.centeredReflect, 16000, 101), (.centeredReflect, 15999, 100),
        (.centeredZero, 1, 1), (.mirror, 79, 0), (.mirror, 80, 1), (.wholeTransforms, 511, 0),
        (.wholeTransforms, 512, 1), (.wholeTransforms, 672, 2), (.snip, 0, 0),
    ])
    func framesAreCounted(edges: FrameEdges, samples: Int, frames: Int) {
        var frontEnd = FrontEnd.kaldi
        frontEnd.edges = edges
        #expect(frontEnd.frameCount(sampleCount: samples) == frames)
    }

    @Test func millisecondsThatMeanWholeSamplesAreExact() {
        var frontEnd = FrontEnd.kaldi
        frontEnd.sampleRate = 22050
        frontEnd.frameLength = .milliseconds(2048.0 / 22050 * 1000)
        frontEnd.frameShift = .milliseconds(512.0 / 22050 * 1000)
        #expect(frontEnd.frameLengthInSamples == 2048)
        #expect(frontEnd.frameShiftInSamples == 512)
        // Kaldi drops the part of a sample: 25 ms of 11025 Hz are 275.625 samples.
        frontEnd.sampleRate = 11025
        frontEnd.frameLength = 25
        #expect(frontEnd.frameLengthInSamples == 275)
    }

    @Test(arguments: [
        FeatureNormalization.none, .perRecording(variance: false), .perRecording(variance: true),
        .corpus(FeatureStatistics(mean: [0.1, -3], standardDeviation: [1.5, 2])),
    ])
    func survivesJSON(normalization: FeatureNormalization) throws {
        var frontEnd = FrontEnd.kaldi
        frontEnd.melBandCount = 2
        frontEnd.fftLength = 1024
        frontEnd.preEmphasis = 0.95
        frontEnd.window = .hamming
        frontEnd.normalization = normalization
        let data = try JSONEncoder().encode(frontEnd)
        #expect(try JSONDecoder().decode(FrontEnd.self, from: data) == frontEnd)
    }

    @Test func everyOptionSurvivesJSON() throws {
        for name in FrontEnd.presetNames {
            let preset = try #require(FrontEnd.preset(named: name))
            #expect(
                try JSONDecoder().decode(FrontEnd.self, from: JSONEncoder().encode(preset))
                    == preset)
        }
        var frontEnd = FrontEnd()
        frontEnd.resampling = .veryHigh
        frontEnd.dither = 0.5
        frontEnd.frameLength = .samples(321)
        frontEnd.edges = .wholeTransforms
        frontEnd.omitsLastFrame = true
        frontEnd.energy = .windowed
        frontEnd.energyFloor = 2
        frontEnd.blackmanCoefficient = 0.4
        frontEnd.kind = .mfcc
        frontEnd.melTriangle = .symmetricInHertz
        frontEnd.log = .none
        frontEnd.logFloorMode = .add
        frontEnd.logReference = .maximum
        frontEnd.dynamicRange = 70.5
        var pcen = PCEN()
        pcen.gain = 0.8
        frontEnd.pcen = pcen
        frontEnd.cepstrumCount = 7
        frontEnd.cepstralLifter = 11
        frontEnd.lifterFormula = .librosa
        frontEnd.htkOrder = true
        frontEnd.outputScale = 0.1
        frontEnd.outputOffset = -3
        frontEnd.deltaOrder = 2
        frontEnd.deltaWindow = 3
        frontEnd.deltaMethod = .savitzkyGolay
        frontEnd.stacking.left = 1
        frontEnd.stacking.edges = .zero
        var window = SlidingWindow()
        window.frameCount = 77
        frontEnd.normalization = .sliding(window, variance: true)
        let data = try JSONEncoder().encode(frontEnd)
        #expect(try JSONDecoder().decode(FrontEnd.self, from: data) == frontEnd)
        // Whatever differs is named.
        let lines = frontEnd.differences(from: FrontEnd())
        #expect(lines.count == 26, "\(lines)")
        // An option that is left out has the value of the kaldi preset.
        #expect(try JSONDecoder().decode(FrontEnd.self, from: Data("{}".utf8)) == .kaldi)
    }

    @Test func theEncodingIsAFlatReadableDictionary() throws {
        let data = try JSONEncoder().encode(FrontEnd.kaldi)
        let object = try #require(
            try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(object["window"] as? String == "povey")
        #expect(object["edges"] as? String == "snip")
        #expect(object["melBandCount"] as? Int == 80)
        #expect(object["normalization"] as? String == "none")
        #expect(object.keys.contains("fftLength"))
        #expect(object.keys.contains("statistics"))
        #expect(String(decoding: data, as: UTF8.self).contains("\"preEmphasis\":0.97"))
    }

    @Test func corpusNormalizationNeedsStatistics() throws {
        let data = try JSONEncoder().encode(FrontEnd.kaldi)
        let text = String(decoding: data, as: UTF8.self)
            .replacingOccurrences(
                of: "\"normalization\":\"none\"", with: "\"normalization\":\"corpus\"")
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(FrontEnd.self, from: Data(text.utf8))
        }
    }

    @Test func differencesAreNamed() {
        var here = FrontEnd.kaldi
        #expect(FrontEnd.kaldi.differences(from: here).isEmpty)
        here.melBandCount = 40
        here.window = .hann
        here.fftLength = 1024
        #expect(
            FrontEnd.kaldi.differences(from: here) == [
                "window: povey, here hann", "fftLength: the next power of two, here 1024",
                "melBandCount: 80, here 40",
            ])
    }

    @Test func differentStatisticsAreADifference() {
        var one = FrontEnd.kaldi
        var other = FrontEnd.kaldi
        one.normalization = .corpus(FeatureStatistics(mean: [0], standardDeviation: [1]))
        other.normalization = .corpus(FeatureStatistics(mean: [1], standardDeviation: [1]))
        let lines = one.differences(from: other)
        #expect(lines.count == 1 && lines.first?.hasPrefix("statistics") == true)
        #expect(one.differences(from: .kaldi) == ["normalization: corpus, here none"])
    }

    @Test(arguments: [
        "sampleRate", "waveformScale", "frameLength", "frameShift", "preEmphasis", "dither",
        "fftLength", "melBandCount", "lowFrequency", "highFrequency", "logFloor", "statistics",
    ])
    func optionsThatCannotBeUsedAreNamed(option: String) {
        var frontEnd = FrontEnd.kaldi
        switch option {
        case "sampleRate": frontEnd.sampleRate = 0
        case "waveformScale": frontEnd.waveformScale = .nan
        case "frameLength": frontEnd.frameLength = .milliseconds(.infinity)
        case "frameShift": frontEnd.frameShift = 0
        case "preEmphasis": frontEnd.preEmphasis = 2
        case "dither": frontEnd.dither = -1
        case "fftLength": frontEnd.fftLength = 399
        case "melBandCount": frontEnd.melBandCount = 0
        case "lowFrequency": frontEnd.lowFrequency = 8000
        case "highFrequency": frontEnd.highFrequency = 9000
        case "logFloor": frontEnd.logFloor = 0
        default:
            frontEnd.normalization = .corpus(FeatureStatistics(mean: [0], standardDeviation: [1]))
        }
        let error = #expect(throws: SignalError.self) { try FeatureExtractor(frontEnd) }
        guard case .invalidFrontEnd(let found, _, _) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(found == option)
    }
}
