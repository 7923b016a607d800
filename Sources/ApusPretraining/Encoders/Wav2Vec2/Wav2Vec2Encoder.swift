// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusNN
import ApusTensor

/// Convolutions over samples and a transformer over their frames: wav2vec 2.0, HuBERT, WavLM, data2vec.
///
/// Baevski et al. 2020, wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations,
/// section 2. Hsu et al. 2021, HuBERT: Self-Supervised Speech Representation Learning by Masked Prediction
/// of Hidden Units, section II. With x the samples of a recording:
///
///     z = convolutions((x - mean) / √(variance + 1e-7))    x itself where the model's features are
///     p = W LN(z) + b                                      W z + b without projection norm
///     h₀ = LN(p + positions(p)),  hₗ = layerₗ(hₗ₋₁)          post-norm: base models
///     h₀ = p + positions(p),  h_L = LN(layer_L(h_L₋₁))       pre-norm: large models
///
/// WavLM (Chen et al. 2022, section III-A) adds to the scores of attention a bias for each head and
/// distance, one table for all layers, times a gate; see `RelativePositionGate`. data2vec (Baevski et al.
/// 2022) has more positional convolutions; see `ConvolutionalPositions`.
///
/// Hidden states are numbered as `transformers` does: `layer-0` is h₀. The last is its
/// `last_hidden_state`; `hidden_states` of its version 5 lacks the last norm of pre-norm models.
///
/// Its features are samples, one in a frame, so that a recording's length is known to the sample.
///
/// Deviations:
/// - A recording shorter than the convolutions' field, 400 samples, is extended by zeros to one frame;
///   `transformers` fails there.
/// - In training dropout is where BERT has it; there is no layer drop and no masking of frames.
public final class Wav2Vec2Encoder: Encoder {
    private let convolutions: SampleConvolutions
    private let projectionNorm: LayerNorm?
    private let projection: Linear
    private let positions: ConvolutionalPositions
    private let relative: RelativePositionBias?
    private let norm: LayerNorm
    private let layers: [TransformerEncoderLayer]
    let configuration: Configuration
    /// `layer-0` and so on.
    public let layerNames: [String]
    /// D for each layer.
    public let layerWidths: [Int]
    /// Samples from one frame to the next.
    public let stride: Int
    /// Attention looks everywhere; where samples are normalised, that is by what a part sees.
    public let surroundings = Surroundings(isWholeRecording: true)

    /// An encoder with untrained weights.
    ///
    /// - Parameters:
    ///   - configuration: How it is built.
    ///   - seed: What the initial weights depend on.
    public init(_ configuration: Configuration, seed: Seed) {
        self.configuration = configuration
        let (width, convolved) = (
            configuration.width, configuration.convolutionWidths.last ?? configuration.width
        )
        convolutions = SampleConvolutions(configuration, seed: seed.derived("feature_extractor"))
        projectionNorm =
            configuration.hasProjectionNorm
            ? LayerNorm(width: convolved, epsilon: configuration.normEpsilon) : nil
        projection = Linear(
            inputWidth: convolved, outputWidth: width, standardDeviation: 0.02,
            seed: seed.derived("feature_projection.projection"))
        positions = ConvolutionalPositions(
            configuration, seed: seed.derived("encoder.pos_conv_embed"))
        relative =
            configuration.relativeBuckets > 0
            ? RelativePositionBias(
                bucketCount: configuration.relativeBuckets,
                longestDistance: configuration.relativeDistance,
                headCount: configuration.headCount) : nil
        norm = LayerNorm(width: width, epsilon: configuration.normEpsilon)
        layers = (0..<configuration.layerCount).map {
            TransformerEncoderLayer(
                width: width, headCount: configuration.headCount,
                feedForwardWidth: configuration.feedForwardWidth, dropout: configuration.dropout,
                normOrder: configuration.norm, normEpsilon: configuration.normEpsilon,
                gatesBias: configuration.relativeBuckets > 0,
                seed: seed.derived("encoder.layers.\($0)"))
        }
        layerNames = (0...configuration.layerCount).map { "layer-\($0)" }
        layerWidths = layerNames.map { _ in width }
        stride = configuration.convolutionStrides.reduce(1, *)
    }

