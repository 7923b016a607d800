import ApusTensor

/// Where a transformer's layers normalise.
public enum NormOrder: String, Codable, Sendable, CaseIterable {
    /// After each sum, as in the first transformer and in BERT.
    case post
    /// Before attention and before the two linear maps: what passes by them isn't normalised.
    case pre
}

/// One transformer encoder layer with GELU.
///
/// Vaswani et al. 2017, section 3.1, as BERT has it (Devlin et al. 2019), post-norm:
/// x ← LN(x + dropout(attention(x))), x ← LN(x + dropout(W₂ dropout(gelu(W₁ x)))).
/// Xiong et al. 2020, On Layer Normalization in the Transformer Architecture, pre-norm:
/// x ← x + dropout(attention(LN(x))), x ← x + dropout(W₂ dropout(gelu(W₁ LN(x)))).
/// Parameters as in PyTorch's `nn.TransformerEncoderLayer`.
public final class TransformerEncoderLayer: Module {
    private let attention: MultiHeadAttention
    private let linear1: Linear
    private let linear2: Linear
    private let norm1: LayerNorm
    private let norm2: LayerNorm
    private let dropout: Double
    private let normOrder: NormOrder

    /// A transformer encoder layer with BERT's initial values: N(0, 0.02²), zero biases.
    ///
    /// - Parameters:
    ///   - width: D.
    ///   - headCount: The number of attention heads; it divides D.
    ///   - feedForwardWidth: The width between the two linear layers.
    ///   - dropout: The dropout probability of attention weights and of what is added to the stream.
    ///   - normOrder: Where the layer normalises.
    ///   - normEpsilon: What layer normalisation adds to the variance.
    ///   - gatesBias: Whether each frame says how much of the scores' bias it takes, as WavLM has it.
    ///   - seed: What the initial values depend on.
    public init(
        width: Int, headCount: Int, feedForwardWidth: Int, dropout: Double,
        normOrder: NormOrder = .post, normEpsilon: Double = 1e-12,
        gatesBias: Bool = false, seed: Seed
    ) {
        attention = MultiHeadAttention(
            width: width, headCount: headCount, dropout: dropout, gatesBias: gatesBias,
            seed: seed.derived("self_attn"))
        linear1 = Linear(
            inputWidth: width, outputWidth: feedForwardWidth, standardDeviation: 0.02,
            seed: seed.derived("linear1"))
        linear2 = Linear(
            inputWidth: feedForwardWidth, outputWidth: width, standardDeviation: 0.02,
            seed: seed.derived("linear2"))
        norm1 = LayerNorm(width: width, epsilon: normEpsilon)
        norm2 = LayerNorm(width: width, epsilon: normEpsilon)
        self.dropout = dropout
        self.normOrder = normOrder
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        attention.namedParameters(under: "self_attn") + linear1.namedParameters(under: "linear1")
            + linear2.namedParameters(under: "linear2") + norm1.namedParameters(under: "norm1")
            + norm2.namedParameters(under: "norm2")
    }

    /// The layer's output.
    ///
    /// - Parameters:
    ///   - input: (B, T, D).
    ///   - padding: (B, 1, 1, T), true at the frames beyond a recording's end; `nil` where there are none.
    ///   - bias: (heads, T, T), added to the scores of attention, or `nil` for none.
    ///   - rotary: What turns queries and keys, or `nil` for nothing.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, T, D).
    public func callAsFunction(
        _ input: Tensor, padding: Tensor?, bias: Tensor? = nil, rotary: RotaryPositions? = nil,
        draws: TrainingDraws?
    ) -> Tensor {
        func gathered(_ input: Tensor) -> Tensor {
            attention.gathered(input, padding: padding, bias: bias, rotary: rotary, draws: draws)
        }
        func hidden(_ input: Tensor) -> Tensor {
            linear1.geluDropout(input, dropout: dropout, draws)
        }
        switch normOrder {
        case .post:
            let middle = attention.outputProjection.normalizedSum(
                gathered(input), residual: input, norm: norm1, dropout: dropout, draws)
            return linear2.normalizedSum(
                hidden(middle), residual: middle, norm: norm2, dropout: dropout, draws)
        case .pre:
            let middle =
                input + attention.outputProjection(gathered(norm1(input))).dropout(dropout, draws)
            return middle + linear2(hidden(norm2(middle))).dropout(dropout, draws)
        }
    }
}
