// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusTensor

/// One transformer layer in which a frame attends to itself and to the frames before it.
///
/// Vaswani et al. 2017, section 3.1, after its norms, with learned relative positions in the keys
/// (Shaw et al. 2018, Self-Attention with Relative Position Representations), as the prediction
/// networks of CPC_audio (Rivière et al. 2020) have them:
///
///   a_ij = softmax over j ≤ i of q_i · (k_j + p_{i - j}) / √d
///   y = LN(x + W_o dropout(a) v),  LN(y + W₂ dropout(relu(W₁ y)))
///
/// The projections of the attention have no bias, and the heads share p.
///
/// Deviation: CPC_audio has a position for each frame of a window of fixed length. Here there are L
/// positions, and lags of L - 1 and more share the last, so that recordings may be of any length.
public final class CausalTransformerLayer: Module {
    /// How a layer is built, but for its width.
    public struct Configuration: Codable, Hashable, Sendable {
        /// The number of attention heads; it divides the width.
        public var headCount = 8
        /// The width between the two linear maps.
        public var feedForwardWidth = 2048
        /// The dropout probability of attention weights and of the feed-forward part.
        public var dropout = 0.1
        /// L, the number of learned positions: frames back, the frame itself counted.
        public var positionCount = 128

        /// CPC_audio's sizes.
        public init() {}

        /// What can't be built, in words that name the key.
        ///
        /// - Parameter width: D of the layer.
        /// - Returns: The first problem found, or `nil`.
        public func problem(width: Int) -> String? {
            if headCount < 1 || width % headCount != 0 {
                return "headCount is \(headCount), expected a divisor of the width \(width)"
            }
            if feedForwardWidth < 1 {
                return "feedForwardWidth is \(feedForwardWidth), expected at least 1"
            }
            if !(0..<1).contains(dropout) { return "dropout is \(dropout), expected 0 up to 1" }
            if positionCount < 1 {
                return "positionCount is \(positionCount), expected at least 1"
            }
            return nil
        }
    }

    /// (3D, D): the query, key and value projections one above the other.
    private let inputWeight: Tensor
    /// (L, d): what is added to a key, by the frames from it to the query.
    private let relativePositions: Tensor
    private let outputProjection: Linear
    private let linear1: Linear
    private let linear2: Linear
    private let norm1: LayerNorm
    private let norm2: LayerNorm
    private let configuration: Configuration

    /// A layer with PyTorch's initial values of linear layers; positions are uniform within ±1/√d.
    ///
    /// - Parameters:
    ///   - configuration: How it is built.
    ///   - width: D.
    ///   - seed: What the initial values depend on.
    public init(_ configuration: Configuration, width: Int, seed: Seed) {
        precondition(configuration.problem(width: width) == nil, "a layer that can be built")
        self.configuration = configuration
        let bound = 1 / Double(width).squareRoot()
        inputWeight = parameter(
            Tensor(
                uniform: -bound...bound, shape: [3 * width, width],
                seed: seed.derived("self_attn.in_proj_weight")))
        let d = width / configuration.headCount
        let positionBound = 1 / Double(d).squareRoot()
        relativePositions = parameter(
            Tensor(
                uniform: -positionBound...positionBound, shape: [configuration.positionCount, d],
                seed: seed.derived("self_attn.relative_positions")))
        outputProjection = Linear(
            inputWidth: width, outputWidth: width, hasBias: false,
            seed: seed.derived("self_attn.out_proj"))
        linear1 = Linear(
            inputWidth: width, outputWidth: configuration.feedForwardWidth,
            seed: seed.derived("linear1"))
        linear2 = Linear(
            inputWidth: configuration.feedForwardWidth, outputWidth: width,
            seed: seed.derived("linear2"))
        norm1 = LayerNorm(width: width)
        norm2 = LayerNorm(width: width)
    }

    /// The parameters with the names of PyTorch's `nn.TransformerEncoderLayer`.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        [
            ("self_attn.in_proj_weight", inputWeight),
            ("self_attn.relative_positions", relativePositions),
        ] + outputProjection.namedParameters(under: "self_attn.out_proj")
            + linear1.namedParameters(under: "linear1") + linear2.namedParameters(under: "linear2")
            + norm1.namedParameters(under: "norm1") + norm2.namedParameters(under: "norm2")
    }

    /// The layer's output.
    ///
    /// No mask of what lies beyond a recording's end is needed: none of its frames looks there.
    ///
    /// - Parameters:
    ///   - input: (B, T, D).
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, T, D).
    public func callAsFunction(_ input: Tensor, draws: TrainingDraws?) -> Tensor {
        let attended = norm1(input + attention(input, draws: draws))
        let hidden = linear1(attended).relu().dropout(configuration.dropout, draws)
        return norm2(attended + linear2(hidden))
    }

    private func attention(_ input: Tensor, draws: TrainingDraws?) -> Tensor {
        let (B, T, D) = (input.shape[0], input.shape[1], input.shape[2])
        let heads = configuration.headCount
        let d = D / heads
        let projected = input.linear(weight: inputWeight, bias: nil)
            .reshaped(B, T, 3, heads, d)
            .permuted(2, 0, 3, 1, 4)  // (3, B, heads, T, d)
        func part(_ index: Int) -> Tensor {
            projected.sliced(index..<index + 1, dimension: 0).reshaped(B, heads, T, d)
        }
        let query = part(0) * (1 / Double(d).squareRoot())
        let scores =
            query.matmul(part(1).transposed(-2, -1)) + positionScores(query)
            + futureMask(frameCount: T)  // (B, heads, T, T)
        let weights = scores.softmax(dimension: -1).dropout(configuration.dropout, draws)
        let gathered = weights.matmul(part(2))  // (B, heads, T, d)
            .transposed(1, 2).reshaped(B, T, D)
        return outputProjection(gathered)
    }

    /// q_i · p_{i - j} for j ≤ i, (B, heads, T, T); what stands elsewhere is masked.
    private func positionScores(_ query: Tensor) -> Tensor {
        let (B, heads, T) = (query.shape[0], query.shape[1], query.shape[2])
        let last = configuration.positionCount - 1
        // Column c is the lag T - 1 - c.
        let lags = Tensor(integers: (0..<T).map { min(T - 1 - $0, last) }, shape: [T])
        let byLag = query.matmul(
            relativePositions.selected(lags, dimension: 0).transposed(0, 1))
        // A column put before them and rows read one element longer move row i by T - 1 - i columns
        // to the left (Huang et al. 2018, Music Transformer, section 3.4.1): column j is the lag i - j.
        let before = Tensor(zeros: [B, heads, T, 1]).cast(to: byLag.type)
        return Tensor.concatenated([before, byLag], dimension: 3)  // (B, heads, T, T + 1)
            .reshaped(B, heads, T + 1, T).sliced(1..<T + 1, dimension: 2)
    }

    /// Zero where column j ≤ row i, minus infinity where it lies in the future: (T, T).
    private func futureMask(frameCount T: Int) -> Tensor {
        var values = [Float](repeating: 0, count: T * T)
        for i in 0..<T - 1 { for j in i + 1..<T { values[i * T + j] = -.infinity } }
        return Tensor(values, shape: [T, T])
    }
}
