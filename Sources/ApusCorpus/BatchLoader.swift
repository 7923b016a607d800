import Foundation

/// Makes batches on background threads ahead of the training task, in the sampler's exact order.
///
/// What `next()` gives is what `FeatureStore.batch(for:of:)` gives for the sampler's plans one by
/// one, whatever the number of workers. The threads end when the loader is closed or released.
public final class BatchLoader: Sendable {
    private let queue: Monitor<BatchQueue>

    /// Starts to make batches.
    ///
    /// - Parameters:
    ///   - cuts: The cuts that the sampler was made for, in its order.
    ///   - store: Where features come from.
    ///   - sampler: The order of batches.
    ///   - start: The position to start from.
    ///   - endEpoch: The first epoch that is not made; nil goes on without end.
    ///   - ahead: How many batches are made, or in the making, before they are asked for.
    ///   - workers: The number of threads.
    ///   - share: Which items of each batch are made. With a share of less than all, `next()` gives
    ///     batches without items too: the others' have some.
    public init(
        cuts: any CutList, store: FeatureStore, sampler: LengthBucketedSampler,
        from start: SamplerState = SamplerState(), endEpoch: Int? = nil, ahead: Int = 4,
        workers: Int = 2, share: BatchShare = BatchShare()
    ) {
        precondition(ahead > 0 && workers > 0, "a loader has a worker and room for a batch")
        precondition(sampler.recordingCount == cuts.count, "the sampler was made for these cuts")
        let queue = Monitor(
            BatchQueue(
                sampler: sampler, start: start, endEpoch: endEpoch, ahead: ahead,
                workers: workers, givesEmpty: share.count > 1))
        self.queue = queue
        // A worker holds the queue and not the loader, so that releasing the loader ends it.
        for _ in 0..<workers {
            Thread {
                while case .make(let plan, let ticket) = queue.wait(until: { $0.nextJob() }) {
                    let (batch, problems) = store.batch(for: plan, of: cuts, share: share)
                    queue.withLock { $0.add(batch, problems, ticket: ticket) }
                }
                queue.withLock { $0.runningWorkers -= 1 }
            }.start()
        }
    }

    deinit {
        close()
    }

    /// The next batch; waits where it is not ready.
    ///
    /// A bad recording is left out of its batch and listed in `problems`; a batch that has no item
    /// left is passed over.
    ///
    /// - Returns: The batch; nil after the last epoch, or once the loader is closed.
    /// - Throws: `CorpusError.noUsableCuts` where a whole epoch's batches in a row are empty.
    public func next() throws -> FeatureBatch? {
        let clock = ContinuousClock()
        let start = clock.now
        let delivery = queue.wait { $0.nextDelivery() }
        let seconds = (clock.now - start) / .seconds(1)
        queue.withLock { $0.secondsWaited += seconds }
        switch delivery {
        case .batch(let batch): return batch
        case .end: return nil
        case .onlyBadRecordings(let first):
            throw CorpusError.noUsableCuts(
                reason: "every recording is bad" + (first.map { "; the first: \($0.reason)" } ?? "")
            )
        }
    }

    /// The sampler's position after the last batch that `next()` gave: where to start again.
    public var state: SamplerState { queue.withLock { $0.position } }

    /// The bad recordings met so far, each once, in the order of the batches given.
    public var problems: [RecordingProblem] { queue.withLock { $0.problems } }

    /// How long `next()` has waited in all, in seconds.
    public var secondsWaited: Double { queue.withLock { $0.secondsWaited } }

    /// Ends the threads and waits for them; may be called again.
    public func close() {
        queue.withLock { $0.isClosed = true }
        queue.wait { $0.runningWorkers == 0 ? () : nil }
    }
}
