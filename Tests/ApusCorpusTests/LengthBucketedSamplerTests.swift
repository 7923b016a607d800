import ApusCorpus
import Foundation
import Testing

struct LengthBucketedSamplerTests {
    private let frameCounts = (0..<200).map { 20 + ($0 * 37) % 300 }

    private func sampler(_ options: SamplerOptions) throws -> LengthBucketedSampler {
        try LengthBucketedSampler(
            ids: frameCounts.indices.map { "cut-\($0)" }, frameCounts: frameCounts, options: options
        )
    }

    @Test func exactLengthsNeedNoPadding() throws {
        let sampler = try sampler(
            SamplerOptions(framesPerBatch: 1000, cropFrames: 160, minimumFrames: 30, seed: 1))
        let plans = sampler.batches(epoch: 0)
        var planned = 0
        var usable = 0
        for plan in plans {
            let lengths = Set(plan.items.map(\.length))
            #expect(lengths.count == 1)
            #expect(plan.items.count * plan.frameCount <= 1000)
            #expect(plan.frameCount <= 160 && plan.frameCount >= 30)
            for item in plan.items {
                #expect(item.start >= 0)
                #expect(item.start + item.length <= frameCounts[item.cutIndex])
                planned += item.length
                usable += min(160, frameCounts[item.cutIndex])
            }
        }
        // Neighbours in length share a batch, so that little is cropped away.
        #expect(Double(planned) > 0.9 * Double(usable))
        #expect(plans.map(\.index) == Array(plans.indices))
    }

    @Test(arguments: SamplerOptions.Mode.allCases)
    func aBatchHoldsOneSpeakerWhereAsked(mode: SamplerOptions.Mode) throws {
        let speakers = frameCounts.indices.map { ($0 * $0) % 7 }
        let options = SamplerOptions(mode: mode, framesPerBatch: 1000, minimumFrames: 40, seed: 3)
        let sampler = try LengthBucketedSampler(
            ids: frameCounts.indices.map { "cut-\($0)" }, frameCounts: frameCounts,
            speakers: speakers, options: options)
        let plans = sampler.batches(epoch: 1)
        for plan in plans {
            #expect(Set(plan.items.map { speakers[$0.cutIndex] }).count == 1)
            #expect(plan.items.count * plan.frameCount <= 1000)
        }
        let taken = plans.flatMap(\.items).map(\.cutIndex).sorted()
        #expect(taken == frameCounts.indices.filter { frameCounts[$0] >= 40 })
        // One speaker for all is no speaker.
        let alike = try LengthBucketedSampler(
            ids: frameCounts.indices.map { "cut-\($0)" }, frameCounts: frameCounts,
            speakers: frameCounts.map { _ in 5 }, options: options)
        #expect(alike.batches(epoch: 1) == (try self.sampler(options).batches(epoch: 1)))
    }

    @Test func speakersAreNumberedByTheirFirstRecordings() {
        #expect(speakerNumbers(of: ["b", "a", nil, "b", nil, "a"]) == [0, 1, 2, 0, 3, 1])
        #expect(speakerNumbers(of: [nil, nil]) == nil)
        #expect(speakerNumbers(of: []) == nil)
    }

    @Test func paddedItemsKeepTheirLengths() throws {
        let sampler = try sampler(
            SamplerOptions(mode: .padded, framesPerBatch: 2000, cropFrames: nil, seed: 1))
        var padded = 0
        var kept = 0
        for plan in sampler.batches(epoch: 3) {
            #expect(plan.items.count * plan.frameCount <= 2000)
            for item in plan.items {
                #expect(item.start == 0 && item.length == frameCounts[item.cutIndex])
                kept += item.length
                padded += plan.frameCount - item.length
            }
        }
        #expect(kept == frameCounts.reduce(0, +))
        #expect(Double(padded) < 0.1 * Double(kept))
    }

    @Test(arguments: SamplerOptions.Mode.allCases, [1, 3])
    func everyUsableRecordingIsTaken(mode: SamplerOptions.Mode, repeats: Int) throws {
        let sampler = try sampler(
            SamplerOptions(mode: mode, minimumFrames: 40, repeats: repeats, seed: 2))
        let taken = sampler.batches(epoch: 1).flatMap(\.items).map(\.cutIndex)
        let uses = Dictionary(taken.map { ($0, 1) }, uniquingKeysWith: +)
        let usable = frameCounts.indices.filter { frameCounts[$0] >= 40 }
        #expect(Set(uses.keys) == Set(usable))
        #expect(uses.values.allSatisfy { $0 == repeats })
        #expect(sampler.skippedIndices == frameCounts.indices.filter { frameCounts[$0] < 40 })
        #expect(!sampler.skippedIndices.isEmpty)
        #expect(sampler.recordingCount == 200)
    }

