import ApusReport
import Testing

@Suite struct ChartTests {
    @Test(arguments: [
        (0.0...1.0, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.0...3.12, ["0", "1", "2", "3"]),
        (-7.3...4.0, ["-6", "-4", "-2", "0", "2", "4"]),
        (0.0...20_000.0, ["0", "5k", "10k", "15k", "20k"]),
        (0.0...8_000.0, ["0", "2000", "4000", "6000", "8000"]),
        (0.0...0.0004, ["0", "0.0001", "0.0002", "0.0003", "0.0004"]),
        (2.0...2.0, ["2"]),
    ])
    func linearTicksStandAtRoundNumbers(range: ClosedRange<Double>, labels: [String]) {
        let ticks = AxisTicks.linear(over: range, atMost: 6)
        #expect(ticks.labels == labels)
        #expect(ticks.positions.count == labels.count)
    }

    @Test func linearTicksNeverExceedTheirNumber() {
        var generator = Generator(seed: 3)
        for _ in 0..<500 {
            let lower = Double.random(in: -1000...1000, using: &generator)
            let span = Double.random(in: 1e-6...1e5, using: &generator)
            let count = Int.random(in: 2...10, using: &generator)
            let ticks = AxisTicks.linear(over: lower...(lower + span), atMost: count)
            #expect(ticks.positions.count <= count)
            #expect(Set(ticks.labels).count == ticks.labels.count)
        }
    }

