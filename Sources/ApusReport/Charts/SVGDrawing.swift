import Foundation

/// Puts an SVG picture together, element by element.
///
/// Elements carry no identifiers and refer to nothing outside, so any number of pictures can
/// stand in one page.
struct SVGDrawing {
    let width: Double
    let height: Double
    private var elements: [String] = []

    static let textColor = "#24292f"
    static let mutedColor = "#59636e"
    static let gridColor = "#e4e7eb"

    /// How a line is drawn.
    enum Stroke: String {
        case solid = ""
        case dashed = " stroke-dasharray=\"6 5\""
        case dotted = " stroke-dasharray=\"1 4\""
    }

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    mutating func line(
        fromX x1: Double, y y1: Double, toX x2: Double, y y2: Double, color: String,
        width: Double = 1, stroke: Stroke = .solid
    ) {
        elements.append(
            "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\""
                + " y2=\"\(number(y2))\" stroke=\"\(color)\" stroke-width=\"\(number(width))\""
                + stroke.rawValue + "/>")
    }

    mutating func rectangle(
        x: Double, y: Double, width: Double, height: Double, color: String,
        corner: Double = 0, hint: String? = nil
    ) {
        let attributes =
            "x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\""
            + " height=\"\(number(height))\" fill=\"\(color)\""
            + (corner > 0 ? " rx=\"\(number(corner))\"" : "")
        if let hint {
            elements.append("<rect \(attributes)><title>\(escaped(hint))</title></rect>")
        } else {
            elements.append("<rect \(attributes)/>")
        }
    }

    /// A line through points, broken where a point is `nil`.
    mutating func polyline(
        _ points: [(x: Double, y: Double)?], color: String, width: Double, opacity: Double = 1,
        stroke: Stroke = .solid
    ) {
        var commands = ""
        var start = true
        for point in points {
            guard let point else {
                start = true
                continue
            }
            commands += "\(start ? "M" : "L")\(number(point.x)) \(number(point.y))"
            start = false
        }
        guard !commands.isEmpty else { return }
        elements.append(
            "<path d=\"\(commands)\" fill=\"none\" stroke=\"\(color)\""
                + " stroke-width=\"\(number(width))\" stroke-linejoin=\"round\""
                + " stroke-linecap=\"round\""
                + (opacity < 1 ? " stroke-opacity=\"\(number(opacity))\"" : "")
                + stroke.rawValue + "/>")
    }

    /// A closed or filled shape given by SVG path commands.
    mutating func path(
        _ commands: String, fill: String, stroke: String, strokeWidth: Double,
        opacity: Double = 1, hint: String? = nil
    ) {
        let attributes =
            "d=\"\(commands)\" fill=\"\(fill)\" stroke=\"\(stroke)\""
            + " stroke-width=\"\(number(strokeWidth))\""
            + (opacity < 1 ? " fill-opacity=\"\(number(opacity))\"" : "")
        if let hint {
            elements.append("<path \(attributes)><title>\(escaped(hint))</title></path>")
        } else {
            elements.append("<path \(attributes)/>")
        }
    }

    /// A line of text from an anchor on its base line.
    mutating func text(
        _ text: String, x: Double, y: Double, size: Double = 12, anchor: TextAnchor = .start,
        color: String = SVGDrawing.textColor, bold: Bool = false, turnedBy degrees: Double = 0
    ) {
        let anchorName =
            switch anchor {
            case .start: "start"
            case .middle: "middle"
            case .end: "end"
            }
        var attributes =
            "x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"\(number(size))\""
            + " text-anchor=\"\(anchorName)\" fill=\"\(color)\""
        if bold { attributes += " font-weight=\"600\"" }
        if degrees != 0 {
            attributes += " transform=\"rotate(\(number(degrees)) \(number(x)) \(number(y)))\""
        }
        elements.append("<text \(attributes)>\(escaped(text))</text>")
    }

    /// The finished picture.
    ///
    /// - Parameter title: What the picture shows, for screen readers.
    /// - Returns: An SVG document.
    func document(title: String) -> String {
        let size = "\(number(width)) \(number(height))"
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size)" width="\(number(width))" \
            height="\(number(height))" role="img" \
            font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif">
            <title>\(escaped(title))</title>
            <rect width="100%" height="100%" fill="#ffffff"/>
            \(elements.joined(separator: "\n"))
            </svg>
            """
    }

    /// About how wide a line of text is; the reader's font is not known here.
    static func estimatedWidth(of text: String, size: Double) -> Double {
        Double(text.count) * size * 0.58
    }

    /// A text cut to about a width, with an ellipsis where something is left out.
    static func shortened(_ text: String, toWidth width: Double, size: Double) -> String {
        let room = max(1, Int(width / (size * 0.58)))
        return text.count <= room ? text : text.prefix(max(1, room - 1)) + "…"
    }
}

/// Text as XML and HTML hold it: markup characters by their entities, characters that XML does
/// not allow as U+FFFD.
func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&#39;"
        case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
        case _ where scalar.value < 0x20 || (0xFFFE...0xFFFF).contains(scalar.value):
            result += "\u{FFFD}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// A coordinate with two decimals at most.
private func number(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() && abs(rounded) < 1e9
        ? String(Int(rounded)) : String(rounded)
}
