import ApusMetrics
import ApusReport

/// Whether two systems were right on the same test recordings.
struct AnswersInPairs {
    var first: [Bool]
    var second: [Bool]
    /// What the bootstrap draws.
    var units: TestUnits
}

extension Results.Comparison {
    /// Two systems by accuracy: McNemar's test and the paired bootstrap.
    ///
    /// - Throws: `MetricsError` for fewer than two units to draw.
    init(
        _ answers: AnswersInPairs, _ first: String, minus second: String,
        labelledPerClass: Results.LabelledPerClass?, resamples: Int, seed: UInt64
    ) throws {
        try self.init(
            first, minus: second, metric: ProbeRun.MetricName.accuracy,
            labelledPerClass: labelledPerClass,
            pairedBootstrap(
                first: answers.first.map { $0 ? 1 : 0 }, second: answers.second.map { $0 ? 1 : 0 },
                groups: answers.units.groups, resamples: resamples, seed: seed),
            mcNemar: mcNemarTest(first: answers.first, second: answers.second),
            trials: answers.first.count, drawn: answers.units.drawn)
    }
}
