import ApusMetrics
import ApusReport
import Foundation

// What a report shows of a classifier's training: the table, the course of the training, confusions,
// each class and reliability.
extension RunReport {
    static func sections(of run: ClassifierFolder) throws -> [Report.Section] {
        let details = try run.details()
        let results = try Results(contentsOf: URL(fileURLWithPath: run.path + "/results.json"))
        let table = ResultsTable(results, className: details.className, notes: details.notes)
        var sections = [
            Report.Section(heading(of: results.task), [.table(table.reportTable())])
        ]
        if let history = MetricsHistory(folder: run.path) {
            sections.append(course(history, step: details.step))
        }
        let confusion = try confusionMatrix(
            predictions: details.answers.predictions, targets: details.targets,
            classCount: details.classes.count)
        sections += classSections(
            of: details.answers.system, className: details.className, classes: details.classes,
            confusion: confusion.counts, results)
        if let section = try reliabilitySection([details.answers], targets: details.targets) {
            sections.append(section)
        }
        return sections
    }

    private static func course(_ history: MetricsHistory, step: Int) -> Report.Section {
        let size = ChartSize(width: 500, height: 310)
        var loss = LineChart(
            title: "Loss on the labels", xTitle: "step", yTitle: "nats",
            series: history.series("loss", as: "training", smoothing: 0.9)
                + history.series("validation/loss", as: "development part"))
        var accuracy = LineChart(
            title: "Accuracy on the development part", xTitle: "step", yTitle: "Accuracy (%)",
            series: history.series("validation/accuracy", as: "development part", scale: 100))
        if let place = history.points(of: "validation/accuracy").firstIndex(where: {
            Int($0.step) == step
        }) {
            accuracy.series[0].marked = place
        }
        (loss.size, accuracy.size) = (size, size)
        return Report.Section(
            "Training",
            [
                .figures([
                    .init(
                        name: loss.title,
                        caption:
                            "Of each step's batch, with what the options add to it, as a margin; "
                            + "on the development part the plain cross-entropy.",
                        svg: loss.svg()),
                    .init(
                        name: accuracy.title, caption: "A ring marks the step that was kept.",
                        svg: accuracy.svg()),
                ])
            ])
    }
}
