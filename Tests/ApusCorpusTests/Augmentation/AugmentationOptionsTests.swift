import ApusCorpus
import Foundation
import Testing

/// Options are off by default, survive JSON, and name the key that can't be used.
@Suite struct AugmentationOptionsTests {
    @Test func theDefaultsDoNothing() throws {
        let options = AugmentationOptions()
        try options.validate(sampleRate: 16000)
        #expect(!options.isOn && !options.changesWaveforms)
        var masked = options
        masked.specAugment.probability = 0.5
        #expect(masked.isOn && !masked.changesWaveforms)
        masked.chunkDrop.probability = 1
        #expect(masked.isOn && masked.changesWaveforms)
    }

    @Test func optionsSurviveJSON() throws {
        var options = AugmentationOptions()
        options.speed.factors = [0.9, 1, 1.1]
        options.clipping.measure = .level
        options.telephone.laws = [.aLaw]
        options.specAugment.maskValue = .mean
        options.noise.manifest = "noise.jsonl"
        let data = try JSONEncoder().encode(options)
        #expect(try JSONDecoder().decode(AugmentationOptions.self, from: data) == options)
    }

    private typealias Change = (inout AugmentationOptions) -> Void

    private let badChanges: [(String, Change)] =
        [
            ("speed.probability", { $0.speed.probability = -0.1 }),
            ("noise.probability", { $0.noise.probability = 1.5 }),
            ("gain.probability", { $0.gain.probability = .nan }),
            ("specAugment.probability", { $0.specAugment.probability = -1 }),
            ("speed.factors", { $0.speed.factors = [] }),
            ("speed.factors", { $0.speed.factors = [1, 0] }),
            ("speed.factors", { $0.speed.factors = [.nan] }),
            ("noise.manifest", { $0.noise.probability = 0.1 }),
            ("reverberation.manifest", { $0.reverberation.probability = 0.1 }),
            ("noise.maximumRatio", { $0.noise.maximumRatio = -1 }),
            ("noise.minimumRatio", { $0.noise.minimumRatio = -.infinity }),
            ("gain.maximum", { $0.gain.maximum = 1e9 }),
            ("clipping.minimum", { $0.clipping.minimum = 0 }),
            ("clipping.maximum", { $0.clipping.maximum = 1.01 }),
            ("telephone.laws", { $0.telephone.laws = [] }),
            ("bandDrop.minimumCount", { $0.bandDrop.minimumCount = 0 }),
            ("bandDrop.maximumCount", { $0.bandDrop.minimumCount = 4 }),
            ("bandDrop.minimumFrequency", { $0.bandDrop.minimumFrequency = -5 }),
            ("bandDrop.width", { $0.bandDrop.width = 0 }),
            ("chunkDrop.maximumSeconds", { $0.chunkDrop.maximumSeconds = 0.001 }),
            ("chunkDrop.minimumSeconds", { $0.chunkDrop.minimumSeconds = -1 }),
            ("specAugment.timeMaskCount", { $0.specAugment.timeMaskCount = -1 }),
            ("specAugment.timeWarp", { $0.specAugment.timeWarp = -1 }),
            ("specAugment.maximumTimeShare", { $0.specAugment.maximumTimeShare = 1.2 }),
            ("cacheMegabytes", { $0.cacheMegabytes = -1 }),
        ] as [(String, Change)]

    @Test func badOptionsAreNamed() throws {
        for (option, change) in badChanges {
            var options = AugmentationOptions()
            change(&options)
            let error = try #require(throws: CorpusError.self) {
                try options.validate(sampleRate: 16000)
            }
            guard case .invalidAugmentation(let key, _, _) = error else {
                Issue.record("another error: \(error)")
                continue
            }
            #expect(key == option)
            #expect(error.description.hasPrefix("augmentation.\(option): is "))
        }
    }

    @Test func bandsHaveToFitTheRate() throws {
        var options = AugmentationOptions()
        options.bandDrop.maximumFrequency = 7000
        _ = try Augmenter(options, seed: 1, sampleRate: 8000)
        options.bandDrop.probability = 0.5
        _ = try Augmenter(options, seed: 1, sampleRate: 16000)
        let error = try #require(throws: CorpusError.self) {
            try Augmenter(options, seed: 1, sampleRate: 8000)
        }
        #expect(
            error.description.hasPrefix("augmentation.bandDrop.maximumFrequency: is 7000.0"))
    }
}
