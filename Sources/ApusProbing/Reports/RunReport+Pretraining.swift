import ApusPretraining
import ApusReport
import Foundation

// What a report shows of pretraining runs: losses beside each other, then each run's health.
extension RunReport {
    /// At most so many warnings and skipped steps of a run are listed.
    private static let mostIncidents = 60

    static func sections(of runs: [PretrainingRun]) -> [Report.Section] {
        guard !runs.isEmpty else { return [] }
        let groups = Dictionary(grouping: runs, by: \.kind)
            .sorted { $0.key.rawValue < $1.key.rawValue }
        let losses = groups.map { lossChart(of: $0.value, kind: $0.key) }
        let summary = Report.Content.keyValues(
            runs.flatMap { run in
                run.summary.map { Report.KeyValue("\(run.name): \($0.name)", $0.value) }
            })
        return [Report.Section("Training without labels", losses + [summary])]
            + runs.compactMap(health)
    }

    /// The losses of runs of one kind: of training and of held-out recordings, and that of chance.
    private static func lossChart(of runs: [PretrainingRun], kind: ObjectiveKind) -> Report.Content
    {
        var series: [LineChart.Series] = []
        var remarks = ["\(kind.rawValue): the loss of each step's batch, smoothed"]
        for run in runs {
            let validation = run.history.points(of: "validation/loss")
            let suffix = validation.isEmpty ? "" : ", training"
            series += run.history.series("loss", as: run.name + suffix, smoothing: 0.95)
            guard !validation.isEmpty else { continue }
            series.append(
                LineChart.Series(
                    name: run.name + ", held out", x: validation.map(\.step),
                    y: validation.map(\.value), marked: run.bestValidation))
        }
        if series.contains(where: { $0.marked != nil }) {
            remarks.append("a ring marks the best step on held-out recordings")
        }
        let bounds = chanceLines(of: runs)
        if !bounds.isEmpty { remarks.append("dashed is what is reached without learning") }
        let chart = LineChart(
            title: "Loss, \(kind.rawValue)", xTitle: "step", yTitle: kind.lossUnit,
            series: series + bounds)
        return .chart(
            .init(
                name: chart.title, caption: remarks.joined(separator: "; ") + ".",
                svg: chart.svg()))
    }

    /// The losses of chance, runs that share one together, over all steps.
    private static func chanceLines(of runs: [PretrainingRun]) -> [LineChart.Series] {
        let kinds = [("chanceLoss", "chance"), ("codeEntropy", "the codes' shares alone")]
        return kinds.flatMap { figure, name -> [LineChart.Series] in
            let found = runs.compactMap { run in run.history.mean(of: figure).map { (run, $0) } }
            guard let first = found.first else { return [] }
            let isShared = found.allSatisfy { abs($0.1 - first.1) <= 1e-6 * abs(first.1) }
            return (isShared ? [first] : found).compactMap { run, value in
                let steps = (isShared ? found.map(\.0) : [run]).compactMap(\.history.steps)
                guard let start = steps.map(\.lowerBound).min(),
                    let end = steps.map(\.upperBound).max()
                else { return nil }
                return .level(value, name: isShared ? name : "\(run.name), \(name)", start...end)
            }
        }
    }

    private static func health(of run: PretrainingRun) -> Report.Section? {
        var content: [Report.Content] = []
        let figures = PretrainingFigures(run: run).all
        if !figures.isEmpty { content.append(.figures(figures)) }
        let incidents = run.incidents
        if !incidents.isEmpty {
            content.append(.text(["What the run warned of, and the steps that it skipped:"]))
            content.append(
                .keyValues(
                    incidents.prefix(mostIncidents).map {
                        Report.KeyValue(String(format: "step %.0f", $0.step), $0.text)
                    }))
            if incidents.count > mostIncidents {
                content.append(
                    .text(["… and \(incidents.count - mostIncidents) more in metrics.jsonl."]))
            }
        }
        return content.isEmpty ? nil : Report.Section("Health of \(run.name)", content)
    }
}

extension LineChart.Series {
    /// A dashed line at one value.
    static func level(
        _ value: Double, name: String, _ steps: ClosedRange<Double>
    ) -> LineChart.Series {
        LineChart.Series(
            name: name, x: [steps.lowerBound, steps.upperBound], y: [value, value], isDashed: true)
    }
}
