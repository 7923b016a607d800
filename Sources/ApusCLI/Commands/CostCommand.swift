import ApusPretraining
import ArgumentParser
import Foundation

/// `apus cost`: how long a data-parallel training takes.
struct CostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cost",
        abstract: "Estimate how long a data-parallel training takes.",
        discussion: """
            Example: apus cost --step 4.678 --audio 16 --parameters 85000000 \\
                         --hours 960,60000 --epochs 10 --nodes 1,8,64

            From what a step of one process takes (apus pretrain prints it, Tests/Benchmarks measures it) \
            and from the network: a step is its computing and the sum of the gradients over a ring, or the \
            reading of its audio where that takes longer. All but --step and --audio is an assumption of \
            whoever names it; the model is in ApusPretraining's TrainingCost.
            """)

    @Option(help: "Seconds that a process computes in a step.")
    var step: Double
    @Option(help: "Seconds of audio in a process's step.")
    var audio: Double
    @Option(help: "The number of parameters; a gradient has 4 bytes.")
    var parameters: Int
    @Option(help: "Hours of audio in the corpus; several behind commas.")
    var hours: String
    @Option(help: "How often each recording is seen.")
    var epochs = 1.0
    @Option(help: "Numbers of nodes, behind commas.")
    var nodes = "1"
    @Option(help: "Processes on a node.")
    var processes = 1
    @Option(help: "The network's bandwidth in one direction, in Gbit/s.")
    var bandwidth = 10.0
    @Option(help: "The network's latency, in microseconds.")
    var latency = 50.0
    @Option(help: "The bandwidth between processes of a node, in Gbit/s.")
    var nodeBandwidth = 80.0
    @Option(help: "The latency between processes of a node, in microseconds.")
    var nodeLatency = 10.0
    @Option(help: "The share of the exchange that computing hides, 0 to 1.")
    var overlap = 0.0
    @Option(help: "Megabytes of an hour of audio; 60 is about FLAC at 16 kHz.")
    var megabytesPerHour = 60.0
    @Option(help: "What a node reads of its storage, in MB/s.")
    var storage = 200.0
    @Flag(help: "Print the estimates as JSON.")
    var json = false

    private struct Row: Encodable {
        var audioHours: Double
        var estimate: TrainingCost.Estimate
    }

    func validate() throws {
        for (name, value) in [
            ("step", step), ("audio", audio), ("epochs", epochs), ("bandwidth", bandwidth),
            ("node-bandwidth", nodeBandwidth), ("megabytes-per-hour", megabytesPerHour),
            ("storage", storage), ("parameters", Double(parameters)),
            ("processes", Double(processes)),
        ] {
            guard value > 0, value.isFinite else {
                throw ValidationError("--\(name) is above 0.")
            }
        }
        guard latency >= 0, nodeLatency >= 0, (0...1).contains(overlap) else {
            throw ValidationError("Latencies are 0 or more, --overlap is 0 to 1.")
        }
        _ = try (numbers(hours, "hours"), counts())
    }

    private func numbers(_ text: String, _ name: String) throws -> [Double] {
        try text.split(separator: ",").map { part in
            guard let number = Double(part), number > 0, number.isFinite else {
                throw ValidationError(
                    "--\(name) is numbers above 0 behind commas, found '\(part)'.")
            }
            return number
        }
    }

    private func counts() throws -> [Int] {
        try numbers(nodes, "nodes").map { number in
            guard let count = Int(exactly: number), count <= 1_000_000 else {
                throw ValidationError("--nodes is whole numbers of up to a million.")
            }
            return count
        }
    }

    func run() throws {
        func link(_ gigabits: Double, _ microseconds: Double) -> TrainingCost.Link {
            TrainingCost.Link(bandwidth: gigabits * 1e9 / 8, latency: microseconds * 1e-6)
        }
        var cost = TrainingCost(
            computeSecondsPerAudioHour: 3600 * step / audio, audioSecondsPerStep: audio,
            gradientBytes: 4 * Double(parameters), network: link(bandwidth, latency),
            node: link(nodeBandwidth, nodeLatency), bytesPerAudioHour: megabytesPerHour * 1e6,
            readBandwidth: storage * 1e6)
        (cost.processesPerNode, cost.overlap) = (processes, overlap)
        var rows: [Row] = []
        for audioHours in try numbers(hours, "hours") {
            for count in try counts() {
                rows.append(
                    Row(
                        audioHours: audioHours,
                        estimate: cost.estimate(
                            audioHours: audioHours, epochs: epochs, nodes: count)))
            }
        }
        if json {
            try printJSON(rows)
            return
        }
        print(
            "audio h   nodes  processes      steps  step s  compute  exchange    read  share       hours"
        )
        for row in rows {
            let found = row.estimate
            print(
                String(
                    format: "%7.0f %7d %10d %10d %7.3f %8.3f %9.3f %7.3f %5.0f%% %11.1f",
                    row.audioHours, found.nodes, found.processes, found.steps, found.stepSeconds,
                    found.computeSeconds, found.exchangeSeconds, found.readSeconds,
                    100 * found.efficiency, found.hours))
        }
    }
}
