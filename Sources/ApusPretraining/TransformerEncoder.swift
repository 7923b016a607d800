// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusNN
import ApusTensor

/// A transformer over feature frames, as Mockingjay, TERA and HuBERT's later layers have it.
///
/// h₀ = dropout(LN(W x + positions)), then post-norm layers with GELU; sinusoidal positions.
public final class TransformerEncoder: Encoder {
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

        /// A small encoder: 2.4 million parameters.
        public init() {}

        func problem() -> String? {
            if layerCount < 1 { return "layerCount is \(layerCount), expected at least 1" }
            if width < 2 || width % 2 != 0 { return "width is \(width), expected an even number" }
            if headCount < 1 || width % headCount != 0 {
                return "headCount is \(headCount), expected a divisor of the width \(width)"
            }
            if feedForwardWidth < 1 {
                return "feedForwardWidth is \(feedForwardWidth), expected at least 1"
            }
            if !(0..<1).contains(dropout) { return "dropout is \(dropout), expected 0 up to 1" }
            return nil
        }
    }

    private let projection: Linear
    private let norm: LayerNorm
    private let layers: [TransformerEncoderLayer]
    private let configuration: Configuration
    private var positions: Tensor
    /// `layer-1` and so on.
    public let layerNames: [String]
    /// D for each layer.
    public let layerWidths: [Int]
    /// 1: a frame out for each frame in.
    public let stride = 1

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
        layers = (0..<configuration.layerCount).map {
            TransformerEncoderLayer(
                width: configuration.width, headCount: configuration.headCount,
                feedForwardWidth: configuration.feedForwardWidth, dropout: configuration.dropout,
                seed: seed.derived("layers.\($0)"))
        }
        positions = sinusoidalPositions(frameCount: 512, width: configuration.width)
        layerNames = (1...configuration.layerCount).map { "layer-\($0)" }
        layerWidths = layerNames.map { _ in configuration.width }
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        projection.namedParameters(under: "projection") + norm.namedParameters(under: "norm")
            + layers.enumerated().flatMap { $1.namedParameters(under: "layers.\($0)") }
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
        let T = features.shape[1]
        if positions.shape[0] < T {
            positions = sinusoidalPositions(
                frameCount: max(T, 2 * positions.shape[0]), width: configuration.width)
        }
        let padding = attentionPadding(lengths: lengths, frameCount: T)
        var hidden = norm(projection(features) + positions.sliced(0..<T, dimension: 0))
            .dropout(configuration.dropout, draws)
        var states: [Tensor] = []
        for layer in layers {
            hidden = layer(hidden, padding: padding, draws: draws)
            states.append(hidden)
        }
        return HiddenStates(layers: states, lengths: lengths)
    }
}
