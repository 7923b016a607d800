import ApusReport
import Foundation

// What a report shows of a verification run: the table, DET and ROC curves, whether calibrated scores
// mean what they say, and how scores are spread.
extension RunReport {
    static func sections(of run: VerificationFolder) throws -> [Report.Section] {
        let details = try run.details()
        let results = try Results(contentsOf: URL(fileURLWithPath: run.path + "/results.json"))
        let table = ResultsTable(results, className: "speaker")
        var sections =
            [
                Report.Section("Speaker verification", [.table(table.reportTable())])
            ] + pairedTests(of: results) + [
                Report.Section(
                    "Detection error tradeoff",
                    [
                        .chart(
                            .init(
                                caption: "Of \(details.targets) targets and \(details.nonTargets) "
                                    + "non-targets; the dashed line is where both rates are equal.",
                                svg: tradeoffChart(details).svg()))
                    ]),
                Report.Section(
                    "Receiver operating characteristic",
                    [
                        .chart(
                            .init(
                                caption:
                                    "The same operating points; the axis of false acceptances is "
                                    + "logarithmic and begins at half a trial. The dashed line is chance.",
                                svg: characteristicChart(
                                    details.systems.map { ($0.name, $0.tradeoff) },
                                    logarithmicFrom: 0.5 / Double(max(1, details.nonTargets)),
                                    words: ("False acceptances", "True acceptances")
                                ).svg()))
                    ]),
            ]
        if let chart = reliabilityChart(details) {
            let prior = Double(details.targets) / Double(details.targets + details.nonTargets)
            sections.append(
                Report.Section(
                    "Reliability",
                    [
                        .chart(
                            .init(
                                caption:
                                    "How often a trial is a target, by the probability that its "
                                    + "calibrated score gives it, in ten bins, with the share of "
                                    + String(
                                        format: "targets (%.2f %%) as the prior; ", 100 * prior)
                                    + "on the dashed line probabilities mean what they say. Behind "
                                    + "the names the expected calibration error.",
                                svg: chart.svg()))
                    ]))
        }
        sections.append(
            Report.Section(
                "Scores",
                [
                    .figures(
                        details.systems.map { system in
                            Report.Figure(
                                name: system.name, caption: system.name,
                                svg: histogramChart(system).svg())
                        })
                ]))
        return sections
    }

    /// `nil` where scores weren't calibrated.
    private static func reliabilityChart(_ details: VerificationFolder.Details) -> LineChart? {
        let systems = details.systems.filter { isShown($0.name) }.compactMap { system in
            system.reliability.map { (system.name, $0) }
        }
        return systems.isEmpty
            ? nil : reliabilityChart(systems, yTitle: "Share that are targets (%)")
    }

    /// DET curves, both axes by the normal distribution's quantiles.
    static func tradeoffChart(_ details: VerificationFolder.Details) -> LineChart {
        // Half a trial is the least that a rate can be told from zero.
        let least = 0.5 / Double(max(details.targets, details.nonTargets, 10))
        let range = max(min(least, 0.05), 1e-4)...0.6
        var series = details.systems.map { system in
            // By rising false alarms; what the axes don't show is a gap.
            let points = system.tradeoff.reversed()
            return LineChart.Series(
                name: system.name, x: points.map(\.falseAlarmRate),
                y: points.map { point in
                    range.contains(point.falseAlarmRate) && range.contains(point.missRate)
                        ? point.missRate : .nan
                })
        }
        series.append(
            LineChart.Series(
                name: "equal rates", x: [range.lowerBound, range.upperBound],
                y: [range.lowerBound, range.upperBound], isDashed: true))
        var chart = LineChart(
            title: "Detection error tradeoff", xTitle: "False alarms (%)", yTitle: "Misses (%)",
            series: series)
        (chart.xScale, chart.yScale) = (.normalDeviate, .normalDeviate)
        (chart.xRange, chart.yRange) = (range, range)
        chart.size = ChartSize(width: 620, height: 560)
        return chart
    }

    private static func histogramChart(
        _ system: VerificationFolder.Details.System
    ) -> LineChart {
        let spread = system.histogram
        var chart = LineChart(
            title: system.name, xTitle: "Score", yTitle: "Share of the trials",
            series: [
                LineChart.Series(name: "targets", x: spread.scores, y: spread.targets),
                LineChart.Series(name: "non-targets", x: spread.scores, y: spread.nonTargets),
            ])
        chart.size = ChartSize(width: 480, height: 300)
        return chart
    }
}
