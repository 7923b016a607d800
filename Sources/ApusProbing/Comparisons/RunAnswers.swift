import ApusCorpus
import ApusMetrics
import ApusPretraining
import ApusReport
import ApusSignal
import ApusTensor
import Foundation

/// What a run answered on its test recordings, one class each.
///
/// `apus train` leaves them in `predictions.tsv`, `apus probe` in `probe.json`.
public struct RunAnswers: Sendable {
    /// One answer.
    struct Answer: Equatable {
        var target: String
        var predicted: String
        /// The probability of the predicted class.
        var probability: Double
    }

    /// The file of `apus train`.
    static let fileName = "predictions.tsv"
    private static let heading = ["id", "target", "predicted", "probability"]

    /// Where the answers lie.
    public let path: String
    /// The system that gave them.
    public let system: String
    /// What is told apart, in a word.
    let className: String
    /// The ids of the recordings, in the run's order.
    let ids: [String]
    let answers: [String: Answer]

    init(
        path: String, system: String, className: String,
        _ answers: [(id: String, answer: Answer)]
    ) throws {
        (self.path, self.system, self.className) = (path, system, className)
        ids = answers.map(\.id)
        var found: [String: Answer] = [:]
        for (id, answer) in answers where found.updateValue(answer, forKey: id) != nil {
            throw ProbingError.badAnswers(
                path: path, reason: "the recording '\(id)' is there twice")
        }
        self.answers = found
    }

    /// Reads a run's answers.
    ///
    /// - Parameter argument: The folder of a run of `apus train`, or of `apus probe` with one label a
    ///   recording; after the latter may stand `:SYSTEM`, without which it is the model that was best on dev.
    /// - Throws: `SignalError.missingFile` for a folder that isn't there, `ProbingError.badAnswers` for one
    ///   without such answers, or without the system.
    public init(_ argument: String) throws {
        let files = FileManager.default
        if files.fileExists(atPath: argument) {
            try self.init(folder: argument, system: nil)
            return
        }
        guard let colon = argument.lastIndex(of: ":"),
            files.fileExists(atPath: String(argument[..<colon]))
        else { throw SignalError.missingFile(path: argument) }
        try self.init(
            folder: String(argument[..<colon]),
            system: String(argument[argument.index(after: colon)...]))
    }

    private init(folder: String, system: String?) throws {
        let table = folder + "/" + Self.fileName
        let probe = ProbeFolder(path: folder)
        if FileManager.default.fileExists(atPath: table) {
            guard system == nil else {
                throw ProbingError.badAnswers(
                    path: folder, reason: "a run of apus train has one system, no '\(system ?? "")'"
                )
            }
            try self.init(table: table, of: folder)
        } else if probe.isPresent {
            try self.init(probe, system: system)
        } else {
            throw ProbingError.badAnswers(
                path: folder,
                reason:
                    "it holds neither \(Self.fileName), which the command of an earlier apus train writes "
                    + "when it is run again, nor probe.json of apus probe")
        }
    }

    private init(_ probe: ProbeFolder, system: String?) throws {
        let details = try probe.details()
        let all = details.answers ?? []
        let name = system ?? details.bestSystem
        guard let found = all.first(where: { $0.system == name }) else {
            throw ProbingError.badAnswers(
                path: probe.path,
                reason: "no system '\(name)'; there are "
                    + (all.isEmpty ? "none" : all.map(\.system).joined(separator: ", ")))
        }
        guard found.predictions.count == details.testIDs.count,
            found.confidences.count == details.testIDs.count,
            details.testLabels.count == details.testIDs.count,
            found.predictions.allSatisfy(details.classes.indices.contains)
        else {
            throw ProbingError.badAnswers(
                path: probe.path, reason: "the answers of '\(name)' are damaged")
        }
        try self.init(
            path: probe.path, system: name, className: details.className,
            details.testIDs.indices.map { index in
                (
                    details.testIDs[index],
                    Answer(
                        target: details.testLabels[index],
                        predicted: details.classes[found.predictions[index]],
                        probability: found.confidences[index])
                )
            })
    }

    private init(table: String, of folder: String) throws {
        func damaged(_ line: Int, _ reason: String) -> ProbingError {
            .badAnswers(path: "\(table):\(line)", reason: reason)
        }
        let text: String
        do {
            text = try String(contentsOfFile: table, encoding: .utf8)
        } catch {
            throw ProbingError.badAnswers(path: table, reason: error.localizedDescription)
        }
        let lines = text.split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        guard lines.first == Self.heading else {
            throw damaged(1, "expected the columns \(Self.heading.joined(separator: ", "))")
        }
        let name = ((folder as NSString).standardizingPath as NSString).lastPathComponent
        let configuration = try? ConfigurationFile.resolve(
            ClassifierConfiguration(), file: folder + "/config.yaml")
        try self.init(
            path: folder, system: name,
            className: (configuration?.label ?? ClassifierConfiguration().label).className,
            lines.enumerated().dropFirst().map { index, fields in
                guard fields.count == Self.heading.count, let probability = Double(fields[3]) else {
                    throw damaged(
                        index + 1, "expected \(Self.heading.count) fields, the last a number")
                }
                return (
                    fields[0],
                    Answer(target: fields[1], predicted: fields[2], probability: probability)
                )
            })
    }

