import ApusSignal
import Foundation
import Mustache

extension Report {
    /// The report as one HTML page that needs no other file and no network.
    ///
    /// All text is escaped; pictures lie inside of the page.
    ///
    /// - Returns: The page.
    /// - Throws: ``ReportError/template(reason:)`` where the built-in template does not parse.
    public func html() throws -> String {
        do {
            return try MustacheTemplate(string: pageTemplate).render(page)
        } catch {
            throw ReportError.template(reason: "\(error)")
        }
    }

    /// Writes the page to a file.
    ///
    /// - Parameter url: The file, replaced where it exists.
    /// - Throws: ``ReportError/cannotWrite(path:reason:)``, and what ``html()`` throws.
    public func write(to url: URL) throws {
        let page = try html()
        do {
            try writeAtomically(Data(page.utf8), to: url.path)
        } catch SignalError.cannotWrite(_, let reason) {
            throw ReportError.cannotWrite(path: url.path, reason: reason)
        }
    }

    /// The values that the template names.
    private var page: [String: Any] {
        [
            "title": title,
            "subtitle": [subtitle].filter { !$0.isEmpty },
            "contents": sections.count > 3
                ? [["links": sections.enumerated().map(link)]] : [],
            "sections": sections.enumerated().map { index, section in
                [
                    "anchor": "section-\(index + 1)", "heading": section.heading,
                    "content": section.content.map(view),
                ] as [String: Any]
            },
        ]
    }

    private func link(to index: Int, _ section: Section) -> [String: Any] {
        ["target": "section-\(index + 1)", "name": section.heading]
    }

    private func view(of content: Content) -> [String: Any] {
        switch content {
        case .text(let paragraphs):
            ["paragraphs": paragraphs]
        case .table(let table):
            ["table": [view(of: table)]]
        case .chart(let figure):
            ["chart": [view(of: figure)]]
        case .figures(let figures):
            ["gallery": [["figures": figures.map(view)]]]
        case .keyValues(let pairs):
            [
                "pairs": [
                    ["pair": pairs.map { ["key": $0.key, "value": $0.value] }]
                ]
            ]
        }
    }

    private func view(of figure: Figure) -> [String: Any] {
        let markup =
            switch figure.picture {
            case .svg(let svg): svg
            case .png(let file):
                "<img alt=\"\(escaped(figure.caption))\" src=\"data:image/png;base64,"
                    + file.base64EncodedString() + "\">"
            }
        return ["picture": markup, "caption": [figure.caption].filter { !$0.isEmpty }]
    }

    private func view(of table: ReportTable) -> [String: Any] {
        let groups = table.groups
        let hasGroups = groups.contains { !$0.title.isEmpty }
        var starts: Set<Int> = []
        var position = 0
        for group in groups {
            starts.insert(position)
            position += group.span
        }
        func kind(_ column: Int) -> String { starts.contains(column) ? "first" : "inner" }
        return [
            "tableCaption": [table.caption].filter { !$0.isEmpty },
            "rowTitle": table.rowTitle,
            "groupRow": hasGroups
                ? [
                    [
                        "groups": groups.map {
                            ["name": $0.title, "span": String($0.span)]
                        }
                    ]
                ] : [],
            "columns": table.columns.enumerated().map {
                ["name": $1.title, "kind": kind($0)]
            },
            "rows": table.rows.map { row in
                [
                    "label": row.label,
                    "cells": row.cells.enumerated().map { column, cell in
                        [
                            "value": cell.text,
                            "detail": [cell.detail].filter { !$0.isEmpty },
                            "kind": kind(column) + (cell.isBest ? " best" : ""),
                        ] as [String: Any]
                    },
                ] as [String: Any]
            },
            "notes": table.notes,
        ]
    }
}
