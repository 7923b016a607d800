import ApusMetrics
import Foundation

/// How an axis's values are spread.
public enum AxisScale: Sendable, Equatable {
    /// Equal distances for equal differences.
    case linear
    /// Equal distances for equal ratios; values at zero and below are not shown.
    case logarithmic
    /// Equal distances for equal differences of the normal distribution's quantiles (probits), as on
    /// both axes of a DET curve; values that don't lie between 0 and 1 are not shown.
    case normalDeviate

    /// Whether an axis can show a value.
    func shows(_ value: Double) -> Bool {
        switch self {
        case .linear: value.isFinite
        case .logarithmic: value.isFinite && value > 0
        case .normalDeviate: value > 0 && value < 1
        }
    }
}

/// The rectangle between a chart's axes, and the way from values to places in it.
struct PlotArea {
    let left: Double
    let top: Double
    let width: Double
    let height: Double
    let xRange: ClosedRange<Double>
    let yRange: ClosedRange<Double>
    var xScale = AxisScale.linear
    var yScale = AxisScale.linear
    /// The horizontal axis's ticks, where they don't follow from its range.
    var xTicks: AxisTicks?

    var right: Double { left + width }
    var bottom: Double { top + height }

    func x(_ value: Double) -> Double {
        left + width * Self.share(of: value, in: xRange, xScale)
    }

    func y(_ value: Double) -> Double {
        bottom - height * Self.share(of: value, in: yRange, yScale)
    }

    /// Draws grid lines, ticks and titles.
    func drawAxes(on drawing: inout SVGDrawing, xTitle: String, yTitle: String) {
        let yTicks = Self.ticks(over: yRange, yScale, atMost: max(2, Int(height / 32)))
        for (value, label) in zip(yTicks.positions, yTicks.labels) {
            let place = y(value)
            drawing.line(
                fromX: left, y: place, toX: right, y: place, color: SVGDrawing.gridColor)
            drawing.text(
                label, x: left - 8, y: place + 4, anchor: .end, color: SVGDrawing.mutedColor)
        }
        let xTicks =
            self.xTicks ?? Self.ticks(over: xRange, xScale, atMost: max(2, Int(width / 75)))
        for (value, label) in zip(xTicks.positions, xTicks.labels) {
            let place = x(value)
            drawing.line(
                fromX: place, y: bottom, toX: place, y: bottom + 5, color: SVGDrawing.mutedColor)
            drawing.text(
                label, x: place, y: bottom + 19, anchor: .middle, color: SVGDrawing.mutedColor)
        }
        drawing.line(
            fromX: left, y: bottom, toX: right, y: bottom, color: SVGDrawing.mutedColor)
        drawing.text(xTitle, x: left + width / 2, y: bottom + 39, anchor: .middle)
        drawing.text(yTitle, x: 16, y: top + height / 2, anchor: .middle, turnedBy: -90)
    }

    /// The least place of the left end, so that the vertical axis's labels don't meet its title.
    static func leastLeft(
        yRange: ClosedRange<Double>, yScale: AxisScale, height: Double
    ) -> Double {
        let labels = ticks(over: yRange, yScale, atMost: max(2, Int(height / 32))).labels
        let widest = labels.map { SVGDrawing.estimatedWidth(of: $0, size: 12) }.max() ?? 0
        return widest + 34
    }

    private static func ticks(
        over range: ClosedRange<Double>, _ scale: AxisScale, atMost count: Int
    ) -> AxisTicks {
        switch scale {
        case .linear: .linear(over: range, atMost: count)
        case .logarithmic: .logarithmic(over: range, atMost: count)
        case .normalDeviate: .normalDeviate(over: range, atMost: count)
        }
    }

    private static func share(
        of value: Double, in range: ClosedRange<Double>, _ scale: AxisScale
    ) -> Double {
        switch scale {
        case .linear:
            let span = range.upperBound - range.lowerBound
            return span > 0 ? (value - range.lowerBound) / span : 0.5
        case .logarithmic:
            let span = log(range.upperBound / range.lowerBound)
            return span > 0 ? log(value / range.lowerBound) / span : 0.5
        case .normalDeviate:
            let lower = normalQuantile(probability: range.lowerBound)
            let span = normalQuantile(probability: range.upperBound) - lower
            return span > 0 ? (normalQuantile(probability: value) - lower) / span : 0.5
        }
    }
}

/// Names with a sign each, flowing from left to right in lines.
struct Legend {
    let names: [String]
    let width: Double

    static let textSize = 12.0
    private static let lineHeight = 20.0
    private static let signWidth = 26.0

    var height: Double {
        guard let last = places.last else { return 0 }
        return last.y + Self.lineHeight
    }

    /// The left end of every entry and its line's top, from the legend's own corner.
    var places: [(x: Double, y: Double)] {
        var places: [(x: Double, y: Double)] = []
        var x = 0.0
        var y = 0.0
        for name in names {
            let length =
                Self.signWidth + SVGDrawing.estimatedWidth(of: name, size: Self.textSize) + 18
            if x > 0, x + length > width {
                x = 0
                y += Self.lineHeight
            }
            places.append((x, y))
            x += length
        }
        return places
    }

    /// Draws the names, and each sign by the given function of entry, left end and middle line.
    func draw(
        on drawing: inout SVGDrawing, left: Double, top: Double,
        sign: (inout SVGDrawing, Int, Double, Double) -> Void
    ) {
        for (index, (name, place)) in zip(names, places).enumerated() {
            let middle = top + place.y + Self.lineHeight / 2
            sign(&drawing, index, left + place.x, middle)
            drawing.text(
                SVGDrawing.shortened(
                    name, toWidth: width - Self.signWidth, size: Self.textSize),
                x: left + place.x + Self.signWidth, y: middle + 4, size: Self.textSize)
        }
    }
}
