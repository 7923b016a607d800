import ApusReport

// What a report shows of open-set identification.
extension RunReport {
    /// What is missed by the false alarms, both axes by the normal distribution's quantiles.
    static func openSetSection(_ curves: [ProbeFolder.OpenSetCurve]) -> Report.Section {
        let range = 1e-3...0.9
        let series = curves.map { curve in
            LineChart.Series(
                name: curve.system, x: curve.points.map(\.falseAlarmRate),
                y: curve.points.map { point in
                    let missed = 1 - point.identificationRate
                    return range.contains(point.falseAlarmRate) && range.contains(missed)
                        ? missed : .nan
                })
        }
        var chart = LineChart(
            title: "Open-set identification", xTitle: "Strangers accepted (%)",
            yTitle: "Enrolled not identified (%)", series: series)
        (chart.xScale, chart.yScale) = (.normalDeviate, .normalDeviate)
        (chart.xRange, chart.yRange) = (range, range)
        chart.size = ChartSize(width: 620, height: 560)
        return Report.Section(
            "Strangers",
            [
                .chart(
                    .init(
                        caption: "Over all thresholds on the test recordings of the first draw of "
                            + "strangers: whose recordings are accepted as an enrolled one's, and which "
                            + "of the enrolled are refused or taken for another.", svg: chart.svg())
                )
            ])
    }
}
