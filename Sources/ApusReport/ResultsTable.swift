import Foundation

/// Results as a table: a row for every system, a column for every metric and amount of labelled
/// data, with the best value of every column known.
public struct ResultsTable: Sendable {
    private struct Key: Hashable {
        var metric: String
        var labelled: Results.LabelledPerClass?
    }

    let table: ReportTable
    let intervals: String?

    /// Arranges results.
    ///
    /// Systems and metrics keep the order in which they first come up; within a metric the
    /// amounts of labelled data ascend, all of it last. Of several figures for one place the last
    /// one counts.
    ///
    /// - Parameters:
    ///   - results: The results.
    ///   - className: What a class is, such as `speaker`, for the columns' headings.
    ///   - rowTitle: What stands over the rows' names.
    ///   - notes: Sentences under the table, after those on its origin and before warnings.
    public init(
        _ results: Results, className: String = "class", rowTitle: String = "System",
        notes: [String] = []
    ) {
        let systems = results.systemNames
        var metrics: [String] = []
        var figures: [String: [Key: Results.Row]] = [:]
        for row in results.rows {
            let metric = row.metric ?? results.metric
            if !metrics.contains(metric) { metrics.append(metric) }
            figures[row.system, default: [:]][Key(metric: metric, labelled: row.labelledPerClass)] =
                row
        }
        let present = Set(figures.values.flatMap(\.keys))
        let keys = metrics.flatMap { metric in
            present.filter { $0.metric == metric }.sorted { Self.rank($0) < Self.rank($1) }
        }
        let best = keys.map { key in
            Self.best(of: figures.values.compactMap { $0[key]?.value }, key.metric)
        }
        let lines = Lines(results, metrics: metrics, className: className)
        intervals = lines.intervals
        table = ReportTable(
            rowTitle: rowTitle,
            columns: keys.map { key in
                .init(
                    group: MetricStyle(key.metric).title(of: key.metric),
                    title: Self.title(of: key.labelled, className: className))
            },
            rows: systems.map { system in
                .init(
                    system,
                    zip(keys, best).map { key, best in
                        figures[system]?[key].map { row in
                            Self.cell(row, MetricStyle(key.metric), isBest: row.value == best)
                        } ?? .init("–")
                    })
            },
            notes: lines.origin + [lines.intervals, lines.chance].compactMap(\.self) + notes
                + lines.warnings)
    }

    /// The table for a page, with intervals beneath the values and the best values bold.
    ///
    /// - Parameter caption: The text above the table.
    /// - Returns: The table.
    public func reportTable(caption: String = "") -> ReportTable {
        var result = table
        result.caption = caption
        return result
    }

    /// The table in Markdown, intervals in brackets and the best values bold.
    ///
    /// - Returns: The table and below it a list of its notes, with a line break at the end.
    public func markdown() -> String {
        func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
        func plain(_ text: String) -> String {
            text.replacing("\\", with: "\\\\").replacing("|", with: "\\|").replacing(
                "\n", with: " ")
        }
        let headings = table.columns.map {
            plain($0.group + ($0.title.isEmpty ? "" : ", ") + $0.title)
        }
        var text = row([plain(table.rowTitle)] + headings)
        text += row(["---"] + headings.map { _ in "---:" })
        for line in table.rows {
            text += row(
                [plain(line.label)]
                    + line.cells.map { cell in
                        (cell.isBest ? "**\(cell.text)**" : cell.text)
                            + (cell.detail.isEmpty ? "" : " (\(cell.detail))")
                    })
        }
        return text + (table.notes.isEmpty ? "" : "\n")
            + table.notes.map { Self.wrapped(plain($0), first: "- ") }.joined()
    }

    /// The table for a terminal, in aligned columns; a star stands after the best values.
    ///
    /// - Parameter widestLine: A table with longer lines leaves its intervals out; nil for any width.
    /// - Returns: The table and its notes, with a line break at the end.
    public func plainText(widestLine: Int? = nil) -> String {
        let text = plainText(showsIntervals: true)
        let rule = text.split(separator: "\n").first { $0.hasPrefix("---") }
        guard let widestLine, let rule, rule.count > widestLine else { return text }
        return plainText(showsIntervals: false)
    }

