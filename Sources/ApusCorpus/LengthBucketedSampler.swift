/// Gathers recordings of like length into batches, anew for each epoch.
///
/// An epoch's batches are a pure function of the lengths, the ids, the options and the epoch. The
/// recordings are shuffled and stably sorted by length (crops at most `cropFrames`), cut into batches
/// of at most `framesPerBatch` frames, and the batches are shuffled. Where a recording is longer than
/// its crop, the start is drawn by the seed, the epoch and the recording's id.
public struct LengthBucketedSampler: Sendable {
    /// How recordings are cut and gathered.
    public let options: SamplerOptions
    /// The positions of the recordings that are shorter than `minimumFrames`, ascending.
    public let skippedIndices: [Int]

    private let ids: [String]
    private let frameCounts: [Int]
    private let usableIndices: [Int]

    /// Makes a sampler over recordings of known lengths.
    ///
    /// - Parameters:
    ///   - ids: The id of each recording.
    ///   - frameCounts: The number of frames of each recording, in the same order.
    ///   - options: How recordings are cut and gathered.
    /// - Throws: `CorpusError.noUsableCuts` where every recording is shorter than `minimumFrames`.
    public init(ids: [String], frameCounts: [Int], options: SamplerOptions = .init()) throws {
        precondition(ids.count == frameCounts.count, "each recording has an id and a length")
        precondition(options.framesPerBatch > 0, "a batch has at least one frame")
        precondition(options.minimumFrames > 0, "a usable recording has at least one frame")
        precondition(options.repeats > 0, "each recording is taken at least once an epoch")
        if let cropFrames = options.cropFrames {
            precondition(
                cropFrames >= options.minimumFrames, "a crop is at least minimumFrames long")
        }
        self.options = options
        self.ids = ids
        self.frameCounts = frameCounts
        usableIndices = frameCounts.indices.filter { frameCounts[$0] >= options.minimumFrames }
        skippedIndices = frameCounts.indices.filter { frameCounts[$0] < options.minimumFrames }
        if usableIndices.isEmpty {
            throw CorpusError.noUsableCuts(
                reason: "of \(ids.count) recordings none has \(options.minimumFrames) frames")
        }
    }

    /// The batches of one epoch.
    ///
    /// - Parameter epoch: The epoch, counted from 0.
    /// - Returns: The plans, in order.
    public func batches(epoch: Int) -> [BatchPlan] {
        struct Candidate {
            var cutIndex: Int
            var repetition: Int
            var length: Int
        }
        var candidates: [Candidate] = []
        for cutIndex in usableIndices {
            let length = min(frameCounts[cutIndex], options.cropFrames ?? .max)
            for repetition in 0..<options.repeats {
                candidates.append(
                    Candidate(cutIndex: cutIndex, repetition: repetition, length: length))
            }
        }
        var order = SeededGenerator(seed: options.seed, stream: "sampler/order", epoch)
        order.shuffle(&candidates)
        let byLength = candidates.enumerated().sorted {
            ($0.element.length, $0.offset) < ($1.element.length, $1.offset)
        }.map(\.element)

        var groups: [ArraySlice<Candidate>] = []
        var start = 0
        while start < byLength.count {
            var end = start + 1
            while end < byLength.count {
                let length =
                    options.mode == .exactLength ? byLength[start].length : byLength[end].length
                if (end - start + 1) * length > options.framesPerBatch { break }
                end += 1
            }
            groups.append(byLength[start..<end])
            start = end
        }
        order.shuffle(&groups)

        return groups.enumerated().map { index, group in
            let shortest = group.first?.length ?? 0
            let items = group.map { candidate in
                let length = options.mode == .exactLength ? shortest : candidate.length
                var generator = SeededGenerator(
                    seed: options.seed, stream: "sampler/crop/" + ids[candidate.cutIndex], epoch,
                    candidate.repetition)
                let start = generator.integer(
                    below: frameCounts[candidate.cutIndex] - length + 1)
                return BatchPlan.Item(
                    cutIndex: candidate.cutIndex, start: start, length: length)
            }
            var generator = SeededGenerator(
                seed: options.seed, stream: "sampler/batch", epoch, index)
            return BatchPlan(epoch: epoch, index: index, seed: generator.next(), items: items)
        }
    }

    /// The endless sequence of batches from a position on.
    ///
    /// - Parameter state: The position to start from.
    /// - Returns: An iterator whose own state can be stored and started from again.
    public func batches(from state: SamplerState = SamplerState()) -> BatchPlanIterator {
        BatchPlanIterator(sampler: self, state: state)
    }
}

/// Goes through a sampler's batches, epoch after epoch, without end.
public struct BatchPlanIterator: IteratorProtocol, Sendable {
    /// The position of the batch that `next()` gives.
    public private(set) var state: SamplerState

    private let sampler: LengthBucketedSampler
    private var plans: [BatchPlan]

    init(sampler: LengthBucketedSampler, state: SamplerState) {
        precondition(state.epoch >= 0 && state.batchIndex >= 0, "positions count from 0")
        self.sampler = sampler
        self.state = state
        plans = sampler.batches(epoch: state.epoch)
        moveToNextEpochAtTheEnd()
    }

    /// Takes the next batch.
    ///
    /// - Returns: The plan; never nil.
    public mutating func next() -> BatchPlan? {
        let plan = plans[state.batchIndex]
        state.batchIndex += 1
        moveToNextEpochAtTheEnd()
        return plan
    }

    private mutating func moveToNextEpochAtTheEnd() {
        if state.batchIndex < plans.count { return }
        state = SamplerState(epoch: state.epoch + 1, batchIndex: 0)
        plans = sampler.batches(epoch: state.epoch)
    }
}
