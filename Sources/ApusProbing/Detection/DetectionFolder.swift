import ApusPretraining
import ApusReport
import ApusSignal
import Foundation

/// The folder of a run of detection probes: what `apus probe --label events` writes.
///
///     results.{json,md,txt,tex}  detector.safetensors  options.yaml  provenance.json
public struct DetectionFolder {
    /// The folder's path.
    public let path: String

    /// A folder that is there or will be made.
    ///
    /// - Parameter path: The folder's path.
    public init(path: String) { self.path = path }

    /// Writes a run.
    ///
    /// - Parameters:
    ///   - report: What the run found.
    ///   - options: What the run was told to do.
    /// - Throws: `SignalError.cannotWrite`, `ReportError.cannotWrite`.
    public func write(_ report: DetectionReport, options: ProbeOptions) throws {
        try report.results.write(to: URL(fileURLWithPath: path + "/results.json"))
        let table = ResultsTable(
            report.results, className: "label",
            notes: report.warnings + [report.comparison].compactMap { $0?.description })
        try ResultsTable.write([table], toFolder: path)
        try writeAtomically(
            Data(ConfigurationFile.text(of: options).utf8), to: path + "/options.yaml")
        try writeAtomically(Provenance().encoded(), to: path + "/provenance.json")
        try report.detector.write(to: path + "/detector.safetensors")
    }
}
