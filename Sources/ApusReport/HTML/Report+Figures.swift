import ApusSignal
import Foundation

extension Report {
    /// Writes every chart and picture of the report as a file of its own: SVG documents, which need
    /// no other file, and PNG files.
    ///
    /// A file has the name of its section and of the figure, such as `confusions-cpc.svg`; of equal
    /// names the later ones have a number. Files of these names are replaced.
    ///
    /// - Parameter folder: The folder, which must exist.
    /// - Returns: The files' paths, in the order of the page.
    /// - Throws: `SignalError.cannotWrite`.
    @discardableResult
    public func writeFigures(toFolder folder: String) throws -> [String] {
        var taken: Set<String> = []
        var paths: [String] = []
        for section in sections {
            for figure in section.content.flatMap(\.figures) {
                let base = Self.fileName(section.heading, figure.name)
                var name = base
                var number = 1
                while !taken.insert(name).inserted {
                    number += 1
                    name = "\(base)-\(number)"
                }
                let (ending, data) =
                    switch figure.picture {
                    case .png(let file): ("png", file)
                    case .svg(let document):
                        (
                            "svg",
                            Data(
                                ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + document + "\n")
                                    .utf8)
                        )
                    }
                let path = "\(folder)/\(name).\(ending)"
                try writeAtomically(data, to: path)
                paths.append(path)
            }
        }
        return paths
    }

    /// A name without an ending: the words of the heading and of the figure's name, where it has other
    /// words, in lower case.
    private static func fileName(_ heading: String, _ name: String) -> String {
        func words(_ text: String) -> String {
            text.lowercased().split { !$0.isLetter && !$0.isNumber }.joined(separator: "-")
        }
        let (section, own) = (words(heading), words(name))
        var result =
            own.isEmpty || section == own || section.hasSuffix("-" + own)
            ? section : section.isEmpty ? own : section + "-" + own
        // A name may have 255 bytes, with number and ending.
        while result.utf8.count > 200 { result.removeLast() }
        return result.isEmpty ? "figure" : result
    }
}

extension Report.Content {
    /// The charts and pictures of an element.
    fileprivate var figures: [Report.Figure] {
        switch self {
        case .chart(let figure): [figure]
        case .figures(let figures): figures
        case .text, .table, .keyValues: []
        }
    }
}