    /// Writes `predictions.tsv`.
    ///
    /// - Parameter folder: The run's folder.
    /// - Throws: `SignalError.cannotWrite`.
    func write(toFolder folder: String) throws {
        // What separates fields and lines can't be in one.
        func field(_ text: String) -> String {
            text.replacing("\t", with: " ").replacing("\n", with: " ")
        }
        let lines = ids.compactMap { id in
            answers[id].map {
                [
                    field(id), field($0.target), field($0.predicted),
                    String(format: "%.6f", $0.probability),
                ]
            }
        }
        let text = ([Self.heading] + lines).map { $0.joined(separator: "\t") + "\n" }.joined()
        try writeAtomically(Data(text.utf8), to: folder + "/" + Self.fileName)
    }
}

extension RunAnswers {
    /// Tests whether two runs err equally often on the same test recordings.
    ///
    /// - Parameters:
    ///   - other: The other run's answers.
    ///   - group: The manifest of the test recordings and the key of it by whose values they are drawn
    ///     together; `nil` where each is independent.
    ///   - resamples: The resamples of a bootstrap.
    ///   - seed: What the draws depend on.
    /// - Returns: Both accuracies, McNemar's test and the paired bootstrap, as results.
    /// - Throws: `ProbingError.badAnswers` where the runs have different test recordings or classes of them,
    ///   or the manifest lacks one or its group.
    public func compared(
        with other: RunAnswers, group: (manifest: Manifest, key: String)? = nil,
        resamples: Int = 2000, seed: UInt64 = 1
    ) throws -> Results {
        try requireSameRecordings(other)
        let units =
            try group.map { try drawnTogether($0.manifest, $0.key) } ?? TestUnits(count: ids.count)
        guard units.members.count > 1 else {
            throw ProbingError.badAnswers(
                path: path, reason: "expected at least two \(units.drawn.unit) to draw")
        }
        func hits(_ run: RunAnswers) -> [Bool] {
            ids.map { run.answers[$0].map { $0.predicted == $0.target } ?? false }
        }
        let names = names(beside: other)
        let pair = AnswersInPairs(first: hits(self), second: hits(other), units: units)
        let rows = try zip([names.first, names.second], [pair.first, pair.second]).map {
            name, hits in
            let interval = try bootstrapInterval(
                ofMeanOver: units.members.map { $0.map { hits[$0] ? 1 : 0 } }, resamples: resamples,
                seed: Seed(seed).derived("bootstrap").value)
            return Results.Row(
                system: name, labelledPerClass: nil, value: interval.estimate, low: interval.low,
                high: interval.high, trials: hits.count)
        }
        var results = Results(
            task: "comparison",
            protocol: "Two runs on the same \(ids.count) test recordings of "
                + "\(Set(answers.values.map(\.target)).count) \(className.plural); intervals by a "
                + "bootstrap over \(units.drawn.count) \(units.drawn.unit), \(resamples) resamples.",
            metric: ProbeRun.MetricName.accuracy, rows: rows)
        results.comparisons = [
            try Results.Comparison(
                pair, names.first, minus: names.second, labelledPerClass: nil, resamples: resamples,
                seed: Seed(seed).derived("comparison").value)
        ]
        return results
    }

    /// The systems' names, with those of the runs where they are the same.
    private func names(beside other: RunAnswers) -> (first: String, second: String) {
        guard system == other.system else { return (system, other.system) }
        return ("\(path): \(system)", "\(other.path): \(other.system)")
    }

    private func requireSameRecordings(_ other: RunAnswers) throws {
        func differ(_ reason: String) -> ProbingError {
            .badAnswers(path: "\(path) and \(other.path)", reason: reason)
        }
        let (own, others) = (Set(ids), Set(other.ids))
        if let first = ids.first(where: { !others.contains($0) })
            ?? other.ids.first(where: { !own.contains($0) })
        {
            throw differ(
                "other test recordings: \(own.subtracting(others).count) of \(own.count) are in the first "
                    + "run alone, \(others.subtracting(own).count) of \(others.count) in the second; such "
                    + "as '\(first)'")
        }
        for id in ids {
            guard let one = answers[id]?.target, let two = other.answers[id]?.target, one != two
            else { continue }
            throw differ("'\(id)' is '\(one)' in the first run and '\(two)' in the second")
        }
    }

    private func drawnTogether(_ manifest: Manifest, _ key: String) throws -> TestUnits {
        let cuts = Dictionary(manifest.cuts.map { ($0.id, $0) }) { first, _ in first }
        let own = try ids.map { id in
            guard let cut = cuts[id] else {
                throw ProbingError.badAnswers(
                    path: manifest.path, reason: "it has no recording '\(id)' of \(path)")
            }
            guard cut.text(of: key) != nil else {
                throw ProbingError.badAnswers(
                    path: manifest.path, reason: "the recording '\(id)' names no \(key)")
            }
            return cut
        }
        return TestUnits(own, key: key)
    }
}
