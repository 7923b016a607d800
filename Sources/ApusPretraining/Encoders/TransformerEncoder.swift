import ApusNN
import ApusTensor

/// A transformer over feature frames, as Mockingjay, TERA and HuBERT's later layers have it.
///
/// h₀ = dropout(LN(W x + positions)), then layers with GELU. The positions are added sinusoids, or
/// rotations of queries and keys, or learned biases of the scores, one table for all layers; with
/// these two h₀ = dropout(LN(W x)). Where the layers are pre-norm, the last hidden state is
/// normalised once more.
public final class TransformerEncoder: Encoder {
    /// How frames know where they are.
    public enum Positions: String, Codable, Sendable, CaseIterable {
        /// Fixed sinusoids, added to the frames.
        case sinusoidal
        /// Rotations of queries and keys.
        case rotary
        /// A learned bias for each head and distance, in buckets.
        case relative
    }

    /// How the encoder is built.
    public struct Configuration: Codable, Hashable, Sendable {
        /// The number of layers.
        public var layerCount = 3
        /// D.
        public var width = 256
        /// The number of attention heads; it divides D.
        public var headCount = 4
        /// The width between a layer's two linear maps.
        public var feedForwardWidth = 1024
        /// The dropout probability everywhere.
        public var dropout = 0.1
        /// Where the layers normalise.
        public var norm = NormOrder.post
        /// How frames know where they are.
        public var positions = Positions.sinusoidal
        /// The number of buckets that relative positions share.
        public var relativeBuckets = 32
        /// The longest distance that relative positions tell apart, in frames.
        public var relativeDistance = 128

        /// A small encoder: 2.4 million parameters.
        public init() {}

        func problem() -> String? {
            if layerCount < 1 { return "layerCount is \(layerCount), expected at least 1" }
            if feedForwardWidth < 1 {
                return "feedForwardWidth is \(feedForwardWidth), expected at least 1"
            }
            if !(0..<1).contains(dropout) { return "dropout is \(dropout), expected 0 up to 1" }
            return FramePositions.problem(
                positions, width: width, headCount: headCount, relativeBuckets: relativeBuckets,
                relativeDistance: relativeDistance)
        }

        /// The number of weights in the largest matrices.
        func leastParameterCount(inputWidth: Int) -> Double {
            let (width, hidden) = (Double(width), Double(feedForwardWidth))
            return Double(inputWidth) * width + Double(layerCount) * width
                * (4 * width + 2 * hidden)
        }
    }

    private let projection: Linear
    private let norm: LayerNorm
    private let positions: FramePositions
    private let layers: [TransformerEncoderLayer]
    private let finalNorm: LayerNorm?
    let configuration: Configuration
    /// `layer-1` and so on.
    public let layerNames: [String]
    /// D for each layer.
    public let layerWidths: [Int]
    /// 1: a frame out for each frame in.
    public let stride = 1
    /// Attention looks everywhere.
    public let surroundings = Surroundings(isWholeRecording: true)

    /// An encoder with untrained weights.
    ///
    /// - Parameters:
    ///   - configuration: How it is built.
    ///   - inputWidth: M, the width of the features.
    ///   - seed: What the initial weights depend on.
    public init(_ configuration: Configuration, inputWidth: Int, seed: Seed) {
        self.configuration = configuration
        projection = Linear(
            inputWidth: inputWidth, outputWidth: configuration.width, standardDeviation: 0.02,
            seed: seed.derived("projection"))
        norm = LayerNorm(width: configuration.width, epsilon: 1e-12)
        positions = FramePositions(
            configuration.positions, width: configuration.width,
            headCount: configuration.headCount, relativeBuckets: configuration.relativeBuckets,
            relativeDistance: configuration.relativeDistance)
        layers = (0..<configuration.layerCount).map {
            TransformerEncoderLayer(
                width: configuration.width, headCount: configuration.headCount,
                feedForwardWidth: configuration.feedForwardWidth, dropout: configuration.dropout,
                normOrder: configuration.norm, seed: seed.derived("layers.\($0)"))
        }
        finalNorm =
            configuration.norm == .pre
            ? LayerNorm(width: configuration.width, epsilon: 1e-12) : nil
        layerNames = (1...configuration.layerCount).map { "layer-\($0)" }
        layerWidths = layerNames.map { _ in configuration.width }
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        projection.namedParameters(under: "projection") + norm.namedParameters(under: "norm")
            + positions.namedParameters(under: "relative_positions")
            + layers.enumerated().flatMap { $1.namedParameters(under: "layers.\($0)") }
            + (finalNorm?.namedParameters(under: "final_norm") ?? [])
    }

    /// The output of each layer for a padded batch.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, T, D) for each layer.
    public func callAsFunction(
        _ features: Tensor, lengths: [Int], draws: TrainingDraws?
    ) -> HiddenStates {
        let frameCount = features.shape[1]
        let padding = attentionPadding(lengths: lengths, frameCount: frameCount)
        let (bias, rotary) = positions(frameCount: frameCount)
        var hidden = norm(positions.added(to: projection(features)))
            .dropout(configuration.dropout, draws)
        var states: [Tensor] = []
        for layer in layers {
            hidden = layer(hidden, padding: padding, bias: bias, rotary: rotary, draws: draws)
            states.append(hidden)
        }
        if let finalNorm { states[states.count - 1] = finalNorm(hidden) }
        return HiddenStates(layers: states, lengths: lengths)
    }
}