    @Test func anEpochIsAFunctionOfSeedAndEpoch() throws {
        let options = SamplerOptions(framesPerBatch: 500, seed: 9)
        let first = try sampler(options).batches(epoch: 4)
        #expect(try sampler(options).batches(epoch: 4) == first)
        #expect(try sampler(options).batches(epoch: 5) != first)
        #expect(
            try sampler(SamplerOptions(framesPerBatch: 500, seed: 10)).batches(epoch: 4) != first)
        #expect(Set(first.map(\.seed)).count == first.count)
        // The batches do not come in the order of their lengths.
        let lengths = first.map(\.frameCount)
        #expect(lengths != lengths.sorted() && lengths != lengths.sorted(by: >))
    }

    /// The crops of one recording move from epoch to epoch and lie anywhere in it.
    @Test func cropsMove() throws {
        let sampler = try LengthBucketedSampler(
            ids: ["long"], frameCounts: [12], options: SamplerOptions(cropFrames: 10, seed: 3))
        let starts = (0..<60).compactMap { sampler.batches(epoch: $0).first?.items.first?.start }
        #expect(Set(starts) == [0, 1, 2])
        let repeated = try LengthBucketedSampler(
            ids: ["long"], frameCounts: [500],
            options: SamplerOptions(cropFrames: 10, repeats: 8, seed: 3))
        #expect(Set(repeated.batches(epoch: 0).flatMap(\.items).map(\.start)).count > 4)
    }

    /// A crop's place depends on its own recording, not on the others.
    @Test func cropsDoNotDependOnTheOtherRecordings() throws {
        let options = SamplerOptions(cropFrames: 50, seed: 4)
        let together = try LengthBucketedSampler(
            ids: ["a", "b"], frameCounts: [300, 400], options: options)
        let alone = try LengthBucketedSampler(ids: ["b"], frameCounts: [400], options: options)
        let expected = alone.batches(epoch: 2).flatMap(\.items).map(\.start)
        let found = together.batches(epoch: 2).flatMap(\.items).filter { $0.cutIndex == 1 }
        #expect(found.map(\.start) == expected)
    }

    @Test func aRecordingLargerThanABatchIsOneByItself() throws {
        let sampler = try LengthBucketedSampler(
            ids: ["a", "b"], frameCounts: [900, 950],
            options: SamplerOptions(mode: .padded, framesPerBatch: 100, cropFrames: nil))
        #expect(sampler.batches(epoch: 0).map(\.items.count) == [1, 1])
    }

    /// Of 41 crops of 10 frames, 20 fit a batch: the 41st shares with the second twenty.
    @Test(arguments: SamplerOptions.Mode.allCases)
    func aSmallRestIsShared(mode: SamplerOptions.Mode) throws {
        let sampler = try LengthBucketedSampler(
            ids: (0..<41).map(String.init), frameCounts: [Int](repeating: 30, count: 41),
            options: SamplerOptions(mode: mode, framesPerBatch: 200, cropFrames: 10))
        #expect(sampler.batchCount == 3)
        #expect(sampler.batches(epoch: 0).map(\.items.count).sorted() == [10, 11, 20])
    }

    @Test func resumingContinuesTheSequence() throws {
        let sampler = try sampler(SamplerOptions(framesPerBatch: 900, seed: 5))
        let batchCount = sampler.batches(epoch: 0).count
        var whole = sampler.batches()
        var plans: [BatchPlan] = []
        var states: [SamplerState] = []
        for _ in 0..<(2 * batchCount + 3) {
            states.append(whole.state)
            if let plan = whole.next() { plans.append(plan) }
        }
        #expect(plans.count == 2 * batchCount + 3)
        #expect(states == states.sorted())
        for place in [0, 1, batchCount - 1, batchCount, batchCount + 1, 2 * batchCount] {
            let stored = try JSONEncoder().encode(states[place])
            let state = try JSONDecoder().decode(SamplerState.self, from: stored)
            var rest = sampler.batches(from: state)
            let continued = plans[place...].map { _ in rest.next() }
            #expect(continued == plans[place...].map(Optional.some))
        }
        // A position after an epoch's last batch is the start of the next one.
        let end = SamplerState(epoch: 0, batchIndex: batchCount)
        #expect(sampler.batches(from: end).state == SamplerState(epoch: 1))
    }

    @Test func noUsableRecordingIsAnError() {
        let reason = "of 2 recordings none has 30 frames"
        #expect(throws: CorpusError.noUsableCuts(reason: reason)) {
            try LengthBucketedSampler(
                ids: ["a", "b"], frameCounts: [10, 29], options: SamplerOptions(minimumFrames: 30))
        }
    }
}
