import ApusMetrics
import ApusReport

extension [Results.ClassRow] {
    /// The figures of each class where a recording has one.
    ///
    /// - Parameters:
    ///   - system: The system's name.
    ///   - classes: The classes.
    ///   - predictions: The predicted class of each test recording, as a position in `classes`.
    ///   - targets: The true class of each.
    /// - Returns: Recall, precision and F1 score of each class that has a test recording or was answered.
    /// - Throws: `MetricsError` without recordings.
    static func all(
        of system: String, classes: [String], predictions: [Int], targets: [Int]
    ) throws -> [Results.ClassRow] {
        let confusion = try confusionMatrix(
            predictions: predictions, targets: targets, classCount: classes.count)
        let scores = try fScores(
            predictions: predictions, targets: targets, classCount: classes.count)
        return classes.enumerated().compactMap { number, name in
            guard let score = scores.ofClasses[number] else { return nil }
            return Results.ClassRow(
                system: system, label: name, positives: confusion.trialCount(of: number),
                metrics: [
                    ProbeRun.MetricName.recall: confusion.recall(of: number) ?? .nan,
                    ProbeRun.MetricName.precision: confusion.precision(of: number) ?? .nan,
                    ProbeRun.MetricName.fScore: score,
                ])
        }
    }
}
