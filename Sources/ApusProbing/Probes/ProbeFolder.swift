import ApusCorpus
import ApusMetrics
import ApusNN
import ApusPretraining
import ApusReport
import ApusSignal
import Foundation

/// The folder of a probe run: what `apus probe` writes and `apus report` reads.
///
///     results.{json,md,txt,tex}  probe.json  embeddings.safetensors  classifier.safetensors
///     options.yaml  provenance.json
public struct ProbeFolder {
    /// What a report shows beside the figures: `probe.json`.
    public struct Details: Codable, Sendable {
        /// What classes are called: `speaker`, ...
        public var className: String
        /// The classes, in the order of the confusion matrix.
        public var classes: [String]
        /// The system whose confusions are shown: the trained one that was best on dev.
        public var bestSystem: String
        /// Test recordings, K x K: a row for each true class.
        public var confusion: [Int]
        /// The ids of the test recordings, in the order of the embeddings.
        public var testIDs: [String]
        /// Their classes.
        public var testLabels: [String]
        /// The systems that have embeddings, in the order of the table.
        public var systems: [String]
        /// What each system answered with the most labels; none in runs of earlier versions.
        public var answers: [Answers]?
        /// Of systems with open-set identification the curve of their first draw.
        public var openSet: [OpenSetCurve]?
        /// Accuracy of naming classes evenly, and of always naming the most frequent one.
        public var chance: ProbeReport.Chance
        /// The test manifest, for the pictures.
        public var testManifest: String
        /// The front end of the pictures.
        public var frontEnd: FrontEnd
    }

    /// Open-set identification by a system over all thresholds.
    public struct OpenSetCurve: Codable, Sendable {
        /// The system's name.
        public var system: String
        /// The points, with rising false-alarm rates.
        public var points: [OpenSetIdentification.Point]
    }

    /// What a system answered on the test recordings.
    public struct Answers: Codable, Sendable {
        /// The system's name.
        public var system: String
        /// The class that each recording was taken for, as a position in the classes.
        public var predictions: [Int]
        /// The probability that the classifier gave it.
        public var confidences: [Double]
    }

    /// The folder's path.
    public let path: String

    /// A folder that is there or will be made.
    ///
    /// - Parameter path: The folder's path.
    public init(path: String) { self.path = path }

    /// Whether the folder holds a finished probe run.
    public var isPresent: Bool {
        FileManager.default.fileExists(atPath: path + "/probe.json")
    }

    /// Writes a run; `probe.json`, which says that the run is whole, comes last.
    ///
    /// - Parameters:
    ///   - report: What the run found.
    ///   - options: What the run was told to do.
    ///   - testManifest: The path of the manifest that has the test recordings.
    /// - Throws: `PretrainingError.cannotWrite`, `SignalError.cannotWrite`, `ReportError.cannotWrite`.
    public func write(_ report: ProbeReport, options: ProbeOptions, testManifest: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw PretrainingError.cannotWrite(path: path, reason: writingReason(error))
        }
        var tensors: [String: TensorValues] = [:]
        var answers: [Answers] = []
        var openSet: [OpenSetCurve] = []
        // Of several trainings of one system the first is shown.
        for system in report.systems where tensors[system.name] == nil {
            if let last = system.utterances.last {
                answers.append(
                    Answers(
                        system: system.name, predictions: last.testPredictions,
                        confidences: last.testConfidences))
            }
            if let outcome = system.openSet {
                openSet.append(OpenSetCurve(system: system.name, points: outcome.tradeoff))
            }
            let layer = system.testEmbeddings
            tensors[system.name] = TensorValues(
                shape: [layer.matrix.count / max(1, layer.width), layer.width],
                values: layer.matrix)
        }
        let details = Details(
            className: options.label.className, classes: report.classes,
            bestSystem: report.bestSystem, confusion: report.confusion.counts,
            testIDs: report.testIDs, testLabels: report.testLabels,
            systems: report.results.systemNames, answers: answers,
            openSet: openSet.isEmpty ? nil : openSet, chance: report.chance,
            testManifest: testManifest,
            frontEnd: PlainFeatures.frontEnd(of: report.classifier.model.card.frontEnd))
        try report.results.write(to: URL(fileURLWithPath: path + "/results.json"))
        let table = ResultsTable(
            report.results, className: details.className, notes: Self.notes(details))
        let tests = ResultsTable.pairedTests(of: report.results)
        try ResultsTable.write([table] + [tests].compactMap(\.self), toFolder: path)
        try writeAtomically(
            Safetensors(tensors: tensors).encoded(), to: path + "/embeddings.safetensors")
        try report.classifier.write(to: path + "/classifier.safetensors")
        try writeAtomically(
            Data(ConfigurationFile.text(of: options).utf8), to: path + "/options.yaml")
        try writeAtomically(Provenance().encoded(), to: path + "/provenance.json")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try writeAtomically(encoder.encode(details), to: path + "/probe.json")
    }

    /// Reads what a report shows beside the figures.
    ///
    /// - Returns: The content of `probe.json`.
    /// - Throws: `ReportError.cannotRead` where it is missing or damaged.
    public func details() throws -> Details {
        let file = path + "/probe.json"
        do {
            return try JSONDecoder().decode(
                Details.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw ReportError.cannotRead(path: file, reason: "not the details of a probe run")
        }
    }

    /// The lines under the table.
    ///
    /// - Parameter details: The run's details.
    /// - Returns: Sentences.
    public static func notes(_ details: Details) -> [String] {
        [
            "Always naming the most frequent \(details.className) gives "
                + String(format: "%.1f %%.", 100 * details.chance.majorityShare)
        ]
    }
}
