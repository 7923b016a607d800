import Foundation

/// Makes something of every item in several threads, and hands it over in the order of the items.
///
/// A bounded number of results are in the works or wait, so that a list of any length needs bounded
/// memory.
///
/// - Parameters:
///   - items: The items.
///   - workers: How many threads there are.
///   - ahead: How many results are in the works or wait at most; nil for two for each thread.
///   - held: How much all waiting results may cost before no more are begun.
///   - cost: What a result that waits costs.
///   - make: What is made of an item; called from any of the threads.
///   - body: Takes each result with the item's position, on the caller's thread. Where it throws, the
///     threads end after what they are at.
/// - Throws: What `body` throws.
public func forEachInOrder<Item: Sendable, Made: Sendable, Failure: Error>(
    _ items: [Item], workers: Int, ahead: Int? = nil, held: Int = .max,
    cost: @escaping @Sendable (Made) -> Int = { _ in 0 },
    make: @escaping @Sendable (Item) -> Made,
    _ body: (_ index: Int, _ made: Made) throws(Failure) -> Void
) throws(Failure) {
    let threadCount = max(1, min(workers, items.count))
    let work = Monitor(
        OrderedWork<Made>(
            count: items.count, ahead: ahead ?? 2 * threadCount, limit: held,
            runningWorkers: threadCount))
    for _ in 0..<threadCount {
        Thread {
            while case .make(let index) = work.wait(until: { $0.nextJob() }) {
                let made = make(items[index])
                let cost = cost(made)
                work.withLock { $0.put(made, cost: cost, at: index) }
            }
            work.withLock { $0.runningWorkers -= 1 }
        }.start()
    }
    defer {
        work.withLock { $0.isClosed = true }
        work.wait { $0.runningWorkers == 0 ? () : nil }
    }
    for index in items.indices {
        try body(index, work.wait { $0.take(index) })
    }
}

/// The bookkeeping of ordered work: it knows no thread.
private struct OrderedWork<Made> {
    enum Job {
        case make(Int)
        case stop
    }

    let count: Int
    let ahead: Int
    let limit: Int
    var isClosed = false
    var runningWorkers: Int
    private var made: [Int: (result: Made, cost: Int)] = [:]
    private var cost = 0
    private var begun = 0
    private var taken = 0

    init(count: Int, ahead: Int, limit: Int, runningWorkers: Int) {
        self.count = count
        self.ahead = ahead
        self.limit = limit
        self.runningWorkers = runningWorkers
    }

    mutating func put(_ result: Made, cost: Int, at index: Int) {
        made[index] = (result, cost)
        self.cost += cost
    }

    /// What a thread does next; nil where it waits for a result to be taken.
    mutating func nextJob() -> Job? {
        if isClosed || begun == count { return .stop }
        if begun - taken >= ahead || begun > taken && cost >= limit { return nil }
        defer { begun += 1 }
        return .make(begun)
    }

    mutating func take(_ index: Int) -> Made? {
        guard let entry = made.removeValue(forKey: index) else { return nil }
        taken += 1
        cost -= entry.cost
        return entry.result
    }
}
