import ApusCorpus
import ApusPretraining
import Foundation

/// The scores of all trials as a table: a line for each trial with its names, its kind, and for each
/// system the score and, where it is calibrated, the log-likelihood ratio.
struct ScoreTable {
    private let trials: TrialList
    private let columns: [(name: String, value: (Int) -> Float)]

    init(_ report: VerificationReport, _ trials: TrialList) {
        self.trials = trials
        columns = report.systems.flatMap { system -> [(name: String, value: (Int) -> Float)] in
            let scores = system.scores
            let own: (Int) -> Float = { scores[$0] }
            // A fusion's scores are log-likelihood ratios already.
            guard let calibration = system.calibration, system.kind != .fusion else {
                return [(system.name, own)]
            }
            return [
                (system.name, own),
                (
                    system.name + " llr",
                    { Float(calibration.logLikelihoodRatio(scores[$0])) }
                ),
            ]
        }
    }

    /// Writes the table piece by piece, so that it needs no memory, and renames it when it is whole.
    func write(to path: String) throws {
        let part = path + ".part"
        func failed(_ error: any Error) -> PretrainingError {
            .cannotWrite(path: path, reason: writingReason(error))
        }
        guard FileManager.default.createFile(atPath: part, contents: nil),
            let file = FileHandle(forWritingAtPath: part)
        else {
            throw PretrainingError.cannotWrite(
                path: path, reason: String(cString: strerror(errno)))
        }
        do {
            var text = (["first", "second", "kind"] + columns.map(\.name)).joined(separator: "\t")
            text += "\n"
            for trial in 0..<trials.count {
                text += trials.names[Int(trials.first[trial])]
                text += "\t"
                text += trials.names[Int(trials.second[trial])]
                text += trials.isTarget[trial] ? "\ttarget" : "\tnontarget"
                for column in columns {
                    text += "\t"
                    text += column.value(trial).description
                }
                text += "\n"
                if text.utf8.count > 1 << 20 {
                    try file.write(contentsOf: Data(text.utf8))
                    text.removeAll(keepingCapacity: true)
                }
            }
            try file.write(contentsOf: Data(text.utf8))
            try file.synchronize()
            try file.close()
        } catch {
            throw failed(error)
        }
        guard rename(part, path) == 0 else {
            throw PretrainingError.cannotWrite(
                path: path, reason: String(cString: strerror(errno)))
        }
    }
}
