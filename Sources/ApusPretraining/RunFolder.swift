import ApusCorpus
import ApusNN
import ApusSignal
import Foundation

/// A run's folder: whose it is, and what lies where.
struct RunFolder {
    let path: String

    /// The trained model, written once the run is through.
    var modelPath: String { path + "/model.safetensors" }
    /// The model with the lowest loss on the held-out recordings.
    var bestModelPath: String { path + "/best.safetensors" }
    /// The folder of the checkpoints.
    var checkpoints: String { path + "/checkpoints" }

    /// Makes the folder, or makes sure that it holds a run of the same configuration.
    func claim(for configuration: PretrainingConfiguration) throws {
        let file = path + "/config.yaml"
        let hashes = try ManifestHashes(of: configuration)
        if FileManager.default.fileExists(atPath: file) {
            let found = try ConfigurationFile.resolve(PretrainingConfiguration(), file: file)
            // Workers, memory and patience decide nothing that is stored; threads and the device only
            // the last digits, which a continued run warns of.
            var wanted = configuration
            wanted.threads = found.threads
            wanted.device = found.device
            wanted.data.workers = found.data.workers
            wanted.distributed.bucketMegabytes = found.distributed.bucketMegabytes
            wanted.distributed.timeout = found.distributed.timeout
            wanted.distributed.joiningTimeout = found.distributed.joiningTimeout
            wanted.data.cacheMegabytes = found.data.cacheMegabytes
            wanted.augmentation.cacheMegabytes = found.augmentation.cacheMegabytes
            var differences = try ConfigurationFile.differences(between: found, and: wanted)
            differences += hashes.differences(from: path, beside: differences)
            if !differences.isEmpty {
                throw PretrainingError.otherConfiguration(path: path, differences: differences)
            }
            return
        }
        do {
            try FileManager.default.createDirectory(
                atPath: checkpoints, withIntermediateDirectories: true)
            try hashes.write(to: path)
            try writeAtomically(Provenance().encoded(), to: path + "/provenance.json")
            // The configuration comes last: a folder that has one is a run's.
            try writeAtomically(
                Data(ConfigurationFile.text(of: configuration).utf8), to: file)
        } catch {
            throw PretrainingError.cannotWrite(path: path, reason: writingReason(error))
        }
    }

    /// The state of a run that has nothing left to do: started again, it costs nothing.
    func finishedState(steps: Int) -> TrainingCheckpoint.State? {
        guard FileManager.default.fileExists(atPath: modelPath),
            let latest = TrainingCheckpoint.all(in: checkpoints).first,
            var state = try? TrainingCheckpoint.state(in: latest)
        else { return nil }
        // Runs of earlier versions have no word for their end.
        if state.end == nil, steps > 0, state.step >= steps { state.end = .steps }
        return state.end == nil ? nil : state
    }

    /// The mean of the last checkpoints' weights, or `nil` where one alone is asked for.
    func meanWeights(
        ofLast count: Int, rule: TrainingCheckpoint.Rule
    ) throws -> [String: TensorValues]? {
        guard count > 1 else { return nil }
        let paths = rule.regular(TrainingCheckpoint.all(in: checkpoints)).prefix(count)
        var sums: [String: (shape: [Int], values: [Double])] = [:]
        for path in paths {
            for (name, tensor) in try TrainingCheckpoint(contentsOf: path).weights {
                guard var sum = sums.removeValue(forKey: name) else {
                    sums[name] = (tensor.shape, tensor.values.map(Double.init))
                    continue
                }
                for index in tensor.values.indices {
                    sum.values[index] += Double(tensor.values[index])
                }
                sums[name] = sum
            }
        }
        let share = 1 / Double(paths.count)
        return sums.mapValues {
            TensorValues(shape: $0.shape, values: $0.values.map { Float($0 * share) })
        }
    }

    /// The manifest's hash as `claim` left it.
    func keptManifestHash() -> String? {
        try? String(contentsOfFile: path + "/manifest.hash", encoding: .utf8)
    }

    // MARK: - What the pass over the corpus before the first step found

    /// The corpus as it was measured.
    struct MeasuredCorpus: Codable {
        var statistics: FeatureStatistics
        // A continued run must leave out the same recordings.
        var problems: [RecordingProblem]
        /// Which recordings were measured, where not all were; an earlier version always measured all.
        var sample: Sample?

        /// A part of the recordings, drawn by a seed.
        struct Sample: Codable {
            var recordings: Int
            var of: Int
            var seed: UInt64
        }
    }

    private var statisticsPath: String { path + "/statistics.json" }

    /// What was kept of an earlier pass: a continued run reads the corpus once less.
    func measuredCorpus() -> MeasuredCorpus? {
        (try? Data(contentsOf: URL(fileURLWithPath: statisticsPath))).flatMap {
            try? JSONDecoder().decode(MeasuredCorpus.self, from: $0)
        }
    }

    /// Keeps what a pass found.
    func keep(_ corpus: MeasuredCorpus) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        try writeAtomically(encoder.encode(corpus), to: statisticsPath)
    }
}
