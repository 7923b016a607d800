import ApusTensor

/// The random draws of one training step; its absence (`nil`) means evaluation.
///
/// Each draw gets a seed of its own, derived from the step's seed and the number of draws before it
/// in the same forward pass.
public final class TrainingDraws {
    private let seed: Seed
    private var drawn = 0
    /// The place of each recording among those of a whole batch; `nil` where the batch is whole.
    let rows: [Int]?

    /// The draws of one step.
    ///
    /// - Parameters:
    ///   - seed: The step's seed.
    ///   - rows: The place of each recording among those of a whole batch, so that its draws are the
    ///     same whichever of them are computed together; `nil` where the batch is whole.
    public init(seed: Seed, rows: [Int]? = nil) {
        self.seed = seed
        self.rows = rows
    }

    /// The next draw's seed.
    ///
    /// - Returns: A seed that no other draw of this step has.
    public func next() -> Seed {
        drawn += 1
        return seed.derived(drawn)
    }
}

/// Whether dropout drops anything.
public enum Dropout {
    @TaskLocal static var isOn = true

    /// Computes an objective as in evaluation: its draws stay, and dropout drops nothing.
    ///
    /// - Parameter body: What is computed.
    /// - Returns: What `body` returns.
    public static func withoutAny<Result>(_ body: () throws -> Result) rethrows -> Result {
        try $isOn.withValue(false, operation: body)
    }
}

/// One draw of dropout for an operation that drops as part of what it does.
struct DropoutDraw {
    /// Zero where nothing is dropped.
    let probability: Double
    let seed: Seed
    /// The place of each recording in a whole batch.
    let rows: [Int]?

    /// The next draw in training, and none in evaluation.
    ///
    /// - Parameters:
    ///   - probability: The share of elements set to zero.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    init(_ probability: Double, _ draws: TrainingDraws?) {
        let isDrawn = probability > 0 && Dropout.isOn
        self.probability = draws != nil && isDrawn ? probability : 0
        seed = isDrawn ? draws?.next() ?? Seed(0) : Seed(0)
        rows = draws?.rows
    }
}

extension Tensor {
    /// Dropout in training, and the tensor itself in evaluation.
    ///
    /// - Parameters:
    ///   - probability: The share of elements set to zero.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: A tensor of the same shape.
    public func dropout(_ probability: Double, _ draws: TrainingDraws?) -> Tensor {
        guard let draws, probability > 0, Dropout.isOn else { return self }
        return dropout(probability: probability, seed: draws.next(), rows: draws.rows)
    }
}
