import ApusTensor

/// Batch normalisation of each channel over the frames of all recordings of a batch.
///
///     y = w (x - μ) / √(v + ε) + b
///
/// In training μ and v are those of the batch's own frames, padding left out, and move the running
/// figures a tenth of the way (the unbiased variance, as PyTorch does); in evaluation they are the
/// running figures, so that nothing depends on what shares the batch. The same as PyTorch's
/// `BatchNorm1d` on the frames in one row, of which it knows no padding.
///
/// ## Reference
/// Ioffe and Szegedy 2015, Batch Normalization.
public final class BatchNorm: Module {
    /// (C), one at first.
    public let weight: Tensor
    /// (C), zero at first.
    public let bias: Tensor
    private let runningMean: Tensor
    private let runningVariance: Tensor
    private let epsilon: Double
    private let momentum: Double

    /// A batch normalisation.
    ///
    /// - Parameters:
    ///   - width: C.
    ///   - epsilon: What is added to the variance.
    ///   - momentum: How far the running figures move in a step.
    public init(width: Int, epsilon: Double = 1e-5, momentum: Double = 0.1) {
        weight = parameter(Tensor(ones: [width]))
        bias = parameter(Tensor(zeros: [width]))
        runningMean = Tensor(zeros: [width])
        runningVariance = Tensor(ones: [width])
        self.epsilon = epsilon
        self.momentum = momentum
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        [("weight", weight), ("bias", bias)]
    }

    /// The running figures with PyTorch's names.
    public var namedBuffers: [(name: String, tensor: Tensor)] {
        [("running_mean", runningMean), ("running_var", runningVariance)]
    }

    /// The layer's output on frames.
    ///
    /// - Parameters:
    ///   - input: (B, T, C).
    ///   - lengths: Each recording's frames.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, T, C).
    public func callAsFunction(
        _ input: Tensor, lengths: [Int], draws: TrainingDraws?
    ) -> Tensor {
        var (mean, variance) = (runningMean, runningVariance)
        if draws != nil {
            let count = Double(lengths.reduce(0, +))
            // (B, T, C) -> (C)
            func batchMean(_ values: Tensor) -> Tensor {
                values.masked(lengths: lengths).sum(dimension: 1).sum(dimension: 0)
                    * (1 / count)
            }
            mean = batchMean(input)
            let differences = input - mean
            variance = batchMean(differences * differences)
            withoutGradients {
                move(
                    [runningMean, runningVariance],
                    towards: [
                        mean.detached(), variance.detached() * (count / max(count - 1, 1)),
                    ], share: momentum)
            }
        }
        return (input - mean) / (variance + epsilon).squareRoot() * weight + bias
    }

    /// The layer's output on vectors.
    ///
    /// - Parameters:
    ///   - input: (B, C).
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, C).
    public func callAsFunction(_ input: Tensor, draws: TrainingDraws?) -> Tensor {
        let (batch, width) = (input.shape[0], input.shape[1])
        return self(
            input.reshaped(batch, 1, width),
            lengths: [Int](repeating: 1, count: batch), draws: draws
        ).reshaped(batch, width)
    }
}
