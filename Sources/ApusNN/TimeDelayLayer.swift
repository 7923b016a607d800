import ApusTensor

/// A convolution over frames some way apart, the nonlinearity and batch normalisation.
///
///     y_t = BN(relu(b + Σ_k W_k x_{t + (k - K/2) d}))
///
/// Frames before a recording's start and beyond its end are zero, so that there are as many frames
/// after as before; Snyder's time-delay layers give fewer instead, and fail on short recordings.
///
/// ## References
/// Peddinti, Povey and Khudanpur 2015, A time delay neural network architecture for efficient modeling
/// of long temporal contexts; Snyder et al. 2018, X-Vectors.
public final class TimeDelayLayer: Module {
    /// (C out, C in, K), in PyTorch's layout.
    public let weight: Tensor
    /// (C out).
    public let bias: Tensor
    private let norm: BatchNorm
    private let kernelSize: Int
    private let dilation: Int

    /// A layer with PyTorch's initial values.
    ///
    /// - Parameters:
    ///   - inputWidth: C in.
    ///   - outputWidth: C out.
    ///   - kernelSize: K, odd.
    ///   - dilation: d, from one frame that is seen to the next.
    ///   - seed: What the initial values depend on.
    public init(
        inputWidth: Int, outputWidth: Int, kernelSize: Int = 1, dilation: Int = 1, seed: Seed
    ) {
        precondition(kernelSize % 2 == 1, "a kernel of \(kernelSize) frames has no middle")
        let bound = 1 / Double(inputWidth * kernelSize).squareRoot()
        weight = parameter(
            Tensor(
                uniform: -bound...bound, shape: [outputWidth, inputWidth, kernelSize],
                seed: seed.derived("weight")))
        bias = parameter(
            Tensor(uniform: -bound...bound, shape: [outputWidth], seed: seed.derived("bias")))
        norm = BatchNorm(width: outputWidth)
        self.kernelSize = kernelSize
        self.dilation = dilation
    }

    /// The parameters: PyTorch's of a convolution and of a batch normalisation.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        [("conv.weight", weight), ("conv.bias", bias)] + norm.namedParameters(under: "norm")
    }

    /// The batch normalisation's running figures.
    public var namedBuffers: [(name: String, tensor: Tensor)] { norm.namedBuffers(under: "norm") }

    /// The layer's output.
    ///
    /// - Parameters:
    ///   - input: (B, T, C in).
    ///   - lengths: Each recording's frames.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, T, C out).
    public func callAsFunction(
        _ input: Tensor, lengths: [Int], draws: TrainingDraws?
    ) -> Tensor {
        let sums = spliced(input.masked(lengths: lengths)).linear(
            weight: flatWeight, bias: bias)
        return norm(sums.relu(), lengths: lengths, draws: draws)
    }

    /// (C out, C in, K) -> (C out, K · C in).
    private var flatWeight: Tensor {
        let shape = weight.shape
        return weight.permuted(0, 2, 1).reshaped(shape[0], shape[1] * shape[2])
    }

    /// The frames that each frame's output depends on, one beside the other: (B, T, K · C in).
    private func spliced(_ input: Tensor) -> Tensor {
        guard kernelSize > 1 else { return input }
        let (batch, frames, width) = (input.shape[0], input.shape[1], input.shape[2])
        let reach = kernelSize / 2 * dilation
        let edge = Tensor(zeros: [batch, reach, width])
        let padded = Tensor.concatenated([edge, input, edge], dimension: 1)
        return Tensor.concatenated(
            (0..<kernelSize).map { index in
                padded.sliced(index * dilation..<index * dilation + frames, dimension: 1)
            }, dimension: 2)
    }
}

extension Module {
    /// The buffers with a prefix before their names, as a containing module lists them.
    ///
    /// - Parameter prefix: The name of this module inside the containing one.
    /// - Returns: The buffers, named `prefix.name`.
    public func namedBuffers(under prefix: String) -> [(name: String, tensor: Tensor)] {
        namedBuffers.map { ("\(prefix).\($0.name)", $0.tensor) }
    }
}
