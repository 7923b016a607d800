// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusCorpus
import ApusNN
import ApusTensor
import Foundation

/// What a run shares with the processes that train the same model; a process by itself shares nothing.
///
/// Each process computes its part of every batch. Losses are means over the terms of the whole batch, so
/// that gradients add up to those of one process that has all of it, and each process makes the same step.
/// Rank 0 alone reads and writes the run's folder.
final class SharedRun {
    /// The processes, or `nil` for this one alone.
    let processes: ProcessGroup?
    private let options: PretrainingConfiguration.Distributed
    private let contrasts: Bool
    private let gathersNegatives: Bool
    private var buckets: GradientBuckets?
    private var reported = 0
    private var emptyInARow = 0

    init(_ processes: ProcessGroup?, configuration: PretrainingConfiguration) {
        self.processes = processes
        options = configuration.distributed
        contrasts = configuration.objective.contrasts
        gathersNegatives = options.gathersNegatives && contrasts
    }

    /// Whether this process writes and reports.
    var isFirst: Bool { processes?.isFirst ?? true }

    /// Which items of each batch are made here.
    var share: BatchShare {
        BatchShare(index: processes?.place.rank ?? 0, count: processes?.place.count ?? 1)
    }

    /// How many processes share this host's cores.
    var localCount: Int { processes?.place.localCount ?? 1 }

    /// The device of this process: of several on a host each has its own.
    func device(_ device: Device) -> Device {
        guard let place = processes?.place, place.localCount > 1, device == .cuda(0) else {
            return device
        }
        return .cuda(place.localRank)
    }

    /// The seconds that this process has waited for others.
    var secondsWaited: Double { processes?.secondsWaited ?? 0 }

    /// Says how many processes there are, and what that changes.
    func describe(_ report: (String) -> Void) {
        guard let processes, processes.place.count > 1 else { return }
        report("\(processes.place.count) processes share each batch")
        if contrasts, !gathersNegatives {
            report(
                "negatives come from the recordings of the same process; "
                    + "distributed.gathersNegatives=true draws them as one process does")
        }
    }

    // MARK: - Beginning

    /// What rank 0 makes of its files, on every process.
    func fromFirst<Value: Codable>(_ make: () throws -> Value) throws -> Value {
        guard let processes else { return try make() }
        let own = processes.isFirst ? try Self.encoder.encode([make()]) : Data()
        return try Self.decoder.decode([Value].self, from: processes.broadcast(own))[0]
    }

    /// Makes sure that every process runs the same.
    func agree(on configuration: PretrainingConfiguration) throws {
        guard let processes else { return }
        var first = try fromFirst { configuration }
        // These decide nothing that processes share.
        (first.threads, first.device) = (configuration.threads, configuration.device)
        let found = try ConfigurationFile.differences(between: first, and: configuration)
        if let difference = found.first {
            throw PretrainingError.processesDiffer(
                processes.names[processes.place.rank] + " has another configuration than rank 0: "
                    + difference)
        }
    }

    /// Makes sure that every process found the same recordings.
    func agree(on recordings: TrainingRecordings) throws {
        guard let processes else { return }
        let own = recordings.fingerprint
        if try fromFirst({ own }) != own {
            throw PretrainingError.processesDiffer(
                processes.names[processes.place.rank]
                    + " has found \(recordings.cuts.count) usable recordings, and not the same "
                    + "ones or not of the same lengths as rank 0")
        }
    }

    /// Gives every process the weights, moments and averages that rank 0 has restored.
    func spread(
        _ objective: any Objective, _ optimizer: any Optimizer, _ average: WeightAverage?,
        at state: TrainingCheckpoint.State
    ) throws -> TrainingCheckpoint.State {
        guard let processes else { return state }
        let state = try fromFirst { state }
        func spread(
            _ values: () -> [String: TensorValues], _ load: ([String: TensorValues]) throws -> Void
        ) throws {
            let own = isFirst ? try Safetensors(tensors: values()).encoded() : Data()
            let all = try processes.broadcast(own)
            if !isFirst { try load(Safetensors(data: all, path: "rank 0").tensors) }
        }
        try spread(objective.weights) { try objective.load($0, from: "rank 0") }
        try spread(optimizer.state) {
            try optimizer.load($0, stepCount: state.optimizerStep, from: "rank 0")
        }
        if let average {
            try spread(average.weights) {
                try average.load($0, updateCount: state.averagedSteps ?? 0, from: "rank 0")
            }
        }
        buckets = GradientBuckets(
            of: objective.parameters, in: processes, megabytes: options.bucketMegabytes,
            halves: options.compression == .bfloat16)
        return state
    }

    // MARK: - A step

