import ApusNN
import ApusTensor

/// A conformer over feature frames: attention for what is far, convolutions for what is near.
///
/// Gulati et al. 2020, Conformer: Convolution-augmented Transformer for Speech Recognition, section 2:
/// h₀ = dropout(W x), then conformer layers, whose equations and deviations are those of
/// `ConformerLayer`. As BEST-RQ has it (Chiu et al. 2022), before any text is seen.
///
/// The paper's positions are Transformer-XL's: what a frame asks of another depends on their distance.
/// So do rotations of queries and keys, which are the default: unlike a learned bias they let content
/// and distance act together, as Transformer-XL does, and they need no table. Sinusoids, where chosen,
/// are added to W x.
public final class ConformerEncoder: Encoder {
    /// How the encoder is built.
    public struct Configuration: Codable, Hashable, Sendable {
        /// The number of layers.
        public var layerCount = 5
        /// D.
        public var width = 144
        /// The number of attention heads; it divides D.
        public var headCount = 4
        /// The width between the two linear maps of each half step.
        public var feedForwardWidth = 576
        /// The length of the depthwise convolution in frames, odd.
        public var kernelSize = 31
        /// The dropout probability everywhere.
        public var dropout = 0.1
        /// How frames know where they are.
        public var positions = TransformerEncoder.Positions.rotary
        /// The number of buckets that relative positions share.
        public var relativeBuckets = 32
        /// The longest distance that relative positions tell apart, in frames.
        public var relativeDistance = 128

        /// Layers as in the paper's Conformer(S), 5 of its 16: 2.4 million parameters.
        public init() {}

        func problem() -> String? {
            if layerCount < 1 { return "layerCount is \(layerCount), expected at least 1" }
            if feedForwardWidth < 1 {
                return "feedForwardWidth is \(feedForwardWidth), expected at least 1"
            }
            if kernelSize < 1 || kernelSize % 2 != 1 {
                return "kernelSize is \(kernelSize), expected an odd number"
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
                * (7 * width + 4 * hidden + Double(kernelSize))
        }
    }

    private let projection: Linear
    private let positions: FramePositions
    private let layers: [ConformerLayer]
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
        projection = Linear(
            inputWidth: inputWidth, outputWidth: configuration.width,
            seed: seed.derived("projection"))
        positions = FramePositions(
            configuration.positions, width: configuration.width,
            headCount: configuration.headCount, relativeBuckets: configuration.relativeBuckets,
            relativeDistance: configuration.relativeDistance)
        layers = (0..<configuration.layerCount).map {
            ConformerLayer(
                width: configuration.width, headCount: configuration.headCount,
                feedForwardWidth: configuration.feedForwardWidth,
                kernelSize: configuration.kernelSize, dropout: configuration.dropout,
                seed: seed.derived("conformer_layers.\($0)"))
        }
        self.configuration = configuration
        layerNames = (1...configuration.layerCount).map { "layer-\($0)" }
        layerWidths = layerNames.map { _ in configuration.width }
    }

    /// The parameters; those of the layers have the names of torchaudio's `Conformer`.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        projection.namedParameters(under: "projection")
            + positions.namedParameters(under: "relative_positions")
            + layers.enumerated().flatMap {
                $1.namedParameters(under: "conformer_layers.\($0)")
            }
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
        let mask = frameMask(lengths: lengths, frameCount: frameCount)
        let padding = attentionPadding(lengths: lengths, frameCount: frameCount)
        let (bias, rotary) = positions(frameCount: frameCount)
        var hidden = positions.added(to: projection(features)).dropout(configuration.dropout, draws)
        var states: [Tensor] = []
        for layer in layers {
            hidden = layer(
                hidden, mask: mask, padding: padding, bias: bias, rotary: rotary, draws: draws)
            states.append(hidden)
        }
        return HiddenStates(layers: states, lengths: lengths)
    }
}
