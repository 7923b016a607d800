import ApusPretraining
import Foundation

/// What a pretraining run's folder tells: its configuration and the lines of `metrics.jsonl`.
struct PretrainingRun {
    /// The folder's name.
    let name: String
    let configuration: PretrainingConfiguration
    let history: MetricsHistory

    /// Reads a folder; `nil` where it holds no pretraining run.
    init?(folder: String) {
        guard let history = MetricsHistory(folder: folder),
            let configuration = try? ConfigurationFile.resolve(
                PretrainingConfiguration(), file: folder + "/config.yaml")
        else { return nil }
        self.history = history
        self.configuration = configuration
        name = (folder as NSString).lastPathComponent
    }

    var kind: ObjectiveKind { configuration.objective.kind }

    /// The validation that `best.safetensors` is from, as a place among the validations.
    var bestValidation: Int? {
        let least = configuration.training.earlyStopping.minimumImprovement
        let losses = history.points(of: "validation/loss")
        var best: Int?
        for (index, loss) in losses.enumerated()
        where best.map({ loss.value < losses[$0].value - least }) ?? true {
            best = index
        }
        return best
    }

    /// The warnings and the recordings of skipped steps, with their steps.
    var incidents: [(step: Double, text: String)] {
        history.lines.flatMap { line in
            (line.words["warnings"] ?? []).map { (line.step, $0) }
                + (line.words["skipped"].map {
                    [(line.step, "skipped: " + $0.joined(separator: ", "))]
                } ?? [])
        }
    }

    /// What the run came to, in words.
    var summary: [(name: String, value: String)] {
        var pairs: [(String, String)] = []
        if let last = history.lines.last(where: { $0.figures["trainingSeconds"] != nil }),
            let seconds = last.figures["trainingSeconds"]
        {
            let figures = last.figures
            pairs = [
                (
                    "steps",
                    String(
                        format: "%.0f in %.0f s, %.2f a second", last.step, seconds,
                        last.step / seconds)
                ),
                (
                    "waiting for data",
                    String(
                        format: "%.2f %% of the time",
                        100 * (figures["secondsWaited"] ?? 0) / seconds)
                ),
                (
                    "hours of audio an hour",
                    String(format: "%.0f", figures["audioHoursPerHour"] ?? 0)
                ),
            ]
            if let bound = figures["informationBound"] {
                pairs.append(("log(N + 1) - L at the end", String(format: "%.2f nats", bound)))
            }
        }
        if let best = bestValidation {
            let point = history.points(of: "validation/loss")[best]
            pairs.append(
                (
                    "best on held-out recordings",
                    String(format: "%.4g after step %.0f", point.value, point.step)
                ))
        }
        if let skipped = history.lines.last(where: { $0.figures["skippedSteps"] != nil })?
            .figures["skippedSteps"]
        {
            pairs.append(("skipped steps", String(format: "%.0f", skipped)))
        }
        return pairs
    }
}
