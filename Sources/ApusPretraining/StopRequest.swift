import Synchronization

/// Asks a run to end after the step at hand; may be asked from any thread, such as a signal's.
public final class StopRequest: Sendable {
    private let requested = Atomic(false)

    /// Nothing is asked for yet.
    public init() {}

    /// Whether the run is to end.
    public var isRequested: Bool { requested.load(ordering: .relaxed) }

    /// Asks the run to end: it finishes its step, writes a checkpoint and comes back.
    public func stop() { requested.store(true, ordering: .relaxed) }
}
