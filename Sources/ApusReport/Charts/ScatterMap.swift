import Foundation

/// A map of points in the plane, coloured and marked by class.
///
/// The axes have no numbers: distances on an embedding map have no unit, and its orientation is
/// arbitrary.
public struct ScatterMap: Sendable {
    /// The text above the chart.
    public var title: String
    /// The coordinates, N x 2, row-major.
    public var coordinates: [Float]
    /// The class of every point, an index into `classNames`.
    public var classes: [Int]
    /// The names of the classes, in the legend's order.
    public var classNames: [String]
    /// The chart's width in CSS pixels; its height follows from the legend.
    public var width = 520.0

    /// A map of points.
    ///
    /// - Parameters:
    ///   - title: The text above the chart.
    ///   - coordinates: The coordinates, N x 2, row-major; points that are not finite are left
    ///     out.
    ///   - classes: The class of every point, an index into `classNames`.
    ///   - classNames: The names of the classes.
    public init(title: String, coordinates: [Float], classes: [Int], classNames: [String]) {
        precondition(coordinates.count == 2 * classes.count, "Two coordinates a point")
        precondition(classes.allSatisfy(classNames.indices.contains), "Every class has a name")
        self.title = title
        self.coordinates = coordinates
        self.classes = classes
        self.classNames = classNames
    }

    /// Draws the map.
    ///
    /// - Returns: An SVG document; it says "no points" where there is none to show.
    public func svg() -> String {
        let margin = 12.0
        let side = width - 2 * margin
        let legend = Legend(names: classNames, width: side)
        let top = 38.0
        var drawing = SVGDrawing(width: width, height: top + side + 10 + legend.height + margin)
        drawing.text(title, x: margin, y: 24, size: 14, bold: true)
        drawing.rectangle(
            x: margin, y: top, width: side, height: side, color: "#f7f8fa", corner: 4)

        let points = classes.indices.compactMap { index -> (x: Double, y: Double, index: Int)? in
            let (x, y) = (coordinates[2 * index], coordinates[2 * index + 1])
            return x.isFinite && y.isFinite ? (Double(x), Double(y), index) : nil
        }
        if points.isEmpty {
            drawing.text(
                "no points", x: width / 2, y: top + side / 2, anchor: .middle,
                color: SVGDrawing.mutedColor)
        }
        let place = placement(points.map { ($0.x, $0.y) }, left: margin, top: top, side: side)
        let radius = points.count > 600 ? 2.6 : points.count > 200 ? 3.2 : 4
        for point in points {
            let name = classes[point.index]
            let (x, y) = place(point.x, point.y)
            drawing.path(
                Palette.mark(name).path(x: x, y: y, radius: radius), fill: Palette.color(name),
                stroke: "#ffffff", strokeWidth: 0.6, opacity: 0.85, hint: classNames[name])
        }
        legend.draw(on: &drawing, left: margin, top: top + side + 8) { drawing, index, x, y in
            drawing.path(
                Palette.mark(index).path(x: x + 13, y: y, radius: 4.5),
                fill: Palette.color(index), stroke: "none", strokeWidth: 0)
        }
        return drawing.document(title: title)
    }

    /// The way from coordinates to places, of one scale for both axes, with the points' extent
    /// in the middle of the square.
    private func placement(
        _ points: [(Double, Double)], left: Double, top: Double, side: Double
    ) -> (Double, Double) -> (Double, Double) {
        let xs = points.map(\.0)
        let ys = points.map(\.1)
        let (x0, x1) = (xs.min() ?? 0, xs.max() ?? 0)
        let (y0, y1) = (ys.min() ?? 0, ys.max() ?? 0)
        let extent = max(x1 - x0, y1 - y0)
        let scale = extent > 0 ? (side - 32) / extent : 0
        return { x, y in
            (
                left + side / 2 + (x - (x0 + x1) / 2) * scale,
                top + side / 2 - (y - (y0 + y1) / 2) * scale
            )
        }
    }
}
