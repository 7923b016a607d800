import ApusMetrics
import ApusPretraining
import ApusReport
import ApusSignal
import Foundation

/// The folder of a run of detection probes: what `apus probe --label events` writes.
///
///     results.{json,md,txt,tex}  detection.json  detector.safetensors  options.yaml  provenance.json
public struct DetectionFolder {
    /// What a report shows beside the figures.
    public struct Details: Codable, Sendable {
        /// One system's curve over thresholds.
        public struct Curve: Codable, Sendable {
            /// The system's name.
            public var name: String
            /// What the polyphonic sound detection score is the area under.
            public var steps: [PolyphonicDetectionScore.Step]
        }

        /// The system of `detector.safetensors`: the best trained one on the development part.
        public var bestSystem: String
        /// What chance is, and which rows there are not.
        public var notes: [String]
        /// The systems' curves, in the order of the table; none in runs of earlier versions.
        public var curves: [Curve]?
    }

    /// The task in `results.json`.
    static let task = "event-detection"

    /// The folder's path.
    public let path: String

    /// A folder that is there or will be made.
    ///
    /// - Parameter path: The folder's path.
    public init(path: String) { self.path = path }

    /// Whether a run lies there.
    public var isPresent: Bool {
        FileManager.default.fileExists(atPath: path + "/detection.json")
    }

    /// Writes a run.
    ///
    /// - Parameters:
    ///   - report: What the run found.
    ///   - options: What the run was told to do.
    /// - Throws: `SignalError.cannotWrite`, `ReportError.cannotWrite`.
    public func write(_ report: DetectionReport, options: ProbeOptions) throws {
        try report.results.write(to: URL(fileURLWithPath: path + "/results.json"))
        let details = Details(
            bestSystem: report.bestSystem,
            notes: [
                "Chance is every label from beginning to end of every recording; for the error rate never "
                    + "any.",
                "The channel alone has no row: it is that of a whole recording, and events are told "
                    + "frame by frame.",
            ],
            // Of several trainings the first.
            curves: report.results.systemNames.compactMap { name in
                report.systems.first { $0.name == name }.map {
                    Details.Curve(
                        name: name, steps: PolyphonicDetectionScore().curve(of: $0.polyphonicCounts)
                    )
                }
            })
        let table = ResultsTable(report.results, className: "label", notes: details.notes)
        let classes = ResultsTable.classes(report.results, of: details.bestSystem)
        let tests = ResultsTable.pairedTests(of: report.results)
        try ResultsTable.write(
            [table, classes] + [tests].compactMap(\.self), toFolder: path)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try writeAtomically(encoder.encode(details), to: path + "/detection.json")
        try writeAtomically(
            Data(ConfigurationFile.text(of: options).utf8), to: path + "/options.yaml")
        try writeAtomically(Provenance().encoded(), to: path + "/provenance.json")
        try report.detector.write(to: path + "/detector.safetensors")
    }

    /// Reads what a report shows beside the figures.
    ///
    /// - Returns: The content of `detection.json`.
    /// - Throws: `ReportError.cannotRead` where it is missing or damaged.
    public func details() throws -> Details {
        let file = path + "/detection.json"
        do {
            return try JSONDecoder().decode(
                Details.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw ReportError.cannotRead(path: file, reason: "not the details of a detection run")
        }
    }
}
