import ApusTensor
import Foundation

/// Threads that meet as processes do, each with a group of its own.
///
/// - Returns: What each of them returned or threw, by rank.
public func inProcesses<Value: Sendable>(
    _ count: Int, timeout: Double = 60, closes: Bool = true,
    _ body: @escaping @Sendable (ProcessGroup) throws -> Value
) throws -> [Result<Value, any Error>] {
    let port = try freePort()
    let results = Results<Value>(count: count)
    let group = DispatchGroup()
    for rank in 0..<count {
        group.enter()
        Thread {
            results.set(
                rank,
                Result {
                    let processes = try ProcessGroup(
                        ProcessPlace(rank: rank, count: count, port: port), timeout: timeout,
                        joining: 60)
                    let value = try body(processes)
                    if closes { try processes.close() }
                    return value
                })
            group.leave()
        }.start()
    }
    group.wait()
    return results.all
}

private final class Results<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [Result<Value, any Error>?]

    init(count: Int) { values = Array(repeating: nil, count: count) }

    func set(_ index: Int, _ value: Result<Value, any Error>) {
        lock.withLock { values[index] = value }
    }

    var all: [Result<Value, any Error>] { lock.withLock { values.compactMap { $0 } } }
}
