import ApusCorpus
import ApusSignal
import Foundation
import TestSupport
import Testing

/// Stores and loaders for training: what is others in each epoch, and what decides nothing.
@Suite struct AugmentedBatchTests {
    private let folder: TemporaryFolder
    private let cuts: [Cut]
    private let frontEnd: FrontEnd = {
        var frontEnd = FrontEnd.kaldi
        frontEnd.melBandCount = 8
        return frontEnd
    }()

    init() throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        cuts = try (0..<12).map {
            Cut(
                id: "voice \($0)",
                audioPath: try folder.writeWAV(
                    "\($0).wav", sampleCount: 6000 + 700 * $0, seed: UInt32($0)))
        }
    }

    private func store(
        _ frontEnd: FrontEnd? = nil, seed: UInt64 = 1, options: AugmentationOptions? = nil,
        cacheByteLimit: Int = 1 << 20
    ) throws -> FeatureStore {
        let augmenter = try options.map {
            try Augmenter($0, seed: seed, sampleRate: self.frontEnd.sampleRate)
        }
        return try FeatureStore(
            frontEnd: frontEnd ?? self.frontEnd, cacheByteLimit: cacheByteLimit,
            purpose: .training(seed: seed, augmenter: augmenter))
    }

    private func batches(
        _ store: FeatureStore, workers: Int, from start: SamplerState = SamplerState()
    ) throws -> [FeatureBatch] {
        let sampler = try LengthBucketedSampler(
            ids: cuts.map(\.id),
            frameCounts: try store.lengths(of: cuts).map { try $0.get().plannedFrameCount },
            options: SamplerOptions(framesPerBatch: 120, cropFrames: 30, repeats: 2, seed: 4))
        let loader = BatchLoader(
            cuts: cuts, store: store, sampler: sampler, from: start, endEpoch: 3, workers: workers)
        var all: [FeatureBatch] = []
        while let batch = try loader.next() { all.append(batch) }
        #expect(loader.problems.isEmpty)
        return all
    }

    @Test func withoutAugmentationTrainingSeesTheSameBits() throws {
        let plain = try FeatureStore(frontEnd: frontEnd)
        let off = try store(options: AugmentationOptions())
        #expect(try batches(off, workers: 2) == batches(plain, workers: 2))
        #expect(off.cachedByteCount == plain.cachedByteCount)
        #expect(
            try off.features(of: cuts[0], epoch: 0) == off.features(of: cuts[0], epoch: 1))
    }

    /// Neither workers nor memory nor what came before moves a bit of an augmented batch.
    @Test func workersAndCachesDecideNothing() throws {
        let options = try AugmentationOptions.everything(in: folder)
        let all = try batches(store(options: options), workers: 1)
        #expect(all.count > 15)
        #expect(try batches(store(options: options), workers: 3) == all)
        var small = options
        small.cacheMegabytes = 0
        #expect(try batches(store(options: small, cacheByteLimit: 0), workers: 2) == all)
        let rest = try batches(
            store(options: options), workers: 2, from: SamplerState(epoch: 1, batchIndex: 2))
        #expect(rest == Array(all.suffix(rest.count)) && rest.count < all.count)
        #expect(try batches(store(seed: 2, options: options), workers: 2) != all)
    }

    @Test func samplesAreKeptInsteadOfFeatures() throws {
        var options = AugmentationOptions()
        options.gain.probability = 1
        let store = try store(options: options, cacheByteLimit: 4 * (6000 + 6700) + 1)
        let first = try store.features(of: cuts[0], epoch: 0)
        #expect(store.cachedByteCount == 4 * 6000)
        #expect(try store.features(of: cuts[0], epoch: 1) != first)
        #expect(try store.features(of: cuts[0], epoch: 0, repetition: 1) != first)
        for cut in cuts { _ = try store.features(of: cut) }
        #expect(store.cachedByteCount == 4 * (6000 + 6700))
        #expect(try store.features(of: cuts[0], epoch: 0) == first)
    }

    /// Dither is drawn for each epoch in training, and is off elsewhere.
    @Test func ditherBelongsToAnEpoch() throws {
        var dithered = frontEnd
        dithered.dither = 100
        let training = try store(dithered)
        let first = try training.features(of: cuts[0], epoch: 0)
        #expect(try training.features(of: cuts[0], epoch: 0) == first)
        #expect(try training.features(of: cuts[0], epoch: 1) != first)
        #expect(try store(dithered).features(of: cuts[0], epoch: 0) == first)
        #expect(try store(dithered, seed: 2).features(of: cuts[0], epoch: 0) != first)
        var twin = cuts[0]
        twin.id = "twin"
        #expect(try training.features(of: twin, epoch: 0) != first)
        let extraction = try FeatureStore(frontEnd: dithered)
        let kept = try extraction.features(of: cuts[0], epoch: 0)
        #expect(try extraction.features(of: cuts[0], epoch: 1) == kept)
        #expect(kept != first)
        #expect(try FeatureStore(frontEnd: frontEnd).features(of: cuts[0]) == kept)
    }

    /// Every planned crop exists at every speed; the first begins at the start and the last ends at
    /// the end.
    @Test func cropsFollowTheSpeed() throws {
        var options = AugmentationOptions()
        options.speed.probability = 1
        options.speed.factors = [0.5]
        let slow = try store(options: options)
        options.speed.factors = [0.5, 2]
        let either = try store(options: options)
        let cut = cuts[0]
        let length = try #require(try either.lengths(of: [cut]).first?.get())
        // 6000 samples, 3000 at twice the speed, 12000 at half of it.
        #expect(length.frameCount == 36 && length.plannedFrameCount == 17)
        #expect(try slow.lengths(of: [cut]).first?.get().plannedFrameCount == 36)
        #expect(try either.frameCounts(of: [cut]).first?.get() == 36)

        let stretched = try slow.features(of: cut)
        #expect(stretched.frameCount == 73)
        func crop(_ start: Int, _ length: Int) -> [Float] {
            let plan = BatchPlan(
                epoch: 0, index: 0, seed: 0,
                items: [.init(cutIndex: 0, start: start, length: length)])
            return slow.batch(for: plan, of: [cut]).batch.features
        }
        func rows(_ range: Range<Int>) -> [Float] { stretched.rows(in: range).values }
        #expect(crop(0, 10) == rows(0..<10))
        #expect(crop(26, 10) == rows(63..<73))
        #expect(crop(13, 10) == rows(31..<41))
        #expect(crop(0, 36) == rows(0..<36))
        #expect(crop(20, 17).isEmpty)
    }

    @Test func aDamagedNoiseLeavesItsRecordingsOut() throws {
        var options = AugmentationOptions()
        options.noise = try AugmentationOptions.everything(in: folder).noise
        options.noise.probability = 0.5
        let store = try store(options: options)
        for name in ["hiss.wav", "hum.wav"] {
            try folder.writeTruncatedWAV(name, sampleCount: 20000)
        }
        let plan = BatchPlan(
            epoch: 0, index: 0, seed: 0,
            items: cuts.indices.map { .init(cutIndex: $0, start: 0, length: 20) })
        let (batch, problems) = store.batch(for: plan, of: cuts)
        #expect(batch.count + problems.count == 12 && batch.count > 0 && problems.count > 0)
        #expect(problems.allSatisfy { $0.reason.contains("(a noise of ") })
    }
}
