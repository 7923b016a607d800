/// Which items of each batch are made here, where several processes share it: every `count`-th from
/// `index` on, so that each has some of the long ones.
public struct BatchShare: Hashable, Sendable {
    /// The first item.
    public var index: Int
    /// How many processes share a batch.
    public var count: Int

    /// A share; without arguments, the whole.
    ///
    /// - Parameters:
    ///   - index: The first item, in 0..<count.
    ///   - count: How many processes share a batch.
    public init(index: Int = 0, count: Int = 1) {
        precondition(0 <= index && index < count, "share \(index) of \(count)")
        (self.index, self.count) = (index, count)
    }

    /// Whether the item with a place in the plan is made here.
    ///
    /// - Parameter row: The place.
    /// - Returns: True for every `count`-th.
    public func takes(_ row: Int) -> Bool { row % count == index }
}

/// Which crops of which cuts make up one batch.
public struct BatchPlan: Hashable, Sendable {
    /// One crop.
    public struct Item: Hashable, Sendable {
        /// The position of the cut in the list that the sampler was made for.
        public var cutIndex: Int
        /// The first frame of the crop.
        public var start: Int
        /// The number of frames of the crop.
        public var length: Int
        /// How many crops of the cut come before it in the epoch.
        public var repetition: Int

        /// Makes a crop.
        ///
        /// - Parameters:
        ///   - cutIndex: The position of the cut in its list.
        ///   - start: The first frame.
        ///   - length: The number of frames.
        ///   - repetition: How many crops of the cut come before it in the epoch.
        public init(cutIndex: Int, start: Int, length: Int, repetition: Int = 0) {
            self.cutIndex = cutIndex
            self.start = start
            self.length = length
            self.repetition = repetition
        }
    }

    /// The epoch, counted from 0.
    public var epoch: Int
    /// The position of the batch in its epoch, counted from 0.
    public var index: Int
    /// A seed of this batch's own.
    public var seed: UInt64
    /// The crops, B of them.
    public var items: [Item]

    /// Makes a plan.
    ///
    /// - Parameters:
    ///   - epoch: The epoch, counted from 0.
    ///   - index: The position of the batch in its epoch.
    ///   - seed: A seed of this batch's own.
    ///   - items: The crops.
    public init(epoch: Int, index: Int, seed: UInt64, items: [Item]) {
        self.epoch = epoch
        self.index = index
        self.seed = seed
        self.items = items
    }

    /// T, the number of frames of the longest crop.
    public var frameCount: Int { items.map(\.length).max() ?? 0 }
}
