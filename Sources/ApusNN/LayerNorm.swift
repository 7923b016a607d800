import ApusTensor

/// Layer normalisation over the last dimension.
///
/// Ba, Kiros and Hinton 2016, Layer Normalization.
public final class LayerNorm: Module {
    /// (D), one at first.
    public let weight: Tensor
    /// (D), zero at first.
    public let bias: Tensor
    /// What is added to the variance.
    public let epsilon: Double

    /// A layer normalisation.
    ///
    /// - Parameters:
    ///   - width: D.
    ///   - epsilon: What is added to the variance.
    public init(width: Int, epsilon: Double = 1e-5) {
        weight = parameter(Tensor(ones: [width]))
        bias = parameter(Tensor(zeros: [width]))
        self.epsilon = epsilon
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        [("weight", weight), ("bias", bias)]
    }

    /// The layer's output.
    ///
    /// - Parameter input: (..., D).
    /// - Returns: (..., D).
    public func callAsFunction(_ input: Tensor) -> Tensor {
        input.layerNorm(weight: weight, bias: bias, epsilon: epsilon)
    }
}
