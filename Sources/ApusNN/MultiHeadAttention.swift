import ApusTensor

/// Multi-head self-attention over the frames of a recording.
///
/// Vaswani et al. 2017, Attention Is All You Need, section 3.2:
/// softmax(Q Kᵀ / √d) V for each head. Parameters as in PyTorch's `nn.MultiheadAttention`.
public final class MultiHeadAttention: Module {
    /// (3D, D): the query, key and value projections one above the other.
    public let inputWeight: Tensor
    /// (3D).
    public let inputBias: Tensor
    /// D to D.
    public let outputProjection: Linear
    private let gate: RelativePositionGate?
    private let headCount: Int
    private let dropout: Double

    /// Self-attention whose weights are drawn from a normal distribution, with zero biases.
    ///
    /// - Parameters:
    ///   - width: D.
    ///   - headCount: The number of heads; it divides D.
    ///   - dropout: The dropout probability of the attention weights.
    ///   - standardDeviation: The deviation of the initial weights.
    ///   - gatesBias: Whether each frame says how much of the bias it takes, as WavLM has it.
    ///   - seed: What the initial values depend on.
    public init(
        width: Int, headCount: Int, dropout: Double, standardDeviation: Double = 0.02,
        gatesBias: Bool = false, seed: Seed
    ) {
        precondition(width % headCount == 0, "\(headCount) heads do not divide a width of \(width)")
        inputWeight = parameter(
            Tensor(
                normal: 0, standardDeviation: standardDeviation, shape: [3 * width, width],
                seed: seed.derived("in_proj_weight")))
        inputBias = parameter(Tensor(zeros: [3 * width]))
        outputProjection = Linear(
            inputWidth: width, outputWidth: width, standardDeviation: standardDeviation,
            seed: seed.derived("out_proj"))
        gate =
            gatesBias
            ? RelativePositionGate(
                headWidth: width / headCount, headCount: headCount, seed: seed.derived("gate"))
            : nil
        self.headCount = headCount
        self.dropout = dropout
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        [("in_proj_weight", inputWeight), ("in_proj_bias", inputBias)]
            + outputProjection.namedParameters(under: "out_proj")
            + (gate?.namedParameters ?? [])
    }

    /// What each frame gathers from the others.
    ///
    /// - Parameters:
    ///   - input: (B, T, D).
    ///   - padding: (B, 1, 1, T), true at the frames beyond a recording's end; `nil` where there are none.
    ///   - bias: (heads, T, T), added to the scores, or `nil` for none.
    ///   - rotary: What turns queries and keys, or `nil` for nothing.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, T, D).
    public func callAsFunction(
        _ input: Tensor, padding: Tensor?, bias: Tensor? = nil, rotary: RotaryPositions? = nil,
        draws: TrainingDraws?
    ) -> Tensor {
        outputProjection(
            gathered(input, padding: padding, bias: bias, rotary: rotary, draws: draws))
    }

    /// What the heads gather, before the output projection.
    ///
    /// - Parameters:
    ///   - input: (B, T, D).
    ///   - padding: (B, 1, 1, T), true at the frames beyond a recording's end; `nil` where there are none.
    ///   - bias: (heads, T, T), added to the scores, or `nil` for none.
    ///   - rotary: What turns queries and keys, or `nil` for nothing.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, T, D).
    func gathered(
        _ input: Tensor, padding: Tensor?, bias: Tensor?, rotary: RotaryPositions?,
        draws: TrainingDraws?
    ) -> Tensor {
        var projected = input.linear(weight: inputWeight, bias: inputBias)  // (B, T, 3D)
        if let rotary { projected = turned(projected, by: rotary) }
        let draw = DropoutDraw(dropout, draws)
        return projected.attention(
            headCount: headCount, padding: padding, bias: bias,
            gates: bias == nil ? nil : gate?(input), probability: draw.probability,
            seed: draw.seed, rows: draw.rows)
    }

    /// Projected frames (B, T, 3D) whose queries and keys are turned.
    private func turned(_ projected: Tensor, by rotary: RotaryPositions) -> Tensor {
        let (B, T, D) = (projected.shape[0], projected.shape[1], projected.shape[2] / 3)
        let byHead = projected.sliced(0..<2 * D, dimension: 2)
            .reshaped(B, T, 2 * headCount, D / headCount).transposed(1, 2)
        let turned = rotary.rotated(byHead).transposed(1, 2).reshaped(B, T, 2 * D)
        let values = projected.sliced(2 * D..<3 * D, dimension: 2).cast(to: turned.type)
        return .concatenated([turned, values], dimension: 2)
    }
}
