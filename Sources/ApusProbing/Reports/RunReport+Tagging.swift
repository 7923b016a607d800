import ApusMetrics
import ApusReport
import Foundation

// What a report shows of a tagging run: the table, each tag's figures, ROC curves and reliability.
extension RunReport {
    static func sections(of run: TaggingFolder) throws -> [Report.Section] {
        let details = try run.details()
        let results = try Results(contentsOf: URL(fileURLWithPath: run.path + "/results.json"))
        let table = ResultsTable(results, className: "tag", notes: details.notes)
        let classes = ResultsTable.classes(results, of: details.bestSystem)
        return [
            Report.Section(
                "Audio tagging", [.table(table.reportTable())]),
            Report.Section("Each tag", [.table(classes.reportTable())]),
            Report.Section(
                "Receiver operating characteristic",
                [
                    .svg(
                        caption:
                            "All pairs of a test recording and a tag together; the dashed line "
                            + "is chance.", try rocChart(details).svg())
                ]),
            Report.Section(
                "Reliability",
                [
                    .svg(
                        caption:
                            "How often a tag is there, by its probability, in ten bins; on the "
                            + "dashed line probabilities mean what they say. Behind the names the "
                            + "expected calibration error.",
                        try reliabilityChart(details).svg())
                ]),
        ]
    }

    private static func rocChart(_ details: TaggingFolder.Details) throws -> LineChart {
        var series = try details.systems.map { system in
            let points = try DetectionTrials(scores: system.scores, isTarget: details.isPresent)
                .errorTradeoff(resolution: 0.01).reversed()
            return LineChart.Series(
                name: system.name, x: points.map { 100 * $0.falseAlarmRate },
                y: points.map { 100 * (1 - $0.missRate) })
        }
        series.append(
            LineChart.Series(name: "chance", x: [0, 100], y: [0, 100], isDashed: true))
        var chart = LineChart(
            title: "Receiver operating characteristic", xTitle: "False alarms (%)",
            yTitle: "Hits (%)", series: series)
        (chart.xRange, chart.yRange) = (0...100, 0...100)
        chart.size = ChartSize(width: 620, height: 560)
        return chart
    }

    private static func reliabilityChart(_ details: TaggingFolder.Details) throws -> LineChart {
        try reliabilityChart(
            details.systems.map { system in
                let found = try reliability(
                    confidences: system.scores.map { min(1, max(0, Double($0))) },
                    isRight: details.isPresent)
                return (system.name, found)
            }, yTitle: "Share with the tag (%)")
    }
}
