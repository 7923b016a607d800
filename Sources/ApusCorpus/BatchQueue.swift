/// The bookkeeping of a batch loader: plans out to workers, batches back in, and on in order.
///
/// It knows no thread. A method that gives nil means: ask again after something has changed.
struct BatchQueue {
    /// What a worker does next.
    enum Job {
        case make(BatchPlan, ticket: Ticket)
        case stop
    }
    /// The place of a batch in the order, and the sampler's position after it.
    struct Ticket {
        var number: Int
        var after: SamplerState
    }
    /// What the caller gets next.
    enum Delivery {
        case batch(FeatureBatch)
        case end
        case onlyBadRecordings(first: RecordingProblem?)
    }

    private(set) var position: SamplerState
    private(set) var problems: [RecordingProblem] = []
    var runningWorkers: Int
    var isClosed = false
    var secondsWaited = 0.0

    private var plans: BatchPlanIterator
    private let batchCount: Int
    private let endEpoch: Int
    private let ahead: Int
    private let givesEmpty: Bool
    private var plannedCount = 0
    private var deliveredCount = 0
    private var made: [Int: (ticket: Ticket, batch: FeatureBatch, problems: [RecordingProblem])] =
        [:]
    private var reportedIDs: Set<String> = []
    private var emptyInARow = 0

    init(
        sampler: LengthBucketedSampler, start: SamplerState, endEpoch: Int?, ahead: Int,
        workers: Int, givesEmpty: Bool
    ) {
        plans = sampler.batches(from: start)
        batchCount = sampler.batchCount
        self.endEpoch = endEpoch ?? .max
        self.ahead = ahead
        self.givesEmpty = givesEmpty
        runningWorkers = workers
        position = plans.state
    }

    private var isExhausted: Bool { plans.state.epoch >= endEpoch }

    mutating func nextJob() -> Job? {
        if isClosed || isExhausted { return .stop }
        if plannedCount - deliveredCount >= ahead { return nil }
        guard let plan = plans.next() else { return .stop }
        let ticket = Ticket(number: plannedCount, after: plans.state)
        plannedCount += 1
        return .make(plan, ticket: ticket)
    }

    mutating func add(_ batch: FeatureBatch, _ problems: [RecordingProblem], ticket: Ticket) {
        made[ticket.number] = (ticket, batch, problems)
    }

    mutating func nextDelivery() -> Delivery? {
        if isClosed { return .end }
        while let (ticket, batch, found) = made.removeValue(forKey: deliveredCount) {
            deliveredCount += 1
            position = ticket.after
            problems += found.filter { reportedIDs.insert($0.id).inserted }
            if givesEmpty || !batch.ids.isEmpty {
                emptyInARow = 0
                return .batch(batch)
            }
            emptyInARow += 1
        }
        if emptyInARow >= batchCount { return .onlyBadRecordings(first: problems.first) }
        return isExhausted && deliveredCount == plannedCount ? .end : nil
    }
}
