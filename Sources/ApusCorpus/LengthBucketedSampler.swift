/// Gathers recordings of like length into batches, anew for each epoch.
///
/// An epoch's batches are a pure function of the lengths, the ids, the options and the epoch. The
/// recordings are shuffled and stably sorted by length (crops at most `cropFrames`), cut into batches
/// of at most `framesPerBatch` frames, and the batches are shuffled. Where a recording is longer than
/// its crop, the start is drawn by the seed, the epoch and the recording's id.
///
/// With speakers, a batch holds recordings of one speaker only, as CPC_audio samples by default.
///
/// With shards, a batch holds recordings of one shard: an epoch goes through the shards in an order of its
/// own, and mixes the batches of so many that follow each other. Then no more is read from at a time, and
/// as few recordings are in an order that is held in memory. A recording takes 16 bytes of memory, 4 more
/// with speakers, and as many while an epoch begins.
public struct LengthBucketedSampler: Sendable {
    /// How recordings are cut and gathered.
    public let options: SamplerOptions
    /// The positions of the recordings that are shorter than `minimumFrames`, ascending.
    public let skippedIndices: [Int]

    /// The hash of each recording's stream of crops: its id behind `cropStream`.
    private let cropStreams: [UInt64]
    private let frameCounts: [UInt32]
    /// The recordings that are taken.
    private let usable: [UInt32]
    /// The speaker's number of each recording, where batches are to hold one speaker each.
    private let speakers: [UInt32]?
    /// Recordings that share batches.
    private var pools: [Pool] = []
    /// The pools whose batches are mixed: so many that follow each other in an epoch's order.
    private let poolsTogether: Int
    /// The longest crop.
    private let longest: UInt32

    /// Recordings that share batches: all of them, or those of one shard.
    struct Pool {
        /// The places of its recordings in `usable`.
        var recordings: Range<Int>
        /// The batches' places in the candidates sorted by speaker and length, the same in every epoch.
        var groups: [Range<Int>]
    }

