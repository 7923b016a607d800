import ApusPretraining
import Foundation

/// What a pretraining run's folder tells: its configuration and the lines of `metrics.jsonl`.
struct PretrainingRun {
    /// The folder's name.
    let name: String
    let configuration: PretrainingConfiguration
    private let lines: [Line]

    /// One step.
    private struct Line {
        var step: Double
        var figures: [String: Double]
        var words: [String: [String]]
    }

    /// Reads a folder; `nil` where it holds no pretraining run.
    init?(folder: String) {
        guard let text = try? String(contentsOfFile: folder + "/metrics.jsonl", encoding: .utf8),
            let configuration = try? ConfigurationFile.resolve(
                PretrainingConfiguration(), file: folder + "/config.yaml")
        else { return nil }
        self.configuration = configuration
        name = (folder as NSString).lastPathComponent
        // A run that still goes on may have written half of its last line.
        lines = text.split(separator: "\n").compactMap { line in
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8))
            guard let fields = object as? [String: Any], let step = fields["step"] as? Double else {
                return nil
            }
            return Line(
                step: step, figures: fields.compactMapValues { $0 as? Double },
                words: fields.compactMapValues { $0 as? [String] })
        }
    }

    var kind: ObjectiveKind { configuration.objective.kind }

    /// The first and last step, where there is a step.
    var steps: ClosedRange<Double>? {
        guard let first = lines.first, let last = lines.last else { return nil }
        return first.step...max(first.step, last.step)
    }

    /// The values of a figure, at the steps that have it.
    func points(of figure: String) -> [(step: Double, value: Double)] {
        lines.compactMap { line in line.figures[figure].map { (line.step, $0) } }
    }

    /// The names of figures that begin with a prefix, without it, numbers in them in rising order.
    func names(under prefix: String) -> [String] {
        let names = lines.reduce(into: Set<String>()) { names, line in
            names.formUnion(line.figures.keys.filter { $0.hasPrefix(prefix) })
        }
        return names.map { String($0.dropFirst(prefix.count)) }
            .sorted { $0.compare($1, options: .numeric) == .orderedAscending }
    }

    /// The mean of a figure over the run.
    func mean(of figure: String) -> Double? {
        let values = points(of: figure).map(\.value)
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// The validation that `best.safetensors` is from, as a place among the validations.
    var bestValidation: Int? {
        let least = configuration.training.earlyStopping.minimumImprovement
        let losses = points(of: "validation/loss")
        var best: Int?
        for (index, loss) in losses.enumerated()
        where best.map({ loss.value < losses[$0].value - least }) ?? true {
            best = index
        }
        return best
    }

    /// The warnings and the recordings of skipped steps, with their steps.
    var incidents: [(step: Double, text: String)] {
        lines.flatMap { line in
            (line.words["warnings"] ?? []).map { (line.step, $0) }
                + (line.words["skipped"].map {
                    [(line.step, "skipped: " + $0.joined(separator: ", "))]
                } ?? [])
        }
    }

    /// What the run came to, in words.
    var summary: [(name: String, value: String)] {
        var pairs: [(String, String)] = []
        if let last = lines.last(where: { $0.figures["trainingSeconds"] != nil }),
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
            let point = points(of: "validation/loss")[best]
            pairs.append(
                (
                    "best on held-out recordings",
                    String(format: "%.4g after step %.0f", point.value, point.step)
                ))
        }
        if let skipped = lines.last(where: { $0.figures["skippedSteps"] != nil })?
            .figures["skippedSteps"]
        {
            pairs.append(("skipped steps", String(format: "%.0f", skipped)))
        }
        return pairs
    }
}
