import Foundation

extension ResultsTable {
    /// The paired tests of results: a row for each two systems, their difference by each metric.
    ///
    /// - Parameters:
    ///   - results: The results.
    ///   - trialName: What a test trial is, in the plural.
    ///   - choice: Which systems are compared, in a sentence.
    /// - Returns: The table; `nil` where nothing is compared.
    public static func pairedTests(
        of results: Results, trialName: String = "recordings", choice: String
    ) -> ResultsTable? {
        guard let all = results.comparisons, let example = all.first else { return nil }
        func unique(_ names: [String]) -> [String] {
            names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        }
        let metrics = unique(all.map(\.metric))
        let pairs = unique(all.map(label))
        // One test alone needs no adjustment.
        let isAdjusted = pairs.count > 1
        let hasMcNemar = all.contains { $0.mcNemar != nil }
        let adjusted = isAdjusted ? ["p (Holm)"] : []
        let columns = metrics.flatMap { metric in
            let labelled = all.first { $0.metric == metric }?.labelledPerClass
                .map { ", " + title(of: $0, className: "class") }
            let group = MetricStyle(metric).title(of: metric) + (labelled ?? "")
            return (["difference", "p"] + adjusted).map {
                ReportTable.Column(group: group, title: $0)
            }
                + (hasMcNemar ? ["only first", "only second", "p"] + adjusted : []).map {
                    ReportTable.Column(group: "McNemar's test", title: $0)
                }
        }
        let rows = pairs.map { pair in
            ReportTable.Row(
                pair,
                metrics.flatMap { metric -> [ReportTable.Cell] in
                    let found = all.first { label($0) == pair && $0.metric == metric }
                    return cells(
                        found, MetricStyle(metric), isAdjusted: isAdjusted, hasMcNemar: hasMcNemar)
                })
        }
        return ResultsTable(
            table: ReportTable(
                rowTitle: "Paired tests", columns: columns, rows: rows,
                notes: [
                    "The first system minus the second, \(example.trials) test \(trialName); interval "
                        + "and p by a paired bootstrap over \(example.drawn.count) \(example.drawn.unit)"
                        + (hasMcNemar
                            ? ", McNemar's test exact and over single \(trialName)." : "."),
                    choice
                        + (isAdjusted
                            ? " \(pairs.count) comparisons; Holm's p values are of all those of a "
                                + "column together." : ""),
                ]))
    }

    private init(table: ReportTable) { (self.table, intervals) = (table, nil) }

    private static func label(_ comparison: Results.Comparison) -> String {
        "\(comparison.first) − \(comparison.second)"
    }

    private static func cells(
        _ comparison: Results.Comparison?, _ style: MetricStyle, isAdjusted: Bool, hasMcNemar: Bool
    ) -> [ReportTable.Cell] {
        guard let comparison else {
            let perTest = isAdjusted ? 2 : 1
            return [ReportTable.Cell](
                repeating: .init("–"), count: 1 + perTest + (hasMcNemar ? 2 + perTest : 0))
        }
        func signed(_ value: Double) -> String { (value < 0 ? "−" : "+") + style.text(abs(value)) }
        func tests(_ probability: Double, _ adjusted: Double) -> [ReportTable.Cell] {
            ([probability] + (isAdjusted ? [adjusted] : [])).map { .init(self.probability($0)) }
        }
        var cells = [
            ReportTable.Cell(
                signed(comparison.difference),
                detail: signed(comparison.low) + " to " + signed(comparison.high))
        ]
        cells += tests(comparison.probability, comparison.adjusted)
        if let mcNemar = comparison.mcNemar {
            cells += [.init("\(mcNemar.onlyFirst)"), .init("\(mcNemar.onlySecond)")]
            cells += tests(mcNemar.probability, mcNemar.adjusted)
        }
        return cells
    }

    private static func probability(_ value: Double) -> String {
        value < 0.001 ? "< 0.001" : String(format: "%.3f", value)
    }
}
