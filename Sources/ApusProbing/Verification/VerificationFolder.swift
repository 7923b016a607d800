import ApusCorpus
import ApusMetrics
import ApusPretraining
import ApusReport
import ApusSignal
import Foundation

/// The folder of a verification run: what `apus verify` writes and `apus report` reads.
///
///     results.{json,md,txt,tex}  scores.tsv  verification.json  verifier.safetensors
///     options.yaml  provenance.json
public struct VerificationFolder {
    /// What a report shows beside the figures: `verification.json`.
    public struct Details: Codable, Sendable {
        /// One system's curves.
        public struct System: Codable, Sendable {
            /// The system's name.
            public var name: String
            /// The operating points of the DET curve.
            public var tradeoff: [DetectionOperatingPoint]
            /// How the scores of the test trials are spread.
            public var histogram: ScoreHistogram
            /// Whether the calibrated scores of the test trials mean what they say, in the bins that have
            /// trials; none without calibration and in runs of earlier versions.
            public var reliability: Reliability?
        }

        /// The number of targets.
        public var targets: Int
        /// The number of non-targets.
        public var nonTargets: Int
        /// The systems, in the order of the table.
        public var systems: [System]
    }

    /// The task in `results.json`.
    static let task = "speaker-verification"

    /// The folder's path.
    public let path: String

    /// A folder that is there or will be made.
    ///
    /// - Parameter path: The folder's path.
    public init(path: String) { self.path = path }

    /// Whether the folder holds a finished verification run.
    public var isPresent: Bool {
        FileManager.default.fileExists(atPath: path + "/verification.json")
    }

    /// Writes a run; `verification.json`, which says that the run is whole, comes last.
    ///
    /// - Parameters:
    ///   - report: What the run found.
    ///   - inputs: What it was run on.
    ///   - options: What it was told to do.
    ///   - models: The paths of the models by the names of their systems.
    /// - Throws: `PretrainingError.cannotWrite`, `SignalError.cannotWrite`, `ReportError.cannotWrite`.
    public func write(
        _ report: VerificationReport, inputs: VerificationInputs, options: VerificationOptions,
        models: [String: String]
    ) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw PretrainingError.cannotWrite(path: path, reason: writingReason(error))
        }
        let details = Details(
            targets: report.targets, nonTargets: report.nonTargets,
            systems: try report.systems.map { system in
                Details.System(
                    name: system.name, tradeoff: system.tradeoff,
                    histogram: ScoreHistogram(
                        scores: system.scores, isTarget: inputs.test.isTarget),
                    reliability: try reliability(of: system, isTarget: inputs.test.isTarget))
            })
        try report.results.write(to: URL(fileURLWithPath: path + "/results.json"))
        let table = ResultsTable(report.results, className: "speaker")
        let tests = ResultsTable.pairedTests(of: report.results)
        try ResultsTable.write([table] + [tests].compactMap(\.self), toFolder: path)
        try ScoreTable(report, inputs.test).write(to: path + "/scores.tsv")
        if let verifier = try verifier(report, inputs, models: models) {
            try writeAtomically(verifier, to: path + "/verifier.safetensors")
        }
        try writeAtomically(
            Data(ConfigurationFile.text(of: options).utf8), to: path + "/options.yaml")
        try writeAtomically(Provenance().encoded(), to: path + "/provenance.json")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try writeAtomically(encoder.encode(details), to: path + "/verification.json")
    }

    /// How often trials are targets by the probability that calibrated scores give them, with the share
    /// of targets as the prior.
    private func reliability(
        of system: VerificationReport.System, isTarget: [Bool]
    ) throws -> Reliability? {
        guard let calibration = system.calibration else { return nil }
        let prior = Double(isTarget.count(where: \.self)) / Double(isTarget.count)
        let ratios = try calibration.logLikelihoodRatios(systems: [system.scores])
        var found = try ApusMetrics.reliability(
            confidences: ratios.map {
                ScoreCalibration.targetProbability(
                    logLikelihoodRatio: Double($0), prior: prior)
            }, isRight: isTarget)
        // JSON has no number for the rates of an empty bin.
        found.bins.removeAll { $0.count == 0 }
        return found
    }

    /// The calibrated verifier of the model that is best on development trials.
    private func verifier(
        _ report: VerificationReport, _ inputs: VerificationInputs, models: [String: String]
    ) throws -> Data? {
        let best = report.systems.filter { $0.kind == .trained && $0.developmentRate != nil }
            .min { ($0.developmentRate ?? 1) < ($1.developmentRate ?? 1) }
        guard let best, let rate = best.developmentRate, let chosen = best.chosen,
            let calibration = best.calibration, let development = inputs.development,
            let model = models[best.name]
        else { return nil }
        let card = SpeakerVerifier.Card(
            modelHash: try ModelCard.TrainingData.hash(ofFile: model), layer: chosen.layer,
            pooling: chosen.pooling, cohortTop: chosen.cohortTop, calibration: calibration,
            developmentTrials: development.path, developmentCount: development.count,
            developmentTargets: development.isTarget.count(where: \.self), developmentRate: rate)
        return try VerifierFile(card: card, backend: chosen.backend, cohort: chosen.cohort)
            .encoded()
    }

    /// Reads what a report shows beside the figures.
    ///
    /// - Returns: The content of `verification.json`.
    /// - Throws: `ReportError.cannotRead` where it is missing or damaged.
    public func details() throws -> Details {
        let file = path + "/verification.json"
        do {
            return try JSONDecoder().decode(
                Details.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw ReportError.cannotRead(
                path: file, reason: "not the details of a verification run")
        }
    }
}