    @Test func logarithmicTicksStandAtPowersOfTen() {
        #expect(AxisTicks.logarithmic(over: 1...45).labels == ["1", "2", "5", "10", "20"])
        #expect(
            AxisTicks.logarithmic(over: 1...100_000).positions == [1, 10, 100, 1000, 1e4, 1e5])
        #expect(AxisTicks.logarithmic(over: 11...19).positions == [12, 14, 16, 18])
    }

    @Test func ticksOfProbabilitiesAreInPerCent() {
        #expect(
            AxisTicks.normalDeviate(over: 0.01...0.5).labels
                == ["1", "2", "5", "10", "20", "30", "40", "50"])
        let few = AxisTicks.normalDeviate(over: 0.0001...0.5, atMost: 5)
        #expect(few.positions.count <= 5 && few.labels.first == "0.01")
    }

    @Test func bothAxesOfAChartCanBeProbits() {
        var chart = LineChart(
            title: "", xTitle: "", yTitle: "",
            series: [.init(name: "a", x: [0, 0.02, 0.5, 0.98], y: [1, 0.98, 0.5, 0.02])])
        (chart.xScale, chart.yScale) = (.normalDeviate, .normalDeviate)
        (chart.xRange, chart.yRange) = (0.02...0.98, 0.02...0.98)
        let svg = chart.svg()
        #expect(!svg.contains("nan") && !svg.contains("inf"))
        // A line and three marks: a rate of 0 or 1 lies at infinity.
        #expect(elements(of: svg).counts["path"] == 4)
        #expect(elements(of: svg).texts.contains("50"))
    }

    @Test func roundedRangesEndOnTicks() {
        #expect(AxisTicks.roundedRange(0.3...4.6) == 0...5)
        #expect(AxisTicks.roundedRange(0...1) == 0...1)
    }

    @Test func aLineChartIsWellFormedWhateverItsTexts() {
        let chart = LineChart(
            title: "<script> & \"loss\"", xTitle: "step\u{0}", yTitle: "nats",
            series: [
                .init(name: "a < b", x: [0, 1, 2], y: [3, .nan, 1]),
                .init(name: "smooth", x: [0, 1, 2], y: [1, 2, 3], smoothing: 0.9),
            ])
        let parsed = elements(of: chart.svg())
        #expect(parsed.texts.contains("<script> & \"loss\""))
        #expect(parsed.texts.contains("a < b"))
        #expect(parsed.texts.contains("step\u{FFFD}"))
        #expect(parsed.counts["script"] == nil)
    }

    @Test func aBoundIsDashedAndTheBestPointRinged() {
        let chart = LineChart(
            title: "", xTitle: "", yTitle: "",
            series: [
                .init(name: "loss", x: [0, 1, 2], y: [3, 1, 2], marked: 1),
                .init(name: "chance", x: [0, 2], y: [4, 4], isDashed: true),
            ])
        let svg = chart.svg()
        // In the legend and in the plot.
        #expect(svg.components(separatedBy: "stroke-dasharray").count == 3)
        // More curves than colours: the ninth has the first one's colour, and dots.
        let many = LineChart(
            title: "", xTitle: "", yTitle: "",
            series: (0..<9).map { .init(name: "\($0)", x: [0, 1], y: [0, Double($0)]) }
        ).svg()
        #expect(many.components(separatedBy: "stroke-dasharray=\"1 4\"").count == 3)
        // Two lines, three points of the first one, and the ring.
        #expect(elements(of: svg).counts["path"] == 6)
        var unmarked = chart
        unmarked.series[0].marked = nil
        #expect(elements(of: unmarked.svg()).counts["path"] == 5)
        unmarked.series[0].y[1] = .nan
        unmarked.series[0].marked = 1
        #expect(elements(of: unmarked.svg()).counts["path"] == 4, "a gap has no ring")
    }

    @Test func valuesHaveTheirIntervalsOnAnAxisOfNames() {
        var series = LineChart.Series(name: "a", x: [0, 1, 2], y: [50, 60, 70])
        series.intervals = [20...55, nil, 65...90]
        var chart = LineChart(title: "", xTitle: "", yTitle: "", series: [series])
        chart.xTicks = AxisTicks(positions: [0, 1, 2], labels: ["one", "five", "all"])
        let parsed = elements(of: chart.svg())
        for label in ["one", "five", "all"] { #expect(parsed.texts.contains(label)) }
        // The axis has room for the bars.
        #expect(parsed.texts.contains("20") && !parsed.texts.contains("10"))
        var bare = chart
        bare.series[0].intervals = []
        bare.yRange = 20...90
        chart.yRange = 20...90
        // A bar and its two ends for each of the two intervals.
        let lines = [chart, bare].map { elements(of: $0.svg()).counts["line"] ?? 0 }
        #expect(lines[0] == lines[1] + 6)
    }

    @Test func aGapBreaksTheCurve() {
        let chart = LineChart(
            title: "", xTitle: "", yTitle: "",
            series: [.init(name: "a", x: [0, 1, 2, 3], y: [1, .nan, 2, .infinity])])
        let svg = chart.svg()
        #expect(!svg.contains("nan") && !svg.contains("inf"))
        // Two pieces of one point each.
        let path = svg.split(separator: "\n").first { $0.contains("fill=\"none\"") } ?? ""
        #expect(path.filter { $0 == "M" }.count == 2)
    }

    @Test func aLongCurveKeepsItsSpike() {
        let x = (0..<100_000).map(Double.init)
        var y = x.map { _ in 1.0 }
        y[54_321] = 9
        y[77_777] = 0
        var chart = LineChart(
            title: "", xTitle: "", yTitle: "", series: [.init(name: "loss", x: x, y: y)])
        chart.yRange = 0...9
        let svg = chart.svg()
        #expect(svg.utf8.count < 100_000)
        for index in [54_321, 77_777] {
            var flat = chart
            flat.series[0].y[index] = 1
            #expect(flat.svg() != svg)
        }
    }

    @Test func aLogarithmicChartLeavesZeroOut() {
        var chart = LineChart(
            title: "", xTitle: "", yTitle: "",
            series: [.init(name: "a", x: [0, 1, 10], y: [5, 6, 7])])
        chart.xScale = .logarithmic
        let svg = chart.svg()
        #expect(!svg.contains("nan") && !svg.contains("inf"))
        #expect(elements(of: svg).counts["path"] == 3)
    }

    @Test(arguments: [[LineChart.Series](), [.init(name: "a", x: [1, 2], y: [.nan, .nan])]])
    func aChartWithoutDataSaysSo(series: [LineChart.Series]) {
        let chart = LineChart(title: "t", xTitle: "x", yTitle: "y", series: series)
        #expect(elements(of: chart.svg()).texts.contains("no data"))
    }

    @Test func aConfusionMatrixShowsItsCounts() {
        let chart = ConfusionMatrixChart(
            title: "test", labels: ["<a>", "b"], counts: [7, 3, 0, 0])
        let texts = elements(of: chart.svg()).texts
        #expect(texts.contains("7") && texts.contains("3"))
        #expect(texts.contains("<a> as b: 3 of 10"))
        #expect(texts.contains("b as b: 0 of 0"))
        _ = elements(of: ConfusionMatrixChart(title: "", labels: [], counts: []).svg())
    }

    @Test func aMapHasAMarkForEveryFinitePoint() {
        let map = ScatterMap(
            title: "map", coordinates: [0, 0, 1, 1, .nan, 2], classes: [0, 1, 1],
            classNames: ["a & b", "c"])
        let parsed = elements(of: map.svg())
        // Two points and two signs in the legend.
        #expect(parsed.counts["path"] == 4)
        #expect(parsed.texts.filter { $0 == "a & b" }.count == 2)
        let empty = ScatterMap(title: "", coordinates: [], classes: [], classNames: [])
        #expect(elements(of: empty.svg()).texts.contains("no points"))
    }

    @Test func classesOfAMapDifferInColourOrMark() {
        let map = ScatterMap(
            title: "", coordinates: [Float](repeating: 0, count: 96), classes: Array(0..<48),
            classNames: (0..<48).map { "class \($0)" })
        let marks = map.svg().split(separator: "\n").filter { $0.contains("<title>class") }
        let withoutHints = marks.map { $0.split(separator: "<title>")[0] }
        #expect(marks.count == 48)
        #expect(Set(withoutHints).count == 48)
    }
}
