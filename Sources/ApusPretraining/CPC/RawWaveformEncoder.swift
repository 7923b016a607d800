// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusNN
import ApusTensor

/// CPC's two networks over samples, as CPC_audio has them.
///
/// Rivière et al. 2020, Unsupervised Pretraining Transfers Well Across Languages: five convolutions of
/// kernel, stride and padding 10/5/3, 8/4/2, 4/2/1, 4/2/1 and 4/2/1, each followed by normalisation over
/// channels and ReLU, one frame for 160 samples; then contexts, there an LSTM. With 256 channels and
/// an LSTM of 256 these are 1,843,456 parameters.
///
/// Its features are the samples themselves: a front end of kind `waveform` with frames of 160.
public final class RawWaveformEncoder: Encoder {
    /// Samples in a frame of features, and from one encoded frame to the next.
    public static let samplesPerFrame = 160

    static let shapes = [(10, 5, 3), (8, 4, 2), (4, 2, 1), (4, 2, 1), (4, 2, 1)].map {
        ConvolutionStack.Shape(kernelSize: $0.0, stride: $0.1, padding: $0.2)
    }

    private let convolutions: ConvolutionStack
    private let contexts: Contexts
    let configuration: CPC.Configuration
    /// `convolution` (z) and `context` (c).
    public let layerNames = ["convolution", "context"]
    /// D of z and of c.
    public let layerWidths: [Int]
    /// 1: an encoded frame for each frame of 160 samples.
    public let stride = 1

    /// The networks with untrained weights.
    ///
    /// - Parameters:
    ///   - configuration: How CPC is built.
    ///   - seed: What the initial weights depend on.
    public init(_ configuration: CPC.Configuration, seed: Seed) {
        self.configuration = configuration
        let width = configuration.encoderWidth
        convolutions = ConvolutionStack(
            inputChannels: 1, width: width, shapes: Self.shapes, seed: seed
        ) { ChannelNorm(width: width) }
        contexts = Contexts(configuration, seed: seed)
        layerWidths = [width, contexts.width]
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        convolutions.namedParameters + contexts.namedParameters
    }

    /// z and c of a padded batch.
    ///
    /// - Parameters:
    ///   - features: (B, T, 160), samples, zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: z (B, T, D) and c (B, T, C).
    public func callAsFunction(
        _ features: Tensor, lengths: [Int], draws: TrainingDraws?
    ) -> HiddenStates {
        let (encoded, frames) = encoded(features, lengths: lengths)
        return HiddenStates(
            layers: [encoded, contexts(encoded, lengths: frames, draws: draws)], lengths: frames)
    }

    private func encoded(
        _ features: Tensor, lengths: [Int]
    ) -> (frames: Tensor, lengths: [Int]) {
        let (B, T, S) = (features.shape[0], features.shape[1], features.shape[2])
        precondition(
            S == Self.samplesPerFrame, "frames of \(Self.samplesPerFrame) samples, not \(S)")
        let samples = features.reshaped(B, T * S, 1)
        return convolutions(samples, lengths: lengths.map { $0 * S })
    }

    /// How far the convolutions see.
    public var surroundings: Surroundings {
        let perFrame = Self.samplesPerFrame
        return Surroundings(
            before: (convolutions.before + perFrame - 1) / perFrame,
            after: (convolutions.after + perFrame - 1) / perFrame,
            isWholeRecording: contexts.needsWholeRecording)
    }

    /// z and c of a part, where the contexts of the part before are carried on.
    public func part(
        _ features: Tensor, own: Range<Int>, states: RecurrentStates
    ) -> [Tensor] {
        let encoded = encoded(features, lengths: [features.shape[1]]).frames
        return [
            encoded.sliced(own, dimension: 1), contexts.part(encoded, own: own, states: states),
        ]
    }
}
