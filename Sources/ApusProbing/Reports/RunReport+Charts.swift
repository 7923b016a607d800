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

    /// Whether a chart with a curve for each system has one of it: the trained systems and log-mel
    /// statistics, as with all the others lines hide each other.
    static func isShown(_ system: String) -> Bool {
        let others = FeatureBaseline.allCases.filter { $0 != .logMelStatistics }.map(\.name)
        return !others.contains(system) && !system.hasPrefix(ProbeRun.untrainedPrefix)
    }

    /// Accuracy by the number of labels of each class, with intervals; `nil` where few labels weren't
    /// tried.
    ///
    /// The numbers stand side by side at equal distances: all labels are no number, and differ by class.
    static func fewLabelChart(_ results: Results, className: String) -> LineChart? {
        let rows = results.rows.filter { $0.metric == nil }
        let counts = Set(
            rows.compactMap { row -> Int? in
                if case .count(let count) = row.labelledPerClass { count } else { nil }
            }
        ).sorted()
        let hasAll = rows.contains { $0.labelledPerClass == .all }
        let amounts = counts.map(Results.LabelledPerClass.count) + (hasAll ? [.all] : [])
        guard !counts.isEmpty, amounts.count > 1 else { return nil }
        let names = results.systemNames
        let series = names.enumerated().map { number, name in
            let points = amounts.enumerated().compactMap { place, amount in
                rows.first { $0.system == name && $0.labelledPerClass == amount }
                    .map { (place: place, row: $0) }
            }
            // Bars of one place stand beside each other.
            let shift =
                min(0.05, 0.8 / Double(names.count))
                * (Double(number) - Double(names.count - 1) / 2)
            var series = LineChart.Series(
                name: name, x: points.map { Double($0.place) + shift },
                y: points.map { 100 * $0.row.value })
            series.intervals = points.map { point in
                guard let low = point.row.low, let high = point.row.high, low <= high else {
                    return nil
                }
                return (100 * low)...(100 * high)
            }
            return series
        }
        var chart = LineChart(
            title: "Few labels", xTitle: "labelled recordings per \(className)",
            yTitle: "Accuracy (%)", series: series)
        chart.xTicks = AxisTicks(
            positions: amounts.indices.map(Double.init),
            labels: counts.map(String.init) + (hasAll ? ["all"] : []))
        chart.xRange = -0.4...(Double(amounts.count) - 0.6)
        return chart
    }

    /// The receiver operating characteristic: how many targets and how many non-targets are accepted.
    ///
    /// - Parameters:
    ///   - systems: Each system's operating points, with rising thresholds.
    ///   - least: Where a logarithmic axis of non-targets begins, above 0; `nil` for a linear axis.
    ///   - words: What an accepted non-target and an accepted target are called.
    /// - Returns: The chart, with a dashed line for chance.
    static func characteristicChart(
        _ systems: [(name: String, tradeoff: [DetectionOperatingPoint])],
        logarithmicFrom least: Double? = nil, words: (nonTargets: String, targets: String)
    ) -> LineChart {
        let start = least ?? 0
        var series = systems.map { system in
            // Of the points without false alarms the best stands at the axis's end.
            let points =
                [system.tradeoff.first { $0.falseAlarmRate == 0 }].compactMap(\.self)
                + system.tradeoff.reversed().drop { $0.falseAlarmRate == 0 }
            return LineChart.Series(
                name: system.name, x: points.map { 100 * max(start, $0.falseAlarmRate) },
                y: points.map { 100 * (1 - $0.missRate) })
        }
        // Straight on linear axes, and bent on a logarithmic one.
        let rates =
            least.map { least in (0...50).map { pow(least, 1 - Double($0) / 50) } } ?? [0, 1]
        let percents = rates.map { 100 * $0 }
        series.append(LineChart.Series(name: "chance", x: percents, y: percents, isDashed: true))
        var chart = LineChart(
            title: "Receiver operating characteristic", xTitle: "\(words.nonTargets) (%)",
            yTitle: "\(words.targets) (%)", series: series)
        chart.xScale = least == nil ? .linear : .logarithmic
        (chart.xRange, chart.yRange) = ((100 * start)...100, 0...100)
        chart.size = ChartSize(width: 620, height: 560)
        return chart
    }
}
