import ApusMetrics
import ApusReport
import Foundation

// What a report shows of a detection run: the table, PSD-ROC curves and each label's figures.
extension RunReport {
    static func sections(of run: DetectionFolder) throws -> [Report.Section] {
        let results = try Results(contentsOf: URL(fileURLWithPath: run.path + "/results.json"))
        let details = try run.details()
        let table = ResultsTable(results, className: "label", notes: details.notes)
        let classes = ResultsTable.classes(results, of: details.bestSystem)
        var sections =
            [
                Report.Section("Sound events", [.table(table.reportTable())]),
                Report.Section("Each label", [.table(classes.reportTable())]),
            ] + pairedTests(of: results)
        if let curves = details.curves {
            sections.append(
                Report.Section(
                    "PSD-ROC",
                    [
                        .chart(
                            .init(
                                caption:
                                    "The share of events that are found, the mean over labels, by "
                                    + "false alarms an hour, over the thresholds, which are the "
                                    + "same for all labels; behind the names the area, PSDS.",
                                svg: characteristicChart(curves).svg()))
                    ]))
        }
        return sections
    }

    /// The curves of the polyphonic sound detection score, as stairs.
    private static func characteristicChart(_ curves: [DetectionFolder.Details.Curve]) -> LineChart
    {
        let score = PolyphonicDetectionScore()
        var chart = LineChart(
            title: "PSD-ROC", xTitle: "Effective false alarms an hour",
            yTitle: "True positives, mean over labels (%)",
            series: curves.map { curve in
                let ends = curve.steps.dropFirst().map(\.falseAlarmRate) + [score.maximumRate]
                return LineChart.Series(
                    name: curve.name + String(format: " (%.3f)", score.area(under: curve.steps)),
                    x: zip(curve.steps, ends).flatMap { [$0.falseAlarmRate, $1] },
                    y: curve.steps.flatMap { step in
                        [100 * step.truePositiveRate, 100 * step.truePositiveRate]
                    })
            })
        (chart.xRange, chart.yRange) = (0...score.maximumRate, 0...100)
        chart.size = ChartSize(width: 620, height: 560)
        return chart
    }
}
