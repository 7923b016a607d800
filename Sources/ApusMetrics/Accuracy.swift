/// The fraction of predictions that equal their targets.
///
/// - Parameters:
///   - predictions: The predicted class of each trial.
///   - targets: The true class of each trial, in the same order.
/// - Returns: A value in `0...1`.
/// - Throws: `MetricsError.tooFew` without trials, `.countMismatch` where the lists differ in length.
public func accuracy<Class: Equatable>(predictions: [Class], targets: [Class]) throws -> Double {
    try requireCount(targets.count, atLeast: 1, "targets")
    guard predictions.count == targets.count else {
        throw MetricsError.countMismatch(
            what: "predictions", expected: targets.count, found: predictions.count)
    }
    let correct = zip(predictions, targets).count { $0 == $1 }
    return Double(correct) / Double(targets.count)
}

/// The mean, over the classes that occur among the targets, of each class's recall.
///
/// A class that no target names has no recall and does not enter the mean.
///
/// - Parameters:
///   - predictions: The predicted class of each trial, in `0..<classCount`.
///   - targets: The true class of each trial, in the same order.
///   - classCount: The number of classes.
/// - Returns: A value in `0...1`.
/// - Throws: `MetricsError.tooFew`, `.countMismatch` or `.classOutOfRange`.
public func balancedAccuracy(
    predictions: [Int], targets: [Int], classCount: Int
) throws -> Double {
    let confusion = try confusionMatrix(
        predictions: predictions, targets: targets, classCount: classCount)
    let recalls = (0..<classCount).compactMap { confusion.recall(of: $0) }
    return recalls.reduce(0, +) / Double(recalls.count)
}
