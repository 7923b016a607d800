import ApusTensor

/// A convolution over time, zero-padded at both ends.
public final class Conv1d: Module {
    /// (C out, C in / groups, kernel).
    public let weight: Tensor
    /// (C out), or `nil` for a layer without bias.
    public let bias: Tensor?
    /// From one output frame to the next, in input frames.
    public let stride: Int
    /// Zero frames put before and after.
    public let padding: Int
    private let kernelSize: Int
    private let groups: Int

    /// A convolution with PyTorch's initial values: uniform within
    /// ±1/√(C in / groups · kernel).
    ///
    /// - Parameters:
    ///   - inputChannels: C in.
    ///   - outputChannels: C out.
    ///   - kernelSize: The kernel's length in frames.
    ///   - stride: From one output frame to the next, in input frames.
    ///   - padding: Zero frames put before and after.
    ///   - groups: Into how many groups the channels fall that see nothing of each other; as many as
    ///     channels make a depthwise convolution.
    ///   - hasBias: Whether a bias is learned.
    ///   - seed: What the initial values depend on.
    public init(
        inputChannels: Int, outputChannels: Int, kernelSize: Int, stride: Int = 1,
        padding: Int = 0, groups: Int = 1, hasBias: Bool = true, seed: Seed
    ) {
        precondition(
            inputChannels % groups == 0 && outputChannels % groups == 0,
            "\(groups) groups of \(inputChannels) and \(outputChannels) channels")
        let groupChannels = inputChannels / groups
        let bound = 1 / Double(groupChannels * kernelSize).squareRoot()
        weight = parameter(
            Tensor(
                uniform: -bound...bound, shape: [outputChannels, groupChannels, kernelSize],
                seed: seed.derived("weight")))
        bias =
            hasBias
            ? parameter(
                Tensor(uniform: -bound...bound, shape: [outputChannels], seed: seed.derived("bias"))
            )
            : nil
        self.stride = stride
        self.padding = padding
        self.kernelSize = kernelSize
        self.groups = groups
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        [("weight", weight)] + (bias.map { [("bias", $0)] } ?? [])
    }

    /// The number of output frames for a number of input frames.
    ///
    /// - Parameter length: Input frames.
    /// - Returns: Output frames.
    public func outputLength(_ length: Int) -> Int {
        let slack = length + 2 * padding - kernelSize
        return slack < 0 ? 0 : slack / stride + 1
    }

    /// The layer's output.
    ///
    /// - Parameter input: (B, C in, T).
    /// - Returns: (B, C out, T out).
    public func callAsFunction(_ input: Tensor) -> Tensor {
        input.conv1d(weight: weight, bias: bias, stride: stride, padding: padding, groups: groups)
    }
}
