/// How often each true class was taken for each predicted class.
public struct ConfusionMatrix: Hashable, Sendable {
    /// The number of classes.
    public let classCount: Int
    /// The counts, row-major: row = true class, column = predicted class.
    public private(set) var counts: [Int]

    /// Makes a matrix of zeros.
    ///
    /// - Parameter classCount: The number of classes.
    public init(classCount: Int) {
        precondition(classCount > 0, "a confusion matrix needs at least one class")
        self.classCount = classCount
        counts = [Int](repeating: 0, count: classCount * classCount)
    }

    /// The number of trials of class `target` that were predicted as class `prediction`.
    ///
    /// - Parameters:
    ///   - target: The true class, the row.
    ///   - prediction: The predicted class, the column.
    public subscript(target: Int, prediction: Int) -> Int {
        precondition(target >= 0 && target < classCount, "true class out of range")
        precondition(prediction >= 0 && prediction < classCount, "predicted class out of range")
        return counts[target * classCount + prediction]
    }

    /// The number of trials of one true class.
    ///
    /// - Parameter target: The true class.
    /// - Returns: The sum of that class's row.
    public func trialCount(of target: Int) -> Int {
        precondition(target >= 0 && target < classCount, "true class out of range")
        return counts[(target * classCount)..<((target + 1) * classCount)].reduce(0, +)
    }

    /// The fraction of one true class's trials that were predicted as that class.
    ///
    /// - Parameter target: The true class.
    /// - Returns: A value in `0...1`, or nil where no trial has that class.
    public func recall(of target: Int) -> Double? {
        let total = trialCount(of: target)
        return total == 0 ? nil : Double(self[target, target]) / Double(total)
    }

    /// The number of trials that were predicted as one class.
    ///
    /// - Parameter prediction: The predicted class.
    /// - Returns: The sum of that class's column.
    public func predictionCount(of prediction: Int) -> Int {
        (0..<classCount).reduce(0) { $0 + self[$1, prediction] }
    }

    /// The fraction of the trials predicted as one class that have it.
    ///
    /// - Parameter prediction: The predicted class.
    /// - Returns: A value in `0...1`, or nil where no trial was predicted as that class.
    public func precision(of prediction: Int) -> Double? {
        let total = predictionCount(of: prediction)
        return total == 0 ? nil : Double(self[prediction, prediction]) / Double(total)
    }

    mutating func add(target: Int, prediction: Int) {
        counts[target * classCount + prediction] += 1
    }
}

/// Counts how often each true class was taken for each predicted class.
///
/// - Parameters:
///   - predictions: The predicted class of each trial, in `0..<classCount`.
///   - targets: The true class of each trial, in the same order.
///   - classCount: The number of classes.
/// - Returns: The counts; rows are true classes, columns predicted ones.
/// - Throws: `MetricsError.tooFew` without trials, `.countMismatch` where the lists differ in
///   length, `.classOutOfRange` where a class lies outside `0..<classCount`.
public func confusionMatrix(
    predictions: [Int], targets: [Int], classCount: Int
) throws -> ConfusionMatrix {
    try requireCount(targets.count, atLeast: 1, "targets")
    guard predictions.count == targets.count else {
        throw MetricsError.countMismatch(
            what: "predictions", expected: targets.count, found: predictions.count)
    }
    for (what, classes) in [("predictions", predictions), ("targets", targets)] {
        for (index, found) in classes.enumerated() where found < 0 || found >= classCount {
            throw MetricsError.classOutOfRange(
                what: what, index: index, found: found, classCount: classCount)
        }
    }
    var confusion = ConfusionMatrix(classCount: classCount)
    for (prediction, target) in zip(predictions, targets) {
        confusion.add(target: target, prediction: prediction)
    }
    return confusion
}
