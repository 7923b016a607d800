import ApusSignal
import Foundation
import Testing

@Suite struct FeatureExtractorTests {
    @Test func aToneIsLoudestInItsBand() throws {
        let frontEnd = FrontEnd.kaldi
        let bank = MelFilterBank(
            bandCount: 80, fftLength: 512, sampleRate: 16000, lowFrequency: 20,
            highFrequency: 8000)
        for frequency in [1000.0, 2500, 6000] {
            let features = try FeatureExtractor(frontEnd)(
                Waveform(
                    samples: sine(frequency: frequency, amplitude: 0.5, count: 4000),
                    sampleRate: 16000))
            let loudest = try #require(
                (0..<80).max { features[5, $0] < features[5, $1] })
            let nearest = try #require(
                (0..<80).min {
                    abs(bank.centers[$0] - frequency) < abs(bank.centers[$1] - frequency)
                })
            #expect(abs(loudest - nearest) <= 1)
        }
    }

    @Test func silenceIsTheFloor() throws {
        let features = try FeatureExtractor(.kaldi)(
            Waveform(samples: [Float](repeating: 0, count: 800), sampleRate: 16000))
        let floor = log(Float(1.1920929e-07))
        #expect(features.values.allSatisfy { abs($0 - floor) < 1e-5 })
    }

    // Twice the amplitude is four times the power: ln 4, 2 log10 2 and 6.02 dB.
    @Test(arguments: [
        (LogarithmKind.natural, Float(1.386294)), (.log10, 0.602060), (.decibel, 6.020600),
    ])
    func loudnessAddsItsLogarithm(kind: LogarithmKind, step: Float) throws {
        var frontEnd = FrontEnd.kaldi
        frontEnd.log = kind
        let extractor = try FeatureExtractor(frontEnd)
        let samples = noise(count: 2000)
        let loud = try extractor(Waveform(samples: samples, sampleRate: 16000))
        let soft = try extractor(Waveform(samples: samples.map { $0 / 2 }, sampleRate: 16000))
        for (one, other) in zip(loud.values, soft.values) {
            #expect(abs(one - other - step) < 1e-3)
        }
    }

    @Test func thePowerSpectrogramIsTheTransformOfTheWindowedFrame() throws {
        var frontEnd = FrontEnd.kaldi
        frontEnd.kind = .spectrogram
        frontEnd.log = .none
        frontEnd.window = .hann
        frontEnd.windowSymmetry = .periodic
        frontEnd.edges = .centeredReflect
        frontEnd.removesDCOffset = false
        frontEnd.preEmphasis = 0
        frontEnd.waveformScale = 1
        let samples = noise(count: 1000)
        let features = try FeatureExtractor(frontEnd)(
            Waveform(samples: samples, sampleRate: 16000))
        #expect(features.frameCount == 7 && features.featureCount == 257)
        let window = Window.hann.weights(length: 400, symmetry: .periodic)
        // Frame 0 is centred on sample 0: what lies before it mirrors what lies after.
        let frame = (0..<400).map { samples[abs($0 - 200)] * window[$0] }
        let expected = RealFFT(length: 512).powerSpectrum(frame)
        #expect(largestDifference(features.rows(in: 0..<1).values, expected) < 1e-3)
    }

    @Test func instancesAndThreadsAgreeToTheBit() async throws {
        let waveform = Waveform(samples: noise(count: 16000), sampleRate: 16000)
        let expected = try FeatureExtractor(.kaldi)(waveform)
        try await withThrowingTaskGroup(of: FeatureMatrix.self) { group in
            for _ in 0..<8 {
                group.addTask { try FeatureExtractor(.kaldi)(waveform) }
            }
            for try await features in group { #expect(features == expected) }
        }
    }

    @Test func aUsedExtractorGivesWhatANewOneGives() throws {
        let extractor = try FeatureExtractor(.kaldi)
        let long = Waveform(samples: noise(count: 9000), sampleRate: 16000)
        let short = Waveform(samples: Array(long.samples[3000..<4000]), sampleRate: 16000)
        _ = try extractor(long)
        #expect(try extractor(short) == FeatureExtractor(.kaldi)(short))
    }

    @Test func anotherRateIsResampled() throws {
        let waveform = Waveform(
            samples: sine(frequency: 1000, count: 44100, sampleRate: 44100), sampleRate: 44100)
        let features = try FeatureExtractor(.kaldi)(waveform)
        #expect(features.frameCount == 98)
    }

    @Test func ditherIsFixedByItsSeed() throws {
        var frontEnd = FrontEnd.kaldi
        frontEnd.dither = 1
        let silence = Waveform(samples: [Float](repeating: 0, count: 16001), sampleRate: 16000)
        let extractor = try FeatureExtractor(frontEnd)
        let one = try extractor(silence, ditherSeed: 1)
        #expect(try extractor(silence, ditherSeed: 1) == one)
        #expect(try extractor(silence, ditherSeed: 2) != one)
        #expect(try extractor(silence) == FeatureExtractor(.kaldi)(silence))
        // White noise of variance 1: a rectangular frame of 400 samples has a power of 400 a bin.
        frontEnd.kind = .spectrogram
        frontEnd.log = .none
        frontEnd.window = .rectangular
        frontEnd.removesDCOffset = false
        frontEnd.preEmphasis = 0
        let power = try FeatureExtractor(frontEnd)(silence, ditherSeed: 3)
        let mean = power.values.reduce(0, +) / Float(power.values.count)
        #expect(abs(mean - 400) < 20)
    }

    @Test func recordingNormalizationGivesMeanZeroAndVarianceOne() throws {
        var frontEnd = FrontEnd.kaldi
        frontEnd.normalization = .perRecording(variance: true)
        let features = try FeatureExtractor(frontEnd)(
            Waveform(samples: noise(count: 16000), sampleRate: 16000))
        var accumulator = FeatureStatisticsAccumulator(featureCount: 80)
        accumulator.add(features)
        let statistics = try #require(accumulator.finalize())
        #expect(statistics.mean.allSatisfy { abs($0) < 1e-5 })
        #expect(statistics.standardDeviation.allSatisfy { abs($0 - 1) < 1e-4 })
    }

    @Test func corpusNormalizationAppliesTheStatistics() throws {
        let waveform = Waveform(samples: noise(count: 4000), sampleRate: 16000)
        let plain = try FeatureExtractor(.kaldi)(waveform)
        var frontEnd = FrontEnd.kaldi
        frontEnd.normalization = .corpus(
            FeatureStatistics(
                mean: [Float](repeating: 3, count: 80),
                standardDeviation: [Float](repeating: 2, count: 80)))
        let normalized = try FeatureExtractor(frontEnd)(waveform)
        #expect(largestDifference(normalized.values, plain.values.map { ($0 - 3) / 2 }) < 1e-6)
    }

    @Test func lessThanAFrameIsAnError() throws {
        let extractor = try FeatureExtractor(.kaldi)
        #expect(throws: SignalError.tooShort(path: "a.wav", samples: 399, needed: 400)) {
            try extractor(
                Waveform(samples: [Float](repeating: 0, count: 399), sampleRate: 16000),
                source: "a.wav")
        }
    }

    @Test func samplesThatAreNoNumbersAreAnError() throws {
        var samples = [Float](repeating: 0, count: 1000)
        samples[700] = .infinity
        #expect(throws: SignalError.nonFinite(path: SignalError.inMemory, index: 700)) {
            try FeatureExtractor(.kaldi)(Waveform(samples: samples, sampleRate: 16000))
        }
    }
}

