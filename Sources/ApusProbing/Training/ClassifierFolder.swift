import ApusCorpus
import ApusPretraining
import ApusReport
import ApusSignal
import Foundation

/// The folder of a classifier's training.
///
///     config.yaml  inputs.json  provenance.json  metrics.jsonl  events.out.tfevents.*  checkpoints/
///     best.safetensors  classifier.safetensors  model.safetensors  results.{json,md,txt,tex}
///     classification.json  predictions.tsv
struct ClassifierFolder {
    /// What a report shows beside the figures: `classification.json`.
    struct Details: Codable {
        /// What classes are called: `speaker`, ...
        var className: String
        /// The classes.
        var classes: [String]
        /// The ids of the recordings that were measured on.
        var ids: [String]
        /// Their classes, as positions in `classes`.
        var targets: [Int]
        /// What the classifier answered.
        var answers: ProbeFolder.Answers
        /// The step whose weights were kept.
        var step: Int
        /// The lines under the table.
        var notes: [String]
    }

    let path: String

    /// Whether the folder holds a training that was measured.
    var isPresent: Bool { FileManager.default.fileExists(atPath: detailsPath) }
    private var detailsPath: String { path + "/classification.json" }

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

    func write(_ details: Details) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try writeAtomically(encoder.encode(details), to: detailsPath)
    }

    /// Reads what a report shows beside the figures.
    ///
    /// - Throws: `ReportError.cannotRead` where it is missing or damaged.
    func details() throws -> Details {
        do {
            return try JSONDecoder().decode(
                Details.self, from: Data(contentsOf: URL(fileURLWithPath: detailsPath)))
        } catch {
            throw ReportError.cannotRead(
                path: detailsPath, reason: "not the details of a classifier's training")
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
