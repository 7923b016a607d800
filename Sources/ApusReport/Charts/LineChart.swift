import Foundation

/// A chart of curves over a common axis, such as losses over training steps.
public struct LineChart: Sendable {
    /// One curve.
    public struct Series: Sendable {
        /// The curve's name in the legend.
        public var name: String
        /// The places on the horizontal axis, ascending.
        public var x: [Double]
        /// The values; NaN and infinities are gaps in the curve.
        public var y: [Double]
        /// The interval of each value, drawn as an upright bar, `nil` for one without; empty where no
        /// value has one.
        public var intervals: [ClosedRange<Double>?] = []
        /// The weight of the past in an exponential moving average, 0..<1; where it is above zero
        /// the curve is drawn pale and its average strong.
        public var smoothing: Double
        /// Whether the line is grey, dashed and without marks, as that of a bound is.
        public var isDashed: Bool
        /// The number of a point that a ring marks, such as the best.
        public var marked: Int?

        /// A curve through points.
        ///
        /// - Parameters:
        ///   - name: The curve's name in the legend.
        ///   - x: The places on the horizontal axis, ascending.
        ///   - y: The values, as many as places.
        ///   - smoothing: The weight of the past in an exponential moving average, 0..<1.
        ///   - isDashed: Whether the line is dashed.
        ///   - marked: The number of a point that is marked.
        public init(
            name: String, x: [Double], y: [Double], smoothing: Double = 0, isDashed: Bool = false,
            marked: Int? = nil
        ) {
            precondition(x.count == y.count, "A value for every place")
            precondition(smoothing >= 0 && smoothing < 1, "The past weighs less than everything")
            precondition(marked.map(x.indices.contains) ?? true, "A marked point is one of them")
            self.name = name
            self.x = x
            self.y = y
            self.smoothing = smoothing
            self.isDashed = isDashed
            self.marked = marked
        }
    }

    /// The text above the chart.
    public var title: String
    /// The horizontal axis's quantity, with its unit.
    public var xTitle: String
    /// The vertical axis's quantity, with its unit.
    public var yTitle: String
    /// The curves, drawn in this order.
    public var series: [Series]
    /// The horizontal axis's ticks; by default round numbers.
    public var xTicks: AxisTicks?
    /// The spread of the horizontal axis.
    public var xScale = AxisScale.linear
    /// The spread of the vertical axis.
    public var yScale = AxisScale.linear
    /// The horizontal axis's ends; by default those of the data.
    public var xRange: ClosedRange<Double>?
    /// The vertical axis's ends; by default those of the data, widened to round numbers.
    public var yRange: ClosedRange<Double>?
    /// The chart's size in CSS pixels.
    public var size = ChartSize(width: 760, height: 380)

    /// A chart with linear axes.
    ///
    /// - Parameters:
    ///   - title: The text above the chart.
    ///   - xTitle: The horizontal axis's quantity, with its unit.
    ///   - yTitle: The vertical axis's quantity, with its unit.
    ///   - series: The curves.
    public init(title: String, xTitle: String, yTitle: String, series: [Series]) {
        self.title = title
        self.xTitle = xTitle
        self.yTitle = yTitle
        self.series = series
    }

    /// Draws the chart.
    ///
    /// The points of a curve with 30 or fewer are marked, unless it is dashed.
    ///
    /// - Returns: An SVG document; it says "no data" where there is no finite value.
    public func svg() -> String {
        var drawing = SVGDrawing(width: size.width, height: size.height)
        drawing.text(title, x: 64, y: 24, size: 14, bold: true)
        let looks = looks()
        let legend = Legend(names: series.map(\.name), width: size.width - 64 - 20)
        let top = 38 + legend.height
        legend.draw(on: &drawing, left: 64, top: 34) { drawing, index, x, y in
            drawing.line(
                fromX: x, y: y, toX: x + 18, y: y, color: looks[index].color, width: 2.5,
                stroke: looks[index].stroke)
        }

        let shown = series.map(visiblePoints)
        let finite = shown.flatMap { $0.compactMap { $0 } }
        let bars = series.map(visibleIntervals)
        let height = max(40, size.height - top - 8 - 52)
        let shownRange =
            yRange
            ?? yRange(
                finite.map(\.y) + bars.joined().flatMap { [$0.low, $0.high] })
        let left = max(
            64, PlotArea.leastLeft(yRange: shownRange, yScale: yScale, height: height))
        let area = PlotArea(
            left: left, top: top + 8, width: size.width - left - 20, height: height,
            xRange: xRange(finite.map(\.x)), yRange: shownRange, xScale: xScale, yScale: yScale,
            xTicks: xTicks)
        area.drawAxes(on: &drawing, xTitle: xTitle, yTitle: yTitle)
        if finite.isEmpty {
            drawing.text(
                "no data", x: area.left + area.width / 2, y: area.top + area.height / 2,
                anchor: .middle, color: SVGDrawing.mutedColor)
        }
        for (index, points) in shown.enumerated() {
            let (color, stroke) = looks[index]
            let smoothing = series[index].smoothing
            for bar in bars[index] {
                Self.draw(bar, on: &drawing, in: area, color: color)
            }
            draw(
                points, on: &drawing, in: area, color: color, strong: smoothing == 0,
                stroke: stroke)
            if smoothing > 0 {
                draw(
                    Self.averaged(points, weight: smoothing), on: &drawing, in: area,
                    color: color, strong: true, stroke: stroke)
            }
            if let point = series[index].marked.flatMap({ points[$0] }) {
                drawing.path(
                    Mark.circle.path(x: area.x(point.x), y: area.y(point.y), radius: 6),
                    fill: "none", stroke: color, strokeWidth: 2)
            }
        }
        return drawing.document(title: title)
    }

