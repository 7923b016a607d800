import Foundation

extension ResultsTable {
    /// The table in LaTeX, intervals in brackets and the best values bold; it needs the package
    /// `booktabs`.
    ///
    /// Notes are comments, so that the file can stand in any box of a document.
    ///
    /// - Returns: A `tabular` environment and below it the notes, with a line break at the end.
    public func latex() -> String {
        var lines = [
            "\\begin{tabular}{l" + String(repeating: "r", count: table.columns.count) + "}"
        ]
        lines.append("\\toprule")
        let hasGroups = table.columns.contains { !$0.group.isEmpty }
        if hasGroups {
            let groups = table.groups.map { group in
                let title = Self.escaped(group.title)
                return group.span > 1
                    ? "\\multicolumn{\(group.span)}{c}{\(title)}" : title
            }
            lines.append(Self.line([Self.escaped(table.rowTitle)] + groups))
        }
        let titles = table.columns.map { Self.escaped($0.title) }
        if !hasGroups || titles.contains(where: { !$0.isEmpty }) {
            lines.append(Self.line([hasGroups ? "" : Self.escaped(table.rowTitle)] + titles))
        }
        lines.append("\\midrule")
        for row in table.rows {
            let cells = row.cells.map { cell in
                let text = Self.escaped(cell.text)
                return (cell.isBest ? "\\textbf{\(text)}" : text)
                    + (cell.detail.isEmpty ? "" : " {\\small (\(Self.escaped(cell.detail)))}")
            }
            lines.append(Self.line([Self.escaped(row.label)] + cells))
        }
        lines += ["\\bottomrule", "\\end{tabular}"]
        return lines.joined(separator: "\n") + "\n"
            + table.notes.map { Self.wrapped($0, first: "% ", others: "%   ") }.joined()
    }

    private static func line(_ cells: [String]) -> String {
        cells.joined(separator: " & ") + " \\\\"
    }

    private static func escaped(_ text: String) -> String {
        text.map { character -> String in
            switch character {
            case "\\": "\\textbackslash{}"
            case "~": "\\textasciitilde{}"
            case "^": "\\textasciicircum{}"
            case "&", "%", "$", "#", "_", "{", "}": "\\\(character)"
            case "–": "--"
            case "−", "<": "$\(character == "<" ? "<" : "-")$"
            case "\n": " "
            case "′": "$'$"
            default: String(character)
            }
        }.joined()
    }
}
