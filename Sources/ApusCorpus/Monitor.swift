import Foundation

/// A value that threads change under a lock and wait on.
///
/// The one lock of this module. The thread sanitizer follows it, where it takes a contended
/// `Synchronization.Mutex` on Linux for a race. `@unchecked` because the compiler cannot see that
/// every access to the value holds the lock.
final class Monitor<Value>: @unchecked Sendable {
    private let condition = NSCondition()
    private var value: Value

    init(_ value: sending Value) {
        self.value = value
    }

    /// Changes the value and wakes every thread that waits on it.
    func withLock<Result>(_ change: (inout Value) -> Result) -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return change(&value)
    }

    /// Waits until `ready` gives something; it is asked again after each change.
    func wait<Result>(until ready: (inout Value) -> Result?) -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        while true {
            if let result = ready(&value) { return result }
            condition.wait()
        }
    }
}
