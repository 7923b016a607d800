import ApusMetrics
import ApusReport
import Foundation

// Charts that several kinds of runs have.
extension RunReport {
    /// How often predictions are right, by the probability that they were given.
    static func reliabilityChart(
        _ systems: [(name: String, found: Reliability)], yTitle: String
    ) -> LineChart {
        var series = systems.map { system in
            let bins = system.found.bins.filter { $0.count > 0 }
            return LineChart.Series(
                name: system.name
                    + String(format: " (%.1f %%)", 100 * system.found.expectedCalibrationError),
                x: bins.map { 100 * $0.confidence }, y: bins.map { 100 * $0.accuracy })
        }
        series.append(
            LineChart.Series(name: "calibrated", x: [0, 100], y: [0, 100], isDashed: true))
        var chart = LineChart(
            title: "Reliability", xTitle: "Probability (%)", yTitle: yTitle, series: series)
        (chart.xRange, chart.yRange) = (0...100, 0...100)
        chart.size = ChartSize(width: 620, height: 560)
        return chart
    }

    /// Accuracy by the number of labels of each class; `nil` where fewer than two numbers were tried.
    static func fewLabelChart(_ results: Results, className: String) -> LineChart? {
        let series = results.systemNames.compactMap { name -> LineChart.Series? in
            let points = results.rows.filter { $0.system == name && $0.metric == nil }
                .compactMap { row -> (count: Int, value: Double)? in
                    guard case .count(let count) = row.labelledPerClass else { return nil }
                    return (count, row.value)
                }.sorted { $0.count < $1.count }
            guard points.count > 1 else { return nil }
            return LineChart.Series(
                name: name, x: points.map { Double($0.count) }, y: points.map { 100 * $0.value })
        }
        guard !series.isEmpty else { return nil }
        return LineChart(
            title: "Few labels", xTitle: "labelled recordings per \(className)",
            yTitle: "Accuracy (%)", series: series)
    }
}
