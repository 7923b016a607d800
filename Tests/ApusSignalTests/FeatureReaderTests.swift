import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct FeatureReaderTests {
    /// 7 s: a few blocks of the reader.
    static let samples = noise(count: 300_000).enumerated().map {
        $0.element * ($0.offset % 90000 < 45000 ? 0.5 : 0.001)
    }

    // Samples themselves have no normalization, deltas or stacks.
    @Test(arguments: FrontEnd.presetNames.filter { $0 != "waveform" }, [16000, 44100])
    func blocksAreTheWhole(preset: String, sampleRate: Int) throws {
        var frontEnd = try #require(FrontEnd.preset(named: preset))
        let waveform = Waveform(samples: Self.samples, sampleRate: sampleRate)
        try withTemporaryFolder { folder in
            let path = folder + "/long.wav"
            try waveform.write(to: path, format: .wavFloat)
            for normalization in [
                FeatureNormalization.none, .perRecording(variance: false),
                .perRecording(variance: true),
            ] {
                frontEnd.normalization = normalization
                frontEnd.dither = 1e-5
                frontEnd.deltaOrder = 1
                frontEnd.stacking.right = 1
                let whole = try FeatureExtractor(frontEnd)(waveform, ditherSeed: 3)
                let reader = try FeatureReader(SoundFile(path: path), frontEnd, ditherSeed: 3)
                #expect(reader.frameCount == whole.frameCount)
                var values: [Float] = []
                var blockCount = 0
                while let block = try reader.next() {
                    values += block.values
                    blockCount += 1
                }
                #expect(blockCount > 2)
                #expect(values == whole.values)
                #expect(try reader.next() == nil)
            }
        }
    }

    @Test func segmentsAndChannels() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/two.wav"
            let left = Waveform(samples: noise(count: 40000), sampleRate: 16000)
            let right = Waveform(samples: left.samples.map { $0 * 0.1 }, sampleRate: 16000)
            try [left, right].write(to: path, format: .wavFloat)
            let reader = try FeatureReader(
                SoundFile(path: path), .kaldi, offset: 0.5, duration: 1, channels: .channel(1))
            var values: [Float] = []
            while let block = try reader.next() { values += block.values }
            let part = Waveform(samples: Array(right.samples[8000..<24000]), sampleRate: 16000)
            #expect(try values == FeatureExtractor(.kaldi)(part).values)
        }
    }

    @Test func lessThanAFrameNamesTheFile() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/short.wav"
            try Waveform(samples: noise(count: 300), sampleRate: 16000)
                .write(to: path, format: .wavFloat)
            #expect(throws: SignalError.tooShort(path: path, samples: 300, needed: 400)) {
                try FeatureReader(SoundFile(path: path), .kaldi)
            }
        }
    }

    @Test func aBadSampleIsFoundWhereItIs() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/bad.wav"
            var samples = Self.samples
            samples[200_000] = .nan
            try floatWAV(samples).write(to: URL(fileURLWithPath: path))
            let reader = try FeatureReader(SoundFile(path: path), .kaldi)
            #expect(throws: SignalError.nonFinite(path: path, index: 200_000)) {
                while try reader.next() != nil {}
            }
        }
    }
}

@Suite struct SpeechActivityTests {
    @Test func loudFramesAreActive() {
        var rule = SpeechActivity()
        rule.context = 0
        rule.energyThreshold = 5
        // The mean is 10: the threshold is 5 + 0.5 * 10.
        #expect(
            rule.mask(logEnergies: [20, 0, 10, 10.5, 9.5]) == [true, false, false, true, false])
        #expect(rule.mask(logEnergies: []).isEmpty)
    }

    @Test func theContextFillsGaps() {
        var rule = SpeechActivity()
        rule.meanScale = 0
        rule.context = 1
        rule.proportion = 0.6
        let energies: [Float] = [9, 0, 9, 9, 0, 0, 0, 9]
        // Two of three, and at the ends two of two, must be loud.
        #expect(
            rule.mask(logEnergies: energies)
                == [false, true, true, true, false, false, false, false])
    }

    @Test func silenceAroundSpeechIsLeftOut() throws {
        let quiet = noise(count: 16000).map { $0 * 1e-4 }
        let loud = noise(count: 16000).map { $0 * 0.2 }
        let waveform = Waveform(samples: quiet + loud + quiet, sampleRate: 16000)
        let mask = try SpeechActivity().mask(of: waveform, frontEnd: .kaldi)
        #expect(mask.count == FrontEnd.kaldi.frameCount(sampleCount: 48000))
        #expect(mask[..<90].allSatisfy { !$0 })
        #expect(mask[102..<196].allSatisfy { $0 })
        #expect(mask[206...].allSatisfy { !$0 })
        try withTemporaryFolder { folder in
            try waveform.write(to: folder + "/a.wav", format: .wavFloat)
            let file = try SoundFile(path: folder + "/a.wav")
            #expect(try SpeechActivity().mask(of: file, frontEnd: .kaldi) == mask)
        }
    }
}
