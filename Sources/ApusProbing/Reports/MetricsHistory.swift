import ApusReport
import Foundation

/// The lines of a run's `metrics.jsonl`: figures and lists of words by step.
struct MetricsHistory {
    /// One step.
    struct Line {
        var step: Double
        var figures: [String: Double]
        var words: [String: [String]]
    }

    let lines: [Line]

    /// Reads a run's folder; `nil` where it has no such file.
    init?(folder: String) {
        guard let text = try? String(contentsOfFile: folder + "/metrics.jsonl", encoding: .utf8)
        else { return nil }
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

    /// A figure's curve, or none where the run doesn't have it.
    ///
    /// - Parameters:
    ///   - figure: The figure's name in `metrics.jsonl`.
    ///   - name: The curve's name.
    ///   - smoothing: The weight of the past where there are many points.
    ///   - scale: What values are multiplied by.
    /// - Returns: One curve or none.
    func series(
        _ figure: String, as name: String, smoothing: Double = 0, scale: Double = 1
    ) -> [LineChart.Series] {
        let points = points(of: figure)
        guard !points.isEmpty else { return [] }
        return [
            LineChart.Series(
                name: name, x: points.map(\.step), y: points.map { scale * $0.value },
                smoothing: points.count > 30 ? smoothing : 0)
        ]
    }
}