    /// What the hash of a recording's crops begins with.
    package static let cropStream = "sampler/crop/"

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
        let start = fnv1a(Self.cropStream.utf8)
        try self.init(
            cropStreams: ids.map { fnv1a($0.utf8, after: start) },
            frameCounts: frameCounts.map { UInt32(clamping: $0) },
            speakers: speakers.map { $0.map { UInt32($0) } }, options: options)
    }

    /// Makes a sampler over many recordings of known lengths.
    ///
    /// - Parameters:
    ///   - cropStreams: The hash of `cropStream` with each recording's id.
    ///   - frameCounts: The number of frames of each recording, in the same order.
    ///   - speakers: A number for each recording, where batches are to hold one speaker each.
    ///   - shards: The recordings of each shard, all of them one after another, where batches are made of
    ///     one shard's recordings and the shards are shuffled; nil where all recordings are.
    ///   - shardsTogether: How many shards' batches are mixed.
    ///   - options: How recordings are cut and gathered.
    /// - Throws: `CorpusError.noUsableCuts` where every recording is shorter than `minimumFrames`.
    package init(
        cropStreams: [UInt64], frameCounts: [UInt32], speakers: [UInt32]? = nil,
        shards: [Range<Int>]? = nil, shardsTogether: Int = 1, options: SamplerOptions
    ) throws {
        precondition(cropStreams.count == frameCounts.count, "each recording has an id")
        precondition(
            speakers?.count ?? frameCounts.count == frameCounts.count,
            "each recording has a speaker")
        precondition(options.framesPerBatch > 0, "a batch has at least one frame")
        precondition(options.minimumFrames > 0, "a usable recording has at least one frame")
        precondition(options.repeats > 0, "each recording is taken at least once an epoch")
        precondition(shardsTogether > 0, "a shard at least is read at a time")
        let longest = options.cropFrames.map { UInt32(clamping: $0) } ?? .max
        precondition(longest >= options.minimumFrames, "a crop is at least minimumFrames long")
        self.options = options
        self.cropStreams = cropStreams
        self.frameCounts = frameCounts
        self.speakers = speakers
        self.longest = longest
        poolsTogether = shardsTogether
        skippedIndices = frameCounts.indices.filter { frameCounts[$0] < options.minimumFrames }
        var usable: [UInt32] = []
        usable.reserveCapacity(frameCounts.count - skippedIndices.count)
        for index in frameCounts.indices where frameCounts[index] >= options.minimumFrames {
            usable.append(UInt32(index))
        }
        self.usable = usable
        precondition(usable.count <= Int(UInt32.max) / options.repeats, "crops have 32-bit numbers")
        var pools: [Pool] = []
        var start = 0
        for shard in shards ?? [frameCounts.indices] {
            var end = start
            while end < usable.count, Int(usable[end]) < shard.upperBound { end += 1 }
            if end > start { pools.append(Pool(recordings: start..<end, groups: [])) }
            start = end
        }
        if usable.isEmpty {
            throw CorpusError.noUsableCuts(
                reason:
                    "of \(frameCounts.count) recordings none has \(options.minimumFrames) frames"
            )
        }
        for index in pools.indices {
            pools[index].groups = groups(of: pools[index].recordings)
        }
        self.pools = pools
    }

    /// The number of recordings that the sampler was made for, skipped ones counted.
    public var recordingCount: Int { frameCounts.count }

    /// The number of batches in an epoch, the same in every one.
    public var batchCount: Int { pools.reduce(0) { $0 + $1.groups.count } }

    /// The batches of one epoch.
    ///
    /// - Parameter epoch: The epoch, counted from 0.
    /// - Returns: The plans, in order.
    public func batches(epoch: Int) -> [BatchPlan] {
        var order = EpochOrder(of: self, epoch: epoch)
        return (0..<batchCount).map { order.plan(at: $0) }
    }

    // MARK: - An epoch's order

    /// The pools in an epoch's order.
    func shuffledPools(epoch: Int) -> [Int] {
        var order = Array(pools.indices)
        if pools.count > 1 {
            var generator = SeededGenerator(seed: options.seed, stream: "sampler/shards", epoch)
            generator.shuffle(&order)
        }
        return order
    }

    /// The pools of an epoch, together as their batches are mixed, and the number of their batches.
    func windows(epoch: Int) -> [(pools: [Int], batchCount: Int)] {
        let order = shuffledPools(epoch: epoch)
        return stride(from: 0, to: order.count, by: poolsTogether).map { start in
            let together = Array(order[start..<min(start + poolsTogether, order.count)])
            return (together, together.reduce(0) { $0 + pools[$1].groups.count })
        }
    }

    /// The batches of some pools in an epoch: the candidates of each batch.
    ///
    /// With one pool the order is drawn from one stream, as it was before there were several.
    func batches(ofPools together: [Int], epoch: Int) -> [ArraySlice<UInt32>] {
        var mixing = SeededGenerator(seed: options.seed, stream: "sampler/order", epoch)
        if pools.count > 1 {
            mixing = SeededGenerator(
                seed: options.seed, stream: "sampler/mixing", epoch, together[0])
        }
        var batches: [ArraySlice<UInt32>] = []
        for index in together {
            let pool = pools[index]
            var candidates = candidates(of: pool.recordings)
            if pools.count == 1 {
                mixing.shuffle(&candidates)
            } else {
                var own = SeededGenerator(
                    seed: options.seed, stream: "sampler/shard", epoch, index)
                own.shuffle(&candidates)
            }
            sort(&candidates)
            batches += pool.groups.map { candidates[$0] }
        }
        mixing.shuffle(&batches)
        return batches
    }

    /// The plan of a batch.
    func plan(_ batch: ArraySlice<UInt32>, epoch: Int, index: Int) -> BatchPlan {
        let shortest = batch.first.map(length) ?? 0
        let items = batch.map { candidate in
            crop(
                candidate, length: options.mode == .exactLength ? shortest : length(candidate),
                epoch: epoch)
        }
        var generator = SeededGenerator(seed: options.seed, stream: "sampler/batch", epoch, index)
        return BatchPlan(epoch: epoch, index: index, seed: generator.next(), items: items)
    }

    // MARK: - Candidates: a recording and which of its crops, in one number

    private func candidates(of recordings: Range<Int>) -> [UInt32] {
        let repeats = options.repeats
        return Array(
            UInt32(recordings.lowerBound * repeats)..<UInt32(recordings.upperBound * repeats))
    }

    private func cutIndex(_ candidate: UInt32) -> Int {
        Int(usable[Int(candidate) / options.repeats])
    }

    private func length(_ candidate: UInt32) -> Int {
        Int(min(frameCounts[cutIndex(candidate)], longest))
    }

    /// Sorts by speaker and length; equal ones stay in their order.
    private func sort(_ candidates: inout [UInt32]) {
        let longest = candidates.reduce(0) { max($0, length($1)) }
        RadixSort.sort(&candidates, maximum: UInt64(longest)) { UInt64(length($0)) }
        guard let speakers else { return }
        let last = candidates.reduce(0) { max($0, speakers[cutIndex($1)]) }
        RadixSort.sort(&candidates, maximum: UInt64(last)) { UInt64(speakers[cutIndex($0)]) }
    }

    private func crop(_ candidate: UInt32, length: Int, epoch: Int) -> BatchPlan.Item {
        let (index, repetition) = (cutIndex(candidate), Int(candidate) % options.repeats)
        var generator = SeededGenerator(
            seed: options.seed, streamHash: cropStreams[index], [epoch, repetition])
        let start = generator.integer(below: Int(frameCounts[index]) - length + 1)
        return BatchPlan.Item(
            cutIndex: index, start: start, length: length, repetition: repetition)
    }

    /// The batches of recordings, speaker by speaker where there are any.
    private func groups(of recordings: Range<Int>) -> [Range<Int>] {
        var sorted = candidates(of: recordings)
        sort(&sorted)
        guard let speakers else { return Self.groups(ofSorted: sorted.lazy.map(length), options) }
        var groups: [Range<Int>] = []
        var start = 0
        while start < sorted.count {
            let speaker = speakers[cutIndex(sorted[start])]
            var end = start
            while end < sorted.count, speakers[cutIndex(sorted[end])] == speaker { end += 1 }
            groups += Self.groups(ofSorted: Array(sorted[start..<end]).lazy.map(length), options)
                .map { $0.lowerBound + start..<$0.upperBound + start }
            start = end
        }
        return groups
    }

    /// Cuts ascending lengths, counted from 0, into batches.
    private static func groups<Lengths: RandomAccessCollection<Int>>(
        ofSorted lengths: Lengths, _ options: SamplerOptions
    ) -> [Range<Int>] where Lengths.Index == Int {
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
