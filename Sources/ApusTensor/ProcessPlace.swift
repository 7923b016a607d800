/// Which of the processes that train together this one is, and where they meet.
///
/// Whatever starts jobs on a cluster says it in the environment: torchrun and what sets the same
/// variables, Open MPI's mpirun, Slurm's srun. Where several do, one was started by the other, and the
/// innermost says it: torchrun first, then Open MPI, then Slurm.
///
/// |                 | torchrun           | Open MPI                     | Slurm                  |
/// |-----------------|--------------------|------------------------------|------------------------|
/// | rank            | `RANK`             | `OMPI_COMM_WORLD_RANK`       | `SLURM_PROCID`         |
/// | processes       | `WORLD_SIZE`       | `OMPI_COMM_WORLD_SIZE`       | `SLURM_STEP_NUM_TASKS`, else `SLURM_NTASKS` |
/// | rank on a host  | `LOCAL_RANK`       | `OMPI_COMM_WORLD_LOCAL_RANK` | `SLURM_LOCALID`        |
/// | on a host       | `LOCAL_WORLD_SIZE` | `OMPI_COMM_WORLD_LOCAL_SIZE` | `SLURM_STEP_TASKS_PER_NODE`, else `SLURM_TASKS_PER_NODE` |
/// | meeting place   | `MASTER_ADDR`      | that, else this host where all are on it | that, else the first of `SLURM_STEP_NODELIST`, else of `SLURM_JOB_NODELIST` |
/// | its port        | `MASTER_PORT`      | that, else one that follows from `PMIX_NAMESPACE` | that, else one that follows from `SLURM_JOB_ID` and `SLURM_STEP_ID` |
public struct ProcessPlace: Hashable, Sendable {
    /// What started the processes.
    public enum Starter: String, Hashable, Sendable {
        /// torchrun, or another that sets its variables, such as `apus launch`.
        case torchrun
        /// Open MPI's mpirun.
        case openMPI = "Open MPI"
        /// Slurm's srun.
        case slurm = "Slurm"
    }

    /// This process's number, in 0..<count.
    public var rank: Int
    /// How many processes there are.
    public var count: Int
    /// This process's number among those of its host.
    public var localRank: Int
    /// How many processes its host has.
    public var localCount: Int
    /// The host where the processes meet, that of rank 0.
    public var host: String
    /// The port there.
    public var port: Int
    /// What started the processes.
    public var starter: Starter
    /// Whether rank 0 serves the meeting place; torchrun's agent may do that itself.
    public var rankZeroServes = true
    /// What stands before the names of what is stored at the meeting place.
    public var prefix = ""

    /// A place.
    ///
    /// - Parameters:
    ///   - rank: This process's number, in 0..<count.
    ///   - count: How many processes there are.
    ///   - localRank: This process's number among those of its host; the rank, if not said otherwise.
    ///   - localCount: How many processes its host has; all, if not said otherwise.
    ///   - host: The host where the processes meet.
    ///   - port: The port there.
    ///   - starter: What started the processes.
    public init(
        rank: Int, count: Int, localRank: Int? = nil, localCount: Int? = nil,
        host: String = "127.0.0.1", port: Int, starter: Starter = .torchrun
    ) {
        precondition(0 <= rank && rank < count, "rank \(rank) of \(count) processes")
        (self.rank, self.count) = (rank, count)
        self.localRank = localRank ?? rank
        self.localCount = localCount ?? count
        (self.host, self.port, self.starter) = (host, port, starter)
    }

    /// The place that the environment names, or `nil` where this process is alone.
    ///
    /// - Parameter environment: The variables.
    /// - Throws: `ProcessError.badEnvironment` where a place is named in part, can't be, or where two
    ///   starters contradict each other.
    public init?(environment: [String: String]) throws(ProcessError) {
        let variables = StarterVariables(environment)
        for starter in [Starter.torchrun, .openMPI, .slurm] {
            guard let found = try variables.place(of: starter) else { continue }
            try variables.check(found)
            guard found.count > 1 else { return nil }
            self = found
            return
        }
        return nil
    }
}

/// What variables say of a place.
private struct StarterVariables {
    private let environment: [String: String]

    init(_ environment: [String: String]) { self.environment = environment }

