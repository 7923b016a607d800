import ApusCorpus
import ApusSignal
import Foundation
import TestSupport
import Testing

/// Draws belong to a recording and an epoch, and each kind does what it says.
@Suite struct AugmenterTests {
    private let folder: TemporaryFolder
    private let wave: Waveform

    init() throws {
        folder = try TemporaryFolder()
        let path = try folder.writeWAV("voice.wav", sampleCount: 8000)
        wave = try Waveform(contentsOf: path)
    }

    private func augmenter(
        seed: UInt64 = 1, _ change: (inout AugmentationOptions) -> Void
    ) throws -> Augmenter {
        var options = AugmentationOptions()
        change(&options)
        return try Augmenter(options, seed: seed, sampleRate: 16000)
    }

    private func hear(
        _ augmenter: Augmenter, id: String = "a", epoch: Int = 0, repetition: Int = 0
    ) throws -> Waveform {
        try augmenter.waveform(wave, id: id, epoch: epoch, repetition: repetition)
    }

    /// Every kind with probability 1, with noises and responses of the folder.
    private func everything() throws -> AugmentationOptions {
        try AugmentationOptions.everything(in: folder)
    }

    @Test func nothingIsDoneByDefault() throws {
        let augmenter = try augmenter { _ in }
        #expect(try hear(augmenter) == wave)
        let features = FeatureMatrix(values: [1, 2, 3, 4], frameCount: 2, featureCount: 2)
        #expect(augmenter.features(features, id: "a", epoch: 0) == features)
        #expect(augmenter.fewestSamples(of: 8000) == 8000)
    }

    @Test func drawsBelongToARecordingAndAnEpoch() throws {
        let one = try Augmenter(try everything(), seed: 1, sampleRate: 16000)
        let first = try hear(one, id: "a", epoch: 3)
        for (id, epoch, repetition) in [("b", 3, 0), ("a", 4, 0), ("a", 3, 1), ("a", 0, 0)] {
            #expect(try hear(one, id: id, epoch: epoch, repetition: repetition) != first)
        }
        // Whatever was drawn before, here and in an augmenter of the same seed.
        #expect(try hear(one, id: "a", epoch: 3) == first)
        let same = try Augmenter(try everything(), seed: 1, sampleRate: 16000)
        #expect(try hear(same, id: "a", epoch: 3) == first)
        let other = try Augmenter(try everything(), seed: 2, sampleRate: 16000)
        #expect(try hear(other, id: "a", epoch: 3) != first)
    }

    /// Turning one kind on changes no other's draws.
    @Test func kindsDrawByThemselves() throws {
        let gain = try augmenter { $0.gain.probability = 1 }
        let both = try augmenter {
            $0.gain.probability = 1
            $0.chunkDrop.probability = 1
        }
        let (louder, withChunks) = (try hear(gain), try hear(both))
        #expect(withChunks != louder)
        for (one, other) in zip(withChunks.samples, louder.samples) where one != 0 {
            #expect(one == other)
        }
    }

    @Test func probabilitiesAreMet() throws {
        let half = try augmenter { $0.gain.probability = 0.3 }
        let changed = try (0..<500).count { try hear(half, epoch: $0) != wave }
        // Five standard deviations of the binomial distribution.
        #expect(abs(Double(changed) - 150) < 5 * (500 * 0.3 * 0.7).squareRoot())
    }

    @Test func gainsAreInTheirRange() throws {
        let augmenter = try augmenter {
            $0.gain.probability = 1
            ($0.gain.minimum, $0.gain.maximum) = (-6, 2)
        }
        let gains = try (0..<100).map { epoch in
            20 * log10(Double(try hear(augmenter, epoch: epoch).samples[5] / wave.samples[5]))
        }
        #expect(gains.allSatisfy { (-6.001...2.001).contains($0) })
        #expect((gains.min() ?? 0) < -5 && (gains.max() ?? 0) > 1)
    }

    @Test func noiseIsAddedAtItsRatio() throws {
        let options = try everything()
        let augmenter = try augmenter {
            $0.noise = options.noise
            ($0.noise.minimumRatio, $0.noise.maximumRatio) = (7, 7)
        }
        func energy(_ samples: [Float]) -> Double {
            samples.reduce(0) { $0 + Double($1) * Double($1) }
        }
        for epoch in 0..<20 {
            let noisy = try hear(augmenter, epoch: epoch).samples
            let added = zip(noisy, wave.samples).map { $0 - $1 }
            #expect(abs(10 * log10(energy(wave.samples) / energy(added)) - 7) < 0.01)
        }
    }

    @Test func speedsAreThoseOfTheList() throws {
        let augmenter = try augmenter {
            $0.speed.probability = 1
            $0.speed.factors = [0.8, 1, 1.25]
        }
        let counts = try Set((0..<40).map { try hear(augmenter, epoch: $0).samples.count })
        #expect(counts == [10000, 8000, 6400])
        #expect(augmenter.fewestSamples(of: 8000) == 6400)
        let slow = try self.augmenter {
            $0.speed.probability = 1
            $0.speed.factors = [0.8, 0.9]
        }
        // A recording whose speed is not drawn keeps its own.
        #expect(slow.fewestSamples(of: 8000) == 8000)
    }