    /// The next batch of which some process has an item.
    func next(from loader: BatchLoader, batchesPerEpoch: Int) throws -> FeatureBatch {
        while true {
            guard let batch = try loader.next() else {
                preconditionFailure("a loader without a last epoch ended")
            }
            guard let processes, try processes.sums([Double(batch.count)])[0] == 0 else {
                emptyInARow = 0
                return batch
            }
            emptyInARow += 1
            if emptyInARow >= batchesPerEpoch {
                throw CorpusError.noUsableCuts(reason: "every recording is bad")
            }
        }
    }

    /// The place of a batch's recordings here in the whole batch, and where their negatives come from.
    func part(of batch: FeatureBatch) throws -> BatchPart {
        // A process without a recording computes with silence, which doesn't count.
        var part =
            batch.count == 0
            ? BatchPart(rows: [0]) : BatchPart(rows: batch.rows, groups: batch.groups)
        if let processes, gathersNegatives {
            let own = NegativePool.Share(
                rows: batch.rows, lengths: batch.lengths, speakers: batch.speakers)
            part.pool = NegativePool(
                try gathered(own), processes: processes, groups: speakerNumbers)
        }
        return part
    }

    /// What the parts of a batch make together.
    struct Mean {
        /// The mean over all terms.
        var loss: Double
        /// What the loss here is multiplied by so that the gradients of all parts add up.
        var share: Double
        /// The frames of all recordings.
        var frameCount: Int
    }

    /// The mean over the whole batch of what its parts' losses are the means of.
    func mean(of part: ObjectiveLoss, in batch: FeatureBatch) throws -> Mean {
        let (value, frameCount) = (Double(part.value.item), batch.lengths.reduce(0, +))
        guard let processes else { return Mean(loss: value, share: 1, frameCount: frameCount) }
        let weight = batch.count == 0 ? 0 : part.weight
        let sums = try processes.sums([
            weight, weight > 0 ? weight * value : 0, Double(frameCount),
        ])
        return Mean(
            loss: sums[0] > 0 ? sums[1] / sums[0] : 0, share: sums[0] > 0 ? weight / sums[0] : 0,
            frameCount: Int(sums[2]))
    }

    /// Has the next backward pass send its gradients as they come.
    func sendGradients() { buckets?.arm() }

    /// Waits until each parameter has the sum of all processes' gradients.
    func addUpGradients() throws { try buckets?.reduce() }

    /// The elements of all processes.
    func all<Element: Codable>(_ own: [Element]) throws -> [Element] {
        try gathered(own).flatMap { $0 }
    }

    /// The means of what the processes' figures are the means of.
    func merged(_ own: WeightedFigures) throws -> WeightedFigures {
        guard processes != nil else { return own }
        return try gathered(own).reduce(into: WeightedFigures()) { $0.add($1) }
    }

    /// Effective rank and deviation of the layers' frames, those of all processes.
    func health(
        of encoder: any Encoder, features: Tensor, lengths: [Int], counted: Int
    ) throws -> [(name: String, health: FeatureHealth)] {
        try FeatureHealth.frames(
            of: encoder, features: features, lengths: lengths, counted: counted
        ).map { name, frames in
            (
                name,
                try processes.map { try FeatureHealth(of: frames, in: $0) }
                    ?? FeatureHealth(of: frames)
            )
        }
    }

    /// What the processes agree on after a step.
    struct Agreement {
        /// Whether any of them was asked to stop.
        var stops: Bool
        /// Rank 0's seconds: clocks differ, and time may end a run.
        var seconds: Double
        /// The bad recordings that any of them has met.
        var problems: [RecordingProblem]
    }

    /// Agrees on what clocks, signals and disks have told one process alone.
    func agree(
        stops: Bool, seconds: Double = 0, problems: [RecordingProblem] = []
    ) throws -> Agreement {
        guard let processes else {
            return Agreement(stops: stops, seconds: seconds, problems: problems)
        }
        let found = problems.count - reported
        let sums = try processes.sums([
            stops ? 1 : 0, isFirst ? seconds : 0, Double(found),
        ])
        let new = problems.suffix(found)
        reported = problems.count
        return Agreement(
            stops: sums[0] > 0, seconds: sums[1],
            problems: sums[2] > 0 ? try all(Array(new)) : [])
    }

    /// Has rank 0 write, while the others wait.
    func asFirst(_ write: () throws -> Void) throws {
        if isFirst { try write() }
        try processes?.barrier(patient: true)
    }

    private func gathered<Value: Codable>(_ own: Value) throws -> [Value] {
        guard let processes else { return [own] }
        return try processes.gather(Self.encoder.encode([own])).map {
            try Self.decoder.decode([Value].self, from: $0)[0]
        }
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return encoder
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return decoder
    }
}
