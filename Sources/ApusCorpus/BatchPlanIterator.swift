/// The order of an epoch's batches, of which no more than a window is worked out at a time.
struct EpochOrder {
    let epoch: Int

    private let sampler: LengthBucketedSampler
    private let windows: [(pools: [Int], batchCount: Int)]
    /// The batches of the window at hand.
    private var current: (number: Int, batches: [ArraySlice<UInt32>])?

    init(of sampler: LengthBucketedSampler, epoch: Int) {
        (self.sampler, self.epoch) = (sampler, epoch)
        windows = sampler.windows(epoch: epoch)
    }

    /// The plan of a batch.
    ///
    /// - Parameter index: The batch's position in the epoch.
    /// - Returns: The plan.
    mutating func plan(at index: Int) -> BatchPlan {
        var first = 0
        for (number, window) in windows.enumerated() {
            if index >= first + window.batchCount {
                first += window.batchCount
                continue
            }
            if let current, current.number == number {
                return sampler.plan(current.batches[index - first], epoch: epoch, index: index)
            }
            let batches = sampler.batches(ofPools: window.pools, epoch: epoch)
            current = (number, batches)
            return sampler.plan(batches[index - first], epoch: epoch, index: index)
        }
        preconditionFailure("an epoch has no batch \(index)")
    }
}

/// Goes through a sampler's batches, epoch after epoch, without end.
public struct BatchPlanIterator: IteratorProtocol, Sendable {
    /// The position of the batch that `next()` gives.
    public private(set) var state: SamplerState

    private let sampler: LengthBucketedSampler
    private var order: EpochOrder

    init(sampler: LengthBucketedSampler, state: SamplerState) {
        precondition(state.epoch >= 0 && state.batchIndex >= 0, "positions count from 0")
        self.sampler = sampler
        self.state = state
        order = EpochOrder(of: sampler, epoch: state.epoch)
        moveToNextEpochAtTheEnd()
    }

    /// Takes the next batch.
    ///
    /// - Returns: The plan; never nil.
    public mutating func next() -> BatchPlan? {
        let plan = order.plan(at: state.batchIndex)
        state.batchIndex += 1
        moveToNextEpochAtTheEnd()
        return plan
    }

    private mutating func moveToNextEpochAtTheEnd() {
        if state.batchIndex < sampler.batchCount { return }
        state = SamplerState(epoch: state.epoch + 1, batchIndex: 0)
        order = EpochOrder(of: sampler, epoch: state.epoch)
    }
}