    /// Each curve's colour and stroke: bounds are grey and dashed, and where there are more curves
    /// than colours the colours begin anew with dots.
    private func looks() -> [(color: String, stroke: SVGDrawing.Stroke)] {
        var count = 0
        return series.map { series in
            guard !series.isDashed else { return (SVGDrawing.mutedColor, .dashed) }
            defer { count += 1 }
            return (Palette.color(count), count < Palette.colors.count ? .solid : .dotted)
        }
    }

    private typealias Point = (x: Double, y: Double)

    /// The points of a curve that the axes can show, `nil` for the others.
    private func visiblePoints(_ series: Series) -> [Point?] {
        zip(series.x, series.y).map { x, y in
            xScale.shows(x) && yScale.shows(y) ? (x, y) : nil
        }
    }

    private typealias Interval = (x: Double, low: Double, high: Double)

    /// The intervals of a curve that the axes can show.
    private func visibleIntervals(_ series: Series) -> [Interval] {
        zip(series.x, series.intervals).compactMap { x, interval in
            guard let interval, xScale.shows(x), yScale.shows(interval.lowerBound),
                yScale.shows(interval.upperBound)
            else { return nil }
            return (x, interval.lowerBound, interval.upperBound)
        }
    }

    private static func draw(
        _ bar: Interval, on drawing: inout SVGDrawing, in area: PlotArea, color: String
    ) {
        func place(_ value: Double) -> Double { min(max(area.y(value), area.top), area.bottom) }
        let (x, low, high) = (area.x(bar.x), place(bar.low), place(bar.high))
        drawing.line(fromX: x, y: low, toX: x, y: high, color: color)
        for y in [low, high] {
            drawing.line(fromX: x - 3, y: y, toX: x + 3, y: y, color: color)
        }
    }

    private func xRange(_ values: [Double]) -> ClosedRange<Double> {
        if let xRange { return xRange }
        if xScale == .normalDeviate { return Self.probabilityRange(values) }
        guard let least = values.min(), let greatest = values.max() else {
            return xScale == .linear ? 0...1 : 1...10
        }
        if least < greatest { return least...greatest }
        return xScale == .linear ? (least - 0.5)...(least + 0.5) : (least / 2)...(least * 2)
    }

    private func yRange(_ values: [Double]) -> ClosedRange<Double> {
        guard let least = values.min(), let greatest = values.max() else {
            switch yScale {
            case .linear: return 0...1
            case .logarithmic: return 1...10
            case .normalDeviate: return Self.probabilityRange([])
            }
        }
        switch yScale {
        case .linear: return AxisTicks.roundedRange(least...greatest)
        case .logarithmic: return (least / 1.1)...(greatest * 1.1)
        case .normalDeviate: return Self.probabilityRange(values)
        }
    }

    private static func probabilityRange(_ values: [Double]) -> ClosedRange<Double> {
        min(values.min() ?? 0.01, 0.4)...max(values.max() ?? 0.5, 0.5)
    }

    private func draw(
        _ points: [Point?], on drawing: inout SVGDrawing, in area: PlotArea, color: String,
        strong: Bool, stroke: SVGDrawing.Stroke
    ) {
        let places = points.map { point in
            point.map { (x: area.x($0.x), y: min(max(area.y($0.y), area.top), area.bottom)) }
        }
        drawing.polyline(
            Self.thinned(places), color: color, width: strong ? 2 : 1,
            opacity: strong ? 1 : 0.35, stroke: stroke)
        let marked = places.compactMap { $0 }
        guard strong, stroke != .dashed, marked.count <= 30 else { return }
        for place in marked {
            drawing.path(
                Mark.circle.path(x: place.x, y: place.y, radius: 3), fill: color, stroke: "none",
                strokeWidth: 0)
        }
    }

    /// Keeps the first, the lowest, the highest and the last point of every pixel column, so that
    /// a long run stays small and its spikes stay visible.
    private static func thinned(_ places: [Point?]) -> [Point?] {
        guard places.count > 2000 else { return places }
        var result: [Point?] = []
        var column: [Point] = []
        func flush() {
            guard let first = column.first, let last = column.last else { return }
            let low = column.indices.min { column[$0].y < column[$1].y } ?? 0
            let high = column.indices.max { column[$0].y < column[$1].y } ?? 0
            result.append(first)
            for index in [min(low, high), max(low, high)]
            where index > 0 && index < column.count - 1 {
                result.append(column[index])
            }
            if column.count > 1 { result.append(last) }
            column.removeAll(keepingCapacity: true)
        }
        for place in places {
            guard let place else {
                flush()
                result.append(nil)
                continue
            }
            if let first = column.first, Int(first.x) != Int(place.x) { flush() }
            column.append(place)
        }
        flush()
        return result
    }

    /// The exponential moving average, corrected for its start at zero (Kingma and Ba, "Adam",
    /// 2015, section 3); gaps stay and are left out of the average.
    private static func averaged(_ points: [Point?], weight: Double) -> [Point?] {
        var average = 0.0
        var past = 1.0
        return points.map { point in
            guard let point else { return nil }
            average = weight * average + (1 - weight) * point.y
            past *= weight
            return (point.x, average / (1 - past))
        }
    }
}

/// A chart's size in CSS pixels.
public struct ChartSize: Sendable, Equatable {
    /// The width.
    public var width: Double
    /// The height.
    public var height: Double

    /// A size.
    ///
    /// - Parameters:
    ///   - width: The width in CSS pixels.
    ///   - height: The height in CSS pixels.
    public init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }
}
