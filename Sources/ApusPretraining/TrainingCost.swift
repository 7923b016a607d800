/// What a data-parallel training costs, from what one process was measured at.
///
/// A step is computed by every process on a batch of its own, S seconds of audio; the gradients of all, G
/// bytes, are then summed, and the next batch is read while the step is computed:
///
///     t_step     = max(t_compute + (1 - o) t_exchange, t_read)
///     t_exchange = 2 (p - 1) / p · G / B + 2 (p - 1) · l            among p processes
///     t_read     = S · b / (3600 R) · processes of a node
///     steps      = ceil(3600 · hours · epochs / (S · processes))
///
/// with bandwidth B (bytes/s) and latency l (s) of the exchange, o the share of it that computation hides, b
/// the bytes of an hour of audio, and R what a node reads (bytes/s). The exchange is a ring's; where several
/// processes share a node, they first sum among themselves at the node's own bandwidth, and then one of each
/// node takes part in the ring. What isn't in it: waiting for the slowest process, and a step's growth
/// where processes of a node share its memory bandwidth, which the measured t_compute has to have.
///
/// ## Reference
/// Patarasuk and Yuan, Bandwidth optimal all-reduce algorithms for clusters of workstations, Journal of
/// Parallel and Distributed Computing 69(2), 2009.
public struct TrainingCost: Hashable, Sendable {
    /// How processes are connected.
    public struct Link: Hashable, Sendable {
        /// Bytes a second, in one direction.
        public var bandwidth: Double
        /// Seconds that a message takes however short it is.
        public var latency: Double

        /// A connection.
        ///
        /// - Parameters:
        ///   - bandwidth: Bytes a second, in one direction.
        ///   - latency: Seconds that a message takes however short it is.
        /// - Precondition: The bandwidth is above 0, the latency not negative.
        public init(bandwidth: Double, latency: Double) {
            precondition(bandwidth > 0 && latency >= 0, "a connection has a bandwidth")
            (self.bandwidth, self.latency) = (bandwidth, latency)
        }

        /// How long a ring of processes takes to sum so many bytes (s).
        ///
        /// - Parameters:
        ///   - bytes: The bytes of each process.
        ///   - count: The number of processes.
        /// - Returns: The time; 0 for one process.
        public func sumTime(bytes: Double, among count: Int) -> Double {
            guard count > 1 else { return 0 }
            let steps = 2 * Double(count - 1)
            return steps / Double(count) * bytes / bandwidth + steps * latency
        }
    }

    /// The seconds that a process computes for an hour of audio.
    public var computeSecondsPerAudioHour: Double
    /// The seconds of audio in a process's batch.
    public var audioSecondsPerStep: Double
    /// The bytes of gradients.
    public var gradientBytes: Double
    /// The processes of a node.
    public var processesPerNode = 1
    /// How nodes are connected.
    public var network: Link
    /// How processes of a node are connected.
    public var node: Link
    /// The share of the exchange that computation hides, 0...1.
    public var overlap = 0.0
    /// The bytes of an hour of audio.
    public var bytesPerAudioHour: Double
    /// What a node reads of its storage (bytes a second).
    public var readBandwidth: Double

    /// What a training costs.
    ///
    /// - Parameters:
    ///   - computeSecondsPerAudioHour: The seconds that a process computes for an hour of audio.
    ///   - audioSecondsPerStep: The seconds of audio in a process's batch.
    ///   - gradientBytes: The bytes of gradients.
    ///   - network: How nodes are connected.
    ///   - node: How processes of a node are connected.
    ///   - bytesPerAudioHour: The bytes of an hour of audio.
    ///   - readBandwidth: What a node reads of its storage (bytes a second).
    public init(
        computeSecondsPerAudioHour: Double, audioSecondsPerStep: Double, gradientBytes: Double,
        network: Link, node: Link, bytesPerAudioHour: Double, readBandwidth: Double
    ) {
        self.computeSecondsPerAudioHour = computeSecondsPerAudioHour
        self.audioSecondsPerStep = audioSecondsPerStep
        self.gradientBytes = gradientBytes
        self.network = network
        self.node = node
        self.bytesPerAudioHour = bytesPerAudioHour
        self.readBandwidth = readBandwidth
    }

    /// What is expected of a training on so many nodes.
    public struct Estimate: Hashable, Sendable, Codable {
        /// The number of nodes.
        public var nodes: Int
        /// The number of processes on all of them.
        public var processes: Int
        /// The number of steps.
        public var steps: Int
        /// Seconds of computing in a step.
        public var computeSeconds: Double
        /// Seconds in which gradients are summed, hidden ones too.
        public var exchangeSeconds: Double
        /// Seconds in which a step's audio is read.
        public var readSeconds: Double
        /// Seconds from one step to the next.
        public var stepSeconds: Double
        /// Hours of the training.
        public var hours: Double
        /// The share of a step that is computing.
        public var efficiency: Double
    }

    /// Estimates a training.
    ///
    /// - Parameters:
    ///   - audioHours: The hours of audio in the corpus.
    ///   - epochs: How often each is seen.
    ///   - nodes: The number of nodes.
    /// - Returns: The estimate.
    /// - Precondition: All is above 0.
    public func estimate(audioHours: Double, epochs: Double = 1, nodes: Int) -> Estimate {
        precondition(audioHours > 0 && epochs > 0 && nodes > 0, "a training has audio and nodes")
        let processes = nodes * processesPerNode
        let compute = computeSecondsPerAudioHour * audioSecondsPerStep / 3600
        let exchange =
            node.sumTime(bytes: gradientBytes, among: processesPerNode)
            + network.sumTime(bytes: gradientBytes, among: nodes)
        let read =
            audioSecondsPerStep / 3600 * bytesPerAudioHour / readBandwidth
            * Double(processesPerNode)
        let step = max(compute + (1 - overlap) * exchange, read)
        let steps = (3600 * audioHours * epochs / (audioSecondsPerStep * Double(processes)))
            .rounded(.up)
        return Estimate(
            nodes: nodes, processes: processes, steps: Int(exactly: steps) ?? .max,
            computeSeconds: compute, exchangeSeconds: exchange, readSeconds: read,
            stepSeconds: step, hours: steps * step / 3600, efficiency: compute / step)
    }
}