    @Test func chunksAreAsLongAsTheyMayBe() throws {
        let augmenter = try augmenter {
            $0.chunkDrop.probability = 1
            ($0.chunkDrop.minimumCount, $0.chunkDrop.maximumCount) = (1, 1)
            ($0.chunkDrop.minimumSeconds, $0.chunkDrop.maximumSeconds) = (0.1, 100)
        }
        let loud = Waveform(samples: [Float](repeating: 1, count: 8000), sampleRate: 16000)
        for epoch in 0..<40 {
            let heard = try augmenter.waveform(loud, id: "a", epoch: epoch)
            #expect((1600...4000).contains(heard.samples.count { $0 == 0 }))
        }
        // Even one sample has a half.
        let one = Waveform(samples: [1], sampleRate: 16000)
        #expect(try augmenter.waveform(one, id: "a", epoch: 0) == one)
    }

    @Test func masksAreWithinTheirBounds() throws {
        let augmenter = try augmenter {
            $0.specAugment.probability = 1
            $0.specAugment.timeMaskCount = 1
            $0.specAugment.maximumTimeMask = 50
            $0.specAugment.maximumTimeShare = 0.25
            $0.specAugment.frequencyMaskCount = 1
            $0.specAugment.maximumFrequencyMask = 3
        }
        let ones = FeatureMatrix(
            values: [Float](repeating: 1, count: 40 * 8), frameCount: 40, featureCount: 8)
        var (longest, widest) = (0, 0)
        for epoch in 0..<200 {
            let masked = augmenter.features(ones, id: "a", epoch: epoch)
            let frames = (0..<40).filter { t in (0..<8).allSatisfy { masked[t, $0] == 0 } }
            let bands = (0..<8).filter { f in (0..<40).allSatisfy { masked[$0, f] == 0 } }
            #expect(
                masked.values.count { $0 == 0 } == frames.count * 8 + bands.count
                    * (40 - frames.count))
            longest = max(longest, frames.count)
            widest = max(widest, bands.count)
        }
        #expect(longest == 10 && widest == 3)
    }

    @Test func warpsKeepTheEnds() throws {
        let augmenter = try augmenter {
            $0.specAugment.probability = 1
            $0.specAugment.timeMaskCount = 0
            $0.specAugment.frequencyMaskCount = 0
            $0.specAugment.timeWarp = 5
        }
        let ramp = FeatureMatrix(
            values: (0..<30).map(Float.init), frameCount: 30, featureCount: 1)
        var changed = 0
        for epoch in 0..<40 {
            let warped = augmenter.features(ramp, id: "a", epoch: epoch)
            #expect(warped[0, 0] == 0 && warped[29, 0] == 29)
            #expect(zip(warped.values, warped.values.dropFirst()).allSatisfy { $0 < $1 })
            changed += warped == ramp ? 0 : 1
        }
        #expect(changed > 20)
        // A crop without room for the warp stays.
        #expect(
            augmenter.features(ramp.rows(in: 0..<10), id: "a", epoch: 0) == ramp.rows(in: 0..<10))
    }

    /// What is wrong with noises and responses is said before training, with the file's name.
    @Test func badSoundsAreNamed() throws {
        let manifest = try folder.write(
            "{\"audio_filepath\":\"gone.wav\",\"id\":\"hiss\"}\n", "n.jsonl")
        func error(_ change: (inout AugmentationOptions) -> Void) throws -> String {
            try #require(throws: CorpusError.self) { try augmenter(change) }.description
        }
        let gone = try error {
            $0.noise.probability = 0.1
            $0.noise.manifest = manifest
        }
        #expect(gone.hasPrefix("hiss: \(folder.path)/gone.wav: "))
        #expect(gone.hasSuffix("(a noise of \(manifest))"))

        try folder.write("not audio at all, not a bit", "gone.wav")
        #expect(
            try error {
                $0.reverberation.probability = 0.1
                $0.reverberation.manifest = manifest
            }.hasSuffix("(a room response of \(manifest))"))
        let empty = try folder.write("", "empty.jsonl")
        #expect(
            try error {
                $0.noise.probability = 0.1
                $0.noise.manifest = empty
            }.contains("noise"))
        #expect(
            try error {
                $0.noise.probability = 0.1
                $0.noise.manifest = folder.path + "/none.jsonl"
            }.contains("none.jsonl"))
        try folder.writeWAV("gone.wav", sampleCount: 31 * 4000, sampleRate: 4000)
        #expect(
            try error {
                $0.reverberation.probability = 0.1
                $0.reverberation.manifest = manifest
            }.contains("expected at most 30.0 s, found 31.0 s"))
        try folder.write(
            "{\"audio_filepath\":\"gone.wav\",\"id\":\"hiss\",\"offset\":32}\n", "n.jsonl")
        #expect(
            try error {
                $0.noise.probability = 0.1
                $0.noise.manifest = manifest
            }.hasPrefix("hiss: "))
    }

    /// A noise whose damage shows only when it is read is named by the recording's problem.
    @Test func aDamagedNoiseIsNamed() throws {
        let options = try everything()
        let augmenter = try augmenter { $0.noise = options.noise }
        for name in ["hiss.wav", "hum.wav"] {
            try folder.writeTruncatedWAV(name, sampleCount: 20000)
        }
        let error = try #require(throws: CorpusError.self) { try hear(augmenter) }
        #expect(error.description.contains(folder.path + "/h"))
        #expect(error.description.hasSuffix("(a noise of \(folder.path)/noises.jsonl)"))
    }

    /// Samples as large as single precision holds, and a recording of one sample, do no harm.
    @Test func extremeRecordings() throws {
        let augmenter = try Augmenter(everything(), seed: 1, sampleRate: 16000)
        for sample: Float in [.greatestFiniteMagnitude, .leastNonzeroMagnitude, 0] {
            for count in [1, 500] {
                let wave = Waveform(
                    samples: (0..<count).map { $0 % 2 == 0 ? sample : -sample }, sampleRate: 16000)
                for epoch in 0..<5 {
                    let heard = try augmenter.waveform(wave, id: "a", epoch: epoch)
                    #expect(heard.samples.count <= count * 10 / 9 + 1)
                    if sample < 1 { #expect(heard.samples.allSatisfy { $0.isFinite }) }
                }
            }
        }
    }

    /// A room's response is one channel of its file, never the mean of several.
    @Test func aResponseIsOneChannel() throws {
        let left = Waveform(samples: [1, 0, 0, 0], sampleRate: 16000)
        let right = Waveform(samples: [0, 0, -1, 0.5], sampleRate: 16000)
        try [left, right].write(to: folder.path + "/stereo.wav", format: .wavFloat)
        for (line, response) in [("", left), (",\"channel\":1", right)] {
            let manifest = try folder.write(
                "{\"audio_filepath\":\"stereo.wav\",\"id\":\"s\"\(line)}\n", "s.jsonl")
            let augmenter = try augmenter {
                $0.reverberation.probability = 1
                $0.reverberation.manifest = manifest
            }
            #expect(try hear(augmenter) == wave.reverberated(by: response))
        }
    }

    /// A long noise is read in stretches, all of which occur; memory decides nothing.
    @Test func longNoisesAreReadInStretches() throws {
        // 70 s: three stretches, each a constant of its own.
        let rate = 1000
        let samples = (0..<70 * rate).map { Float(1 + $0 * 3 / (70 * rate)) / 8 }
        try Waveform(samples: samples, sampleRate: rate).write(
            to: folder.path + "/long.wav", format: .wavFloat)
        let manifest = try folder.write(
            "{\"audio_filepath\":\"long.wav\",\"id\":\"l\"}\n", "l.jsonl")
        var options = AugmentationOptions()
        options.noise.probability = 1
        options.noise.manifest = manifest
        var heard: [Set<Int>] = []
        for megabytes in [0, 1] {
            options.cacheMegabytes = megabytes
            let augmenter = try Augmenter(options, seed: 1, sampleRate: rate)
            let silence = Waveform(
                samples: [Float](repeating: 1, count: 29 * rate), sampleRate: rate)
            heard.append(
                try Set(
                    (0..<30).map {
                        try augmenter.waveform(silence, id: "a", epoch: $0).samples.hashValue
                    }))
        }
        #expect(heard[0] == heard[1])
        #expect(heard[0].count == 30)
    }
}

extension AugmentationOptions {
    /// Every kind with probability 1; noises and responses are written into a folder.
    static func everything(in folder: TemporaryFolder) throws -> AugmentationOptions {
        var options = AugmentationOptions()
        options.speed.probability = 1
        options.reverberation.probability = 1
        options.noise.probability = 1
        options.gain.probability = 1
        options.clipping.probability = 1
        options.telephone.probability = 1
        options.bandDrop.probability = 1
        options.chunkDrop.probability = 1
        options.specAugment.probability = 1
        options.specAugment.timeWarp = 3
        try folder.writeWAV("hiss.wav", sampleCount: 3000, seed: 5)
        try folder.writeWAV("hum.wav", sampleCount: 20000, sampleRate: 8000, seed: 6)
        try folder.writeWAV("room.wav", sampleCount: 500, seed: 7)
        func line(_ name: String) -> String {
            "{\"audio_filepath\":\"\(name).wav\",\"id\":\"\(name)\"}\n"
        }
        options.noise.manifest = try folder.write(line("hiss") + line("hum"), "noises.jsonl")
        options.reverberation.manifest = try folder.write(line("room"), "rooms.jsonl")
        return options
    }
}