    /// The parameters: layers with PyTorch's names, the rest with those of `transformers`.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        convolutions.namedParameters(under: "feature_extractor")
            + (projectionNorm?.namedParameters(under: "feature_projection.layer_norm") ?? [])
            + projection.namedParameters(under: "feature_projection.projection")
            + positions.namedParameters(under: "encoder.pos_conv_embed")
            + (relative?.namedParameters(under: "encoder.rel_attn_embed") ?? [])
            + norm.namedParameters(under: "encoder.layer_norm")
            + layers.enumerated().flatMap { $1.namedParameters(under: "encoder.layers.\($0)") }
    }

    /// The hidden states of a padded batch.
    ///
    /// - Parameters:
    ///   - features: (B, N, 1), samples, zero beyond each recording's end.
    ///   - lengths: Each recording's samples, in 1...N.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, T, D) for each layer.
    public func callAsFunction(
        _ features: Tensor, lengths: [Int], draws: TrainingDraws?
    ) -> HiddenStates {
        precondition(features.shape[2] == 1, "a frame is a sample, not \(features.shape[2])")
        let recordings = lengths.enumerated().map { row, length in
            convolutions(
                normalized(features.sliced(row..<row + 1, dimension: 0), count: length))
        }
        let frames = recordings.map { $0.shape[0] }
        let mask = frameMask(lengths: frames, frameCount: frames.max() ?? 0)
        var hidden = projected(Self.padded(recordings))
        if let mask { hidden = hidden * mask }
        let T = hidden.shape[1]
        let padding = attentionPadding(lengths: frames, frameCount: T)
        let bias = relative?(frameCount: T)
        hidden = hidden + positions(hidden, mask: mask)
        if configuration.norm == .post { hidden = norm(hidden) }
        hidden = hidden.dropout(configuration.dropout, draws)
        var states = [hidden]
        for layer in layers {
            hidden = layer(hidden, padding: padding, bias: bias, draws: draws)
            states.append(hidden)
        }
        if configuration.norm == .pre { states[states.count - 1] = norm(hidden) }
        return HiddenStates(layers: states, lengths: frames)
    }

    /// A recording's samples as the convolutions read them.
    ///
    /// - Parameters:
    ///   - samples: (1, N, 1).
    ///   - count: The recording's samples.
    /// - Returns: (count), or as many as the convolutions need for a frame.
    private func normalized(_ samples: Tensor, count: Int) -> Tensor {
        var own = samples.reshaped(-1).sliced(0..<count, dimension: 0)
        if configuration.normalizesSamples {
            let centred = own - own.mean()
            own = centred / ((centred * centred).mean() + 1e-7).squareRoot()
        }
        let missing = convolutions.receptiveField - count
        return missing > 0
            ? .concatenated([own, Tensor(zeros: [missing])], dimension: 0) : own
    }

    private func projected(_ frames: Tensor) -> Tensor {
        projection(projectionNorm?(frames) ?? frames)
    }

    /// (B, T, C) of recordings (T', C), with zeros beyond their ends.
    private static func padded(_ recordings: [Tensor]) -> Tensor {
        let longest = recordings.map { $0.shape[0] }.max() ?? 0
        let rows = recordings.map { frames -> Tensor in
            let (count, width) = (frames.shape[0], frames.shape[1])
            let whole =
                count == longest
                ? frames
                : .concatenated(
                    [frames, Tensor(zeros: [longest - count, width]).cast(to: frames.type)],
                    dimension: 0)
            return whole.reshaped(1, longest, width)
        }
        return rows.count == 1 ? rows[0] : .concatenated(rows, dimension: 0)
    }
}
