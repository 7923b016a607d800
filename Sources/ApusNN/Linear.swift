import ApusTensor

/// y = x Wᵀ + b over the last dimension.
public final class Linear: Module {
    /// (D out, D in).
    public let weight: Tensor
    /// (D out), or `nil` for a layer without bias.
    public let bias: Tensor?

    /// A linear layer with PyTorch's initial values: uniform within ±1/√D in.
    ///
    /// - Parameters:
    ///   - inputWidth: D in.
    ///   - outputWidth: D out.
    ///   - hasBias: Whether b is learned.
    ///   - seed: What the initial values depend on.
    public init(inputWidth: Int, outputWidth: Int, hasBias: Bool = true, seed: Seed) {
        let bound = 1 / Double(inputWidth).squareRoot()
        weight = parameter(
            Tensor(
                uniform: -bound...bound, shape: [outputWidth, inputWidth],
                seed: seed.derived("weight")))
        bias =
            hasBias
            ? parameter(
                Tensor(uniform: -bound...bound, shape: [outputWidth], seed: seed.derived("bias")))
            : nil
    }

    /// A linear layer whose weight is drawn from a normal distribution and whose bias is zero.
    ///
    /// - Parameters:
    ///   - inputWidth: D in.
    ///   - outputWidth: D out.
    ///   - standardDeviation: The deviation of the initial weight, 0.02 in BERT.
    ///   - seed: What the initial values depend on.
    public init(inputWidth: Int, outputWidth: Int, standardDeviation: Double, seed: Seed) {
        weight = parameter(
            Tensor(
                normal: 0, standardDeviation: standardDeviation, shape: [outputWidth, inputWidth],
                seed: seed.derived("weight")))
        bias = parameter(Tensor(zeros: [outputWidth]))
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        [("weight", weight)] + (bias.map { [("bias", $0)] } ?? [])
    }

    /// The layer's output.
    ///
    /// - Parameter input: (..., D in).
    /// - Returns: (..., D out).
    public func callAsFunction(_ input: Tensor) -> Tensor {
        input.linear(weight: weight, bias: bias)
    }
}
