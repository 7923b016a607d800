import ApusCorpus
import Foundation
import Testing

/// An epoch's order as it was drawn when whole candidates were shuffled and sorted: runs that were begun
/// then go on.
private func formerBatches(
    ids: [String], frameCounts: [Int], speakers: [Int]?, groups sizes: [Int],
    _ options: SamplerOptions, epoch: Int
) -> [[BatchPlan.Item]] {
    struct Candidate {
        var cutIndex: Int
        var repetition: Int
        var length: Int
        var speaker: Int
    }
    var candidates = frameCounts.indices.filter { frameCounts[$0] >= options.minimumFrames }
        .flatMap { index in
            (0..<options.repeats).map {
                Candidate(
                    cutIndex: index, repetition: $0,
                    length: min(frameCounts[index], options.cropFrames ?? .max),
                    speaker: speakers?[index] ?? 0)
            }
        }
    var order = SeededGenerator(seed: options.seed, stream: "sampler/order", epoch)
    order.shuffle(&candidates)
    let sorted = candidates.enumerated().sorted {
        ($0.element.speaker, $0.element.length, $0.offset)
            < ($1.element.speaker, $1.element.length, $1.offset)
    }.map(\.element)
    var start = 0
    var groups = sizes.map { size in
        defer { start += size }
        return start..<(start + size)
    }
    order.shuffle(&groups)
    return groups.map { group in
        group.map { index in
            let candidate = sorted[index]
            let length =
                options.mode == .exactLength ? sorted[group.lowerBound].length : candidate.length
            var generator = SeededGenerator(
                seed: options.seed, stream: "sampler/crop/" + ids[candidate.cutIndex], epoch,
                candidate.repetition)
            return BatchPlan.Item(
                cutIndex: candidate.cutIndex,
                start: generator.integer(below: frameCounts[candidate.cutIndex] - length + 1),
                length: length, repetition: candidate.repetition)
        }
    }
}

struct EpochOrderTests {
    private let frameCounts = (0..<300).map { 20 + ($0 * 37) % 300 }
    private var ids: [String] { frameCounts.indices.map { "cut-\($0)" } }

    @Test(arguments: SamplerOptions.Mode.allCases, [1, 3])
    func theOrderIsTheOneOfEarlierVersions(mode: SamplerOptions.Mode, repeats: Int) throws {
        for speakers in [nil, frameCounts.indices.map { ($0 * $0) % 7 }] {
            let options = SamplerOptions(
                mode: mode, framesPerBatch: 1000, cropFrames: 160, minimumFrames: 40,
                repeats: repeats, seed: 5)
            let sampler = try LengthBucketedSampler(
                ids: ids, frameCounts: frameCounts, speakers: speakers, options: options)
            for epoch in 0..<3 {
                let plans = sampler.batches(epoch: epoch)
                // The sizes of the batches in the order of their lengths: undo the last shuffle.
                var order = SeededGenerator(seed: 5, stream: "sampler/order", epoch)
                var candidates = Array(
                    0..<(frameCounts.count { $0 >= 40 } * repeats))
                order.shuffle(&candidates)
                var places = Array(plans.indices)
                order.shuffle(&places)
                var sizes = [Int](repeating: 0, count: plans.count)
                for (place, plan) in zip(places, plans) { sizes[place] = plan.items.count }
                let former = formerBatches(
                    ids: ids, frameCounts: frameCounts, speakers: speakers, groups: sizes, options,
                    epoch: epoch)
                #expect(plans.map(\.items) == former)
            }
        }
    }

    private func sharded(together: Int) throws -> LengthBucketedSampler {
        try LengthBucketedSampler(
            cropStreams: ids.map { fnv1a(("sampler/crop/" + $0).utf8) },
            frameCounts: frameCounts.map { UInt32($0) },
            shards: (0..<10).map { ($0 * 30)..<($0 * 30 + 30) }, shardsTogether: together,
            options: SamplerOptions(framesPerBatch: 1000, minimumFrames: 40, seed: 2))
    }

    @Test(arguments: [1, 3, 10])
    func shardsAreReadSomeAtATime(together: Int) throws {
        let sampler = try sharded(together: together)
        var orders: [[Int]] = []
        for epoch in 0..<3 {
            let plans = sampler.batches(epoch: epoch)
            #expect(plans.count == sampler.batchCount)
            #expect(plans.map(\.index) == Array(plans.indices))
            let taken = plans.flatMap(\.items).map(\.cutIndex)
            #expect(taken.sorted() == frameCounts.indices.filter { frameCounts[$0] >= 40 })
            var shards: [Int] = []
            for plan in plans {
                let own = Set(plan.items.map { $0.cutIndex / 30 })
                #expect(own.count == 1)
                shards.append(try #require(own.first))
            }
            // So many shards are done before others begin.
            var remaining = shards[...]
            while !remaining.isEmpty {
                var seen: [Int] = []
                for shard in remaining where !seen.contains(shard) { seen.append(shard) }
                let open = Set(seen.prefix(together))
                let count = remaining.count { open.contains($0) }
                #expect(remaining.prefix(count).allSatisfy(open.contains))
                remaining = remaining.dropFirst(count)
            }
            orders.append(taken)
        }
        #expect(Set(orders).count == 3)
    }

    @Test func anIteratorGoesOnFromAnyPlace() throws {
        let sampler = try sharded(together: 3)
        var all = sampler.batches()
        var plans: [BatchPlan] = []
        var states: [SamplerState] = []
        for _ in 0..<(2 * sampler.batchCount + 5) {
            states.append(all.state)
            let plan = all.next()
            plans.append(try #require(plan))
        }
        #expect(
            plans.prefix(2 * sampler.batchCount)
                == (sampler.batches(epoch: 0) + sampler.batches(epoch: 1))[...])
        for start in stride(from: 0, to: plans.count, by: 7) {
            var rest = sampler.batches(from: states[start])
            let own = plans[start...].map { _ in rest.next() }
            #expect(own == plans[start...].map { $0 })
        }
    }

    @Test func emptyShardsAreNothing() throws {
        let sampler = try LengthBucketedSampler(
            cropStreams: [1, 2], frameCounts: [50, 60],
            shards: [0..<0, 0..<1, 1..<1, 1..<2], shardsTogether: 1,
            options: SamplerOptions(framesPerBatch: 100, cropFrames: 100))
        #expect(sampler.batchCount == 2)
        #expect(Set(sampler.batches(epoch: 0).flatMap(\.items).map(\.cutIndex)) == [0, 1])
    }
}
