import ApusPretraining
import ApusReport
import ApusSignal
import Foundation

/// The folder of a run of tagging probes: what `apus probe --label tags` writes.
///
///     results.{json,md,txt,tex}  tagging.json  options.yaml  provenance.json
public struct TaggingFolder {
    /// What a report shows beside the figures: `tagging.json`.
    public struct Details: Codable, Sendable {
        /// One system's probabilities.
        public struct System: Codable, Sendable {
            /// The system's name.
            public var name: String
            /// Test recordings x tags.
            public var scores: [Float]
        }
        /// The tags, in the order of the scores.
        public var tags: [String]
        /// The ids of the test recordings.
        public var testIDs: [String]
        /// Test recordings x tags, whether a recording has a tag.
        public var isPresent: [Bool]
        /// The trained model that is best on the development part.
        public var bestSystem: String
        /// The systems; of several trainings of one name the first.
        public var systems: [System]
    }

    /// The folder's path.
    public let path: String

    /// A folder that is there or will be made.
    ///
    /// - Parameter path: The folder's path.
    public init(path: String) { self.path = path }

    /// Whether the folder holds a finished run.
    public var isPresent: Bool {
        FileManager.default.fileExists(atPath: path + "/tagging.json")
    }

    /// Writes a run; `tagging.json`, which says that the run is whole, comes last.
    ///
    /// - Parameters:
    ///   - report: What the run found.
    ///   - options: What the run was told to do.
    /// - Throws: `SignalError.cannotWrite`, `ReportError.cannotWrite`.
    public func write(_ report: TaggingReport, options: ProbeOptions) throws {
        var systems: [Details.System] = []
        for system in report.systems where !systems.contains(where: { $0.name == system.name }) {
            systems.append(Details.System(name: system.name, scores: system.outcome.scores))
        }
        let details = Details(
            tags: report.systems[0].outcome.tags, testIDs: report.testIDs,
            isPresent: report.systems[0].outcome.isPresent, bestSystem: report.bestSystem,
            systems: systems)
        let results = report.results
        try results.write(to: URL(fileURLWithPath: path + "/results.json"))
        let table = ResultsTable(results, className: "tag")
        let classes = ResultsTable.classes(results, of: report.bestSystem)
        let tests = ResultsTable.pairedTests(of: results)
        try ResultsTable.write(
            [table, classes] + [tests].compactMap(\.self), toFolder: path)
        try writeAtomically(
            Data(ConfigurationFile.text(of: options).utf8), to: path + "/options.yaml")
        try writeAtomically(Provenance().encoded(), to: path + "/provenance.json")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try writeAtomically(encoder.encode(details), to: path + "/tagging.json")
    }

    /// Reads what a report shows beside the figures.
    ///
    /// - Returns: The content of `tagging.json`.
    /// - Throws: `ReportError.cannotRead` where it is missing or damaged.
    public func details() throws -> Details {
        let file = path + "/tagging.json"
        do {
            return try JSONDecoder().decode(
                Details.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw ReportError.cannotRead(path: file, reason: "not the details of a tagging run")
        }
    }
}
