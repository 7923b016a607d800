import Foundation

/// Takes what a source gives one after another, while another thread makes the next ones.
///
/// - Parameters:
///   - ahead: How many elements wait at most.
///   - makeSource: Makes the source, on that thread: a function that gives `nil` at the end.
///   - body: Takes each element, and last what the source throws, on the caller's thread. Where it
///     throws, the source ends after the element it is at.
/// - Throws: What `body` throws.
public func forEachAhead<Element: Sendable, Failure: Error>(
    ahead: Int = 2, makeSource: @escaping @Sendable () throws -> () throws -> Element?,
    _ body: (Result<Element, any Error>) throws(Failure) -> Void
) throws(Failure) {
    let queue = Monitor(AheadQueue<Element>())
    Thread {
        do {
            let next = try makeSource()
            while let element = try next() {
                let goesOn = queue.wait { queue -> Bool? in
                    if queue.isClosed { return false }
                    guard queue.elements.count < ahead else { return nil }
                    queue.elements.append(element)
                    return true
                }
                if !goesOn { break }
            }
            queue.withLock { $0.end = .success(()) }
        } catch {
            queue.withLock { $0.end = .failure(error) }
        }
    }.start()
    defer {
        queue.withLock { $0.isClosed = true }
        queue.wait { $0.end == nil ? nil : () }
    }
    while true {
        let next = queue.wait { queue -> Result<Element, any Error>?? in
            if !queue.elements.isEmpty { return .success(queue.elements.removeFirst()) }
            switch queue.end {
            case nil: return nil
            case .success: return .some(nil)
            case .failure(let error): return .failure(error)
            }
        }
        guard let next else { return }
        try body(next)
        if case .failure = next { return }
    }
}

private struct AheadQueue<Element> {
    var elements: [Element] = []
    var end: Result<Void, any Error>?
    var isClosed = false
}
