import ApusTensor

/// Normalisation over the channels of each frame by their unbiased deviation.
///
/// Rivière et al. 2020, Unsupervised Pretraining Transfers Well Across Languages, in place of batch
/// normalisation: y = w (x - mean) / √(variance + ε) + b, where the variance divides by C - 1.
public final class ChannelNorm: Module {
    /// (C), one at first.
    public let weight: Tensor
    /// (C), zero at first.
    public let bias: Tensor
    private let width: Int
    private let epsilon: Double

    /// A channel normalisation.
    ///
    /// - Parameters:
    ///   - width: C, at least 2.
    ///   - epsilon: What is added to the variance.
    public init(width: Int, epsilon: Double = 1e-5) {
        precondition(width > 1, "one channel has no unbiased variance")
        weight = parameter(Tensor(ones: [width]))
        bias = parameter(Tensor(zeros: [width]))
        self.width = width
        self.epsilon = epsilon
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        [("weight", weight), ("bias", bias)]
    }

    /// The layer's output.
    ///
    /// - Parameter input: (..., C).
    /// - Returns: (..., C).
    public func callAsFunction(_ input: Tensor) -> Tensor {
        let (factor, epsilon) = Self.asLayerNorm(width: width, epsilon: epsilon)
        return input.layerNorm(weight: weight * factor, bias: bias, epsilon: epsilon)
    }

    /// The same as layer normalisation: with another ε and a constant in the weight.
    ///
    /// With the biased variance v, C v / (C - 1) + ε = C / (C - 1) (v + ε (C - 1) / C).
    ///
    /// - Parameters:
    ///   - width: C.
    ///   - epsilon: What is added to the unbiased variance.
    /// - Returns: What the weight is multiplied by, and what is added to the biased variance.
    package static func asLayerNorm(
        width: Int, epsilon: Double = 1e-5
    ) -> (weightFactor: Double, epsilon: Double) {
        let share = Double(width - 1) / Double(width)
        return (share.squareRoot(), epsilon * share)
    }
}
