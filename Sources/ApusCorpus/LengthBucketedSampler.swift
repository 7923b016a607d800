/// Gathers recordings of like length into batches, anew for each epoch.
///
/// An epoch's batches are a pure function of the lengths, the ids, the options and the epoch. The
/// recordings are shuffled and stably sorted by length (crops at most `cropFrames`), cut into batches
/// of at most `framesPerBatch` frames, and the batches are shuffled. Where a recording is longer than
/// its crop, the start is drawn by the seed, the epoch and the recording's id.
///
/// With speakers, a batch holds recordings of one speaker only, as CPC_audio samples by default.
public struct LengthBucketedSampler: Sendable {
    /// How recordings are cut and gathered.
    public let options: SamplerOptions
    /// The positions of the recordings that are shorter than `minimumFrames`, ascending.
    public let skippedIndices: [Int]

    private struct Candidate {
        var cutIndex: Int
        var repetition: Int
        var length: Int
        /// The speaker's number, or 0 for all.
        var speaker: Int
    }
    private let ids: [String]
    private let frameCounts: [Int]
    private let candidates: [Candidate]
    /// The batches' places in the candidates sorted by speaker and length, the same in every epoch.
    private let groups: [Range<Int>]

    /// Makes a sampler over recordings of known lengths.
    ///
    /// - Parameters:
    ///   - ids: The id of each recording.
    ///   - frameCounts: The number of frames of each recording, in the same order.
    ///   - speakers: A number for each recording, where batches are to hold one speaker each.
    ///   - options: How recordings are cut and gathered.
    /// - Throws: `CorpusError.noUsableCuts` where every recording is shorter than `minimumFrames`.
    public init(
        ids: [String], frameCounts: [Int], speakers: [Int]? = nil,
        options: SamplerOptions = .init()
    ) throws {
        precondition(ids.count == frameCounts.count, "each recording has an id and a length")
        precondition(speakers?.count ?? ids.count == ids.count, "each recording has a speaker")
        precondition(options.framesPerBatch > 0, "a batch has at least one frame")
        precondition(options.minimumFrames > 0, "a usable recording has at least one frame")
        precondition(options.repeats > 0, "each recording is taken at least once an epoch")
        let longest = options.cropFrames ?? .max
        precondition(longest >= options.minimumFrames, "a crop is at least minimumFrames long")
        self.options = options
        self.ids = ids
        self.frameCounts = frameCounts
        skippedIndices = frameCounts.indices.filter { frameCounts[$0] < options.minimumFrames }
        candidates = frameCounts.indices.filter { frameCounts[$0] >= options.minimumFrames }
            .flatMap { cutIndex in
                (0..<options.repeats).map {
                    Candidate(
                        cutIndex: cutIndex, repetition: $0,
                        length: min(frameCounts[cutIndex], longest),
                        speaker: speakers?[cutIndex] ?? 0)
                }
            }
        var groups: [Range<Int>] = []
        let bySpeaker = Dictionary(grouping: candidates, by: \.speaker)
        for (_, own) in bySpeaker.sorted(by: { $0.key < $1.key }) {
            let start = groups.last?.upperBound ?? 0
            groups += Self.groups(ofSorted: own.map(\.length).sorted(), options)
                .map { $0.lowerBound + start..<$0.upperBound + start }
        }
        self.groups = groups
        if candidates.isEmpty {
            throw CorpusError.noUsableCuts(
                reason: "of \(ids.count) recordings none has \(options.minimumFrames) frames")
        }
    }

    /// The number of recordings that the sampler was made for, skipped ones counted.
    public var recordingCount: Int { ids.count }

    /// The number of batches in an epoch, the same in every one.
    public var batchCount: Int { groups.count }

    /// The batches of one epoch.
    ///
    /// - Parameter epoch: The epoch, counted from 0.
    /// - Returns: The plans, in order.
    public func batches(epoch: Int) -> [BatchPlan] {
        var order = SeededGenerator(seed: options.seed, stream: "sampler/order", epoch)
        var shuffled = candidates
        order.shuffle(&shuffled)
        let byLength = shuffled.enumerated().sorted {
            ($0.element.speaker, $0.element.length, $0.offset)
                < ($1.element.speaker, $1.element.length, $1.offset)
        }.map(\.element)
        var groups = groups
        order.shuffle(&groups)

        return groups.enumerated().map { index, group in
            let shortest = byLength[group.lowerBound].length
            let items = byLength[group].map { candidate in
                crop(
                    candidate, length: options.mode == .exactLength ? shortest : candidate.length,
                    epoch: epoch)
            }
            var generator = SeededGenerator(
                seed: options.seed, stream: "sampler/batch", epoch, index)
            return BatchPlan(epoch: epoch, index: index, seed: generator.next(), items: items)
        }
    }

    private func crop(_ candidate: Candidate, length: Int, epoch: Int) -> BatchPlan.Item {
        var generator = SeededGenerator(
            seed: options.seed, stream: "sampler/crop/" + ids[candidate.cutIndex], epoch,
            candidate.repetition)
        let start = generator.integer(below: frameCounts[candidate.cutIndex] - length + 1)
        return BatchPlan.Item(
            cutIndex: candidate.cutIndex, start: start, length: length,
            repetition: candidate.repetition)
    }

    /// Cuts ascending lengths into batches.
    private static func groups(
        ofSorted lengths: [Int], _ options: SamplerOptions
    ) -> [Range<Int>] {
        func fits(_ group: Range<Int>) -> Bool {
            let frames =
                options.mode == .exactLength
                ? lengths[group.lowerBound] : lengths[group.upperBound - 1]
            return group.count * frames <= options.framesPerBatch
        }
        var groups: [Range<Int>] = []
        var start = 0
        while start < lengths.count {
            var end = start + 1
            while end < lengths.count, fits(start..<(end + 1)) { end += 1 }
            groups.append(start..<end)
            start = end
        }
        // A small rest shares with the batch before it: items that are contrasted need company.
        if let last = groups.last, let before = groups.dropLast().last,
            2 * last.count < before.count
        {
            let middle = (before.lowerBound + last.upperBound + 1) / 2
            if fits(middle..<last.upperBound) {
                groups.removeLast(2)
                groups += [before.lowerBound..<middle, middle..<last.upperBound]
            }
        }
        return groups
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
