import Foundation

/// A picture of a confusion matrix: true classes in rows, predicted classes in columns.
///
/// The colour of a cell is its share of the row, so that a class with few trials reads like one
/// with many; the number in it is the count.
public struct ConfusionMatrixChart: Sendable {
    /// The text above the chart.
    public var title: String
    /// The names of the K classes.
    public var labels: [String]
    /// The number of trials by true and predicted class, K x K, row-major.
    public var counts: [Int]

    /// A confusion matrix.
    ///
    /// - Parameters:
    ///   - title: The text above the chart.
    ///   - labels: The names of the K classes.
    ///   - counts: The number of trials by true and predicted class, K x K, row-major.
    public init(title: String, labels: [String], counts: [Int]) {
        precondition(counts.count == labels.count * labels.count, "K x K counts for K classes")
        self.title = title
        self.labels = labels
        self.counts = counts
    }

    /// Draws the chart.
    ///
    /// Counts stand in the cells of up to 24 classes; in a larger matrix a cell tells its count
    /// when it is pointed at.
    ///
    /// - Returns: An SVG document.
    public func svg() -> String {
        let cell = min(34, max(7, 560 / Double(max(1, labels.count))))
        let side = cell * Double(labels.count)
        let labelSize = min(12, max(7, cell * 0.8))
        let longest = labels.map(\.count).max() ?? 0
        let labelWidth = min(
            140,
            SVGDrawing.estimatedWidth(of: String(repeating: "x", count: longest), size: labelSize)
                + 10)
        let left = 34 + labelWidth
        let top = 44.0
        let barLeft = left + side + 24
        var drawing = SVGDrawing(
            width: max(barLeft + 64, 320), height: top + max(side, 80) + labelWidth + 34)
        drawing.text(title, x: 10, y: 24, size: 14, bold: true)

        for (row, label) in labels.enumerated() {
            let total = counts[(row * labels.count)..<((row + 1) * labels.count)].reduce(0, +)
            let y = top + Double(row) * cell
            drawing.text(
                SVGDrawing.shortened(label, toWidth: labelWidth, size: labelSize), x: left - 8,
                y: y + cell / 2 + labelSize * 0.36, size: labelSize, anchor: .end)
            for column in labels.indices {
                drawCell(
                    on: &drawing, row: row, column: column, total: total,
                    x: left + Double(column) * cell, y: y, cell: cell)
            }
            drawing.text(
                SVGDrawing.shortened(label, toWidth: labelWidth, size: labelSize),
                x: left + (Double(row) + 0.5) * cell + labelSize * 0.36, y: top + side + 8,
                size: labelSize, anchor: .end, turnedBy: -90)
        }
        drawing.text(
            "true class", x: 18, y: top + side / 2, anchor: .middle,
            color: SVGDrawing.mutedColor, turnedBy: -90)
        drawing.text(
            "predicted class", x: left + side / 2, y: top + max(side, 80) + labelWidth + 20,
            anchor: .middle, color: SVGDrawing.mutedColor)
        drawScale(on: &drawing, left: barLeft, top: top, height: max(80, min(side, 240)))
        return drawing.document(title: title)
    }

    private func drawCell(
        on drawing: inout SVGDrawing, row: Int, column: Int, total: Int, x: Double, y: Double,
        cell: Double
    ) {
        let count = counts[row * labels.count + column]
        let share = total > 0 ? Double(count) / Double(total) : 0
        let gap = cell > 14 ? 1.0 : 0.5
        drawing.rectangle(
            x: x, y: y, width: cell - gap, height: cell - gap,
            color: count == 0 ? "#f3f4f6" : ColorMap.ink(0.06 + 0.94 * share).hexadecimal,
            hint: "\(labels[row]) as \(labels[column]): \(count) of \(total)")
        guard count > 0, labels.count <= 24 else { return }
        let text = String(count)
        let size = min(12, cell * 0.9 / (0.58 * Double(max(2, text.count))))
        drawing.text(
            text, x: x + (cell - gap) / 2, y: y + cell / 2 + size * 0.34, size: size,
            anchor: .middle, color: share > 0.55 ? "#ffffff" : SVGDrawing.textColor)
    }

    private func drawScale(
        on drawing: inout SVGDrawing, left: Double, top: Double, height: Double
    ) {
        let steps = 40
        let step = height / Double(steps)
        for index in 0..<steps {
            let share = 1 - (Double(index) + 0.5) / Double(steps)
            drawing.rectangle(
                x: left, y: top + Double(index) * step, width: 12, height: step + 0.5,
                color: ColorMap.ink(share).hexadecimal)
        }
        for (share, label) in [(1.0, "100 %"), (0.5, "50 %"), (0.0, "0 %")] {
            drawing.text(
                label, x: left + 17, y: top + (1 - share) * height + 4, size: 10,
                color: SVGDrawing.mutedColor)
        }
        drawing.text(
            "of row", x: left, y: top + height + 20, size: 10, color: SVGDrawing.mutedColor)
    }
}
