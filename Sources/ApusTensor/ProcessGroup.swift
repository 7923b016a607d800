import CTorch
import Foundation

/// The processes that train together, as one of them sees it: what they exchange, and who is lost.
///
/// It is libtorch's c10d: processes meet at a TCPStore and exchange by Gloo. An exchange is a call on
/// every process, in the same order. Where a process dies, hangs or loses its link, the exchanges of all
/// others throw `ProcessError.lost`, which names it, within `timeout` seconds or little more: see
/// `PeerWatch`.
public final class ProcessGroup {
    /// This process's place.
    public let place: ProcessPlace
    /// The seconds after which a process that doesn't come to an exchange counts as lost.
    public let timeout: Double
    /// The seconds that this process has waited for exchanges.
    public private(set) var secondsWaited = 0.0
    /// Each process in words: its rank and its host.
    public let names: [String]

    /// The collectives of all but rows; NULL only before the processes have found together.
    let group: apus_group
    /// Those of rows, inside of automatic differentiation: apart, since there they come in another order.
    private let rows: apus_group
    private let store: MeetingStore
    private let watch: PeerWatch
    /// After a failure nothing is torn down: it would wait for those who are gone.
    private var isLost = false
    private var isClosed = false

    /// Who waits asks so often whether somebody is lost.
    private static let patience = 0.1

    /// The collectives that this build has, such as `gloo`.
    public static var backends: [String] {
        String(cString: apus_backends()).split(separator: " ").map(String.init)
    }

    /// Meets the other processes: each makes a group with its own place.
    ///
    /// - Parameters:
    ///   - place: This process's place.
    ///   - timeout: The seconds after which a process that doesn't come to an exchange counts as lost.
    ///   - joining: The seconds that the others have to come.
    /// - Throws: `ProcessError.notJoined` where they don't.
    public init(
        _ place: ProcessPlace, timeout: Double = 60, joining: Double = 300
    ) throws(ProcessError) {
        precondition(timeout > 0 && joining > 0, "seconds to wait for others")
        (self.place, self.timeout) = (place, timeout)
        store = try MeetingStore(
            place, serves: place.rank == 0 && place.rankZeroServes, timeout: joining)
        let members = try Self.meet(place, in: store, joining: joining)
        names = members.indices.map { "rank \($0) on \(members[$0].words)" }
        watch = try PeerWatch(
            place, names: names,
            store: try MeetingStore(place, serves: false, timeout: joining), timeout: timeout)
        // A host may know itself by an address of its own; from where others come it has another.
        let address = members[place.rank].address
        let other = members.lazy.map(\.address).first { !isLoopback($0) }
        let own =
            isLoopback(address)
            ? other.flatMap { ownAddress(towards: $0, port: place.port) } ?? address : address
        group = try Self.open("exchange", at: own, place, store, timeout, joining)
        rows = try Self.open("rows", at: own, place, store, timeout, joining)
        watch.start()
    }

    private static func open(
        _ name: String, at address: String, _ place: ProcessPlace, _ store: MeetingStore,
        _ timeout: Double, _ joining: Double
    ) throws(ProcessError) -> apus_group {
        var out: apus_group?
        let problem = message(
            of: apus_group_open(
                store.handle, name, address, Int32(place.rank), Int32(place.count),
                milliseconds(joining), milliseconds(timeout), &out))
        guard let out else {
            throw .notJoined(
                "the processes of \(place.host):\(place.port) could not connect to each other: "
                    + (problem ?? "no group"))
        }
        return out
    }

    /// What a process says of itself when it comes, in one line.
    private struct Member: Equatable {
        var host: String
        var process: Int32
        var count: Int
        var address: String

        init(_ place: ProcessPlace) throws(ProcessError) {
            guard let address = ownAddress(towards: place.host, port: place.port) else {
                throw .notJoined(
                    "the meeting place's host \(place.host) is unknown, or no way leads there")
            }
            (host, process, count) = (ProcessGroup.hostName, getpid(), place.count)
            self.address = address
        }

        init(_ line: String) throws(ProcessError) {
            let parts = line.split(separator: " ").map(String.init)
            guard parts.count == 4, let process = Int32(parts[1]), let count = Int(parts[2]) else {
                throw .notJoined("the meeting place is another program's: it has '\(line)'")
            }
            (host, address) = (parts[0], parts[3])
            (self.process, self.count) = (process, count)
        }