    private subscript(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    func place(of starter: ProcessPlace.Starter) throws(ProcessError) -> ProcessPlace? {
        switch starter {
        case .torchrun: try torchrun()
        case .openMPI: try openMPI()
        case .slurm: try slurm()
        }
    }

    /// Refuses a place of fewer processes than what started them runs.
    func check(_ place: ProcessPlace) throws(ProcessError) {
        guard place.starter != .slurm else { return }
        var outer = [("OMPI_COMM_WORLD_SIZE", try number("OMPI_COMM_WORLD_SIZE"))]
        // A batch script has SLURM_NTASKS without being one of them.
        if self["SLURM_STEP_ID"] != nil {
            outer.append(("SLURM_STEP_NUM_TASKS", try number("SLURM_STEP_NUM_TASKS")))
        }
        let own = place.starter == .torchrun ? "WORLD_SIZE" : "OMPI_COMM_WORLD_SIZE"
        for (name, count) in outer {
            if let count, count > place.count {
                throw .badEnvironment(
                    "\(own) is \(place.count) and \(name) is \(count): of \(count) processes some "
                        + "would take the same place; unset one of the two")
            }
        }
    }

    private func torchrun() throws(ProcessError) -> ProcessPlace? {
        guard let (rank, count) = try pair("RANK", "WORLD_SIZE") else { return nil }
        let (localRank, localCount) = try local(
            "LOCAL_RANK", try number("LOCAL_WORLD_SIZE"), "LOCAL_WORLD_SIZE", rank: rank,
            count: count)
        guard count > 1 else { return ProcessPlace(rank: 0, count: 1, port: 1) }
        guard let host = self["MASTER_ADDR"] else {
            throw .badEnvironment("WORLD_SIZE is \(count), but MASTER_ADDR isn't set")
        }
        guard let port = try port() else {
            throw .badEnvironment("WORLD_SIZE is \(count), but MASTER_PORT isn't set")
        }
        var place = ProcessPlace(
            rank: rank, count: count, localRank: localRank, localCount: localCount, host: host,
            port: port)
        if self["TORCHELASTIC_USE_AGENT_STORE"] == "True" {
            place.rankZeroServes = false
            place.prefix = "/apus/\(self["TORCHELASTIC_RESTART_COUNT"] ?? "0")"
        }
        return place
    }

    private func openMPI() throws(ProcessError) -> ProcessPlace? {
        guard let (rank, count) = try pair("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE") else {
            return nil
        }
        let (localRank, localCount) = try local(
            "OMPI_COMM_WORLD_LOCAL_RANK", try number("OMPI_COMM_WORLD_LOCAL_SIZE"),
            "OMPI_COMM_WORLD_LOCAL_SIZE", rank: rank, count: count)
        guard let host = self["MASTER_ADDR"] ?? (localCount == count ? "127.0.0.1" : nil) else {
            throw .badEnvironment(
                "the \(count) processes are on several hosts, but MASTER_ADDR, the host of rank 0, "
                    + "isn't set (mpirun -x MASTER_ADDR=HOST)")
        }
        return ProcessPlace(
            rank: rank, count: count, localRank: localRank, localCount: localCount, host: host,
            port: try port() ?? Self.port(following: self["PMIX_NAMESPACE"] ?? ""),
            starter: .openMPI)
    }

    private func slurm() throws(ProcessError) -> ProcessPlace? {
        // Allocations without srun have SLURM_NTASKS alone, batch scripts SLURM_PROCID 0 alone.
        guard let rank = try number("SLURM_PROCID") else { return nil }
        let counted =
            self["SLURM_STEP_NUM_TASKS"] != nil ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS"
        guard let count = try number(counted) else {
            if rank == 0 { return nil }
            throw .badEnvironment("SLURM_PROCID is \(rank), but SLURM_NTASKS isn't set")
        }
        try require(rank, "SLURM_PROCID", below: count, counted)
        // A batch script is rank 0 itself, and what it starts without srun would wait for the others.
        if count > 1, self["SLURM_STEP_ID"] == nil {
            throw .badEnvironment(
                "\(counted) is \(count), but srun didn't start this process: put srun before the "
                    + "command (env -u SLURM_PROCID runs it alone)")
        }
        let tasks = self["SLURM_STEP_TASKS_PER_NODE"] ?? self["SLURM_TASKS_PER_NODE"]
        let node = try number("SLURM_NODEID") ?? 0
        let perNode = tasks.map(Self.counts) ?? []
        let (localRank, localCount) = try local(
            "SLURM_LOCALID", perNode.indices.contains(node) ? perNode[node] : nil,
            "SLURM_TASKS_PER_NODE", rank: rank, count: count)
        let nodes = self["SLURM_STEP_NODELIST"] ?? self["SLURM_JOB_NODELIST"]
        guard let host = self["MASTER_ADDR"] ?? nodes.flatMap(Self.firstHost) else {
            if count == 1 { return ProcessPlace(rank: 0, count: 1, port: 1, starter: .slurm) }
            throw .badEnvironment(
                "\(counted) is \(count), but neither MASTER_ADDR nor SLURM_JOB_NODELIST says where "
                    + "the processes meet")
        }
        let job = "\(self["SLURM_JOB_ID"] ?? "").\(self["SLURM_STEP_ID"] ?? "")"
        return ProcessPlace(
            rank: rank, count: count, localRank: localRank, localCount: localCount, host: host,
            port: try port() ?? Self.port(following: job), starter: .slurm)
    }

    /// A rank and a number of processes that are there both or not at all.
    private func pair(
        _ rankName: String, _ countName: String
    ) throws(ProcessError) -> (rank: Int, count: Int)? {
        let (rank, count) = (try number(rankName), try number(countName))
        guard let rank else {
            if count == nil { return nil }
            throw .badEnvironment("\(countName) is set, but \(rankName) isn't")
        }
        guard let count else {
            throw .badEnvironment("\(rankName) is set, but \(countName) isn't")
        }
        try require(rank, rankName, below: count, countName)
        return (rank, count)
    }

    /// The place on a host; without any word of it, one process to a host.
    private func local(
        _ rankName: String, _ count: Int?, _ countName: String, rank: Int, count all: Int
    ) throws(ProcessError) -> (rank: Int, count: Int) {
        let localRank = try number(rankName) ?? 0
        if localRank > rank {
            throw .badEnvironment(
                "\(rankName) is \(localRank), more than the rank \(rank) among all processes")
        }
        let localCount = count ?? localRank + 1
        try require(localRank, rankName, below: localCount, countName)
        if localCount > all {
            throw .badEnvironment(
                "\(countName) is \(localCount), more than the \(all) processes in all")
        }
        return (localRank, localCount)
    }

    private func require(
        _ rank: Int, _ rankName: String, below count: Int, _ countName: String
    ) throws(ProcessError) {
        if count < 1 { throw .badEnvironment("\(countName) is \(count), expected at least 1") }
        if rank >= count {
            throw .badEnvironment(
                "\(rankName) is \(rank) and \(countName) \(count): ranks count from 0")
        }
    }

    private func number(_ name: String) throws(ProcessError) -> Int? {
        guard let text = self[name] else { return nil }
        guard let number = Int32(text), number >= 0 else {
            throw .badEnvironment("\(name) is '\(text)', expected a whole number")
        }
        return Int(number)
    }

    private func port() throws(ProcessError) -> Int? {
        guard let port = try number("MASTER_PORT") else { return nil }
        guard (1...65535).contains(port) else {
            throw .badEnvironment("MASTER_PORT is \(port), expected 1 to 65535")
        }
        return port
    }

    /// A port that the processes of one job agree on, and of two jobs most likely not.
    private static func port(following name: String) -> Int {
        20_000 + Int(Seed(0).derived(name).value % 10_000)
    }

    /// The counts that Slurm writes as `2(x3),1`.
    private static func counts(_ text: String) -> [Int] {
        text.split(separator: ",").flatMap { part -> [Int] in
            let numbers = part.split { !$0.isNumber }.compactMap { Int($0) }
            guard let count = numbers.first else { return [] }
            let times = part.contains("(x") ? numbers.last ?? 1 : 1
            return times <= 1_000_000 ? Array(repeating: count, count: times) : []
        }
    }

    /// The first host of a list that Slurm writes as `node[03-05,9],other`.
    private static func firstHost(_ list: String) -> String? {
        guard let bracket = list.firstIndex(where: { $0 == "[" || $0 == "," }) else { return list }
        let name = String(list[..<bracket])
        guard list[bracket] == "[" else { return name.isEmpty ? nil : name }
        let rest = list[list.index(after: bracket)...]
        guard let end = rest.firstIndex(of: "]") else { return nil }
        let first = rest[..<end].prefix { $0 != "," && $0 != "-" }
        let tail = rest[rest.index(after: end)...].prefix { $0 != "," && $0 != "[" }
        return name + first + tail
    }
}

/// What keeps processes from training together.
public enum ProcessError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The environment names no place, or an impossible one.
    case badEnvironment(String)
    /// The processes didn't find together.
    case notJoined(String)
    /// A process is gone, or doesn't answer.
    case lost(String)

    /// A sentence for the person who runs the command.
    public var description: String {
        switch self {
        case .badEnvironment(let problem): "environment: \(problem)"
        case .notJoined(let problem), .lost(let problem): problem
        }
    }
}
