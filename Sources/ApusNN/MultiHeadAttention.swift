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
    private let headCount: Int
    private let dropout: Double

    /// Self-attention whose weights are drawn from a normal distribution, with zero biases.
    ///
    /// - Parameters:
    ///   - width: D.
    ///   - headCount: The number of heads; it divides D.
    ///   - dropout: The dropout probability of the attention weights.
    ///   - standardDeviation: The deviation of the initial weights.
    ///   - seed: What the initial values depend on.
    public init(
        width: Int, headCount: Int, dropout: Double, standardDeviation: Double = 0.02, seed: Seed
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
        self.headCount = headCount
        self.dropout = dropout
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        [("in_proj_weight", inputWeight), ("in_proj_bias", inputBias)]
            + outputProjection.namedParameters(under: "out_proj")
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
        let (B, T, D) = (input.shape[0], input.shape[1], input.shape[2])
        let d = D / headCount
        let projected = input.linear(weight: inputWeight, bias: inputBias)
            .reshaped(B, T, 3, headCount, d)
            .permuted(2, 0, 3, 1, 4)  // (3, B, heads, T, d)
        func part(_ index: Int) -> Tensor {
            projected.sliced(index..<index + 1, dimension: 0).reshaped(B, headCount, T, d)
        }
        var (query, key) = (part(0) * (1 / Double(d).squareRoot()), part(1))
        if let rotary { (query, key) = (rotary.rotated(query), rotary.rotated(key)) }
        var scores = query.matmul(key.transposed(-2, -1))  // (B, heads, T, T)
        if let bias { scores = scores + bias }
        if let padding { scores = scores.filled(where: padding, with: -.infinity) }
        let weights = scores.softmax(dimension: -1).dropout(dropout, draws)
        let gathered = weights.matmul(part(2))  // (B, heads, T, d)
            .transposed(1, 2).reshaped(B, T, D)
        return outputProjection(gathered)
    }
}