        var line: String { "\(host) \(process) \(count) \(address)" }
        var words: String { "\(host) (process \(process))" }
    }

    /// Waits until each process has said where it is.
    private static func meet(
        _ place: ProcessPlace, in store: MeetingStore, joining: Double
    ) throws(ProcessError) -> [Member] {
        let own = try Member(place)
        let key = "member/\(place.rank)"
        try store.setFirst("failure", "")
        try store.setFirst(key, own.line)
        if let line = try store.value(key), case let there = try Member(line), there != own {
            throw .notJoined(
                "two processes have rank \(place.rank): one on \(there.words) and one on "
                    + own.words)
        }
        let began = ContinuousClock.now
        var found: [Int: Member] = [:]
        while found.count < place.count {
            for rank in 0..<place.count where found[rank] == nil {
                if let line = try store.value("member/\(rank)") { found[rank] = try Member(line) }
            }
            if found.count == place.count { break }
            if (ContinuousClock.now - began) / .seconds(1) > joining {
                let missing = (0..<place.count).filter { found[$0] == nil }
                throw .notJoined(
                    "of \(place.count) processes \(missing.count) didn't come to "
                        + "\(place.host):\(place.port) within \(Int(joining)) s: rank "
                        + missing.prefix(8).map(String.init).joined(separator: ", "))
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
        for (rank, member) in found where member.count != place.count {
            throw .notJoined(
                "rank \(place.rank) is one of \(place.count) processes, rank \(rank) one of "
                    + "\(member.count)")
        }
        return (0..<place.count).compactMap { found[$0] }
    }

    /// This host's name as it is, which no server is asked for.
    private static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }

    deinit {
        watch.stop()
        if isLost { return }
        apus_group_free(group)
        apus_group_free(rows)
    }

    /// Whether this is the process that writes.
    public var isFirst: Bool { place.rank == 0 }

    // MARK: - Exchanges

    /// The sums over all processes.
    ///
    /// - Parameters:
    ///   - values: This process's numbers, as many as every other's.
    ///   - patient: Whether the others may come as late as they like, as long as they live.
    /// - Returns: The sums, the same bits on every process.
    /// - Throws: `ProcessError.lost`.
    public func sums(_ values: [Double], patient: Bool = false) throws(ProcessError) -> [Double] {
        guard !values.isEmpty else { return [] }
        return try result(count: values.count, of: 0.0, patient: patient) {
            apus_sum_start(group, values, Int64(values.count), patient, $0)
        }
    }

    /// Waits until every process has come here.
    ///
    /// - Parameter patient: Whether the others may come as late as they like, as long as they live.
    /// - Throws: `ProcessError.lost`.
    public func barrier(patient: Bool = false) throws(ProcessError) {
        _ = try sums([0], patient: patient)
    }

    /// What rank 0 has.
    ///
    /// - Parameter data: The bytes to send, of which those of rank 0 count. The others wait as long as
    ///   rank 0 lives.
    /// - Returns: Rank 0's bytes.
    /// - Throws: `ProcessError.lost`.
    public func broadcast(_ data: Data) throws(ProcessError) -> Data {
        let count = Int(try sums([isFirst ? Double(data.count) : 0], patient: true)[0])
        var received = Data(capacity: count)
        // In pieces that fit an integer of Gloo.
        while received.count < count {
            let length = min(count - received.count, 1 << 28)
            let piece = [UInt8](isFirst ? data.dropFirst(received.count).prefix(length) : Data())
            received += try result(count: length, of: UInt8(0), patient: true) {
                apus_broadcast_start(group, piece, Int64(length), 0, true, $0)
            }
        }
        return received
    }

    /// What each process has.
    ///
    /// - Parameter data: This process's bytes.
    /// - Returns: The bytes of every process, by rank.
    /// - Throws: `ProcessError.lost`.
    public func gather(_ data: Data) throws(ProcessError) -> [Data] {
        var counts = [Double](repeating: 0, count: place.count)
        counts[place.rank] = Double(data.count)
        counts = try sums(counts)
        guard let longest = counts.max().map({ Int($0) }), longest > 0 else {
            return counts.map { _ in Data() }
        }
        let own = [UInt8](data) + [UInt8](repeating: 0, count: longest - data.count)
        let all = try result(count: longest * place.count, of: UInt8(0), patient: false) {
            apus_gather_start(group, own, Int64(longest), false, $0)
        }
        return counts.indices.map { rank in
            Data(all[rank * longest..<rank * longest + Int(counts[rank])])
        }
    }

    /// The rows of all processes, one process after the other, with gradients: those here get the sum of
    /// what all processes' losses have for them.
    ///
    /// Where a process is lost the rows are zeros, and the next exchange throws.
    ///
    /// - Parameter tensor: (B, ...), of the same shape on every process.
    /// - Returns: (processes · B, ...).
    public func gatherRows(_ tensor: Tensor) -> Tensor {
        make("gatherRows", [tensor]) { apus_gather_rows(rows, tensor.handle, $0) }
    }

    private func result<Element>(
        count: Int, of zero: Element, patient: Bool,
        _ start: (UnsafeMutablePointer<apus_work?>) -> apus_status?
    ) throws(ProcessError) -> [Element] {
        var work: apus_work?
        let problem = message(of: start(&work))
        guard let work else { throw failure(problem ?? "an exchange didn't begin") }
        defer { apus_work_free(work) }
        try wait(patient: patient) { apus_work_wait(work, $0, $1) }
        var values = [Element](repeating: zero, count: count)
        values.withUnsafeMutableBytes { room in
            if let first = room.baseAddress { apus_work_result(work, first) }
        }
        return values
    }

    /// Waits for an exchange that was started.
    func wait(
        patient: Bool = false, _ poll: (Int64, UnsafeMutablePointer<Bool>) -> apus_status?
    ) throws(ProcessError) {
        watch.comesToExchange()
        let began = ContinuousClock.now
        var waited: Double { (ContinuousClock.now - began) / .seconds(1) }
        defer { secondsWaited += waited }
        while true {
            for each in [group, rows] {
                if let problem = message(of: apus_group_failure(each)) { throw failure(problem) }
            }
            var isDone = false
            if let problem = message(of: poll(milliseconds(Self.patience), &isDone)) {
                throw failure(problem)
            }
            if isDone { return }
            if let found = watch.said ?? watch.silent(for: timeout) { throw lost(found) }
            if !patient, waited > timeout {
                throw lost(watch.absent ?? "an exchange has taken more than \(timeout) s")
            }
        }
    }

    // MARK: - Failures

    /// Tells the others why this process leaves them.
    ///
    /// - Parameter reason: The error that it ends with.
    public func leave(_ reason: any Error) {
        guard !isLost, !isClosed else { return }
        _ = lost("\(names[place.rank]) has stopped: \(reason)")
    }

    /// Ends the group once every process has come here.
    ///
    /// - Throws: `ProcessError.lost`.
    public func close() throws(ProcessError) {
        try barrier(patient: true)
        isClosed = true
        watch.stop()
        // The others need the store for as long as they haven't got here.
        try? store.set("done/\(place.rank)", "")
        guard isFirst, place.rankZeroServes else { return }
        for _ in 0..<100 {
            let missing = (1..<place.count).contains {
                ((try? store.value("done/\($0)")) ?? nil) == nil
            }
            if !missing { return }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    /// Finds out who is behind a failed exchange.
    private func failure(_ problem: String) -> ProcessError {
        // Whoever is gone has missed three beats by then.
        let quiet = 3 * watch.interval
        for _ in 0..<Int((2 * quiet + 2) / 0.05) {
            if let found = watch.said ?? watch.silent(for: quiet) { return lost(found) }
            Thread.sleep(forTimeInterval: 0.05)
        }
        return lost(watch.absent ?? problem)
    }

    private func lost(_ found: String) -> ProcessError {
        isLost = true
        let line = found.split(whereSeparator: \.isNewline).joined(separator: " ")
        // On a thread, as a store behind a cut link doesn't answer. Rank 0's store goes with it: the others
        // get the time to read there why.
        Thread { [store] in try? store.setFirst("failure", line) }.start()
        Thread.sleep(forTimeInterval: (isFirst ? 3 : 1) * watch.interval)
        return .lost(line)
    }
}
