/// When a run is through, and how much of it is done.
package struct TrainingLimits {
    /// The number of steps that ends the run, or `nil` for none.
    package let steps: Int?
    /// The seconds of training that end the run, or `nil` for no number.
    let seconds: Double?
    /// Whether `training.steps` ends the run before the last of `training.epochs`.
    let cutsEpochs: Bool

    /// The limits of a configuration.
    ///
    /// - Parameters:
    ///   - training: The configuration.
    ///   - batchesPerEpoch: The batches in which each recording is seen once.
    package init(_ training: PretrainingConfiguration.Training, batchesPerEpoch: Int) {
        let (batches, overflows) = batchesPerEpoch.multipliedReportingOverflow(by: training.epochs)
        let byEpochs =
            training.epochs > 0
            ? overflows ? Int.max : (batches - 1) / training.accumulation + 1 : nil
        let bySteps = training.steps > 0 ? training.steps : nil
        steps = [byEpochs, bySteps].compactMap { $0 }.min()
        seconds = training.maximumMinutes > 0 ? 60 * training.maximumMinutes : nil
        cutsEpochs = steps != nil && byEpochs != nil && steps != byEpochs
    }

    /// The share of the run that is done with a step: the larger of those of steps and time.
    ///
    /// - Parameters:
    ///   - step: The step.
    ///   - trained: The seconds of training before it.
    /// - Returns: A share in 0...1.
    package func progress(step: Int, seconds trained: Double) -> Double {
        let ofSteps = steps.map { Double(step) / Double($0) } ?? 0
        let ofTime = seconds.map { trained / $0 } ?? 0
        return min(1, max(ofSteps, ofTime))
    }

    /// Which limit is reached, if one is.
    package func end(step: Int, seconds trained: Double) -> Pretrainer.End? {
        if let steps, step >= steps { return .steps }
        if let seconds, trained >= seconds { return .minutes }
        return nil
    }
}
