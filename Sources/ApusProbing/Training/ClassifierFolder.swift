import ApusCorpus
import ApusPretraining
import ApusSignal
import Foundation

/// The folder of a classifier's training.
///
///     config.yaml  inputs.json  provenance.json  metrics.jsonl  events.out.tfevents.*  checkpoints/
///     best.safetensors  classifier.safetensors  model.safetensors  results.{json,md,txt,tex}
///     predictions.tsv
struct ClassifierFolder {
    let path: String

    var checkpoints: String { path + "/checkpoints" }
    /// The weights with the highest accuracy on the development part.
    var bestPath: String { path + "/best.safetensors" }
    var classifierPath: String { path + "/classifier.safetensors" }
    /// The encoder as it was trained, where it was.
    var modelPath: String { path + "/model.safetensors" }

    /// Makes the folder, or makes sure that it holds a run of the same configuration and data.
    func claim(for configuration: ClassifierConfiguration) throws {
        let file = path + "/config.yaml"
        let inputs = try Self.hashes(configuration)
        if FileManager.default.fileExists(atPath: file) {
            let found = try ConfigurationFile.resolve(ClassifierConfiguration(), file: file)
            // Workers and memory decide nothing that is stored, threads the last digits alone.
            var wanted = configuration
            (wanted.threads, wanted.device) = (found.threads, found.device)
            // What stands beside the network is computed after its training.
            wanted.baselines = found.baselines
            wanted.data.workers = found.data.workers
            wanted.data.cacheMegabytes = found.data.cacheMegabytes
            var differences = try ConfigurationFile.differences(between: found, and: wanted)
            if differences.isEmpty, try storedInputs() != inputs {
                differences = ["a manifest or the model has changed since the run began"]
            }
            guard differences.isEmpty else {
                throw PretrainingError.otherConfiguration(path: path, differences: differences)
            }
            return
        }
        do {
            try FileManager.default.createDirectory(
                atPath: checkpoints, withIntermediateDirectories: true)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            try writeAtomically(encoder.encode(inputs), to: path + "/inputs.json")
            try writeAtomically(Provenance().encoded(), to: path + "/provenance.json")
            // The configuration comes last: a folder that has one is a run's.
            try writeAtomically(
                Data(ConfigurationFile.text(of: configuration).utf8), to: file)
        } catch {
            throw PretrainingError.cannotWrite(path: path, reason: writingReason(error))
        }
    }

    private func storedInputs() throws -> [String: String] {
        let data = try? Data(contentsOf: URL(fileURLWithPath: path + "/inputs.json"))
        return data.flatMap { try? JSONDecoder().decode([String: String].self, from: $0) } ?? [:]
    }

    /// The hash of each file that decides the outcome.
    private static func hashes(_ configuration: ClassifierConfiguration) throws -> [String: String]
    {
        var hashes: [String: String] = [:]
        for (key, path) in [
            ("data.train", configuration.data.train),
            ("data.development", configuration.data.development),
            ("data.test", configuration.data.test), ("model", configuration.model),
        ] where !path.isEmpty {
            guard FileManager.default.fileExists(atPath: path) else {
                throw PretrainingError.missingFile(path: path)
            }
            hashes[key] = try ModelCard.TrainingData.hash(ofFile: path)
        }
        return hashes
    }
}