@Suite struct FeatureStatisticsTests {
    @Test func partsGiveWhatTheWholeGives() throws {
        // Two features with a large mean: naive sums of squares in single precision would lose them.
        let values = noise(count: 2000).enumerated().map {
            $0.offset % 2 == 0 ? 1000 + $0.element : $0.element
        }
        let whole = FeatureMatrix(values: values, frameCount: 1000, featureCount: 2)
        var one = FeatureStatisticsAccumulator(featureCount: 2)
        one.add(whole)
        var parts = FeatureStatisticsAccumulator(featureCount: 2)
        for range in [0..<1, 1..<400, 400..<400, 400..<1000] { parts.add(whole.rows(in: range)) }
        let first = try #require(one.finalize())
        let second = try #require(parts.finalize())
        #expect(parts.frameCount == 1000)
        #expect(largestDifference(first.mean, second.mean) < 1e-4)
        #expect(largestDifference(first.standardDeviation, second.standardDeviation) < 1e-6)
        // The noise is uniform on -1 to 1: its deviation is 1/sqrt(3).
        #expect(first.standardDeviation.allSatisfy { abs($0 - 0.5774) < 0.03 })
    }

    @Test func aConstantFeatureIsFloored() throws {
        var accumulator = FeatureStatisticsAccumulator(featureCount: 1)
        #expect(accumulator.finalize() == nil)
        accumulator.add(FeatureMatrix(values: [4, 4, 4], frameCount: 3, featureCount: 1))
        let statistics = try #require(accumulator.finalize())
        #expect(statistics.mean == [4])
        #expect(statistics.standardDeviation == [FeatureStatistics.smallestStandardDeviation])
    }
}
