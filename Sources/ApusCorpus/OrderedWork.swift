import Foundation

/// Makes something of every item in several threads, and hands it over in the order of the items.
///
/// At most two results for each thread are in the works or wait, so that a list of any length needs
/// bounded memory.
///
/// - Parameters:
///   - items: The items.
///   - workers: How many threads there are.
///   - make: What is made of an item; called from any of the threads.
///   - body: Takes each result with the item's position, on the caller's thread. Where it throws, the
///     threads end after what they are at.
/// - Throws: What `body` throws.
public func forEachInOrder<Item: Sendable, Made: Sendable>(
    _ items: [Item], workers: Int, make: @escaping @Sendable (Item) -> Made,
    _ body: (_ index: Int, _ made: Made) throws -> Void
) rethrows {
    let threadCount = max(1, min(workers, items.count))
    let work = Monitor(OrderedWork<Made>(count: items.count, workers: threadCount))
    for _ in 0..<threadCount {
        Thread {
            while case .make(let index) = work.wait(until: { $0.nextJob() }) {
                let made = make(items[index])
                work.withLock { $0.made[index] = made }
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
    var made: [Int: Made] = [:]
    var isClosed = false
    var runningWorkers: Int
    private var begun = 0
    private var taken = 0

    init(count: Int, workers: Int) {
        self.count = count
        ahead = 2 * workers
        runningWorkers = workers
    }

    /// What a thread does next; nil where it waits for a result to be taken.
    mutating func nextJob() -> Job? {
        if isClosed || begun == count { return .stop }
        if begun - taken >= ahead { return nil }
        defer { begun += 1 }
        return .make(begun)
    }

    mutating func take(_ index: Int) -> Made? {
        guard let result = made.removeValue(forKey: index) else { return nil }
        taken += 1
        return result
    }
}
