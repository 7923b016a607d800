import Foundation
import Synchronization

/// Tells the other processes that this one lives, and finds out which of them don't.
///
/// A thread writes a beat into the meeting store and reads those of the others, through a connection of
/// its own. A beat also says how many exchanges its process has come to, so that one that lives and hangs
/// is found too.
final class PeerWatch: Sendable {
    /// Seconds from a beat to the next.
    let interval: Double

    private struct State {
        var lastBeats: [String]
        var lastHeard: [ContinuousClock.Instant]
        var exchanges: [Int]
        var lastAnswer: ContinuousClock.Instant
        var said: String?
        var trouble: String?
        var isStopped = false
        var isRunning = true
    }
    private let place: ProcessPlace
    private let names: [String]
    private let store: MeetingStore
    private let exchange = Atomic(0)
    private let state: Mutex<State>

    /// Begins to beat.
    ///
    /// - Parameters:
    ///   - place: This process's place.
    ///   - names: Each process in words: its rank and its host.
    ///   - store: A connection of the watch's own.
    ///   - timeout: After how long a silent process counts as lost, in seconds.
    /// - Throws: `ProcessError.lost` where the store doesn't answer.
    init(
        _ place: ProcessPlace, names: [String], store: MeetingStore, timeout: Double
    ) throws(ProcessError) {
        (self.place, self.names, self.store) = (place, names, store)
        interval = min(1, timeout / 10)
        let now = ContinuousClock.now
        state = Mutex(
            State(
                lastBeats: names.map { _ in "" }, lastHeard: names.map { _ in now },
                exchanges: names.map { _ in 0 }, lastAnswer: now))
        try store.set("beat/\(place.rank)", "0 0")
    }

    /// Starts the thread; every process has a beat in the store by now.
    func start() {
        Thread { [self] in
            var beat = 0
            while !state.withLock({ $0.isStopped }) {
                beat += 1
                do throws(ProcessError) {
                    try store.set(
                        "beat/\(place.rank)", "\(beat) \(exchange.load(ordering: .relaxed))")
                    try note(
                        store.values(["failure"] + names.indices.map { "beat/\($0)" }))
                } catch {
                    state.withLock { $0.trouble = $0.trouble ?? error.description }
                }
                Thread.sleep(forTimeInterval: interval)
            }
            state.withLock { $0.isRunning = false }
        }.start()
    }

    private func note(_ values: [String]) {
        let now = ContinuousClock.now
        state.withLock { state in
            state.lastAnswer = now
            if let said = values.first, !said.isEmpty { state.said = said }
            for (rank, beat) in values.dropFirst().enumerated()
            where beat != state.lastBeats[rank] {
                state.lastBeats[rank] = beat
                state.lastHeard[rank] = now
                state.exchanges[rank] = beat.split(separator: " ").last.flatMap { Int($0) } ?? 0
            }
        }
    }

    /// Says that this process has come to another exchange.
    func comesToExchange() { exchange.wrappingAdd(1, ordering: .relaxed) }

    /// What a process that found a failure first says of it.
    var said: String? { state.withLock { $0.said } }

    /// Who or what has been silent for so many seconds; the one that was heard of longest ago.
    func silent(for seconds: Double) -> String? {
        let now = ContinuousClock.now
        return state.withLock { state in
            if state.trouble != nil || (now - state.lastAnswer) / .seconds(1) > seconds {
                let since = (now - state.lastAnswer) / .seconds(1)
                return "the meeting place \(place.host):\(place.port)"
                    + (place.rankZeroServes ? ", kept by \(names[0])," : "")
                    + (state.trouble == nil
                        ? " hasn't answered for \(Int(since)) s" : " has closed the connection")
            }
            let others = names.indices.filter { $0 != place.rank }
            guard let quietest = others.min(by: { state.lastHeard[$0] < state.lastHeard[$1] })
            else { return nil }
            let since = (now - state.lastHeard[quietest]) / .seconds(1)
            return since > seconds
                ? "\(names[quietest]) hasn't been heard of for \(String(format: "%.1f", since)) s"
                : nil
        }
    }

    /// Who lives and hasn't come to this process's exchange.
    var absent: String? {
        let own = exchange.load(ordering: .relaxed)
        return state.withLock { state in
            names.indices.filter { $0 != place.rank && state.exchanges[$0] < own }
                .min { state.exchanges[$0] < state.exchanges[$1] }
                .map { names[$0] + " lives, but hasn't come to exchange \(own)" }
        }
    }

    /// Ends the thread, and waits for it a little.
    func stop() {
        state.withLock { $0.isStopped = true }
        for _ in 0..<40 where state.withLock({ $0.isRunning }) {
            Thread.sleep(forTimeInterval: interval / 20)
        }
    }
}
