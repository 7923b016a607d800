import ApusNN
import ApusTensor

extension PretrainingConfiguration.Optimizer {
    /// Refuses values that can't be used.
    ///
    /// - Parameter require: Gets whether a value can be used, its key and what is wrong.
    /// - Throws: What `require` throws.
    package func validate(_ require: (Bool, String, String) throws -> Void) throws {
        try require(
            rate > 0 && rate.isFinite, "optimizer.rate", "is \(rate), expected a positive number")
        try require(
            (0...1).contains(warmUp), "optimizer.warmUp",
            "is \(warmUp), expected a share of the run, 0 to 1")
        try require(
            decay != .noam || warmUp > 0, "optimizer.warmUp",
            "is 0, expected more with optimizer.decay: noam")
        for (key, value) in [("beta1", beta1), ("beta2", beta2), ("momentum", momentum)] {
            try require(
                (0..<1).contains(value), "optimizer." + key, "is \(value), expected 0 up to 1")
        }
        try require(clipNorm > 0, "optimizer.clipNorm", "expected a positive number")
        try require(
            epsilon > 0 && epsilon.isFinite, "optimizer.epsilon",
            "is \(epsilon), expected a positive number")
        try require(
            weightDecay >= 0 && weightDecay.isFinite, "optimizer.weightDecay",
            "is \(weightDecay), expected 0 or more")
    }

    /// What moves parameters.
    ///
    /// - Parameter parameters: What is moved.
    /// - Returns: The optimiser.
    package func make(
        for parameters: [(name: String, tensor: Tensor)]
    ) -> any ApusNN.Optimizer {
        switch kind {
        case .adamW:
            AdamW(parameters, betas: (beta1, beta2), epsilon: epsilon, weightDecay: weightDecay)
        case .lamb:
            LAMB(parameters, betas: (beta1, beta2), epsilon: epsilon, weightDecay: weightDecay)
        case .sgd: SGD(parameters, momentum: momentum, weightDecay: weightDecay)
        }
    }

    /// How the learning rate moves.
    package var schedule: LearningRateSchedule {
        LearningRateSchedule(peak: rate, warmUp: warmUp, decay: decay)
    }
}
