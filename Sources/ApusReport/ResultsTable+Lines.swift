extension ResultsTable {
    /// The lines under a table that say how its figures were come by.
    ///
    /// They are the same in Markdown, LaTeX, on a terminal and on a page.
    struct Lines {
        /// What was done, what was chosen on which recordings, on how many of them was measured, from
        /// which seeds.
        let origin: [String]
        /// How intervals were made, where there are any.
        let intervals: String?
        /// What guessing reaches, where that is known.
        let chance: String?
        /// What a reader should know of the data.
        let warnings: [String]

        /// The lines of results.
        ///
        /// - Parameters:
        ///   - results: The results.
        ///   - metrics: The metrics, in the order of the columns.
        ///   - className: What a class is.
        init(_ results: Results, metrics: [String], className: String) {
            let conditions = results.conditions
            origin = [
                results.protocol.isEmpty ? nil : "Protocol: " + results.protocol,
                conditions.map { Self.measured(results, $0) },
                conditions.map { Self.seeds(results, $0, className: className) },
            ].compactMap(\.self)
            let hasIntervals = results.rows.contains { $0.low != nil && $0.high != nil }
            let method = conditions.map { ", " + $0.intervals } ?? ""
            intervals = hasIntervals ? "Intervals: 95 %\(method)." : nil
            chance = Self.chance(results, metrics: metrics)
            warnings = (conditions?.warnings ?? []).map { "Warning: " + $0 }
        }

        private static func measured(
            _ results: Results, _ conditions: Results.Conditions
        ) -> String {
            let counts = conditions.measured.map { "\($0.count) \($0.name)" }
            let trials = Self.numbers(of: \.trials, in: results) { $0.metric ?? results.metric }
            return "Measured on: " + counts.joined(separator: ", ")
                + (trials.map { "; trials of a figure: " + $0 } ?? "") + "."
        }

        private static func seeds(
            _ results: Results, _ conditions: Results.Conditions, className: String
        ) -> String {
            let trainings = conditions.trainings.map {
                "\($0.system) trained with \($0.seeds.map(String.init).joined(separator: ", "))"
            }
            let means = Self.numbers(of: \.seeds, in: results) { row in
                let amount = ResultsTable.title(of: row.labelledPerClass, className: className)
                return (row.metric ?? results.metric) + (amount.isEmpty ? "" : " with " + amount)
            }
            return "Seeds: \(conditions.seed) for all draws"
                + trainings.map { "; " + $0 }.joined()
                + (means.map { "; seeds of a figure: " + $0 } ?? "") + "."
        }

        /// The numbers of a table's columns, those with the same one together; without names where all
        /// have the same.
        private static func numbers(
            of value: (Results.Row) -> Int?, in results: Results,
            column: (Results.Row) -> String
        ) -> String? {
            var columns: [(name: String, numbers: Set<Int>)] = []
            for row in results.rows {
                guard let number = value(row) else { continue }
                let name = column(row)
                if let index = columns.firstIndex(where: { $0.name == name }) {
                    columns[index].numbers.insert(number)
                } else {
                    columns.append((name, [number]))
                }
            }
            var groups: [(numbers: Set<Int>, names: [String])] = []
            for column in columns {
                if let index = groups.firstIndex(where: { $0.numbers == column.numbers }) {
                    groups[index].names.append(column.name)
                } else {
                    groups.append((column.numbers, [column.name]))
                }
            }
            guard !groups.isEmpty else { return nil }
            func text(_ numbers: Set<Int>) -> String {
                let all = numbers.sorted().map(String.init)
                return all.count > 1
                    ? all.dropLast().joined(separator: ", ") + " or " + all[all.count - 1] : all[0]
            }
            guard groups.count > 1 else { return text(groups[0].numbers) }
            return groups.map { "\(text($0.numbers)) (\($0.names.joined(separator: ", ")))" }
                .joined(separator: ", ")
        }

        private static func chance(_ results: Results, metrics: [String]) -> String? {
            let chances = metrics.compactMap { metric in
                results.chance?[metric].map { (metric, MetricStyle(metric).textWithUnit($0)) }
            }
            guard let first = chances.first else { return nil }
            let same = chances.count == metrics.count && chances.allSatisfy { $0.1 == first.1 }
            return "Chance level: "
                + (same
                    ? first.1 : chances.map { "\($0.0) \($0.1)" }.joined(separator: ", ")) + "."
        }
    }

    /// A text in lines of at most about a width, the first after one prefix and the others after
    /// another; a longer word stays whole.
    ///
    /// - Parameters:
    ///   - text: The text; its line breaks count as spaces.
    ///   - first: What stands before the first line.
    ///   - others: What stands before each of the others.
    /// - Returns: The lines, each with a line break at its end.
    static func wrapped(_ text: String, first: String = "", others: String = "  ") -> String {
        let width = 100
        var lines: [String] = []
        var line = first
        var isEmpty = true
        for word in text.split(whereSeparator: \.isWhitespace) {
            if !isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                (line, isEmpty) = (others, true)
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        return (lines + [line]).map { $0 + "\n" }.joined()
    }
}
