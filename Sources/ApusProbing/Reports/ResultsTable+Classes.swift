import ApusReport

extension ResultsTable {
    /// The tags or sound events of one system, each with its measures.
    ///
    /// - Parameters:
    ///   - results: The figures of a tagging or detection run.
    ///   - system: The system's name.
    /// - Returns: A row for each class.
    static func classes(_ results: Results, of system: String) -> ResultsTable {
        let isDetection = results.task == DetectionFolder.task
        let metrics =
            isDetection
            ? [ProbeRun.MetricName.eventFScore, ProbeRun.MetricName.segmentFScore]
            : [
                ProbeRun.MetricName.averagePrecision, ProbeRun.MetricName.areaUnderCurve,
                ProbeRun.MetricName.sensitivityIndex,
            ]
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
        return ResultsTable(
            table,
            notes: [
                isDetection
                    ? "The labels of \(system), each with its number of events in the test recordings."
                    : "The tags of \(system), each with the number of test recordings that have it; "
                        + "a dash where all have it, or none."
            ])
    }
}
