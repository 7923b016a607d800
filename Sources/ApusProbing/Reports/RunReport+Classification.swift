import ApusMetrics
import ApusReport

// What a report shows of one label a recording, for probes and trained classifiers alike.
extension RunReport {
    /// The confusions and each class's figures.
    ///
    /// - Parameters:
    ///   - system: The system whose answers these are.
    ///   - className: What a class is.
    ///   - classes: The classes.
    ///   - confusion: Test recordings, K x K: a row for each true class.
    ///   - amount: With how many labels, in a few words; empty where that goes without saying.
    ///   - results: The run's figures.
    /// - Returns: The sections; that of each class's figures only where the run has them.
    static func classSections(
        of system: String, className: String, classes: [String], confusion: [Int],
        amount: String = "", _ results: Results
    ) -> [Report.Section] {
        var sections = [
            Report.Section(
                "Confusions",
                [
                    .chart(
                        .init(
                            name: system,
                            caption: "\(system)\(amount): rows are the true "
                                + "\(className.plural), columns what was answered.",
                            svg: ConfusionMatrixChart(
                                title: system, labels: classes, counts: confusion
                            ).svg()))
                ])
        ]
        if results.classes != nil {
            let table = ResultsTable.classes(results, of: system)
            sections.append(Report.Section("Each \(className)", [.table(table.reportTable())]))
        }
        return sections
    }

    /// How often answers are right, by the probability that they were given.
    ///
    /// - Parameters:
    ///   - answers: The answers of each system that is shown.
    ///   - targets: The true class of each test recording.
    ///   - amount: With how many labels, as above.
    /// - Returns: The section; `nil` without a system.
    /// - Throws: `MetricsError` for answers that don't belong to the recordings.
    static func reliabilitySection(
        _ answers: [ProbeFolder.Answers], targets: [Int], amount: String = ""
    ) throws -> Report.Section? {
        guard !answers.isEmpty else { return nil }
        let systems = try answers.map { answers in
            let isRight = zip(answers.predictions, targets).map { $0 == $1 }
            let found = try reliability(confidences: answers.confidences, isRight: isRight)
            return (answers.system, found)
        }
        return Report.Section(
            "Reliability",
            [
                .chart(
                    .init(
                        caption: "How often the answer is right, by the probability that the "
                            + "classifier gave it, in ten bins\(amount); on the dashed line "
                            + "probabilities mean what they say. Behind the names the expected "
                            + "calibration error.",
                        svg: reliabilityChart(systems, yTitle: "Share that is right (%)").svg()))
            ])
    }

    /// The heading of a run's first section.
    static func heading(of task: String) -> String {
        task.replacing("-", with: " ").capitalizingFirstLetter
    }
}