    private func plainText(showsIntervals: Bool) -> String {
        var lines = [[table.rowTitle] + table.columns.map(\.title)]
        lines += table.rows.map { row in
            [row.label]
                + row.cells.map { cell in
                    cell.text + (cell.isBest ? "*" : " ")
                        + (cell.detail.isEmpty || !showsIntervals ? "" : " (\(cell.detail))")
                }
        }
        var widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        // A group's heading needs the room of its columns together.
        var first = 1
        for group in table.groups {
            let columns = first..<(first + group.span)
            let room = widths[columns].reduce(0, +) + 3 * (group.span - 1)
            widths[columns.upperBound - 1] += max(0, group.title.count - room)
            first = columns.upperBound
        }
        var text = groupLine(widths: widths)
        for (index, line) in lines.enumerated() {
            let cells = zip(line, widths).map { Self.padded($0, to: $1) }
            text += Self.trimmed(cells.joined(separator: "   ")) + "\n"
            if index == 0 {
                text += String(repeating: "-", count: widths.reduce(0, +) + 3 * (widths.count - 1))
                text += "\n"
            }
        }
        let mark = table.rows.contains { $0.cells.contains(where: \.isBest) } ? ["* best"] : []
        let notes = table.notes.filter { showsIntervals || $0 != intervals }
        return text + (mark + notes).map { Self.wrapped($0) }.joined()
    }

    private func groupLine(widths: [Int]) -> String {
        guard table.columns.contains(where: { !$0.group.isEmpty }) else { return "" }
        var line = String(repeating: " ", count: widths[0])
        var first = 1
        for group in table.groups {
            let columns = first..<(first + group.span)
            let room = widths[columns].reduce(0, +) + 3 * (group.span - 1)
            line += "   " + Self.padded(group.title, to: room)
            first = columns.upperBound
        }
        return Self.trimmed(line) + "\n"
    }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func trimmed(_ line: String) -> String {
        var line = line
        while line.last == " " { line.removeLast() }
        return line
    }

    private static func rank(_ key: Key) -> Int {
        switch key.labelled {
        case .count(let count): count
        case .all: .max - 1
        case nil: .max
        }
    }

    static func title(
        of labelled: Results.LabelledPerClass?, className: String
    ) -> String {
        switch labelled {
        case .count(let count): "\(count) per \(className)"
        case .all: "all labels"
        case nil: ""
        }
    }

    /// The best of at least two values; one value alone is not called the best.
    private static func best(of values: [Double], _ metric: String) -> Double? {
        let finite = values.filter(\.isFinite)
        guard finite.count > 1 else { return nil }
        return MetricStyle(metric).lowerIsBetter ? finite.min() : finite.max()
    }

    private static func cell(
        _ row: Results.Row, _ style: MetricStyle, isBest: Bool
    ) -> ReportTable.Cell {
        var detail = ""
        if let low = row.low, let high = row.high {
            detail = style.text(low) + "–" + style.text(high)
        }
        return .init(style.text(row.value), detail: detail, isBest: isBest)
    }
}

/// How a metric's values are written, and which are better.
struct MetricStyle {
    /// Whether values are shares of one, written in per cent.
    let isRate: Bool
    /// Whether a smaller value is the better one.
    let lowerIsBetter: Bool

    /// The style of a metric by the words of its name.
    init(_ metric: String) {
        let words = Set(metric.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init))
        let costs: Set = ["mindcf", "dcf", "actdcf", "cllr", "loss", "cost", "perplexity", "nats"]
        let errors: Set = ["alarms", "eer", "error", "errors", "wer"]
        lowerIsBetter = !words.isDisjoint(with: costs.union(errors))
        isRate = words.isDisjoint(with: costs) && !words.contains("prime")
    }

    func text(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        return isRate ? String(format: "%.1f", 100 * value) : String(format: "%.3f", value)
    }

    func textWithUnit(_ value: Double) -> String { text(value) + (isRate ? " %" : "") }

    func title(of metric: String) -> String { metric + (isRate ? " (%)" : "") }
}
