import ApusNN
import ApusTensor

/// Normalisation of each frame over its channels.
protocol FrameNormalization: Module {
    func callAsFunction(_ input: Tensor) -> Tensor
}

extension LayerNorm: FrameNormalization {}
extension ChannelNorm: FrameNormalization {}

/// Convolutions over time, each followed by normalisation over channels and ReLU.
final class ConvolutionStack: Module {
    /// The shape of one convolution, in input frames.
    struct Shape {
        var kernelSize: Int
        var stride: Int
        var padding: Int
    }

    private let convolutions: [Conv1d]
    /// How many frames an encoded one sees before its own.
    let before: Int
    /// How many it sees after.
    let after: Int
    private let norms: [any FrameNormalization]

    init(
        inputChannels: Int, width: Int, shapes: [Shape], seed: Seed,
        normalization: () -> any FrameNormalization
    ) {
        convolutions = shapes.enumerated().map { index, shape in
            Conv1d(
                inputChannels: index == 0 ? inputChannels : width, outputChannels: width,
                kernelSize: shape.kernelSize, stride: shape.stride, padding: shape.padding,
                seed: seed.derived("convolutions.\(index)"))
        }
        norms = shapes.map { _ in normalization() }
        var (spacing, before, after) = (1, 0, 0)
        for shape in shapes {
            before += shape.padding * spacing
            after += (shape.kernelSize - 1 - shape.padding) * spacing
            spacing *= shape.stride
        }
        (self.before, self.after) = (before, after)
    }

    var namedParameters: [(name: String, tensor: Tensor)] {
        zip(convolutions, norms).enumerated().flatMap { index, pair in
            pair.0.namedParameters(under: "convolutions.\(index)")
                + pair.1.namedParameters(under: "norms.\(index)")
        }
    }

    /// The last layer's frames, and each recording's number of them.
    ///
    /// - Parameters:
    ///   - frames: (B, T, C), zero beyond each recording's end.
    ///   - lengths: Each recording's frames.
    /// - Returns: (B, S, D), zero beyond each recording's end, and the lengths.
    func callAsFunction(_ frames: Tensor, lengths: [Int]) -> (frames: Tensor, lengths: [Int]) {
        var (frames, lengths) = (frames, lengths)
        for (convolution, norm) in zip(convolutions, norms) {
            let convolved = convolution(frames.transposed(1, 2)).transposed(1, 2)  // (B, T, D)
            frames = norm(convolved).relu()
            lengths = lengths.map(convolution.outputLength)
            // A recording's last frames see zeros beyond its end, alone or in a batch.
            if let mask = frameMask(lengths: lengths, frameCount: frames.shape[1]) {
                frames = frames * mask
            }
        }
        return (frames, lengths)
    }
}
