import ApusTensor

/// How much of a relative position's bias a frame takes, by what the frame is.
///
/// Chen et al. 2022, WavLM: Large-Scale Self-Supervised Pre-Training for Full Stack Speech Processing,
/// section III-A, as their code has it. With x the part of a frame that a head reads, of d numbers, and
/// (u, v) the sums of the first and the last four of the eight numbers W x + b:
///
///     g = σ(u) (σ(v) c - 1) + 2
///
/// with a number c of each head's; g times the bias of a distance is added to the score.
public final class RelativePositionGate: Module {
    /// d to 8, shared by the heads.
    private let linear: Linear
    /// (1, heads, 1, 1): c.
    private let scale: Tensor
    private let headCount: Int

    /// A gate with PyTorch's initial values, and one for c.
    ///
    /// - Parameters:
    ///   - headWidth: d.
    ///   - headCount: The number of heads.
    ///   - seed: What the initial values depend on.
    public init(headWidth: Int, headCount: Int, seed: Seed) {
        linear = Linear(inputWidth: headWidth, outputWidth: 8, seed: seed.derived("linear"))
        scale = parameter(Tensor(ones: [1, headCount, 1, 1]))
        self.headCount = headCount
    }

    /// The parameters with the names of `transformers`.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        [("gru_rel_pos_const", scale)] + linear.namedParameters(under: "gru_rel_pos_linear")
    }

    /// The gates of frames.
    ///
    /// - Parameter frames: (B, T, D), what attention reads.
    /// - Returns: (B, heads, T), in 32 bits.
    public func callAsFunction(_ frames: Tensor) -> Tensor {
        let (batch, count) = (frames.shape[0], frames.shape[1])
        let sums = linear(frames.reshaped(batch, count, headCount, -1)).cast(to: .float32)
            .reshaped(batch, count, headCount, 2, 4).sum(dimension: 4)  // (B, T, heads, 2)
        // σ(x) = (1 + tanh(x / 2)) / 2
        let gates = (sums * 0.5).hyperbolicTangent().scaled(by: 0.5, plus: 0.5)
        let first = gates.sliced(0..<1, dimension: 3)
        let second = gates.sliced(1..<2, dimension: 3) * scale.reshaped(1, 1, headCount, 1)
        return (first * (second + -1) + 2).reshaped(batch, count, headCount).transposed(1, 2)
    }
}
