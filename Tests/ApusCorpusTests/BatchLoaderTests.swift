import ApusCorpus
import ApusSignal
import Foundation
import TestSupport
import Testing

struct BatchLoaderTests {
    let folder: TemporaryFolder
    private let cuts: [Cut]
    private let store: FeatureStore

    init() throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        var frontEnd = FrontEnd.kaldi
        frontEnd.melBandCount = 8
        store = try FeatureStore(frontEnd: frontEnd)
        cuts = try (0..<24).map {
            let path = try folder.writeWAV(
                "\($0).wav", sampleCount: 2000 + 700 * (($0 * 5) % 24), seed: UInt32($0))
            return Cut(id: "cut-\($0)", audioPath: path)
        }
    }

    private func sampler(
        _ mode: SamplerOptions.Mode, cuts: [Cut]? = nil
    ) throws -> LengthBucketedSampler {
        let cuts = cuts ?? self.cuts
        let counts = try store.frameCounts(of: cuts).map { try $0.get() }
        return try LengthBucketedSampler(
            ids: cuts.map(\.id), frameCounts: counts,
            options: SamplerOptions(mode: mode, framesPerBatch: 200, cropFrames: 60, seed: 1))
    }

    private func all(_ loader: BatchLoader) throws -> [FeatureBatch] {
        var batches: [FeatureBatch] = []
        while let batch = try loader.next() { batches.append(batch) }
        return batches
    }

    @Test(arguments: SamplerOptions.Mode.allCases, [1, 2, 5])
    func theOrderIsThatOfTheSampler(mode: SamplerOptions.Mode, workers: Int) throws {
        let sampler = try sampler(mode)
        let plans = sampler.batches(epoch: 0) + sampler.batches(epoch: 1)
        let expected = plans.map { store.batch(for: $0, of: cuts).batch }
        let loader = BatchLoader(
            cuts: cuts, store: try FeatureStore(frontEnd: store.frontEnd), sampler: sampler,
            endEpoch: 2, ahead: 3, workers: workers)
        #expect(try all(loader) == expected)
        #expect(try loader.next() == nil)
        #expect(loader.state == SamplerState(epoch: 2))
        #expect(loader.problems.isEmpty)
        #expect(loader.secondsWaited >= 0)
    }

    /// The shares of several processes are the items of the whole, each with its place there.
    @Test(arguments: SamplerOptions.Mode.allCases, [2, 3, 7])
    func sharesMakeTheWhole(mode: SamplerOptions.Mode, count: Int) throws {
        let sampler = try sampler(mode)
        let whole = try all(BatchLoader(cuts: cuts, store: store, sampler: sampler, endEpoch: 1))
        let shares = try (0..<count).map {
            try all(
                BatchLoader(
                    cuts: cuts, store: store, sampler: sampler, endEpoch: 1,
                    share: BatchShare(index: $0, count: count)))
        }
        for (number, batch) in whole.enumerated() {
            #expect(batch.rows == Array(0..<batch.count))
            var found: [Int: (id: String, features: ArraySlice<Float>)] = [:]
            for share in shares {
                let part = share[number]
                #expect(part.frameCount == batch.frameCount && part.seed == batch.seed)
                let size = part.frameCount * part.featureCount
                for (index, row) in part.rows.enumerated() {
                    found[row] = (part.ids[index], part.features[index * size..<(index + 1) * size])
                }
            }
            #expect(found.count == batch.count)
            let size = batch.frameCount * batch.featureCount
            for (row, id) in batch.ids.enumerated() {
                #expect(found[row]?.id == id)
                #expect(
                    found[row]?.features.elementsEqual(
                        batch.features[row * size..<(row + 1) * size]) == true)
            }
        }
    }

    /// What a bad recording leaves is a gap: the others keep their places.
    @Test func aBadRecordingLeavesAGap() throws {
        let sampler = try sampler(.padded)
        let plan = try #require(sampler.batches(epoch: 0).first { $0.items.count > 2 })
        var damaged = cuts
        damaged[plan.items[1].cutIndex].audioPath = folder.path + "/missing.wav"
        let (batch, problems) = store.batch(for: plan, of: damaged)
        #expect(batch.rows == plan.items.indices.filter { $0 != 1 })
        #expect(batch.frameCount == plan.frameCount)
        #expect(problems.count == 1)
    }

    @Test func resumingContinuesTheSequence() throws {
        let sampler = try sampler(.exactLength)
        let expected = try all(BatchLoader(cuts: cuts, store: store, sampler: sampler, endEpoch: 2))
        let first = BatchLoader(cuts: cuts, store: store, sampler: sampler)
        var batches: [FeatureBatch] = []
        for _ in 0..<4 {
            if let batch = try first.next() { batches.append(batch) }
        }
        // Batches that were made ahead and not taken are made again.
        let state = first.state
        first.close()
        let second = BatchLoader(
            cuts: cuts, store: store, sampler: sampler, from: state, endEpoch: 2)
        batches += try all(second)
        #expect(batches == expected)
    }

    @Test func aBadRecordingIsLeftOutAndReportedOnce() throws {
        let sampler = try sampler(.padded)
        try folder.writeTruncatedWAV("3.wav", sampleCount: 9000)
        try FileManager.default.removeItem(atPath: folder.path + "/7.wav")
        let loader = BatchLoader(
            cuts: cuts, store: store, sampler: sampler, endEpoch: 3, workers: 2)
        let batches = try all(loader)
        let uses = Dictionary(batches.flatMap(\.ids).map { ($0, 1) }, uniquingKeysWith: +)
        #expect(Set(uses.keys) == Set(cuts.map(\.id)).subtracting(["cut-3", "cut-7"]))
        #expect(uses.values.allSatisfy { $0 == 3 })
        #expect(Set(loader.problems.map(\.id)) == ["cut-3", "cut-7"])
        #expect(loader.problems.count == 2)
        #expect(loader.problems.allSatisfy { !$0.reason.isEmpty })
        for batch in batches {
            let values = batch.ids.count * batch.frameCount * batch.featureCount
            #expect(batch.features.count == values)
        }
        let again = BatchLoader(
            cuts: cuts, store: try FeatureStore(frontEnd: store.frontEnd), sampler: sampler,
            endEpoch: 3, workers: 1)
        #expect(try all(again) == batches)
        #expect(again.problems == loader.problems)
    }

    @Test func onlyBadRecordingsAreAnError() throws {
        let sampler = try sampler(.exactLength)
        for index in cuts.indices {
            try FileManager.default.removeItem(atPath: folder.path + "/\(index).wav")
        }
        let loader = BatchLoader(cuts: cuts, store: store, sampler: sampler)
        #expect {
            try loader.next()
        } throws: { error in
            guard case CorpusError.noUsableCuts(let reason) = error else { return false }
            return reason.hasPrefix("every recording is bad; the first: cut-")
        }
        #expect(loader.problems.count == cuts.count)
        // It stays an error.
        #expect(throws: CorpusError.self) { try loader.next() }
    }

    @Test func aClosedLoaderGivesNothing() throws {
        let sampler = try sampler(.exactLength)
        let loader = BatchLoader(cuts: cuts, store: store, sampler: sampler, ahead: 1)
        #expect(try loader.next() != nil)
        loader.close()
        #expect(try loader.next() == nil)
        loader.close()
    }

    /// The threads hold the store as long as they run.
    @Test func releasingALoaderEndsItsThreads() throws {
        let sampler = try sampler(.exactLength)
        weak var released: FeatureStore?
        do {
            let store = try FeatureStore(frontEnd: store.frontEnd)
            released = store
            let loader = BatchLoader(cuts: cuts, store: store, sampler: sampler)
            #expect(try loader.next() != nil)
        }
        // `close()` has seen every worker leave its loop; the thread's own release may follow.
        for _ in 0..<1000 where released != nil { Thread.sleep(forTimeInterval: 0.005) }
        #expect(released == nil)
    }
}
