import Dispatch
import Synchronization

/// The results of `transform` on every item, in the order of the items, from several threads.
func concurrentMap<Item: Sendable, Result: Sendable>(
    _ items: [Item], workers: Int, _ transform: @Sendable (Item) -> Result
) -> [Result] {
    let next = Atomic(0)
    let results = Monitor([Result?](repeating: nil, count: items.count))
    DispatchQueue.concurrentPerform(iterations: max(1, min(workers, items.count))) { _ in
        while true {
            let index = next.add(1, ordering: .relaxed).oldValue
            if index >= items.count { return }
            let result = transform(items[index])
            results.withLock { $0[index] = result }
        }
    }
    return results.withLock { $0 }.compactMap { $0 }
}
