import Foundation
import FoundationXML
import TestSupport
import Testing

/// What `apus report` makes of a run: the page, and every chart as a file.
struct ReportPage {
    let html: String
    /// The names of the figures' files.
    let figures: Set<String>
    private let folder: TemporaryFolder

    init(_ run: String) throws {
        folder = try TemporaryFolder()
        let page = folder.path + "/report.html"
        // A folder within one that isn't there either.
        let figures = folder.path + "/new/figures"
        let outcome = try BuiltCommand.run(["report", run, "-o", page, "--figures", figures])
        try #require(outcome.status == 0, "\(outcome.error)")
        html = try String(contentsOfFile: page, encoding: .utf8)
        self.figures = Set(try FileManager.default.contentsOfDirectory(atPath: figures))
        #expect(outcome.output == "\(page)\n\(figures): \(self.figures.count) figures\n")
    }

    /// The headings of the sections, in order.
    var headings: [String] { pieces(of: html, between: "<h2>", "</h2>") }

    /// The rows of the table in a section, without the interval of a value.
    func rows(of heading: String) -> [[String]] {
        let section = html.components(separatedBy: "<h2>\(heading)</h2>").last ?? ""
        let body = pieces(of: section, between: "<tbody>", "</tbody>").first ?? ""
        return pieces(of: body, between: "<tr>", "</tr>").map { row in
            pieces(of: row, between: "<th scope=\"row\">", "</th>")
                + pieces(of: row, between: "<td", "</td>").map { cell in
                    let text = cell.components(separatedBy: ">").dropFirst().first ?? ""
                    return text.components(separatedBy: "<")[0]
                }
        }
    }

    /// A chart that is well-formed XML by itself.
    func chart(_ name: String) throws -> Chart {
        let data = try Data(
            contentsOf: URL(fileURLWithPath: folder.path + "/new/figures/" + name))
        let parser = XMLParser(data: data)
        let chart = Chart()
        parser.delegate = chart
        #expect(parser.parse(), "\(name): \(String(describing: parser.parserError))")
        return chart
    }

    private func pieces(of text: String, between start: String, _ end: String) -> [String] {
        text.components(separatedBy: start).dropFirst().map {
            $0.components(separatedBy: end)[0]
        }
    }

    /// The parts of a chart's document.
    final class Chart: NSObject, XMLParserDelegate {
        /// The content of each element.
        var texts: [String] { pieces.map { $0.trimmingCharacters(in: .newlines) } }
        private var pieces: [String] = []
        /// The number of points of each curve; stairs and other breaks count too.
        private(set) var curves: [Int] = []
        /// The number of marked points, in the plot and not in the legend.
        private(set) var marks = 0

        /// Names in the legend and the axes' titles and labels.
        func has(_ expected: String...) -> Bool { Set(texts).isSuperset(of: expected) }

        func parser(
            _ parser: XMLParser, didStartElement element: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String] = [:]
        ) {
            pieces.append("")
            guard element == "path", let commands = attributes["d"] else { return }
            if attributes["fill"] == "none" {
                curves.append(commands.count { $0 == "M" || $0 == "L" })
            } else {
                marks += 1
            }
        }

        func parser(_ parser: XMLParser, foundCharacters text: String) {
            if !pieces.isEmpty { pieces[pieces.count - 1] += text }
        }
    }
}
