import ApusNN
import ApusTensor

/// CPC's two networks over features: convolutions of width 3, and contexts of what they encode.
public final class ConvolutionalRecurrentEncoder: Encoder {
    private let convolutions: ConvolutionStack
    private let contexts: Contexts
    let configuration: CPC.Configuration
    /// `convolution` (z) and `context` (c).
    public let layerNames = ["convolution", "context"]
    /// D of z and of c.
    public let layerWidths: [Int]
    /// The product of the convolutions' strides.
    public let stride: Int

    /// The networks with untrained weights.
    ///
    /// - Parameters:
    ///   - configuration: How CPC is built.
    ///   - inputWidth: M, the width of the features.
    ///   - seed: What the initial weights depend on.
    public init(_ configuration: CPC.Configuration, inputWidth: Int, seed: Seed) {
        self.configuration = configuration
        let width = configuration.encoderWidth
        convolutions = ConvolutionStack(
            inputChannels: inputWidth, width: width,
            shapes: configuration.strides.map {
                ConvolutionStack.Shape(kernelSize: 3, stride: $0, padding: 1)
            }, seed: seed
        ) { LayerNorm(width: width) }
        contexts = Contexts(configuration, seed: seed)
        layerWidths = [width, contexts.width]
        stride = configuration.strides.reduce(1, *)
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        convolutions.namedParameters + contexts.namedParameters
    }

    /// z and c of a padded batch.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: z (B, S, D) and c (B, S, C) with S = T / stride, rounded up at each convolution.
    public func callAsFunction(
        _ features: Tensor, lengths: [Int], draws: TrainingDraws?
    ) -> HiddenStates {
        let (encoded, lengths) = convolutions(features, lengths: lengths)
        return HiddenStates(
            layers: [encoded, contexts(encoded, lengths: lengths, draws: draws)], lengths: lengths)
    }

    /// How far the convolutions see.
    public var surroundings: Surroundings {
        Surroundings(
            before: convolutions.before, after: convolutions.after,
            isWholeRecording: contexts.needsWholeRecording)
    }

    /// z and c of a part, where the contexts of the part before are carried on.
    public func part(
        _ features: Tensor, own: Range<Int>, states: RecurrentStates
    ) -> [Tensor] {
        let encoded = convolutions(features, lengths: [features.shape[1]]).frames
        return [
            encoded.sliced(own, dimension: 1), contexts.part(encoded, own: own, states: states),
        ]
    }
}
