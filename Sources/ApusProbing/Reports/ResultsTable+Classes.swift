import ApusReport

extension ResultsTable {
    /// The classes, tags or sound events of one system, each with its measures.
    ///
    /// - Parameters:
    ///   - results: The figures of a run.
    ///   - system: The system's name.
    /// - Returns: A row for each class.
    static func classes(_ results: Results, of system: String) -> ResultsTable {
        typealias Name = ProbeRun.MetricName
        let (metrics, note) =
            switch results.task {
            case LabelSource.events.task:
                (
                    [Name.eventFScore, Name.segmentFScore],
                    "The labels of \(system), each with its number of events in the test recordings."
                )
            case LabelSource.tags.task:
                (
                    [Name.averagePrecision, Name.areaUnderCurve, Name.sensitivityIndex],
                    "The tags of \(system), each with the number of test recordings that have it; a "
                        + "dash where all have it, or none."
                )
            default:
                (
                    [Name.recall, Name.precision, Name.fScore],
                    "The answers of \(system), each class with its number of test recordings; a dash "
                        + "where none has it, or none was taken for it."
                )
            }
        var table = Results(
            task: results.task, protocol: "", metric: metrics[0], rows: [])
        for row in (results.classes ?? []) where row.system == system {
            let name = row.label + (row.positives.map { " (\($0))" } ?? "")
            for metric in metrics {
                table.rows.append(
                    Results.Row(
                        system: name, labelledPerClass: nil, metric: metric,
                        value: row.metrics[metric] ?? .nan))
            }
        }
        let source = LabelSource.allCases.first { $0.task == results.task }
        return ResultsTable(
            table, rowTitle: (source?.className ?? "class").capitalizingFirstLetter,
            notes: [note])
    }
}
