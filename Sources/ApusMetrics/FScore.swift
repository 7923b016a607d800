/// The F1 score of each class and their mean.
public struct FScores: Hashable, Sendable {
    /// 2 TP / (2 TP + FP + FN) of each class; `nil` for a class that is neither a target nor predicted.
    public var ofClasses: [Double?]
    /// The mean over the classes that have a score.
    public var macro: Double
}

/// The F1 score of each class, and the macro F1 score.
///
/// A class that no target names but some prediction does has the score 0 and enters the mean, as with
/// scikit-learn's labels taken from both lists.
///
/// - Parameters:
///   - predictions: The predicted class of each trial, in `0..<classCount`.
///   - targets: The true class of each trial, in the same order.
///   - classCount: The number of classes.
/// - Returns: The scores, in `0...1`.
/// - Throws: `MetricsError.tooFew`, `.countMismatch` or `.classOutOfRange`.
public func fScores(
    predictions: [Int], targets: [Int], classCount: Int
) throws -> FScores {
    let confusion = try confusionMatrix(
        predictions: predictions, targets: targets, classCount: classCount)
    let scores = (0..<classCount).map { number -> Double? in
        let both = confusion.trialCount(of: number) + confusion.predictionCount(of: number)
        return both == 0 ? nil : 2 * Double(confusion[number, number]) / Double(both)
    }
    let found = scores.compactMap(\.self)
    return FScores(ofClasses: scores, macro: found.reduce(0, +) / Double(found.count))
}
