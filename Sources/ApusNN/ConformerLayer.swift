import ApusTensor

/// One conformer layer: attention and a convolution between two half steps of linear maps.
///
/// Gulati et al. 2020, Conformer: Convolution-augmented Transformer for Speech Recognition,
/// section 2:
///
///     x ← x + ½ FFN₁(x)
///     x ← x + dropout(attention(LN(x)))
///     x ← x + convolution(x)
///     x ← LN(x + ½ FFN₂(x))
///
///     FFN(x) = dropout(W₂ dropout(silu(W₁ LN(x))))
///     convolution(x) = dropout(P₂ silu(norm(depthwise(mask · glu(P₁ LN(x))))))
///
/// Parameters as in torchaudio's `ConformerLayer`. Deviations from the paper:
/// - The convolution's norm is layer normalisation over the channels of each frame. Batch
///   normalisation, and torchaudio's group normalisation over a recording's frames, would make a frame
///   depend on what shares its batch.
/// - What lies beyond a recording's end is zero when the depthwise convolution reads it.
/// - Attention is told of positions as in a transformer here: by rotations of queries and keys or by
///   a bias of the scores, in place of Transformer-XL's.
public final class ConformerLayer: Module {
    private let feedForward1: FeedForward
    private let attentionNorm: LayerNorm
    private let attention: MultiHeadAttention
    private let convolution: ConvolutionModule
    private let feedForward2: FeedForward
    private let finalNorm: LayerNorm
    private let dropout: Double

    /// A conformer layer; linear maps and convolutions begin as PyTorch's, attention with N(0, 0.02²).
    ///
    /// - Parameters:
    ///   - width: D.
    ///   - headCount: The number of attention heads; it divides D.
    ///   - feedForwardWidth: The width between the two linear maps of a half step.
    ///   - kernelSize: The length of the depthwise convolution in frames, odd.
    ///   - dropout: The dropout probability everywhere.
    ///   - seed: What the initial values depend on.
    public init(
        width: Int, headCount: Int, feedForwardWidth: Int, kernelSize: Int, dropout: Double,
        seed: Seed
    ) {
        feedForward1 = FeedForward(
            width: width, hiddenWidth: feedForwardWidth, dropout: dropout,
            seed: seed.derived("ffn1"))
        attentionNorm = LayerNorm(width: width)
        attention = MultiHeadAttention(
            width: width, headCount: headCount, dropout: dropout, seed: seed.derived("self_attn"))
        convolution = ConvolutionModule(
            width: width, kernelSize: kernelSize, dropout: dropout,
            seed: seed.derived("conv_module"))
        feedForward2 = FeedForward(
            width: width, hiddenWidth: feedForwardWidth, dropout: dropout,
            seed: seed.derived("ffn2"))
        finalNorm = LayerNorm(width: width)
        self.dropout = dropout
    }

    /// The parameters with torchaudio's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        feedForward1.namedParameters(under: "ffn1")
            + attentionNorm.namedParameters(under: "self_attn_layer_norm")
            + attention.namedParameters(under: "self_attn")
            + convolution.namedParameters(under: "conv_module")
            + feedForward2.namedParameters(under: "ffn2")
            + finalNorm.namedParameters(under: "final_layer_norm")
    }

    /// The layer's output.
    ///
    /// - Parameters:
    ///   - input: (B, T, D).
    ///   - mask: (B, T, 1), one at a recording's frames and zero beyond; `nil` where none is padded.
    ///   - padding: (B, 1, 1, T), true at the frames beyond a recording's end; `nil` where there are none.
    ///   - bias: (heads, T, T), added to the scores of attention, or `nil` for none.
    ///   - rotary: What turns queries and keys, or `nil` for nothing.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, T, D).
    public func callAsFunction(
        _ input: Tensor, mask: Tensor?, padding: Tensor?, bias: Tensor? = nil,
        rotary: RotaryPositions? = nil, draws: TrainingDraws?
    ) -> Tensor {
        var frames = input + feedForward1(input, draws: draws) * 0.5
        let attended = attention(
            attentionNorm(frames), padding: padding, bias: bias, rotary: rotary, draws: draws)
        frames = frames + attended.dropout(dropout, draws)
        frames = frames + convolution(frames, mask: mask, draws: draws)
        return finalNorm(frames + feedForward2(frames, draws: draws) * 0.5)
    }
}

/// LN, a linear map, Swish and a linear map back.
private final class FeedForward: Module {
    private let norm: LayerNorm
    private let linear1: Linear
    private let linear2: Linear
    private let dropout: Double

    init(width: Int, hiddenWidth: Int, dropout: Double, seed: Seed) {
        norm = LayerNorm(width: width)
        linear1 = Linear(
            inputWidth: width, outputWidth: hiddenWidth, seed: seed.derived("linear1"))
        linear2 = Linear(
            inputWidth: hiddenWidth, outputWidth: width, seed: seed.derived("linear2"))
        self.dropout = dropout
    }

    var namedParameters: [(name: String, tensor: Tensor)] {
        norm.namedParameters(under: "sequential.0")
            + linear1.namedParameters(under: "sequential.1")
            + linear2.namedParameters(under: "sequential.4")
    }

    func callAsFunction(_ input: Tensor, draws: TrainingDraws?) -> Tensor {
        linear2(linear1(norm(input)).silu().dropout(dropout, draws)).dropout(dropout, draws)
    }
}

/// LN, a gated pointwise convolution, a depthwise one, a norm, Swish and a pointwise one.
private final class ConvolutionModule: Module {
    private let norm: LayerNorm
    private let pointwise1: Conv1d
    private let depthwise: Conv1d
    private let depthwiseNorm: LayerNorm
    private let pointwise2: Conv1d
    private let dropout: Double

    init(width: Int, kernelSize: Int, dropout: Double, seed: Seed) {
        precondition(kernelSize % 2 == 1, "a kernel of \(kernelSize) frames has no middle")
        norm = LayerNorm(width: width)
        pointwise1 = Conv1d(
            inputChannels: width, outputChannels: 2 * width, kernelSize: 1,
            seed: seed.derived("pointwise1"))
        depthwise = Conv1d(
            inputChannels: width, outputChannels: width, kernelSize: kernelSize,
            padding: (kernelSize - 1) / 2, groups: width, seed: seed.derived("depthwise"))
        depthwiseNorm = LayerNorm(width: width)
        pointwise2 = Conv1d(
            inputChannels: width, outputChannels: width, kernelSize: 1,
            seed: seed.derived("pointwise2"))
        self.dropout = dropout
    }

    var namedParameters: [(name: String, tensor: Tensor)] {
        norm.namedParameters(under: "layer_norm")
            + pointwise1.namedParameters(under: "sequential.0")
            + depthwise.namedParameters(under: "sequential.2")
            + depthwiseNorm.namedParameters(under: "sequential.3")
            + pointwise2.namedParameters(under: "sequential.5")
    }

    func callAsFunction(_ input: Tensor, mask: Tensor?, draws: TrainingDraws?) -> Tensor {
        var gated = pointwise1(norm(input).transposed(1, 2)).gatedLinear(dimension: 1)
        if let mask { gated = gated * mask.transposed(1, 2) }  // (B, D, T)
        let convolved = depthwiseNorm(depthwise(gated).transposed(1, 2)).silu()  // (B, T, D)
        return pointwise2(convolved.transposed(1, 2)).transposed(1, 2).dropout(dropout, draws)
    }
}
