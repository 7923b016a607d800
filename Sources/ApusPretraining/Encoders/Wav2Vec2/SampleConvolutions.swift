// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusNN
import ApusTensor

/// Strided convolutions from samples to frames, as wav2vec 2.0 has them.
///
/// Baevski et al. 2020, wav2vec 2.0, section 2: each is followed by GELU; the first by group
/// normalisation with a group for each channel (base models), or every one by normalisation over
/// channels (large models).
///
/// Group normalisation takes means and variances over all frames of a recording. Each recording goes
/// through the convolutions by itself, so that its frames do not depend on what shares its batch;
/// `transformers` pads a batch with zeros first, which then count as frames.
final class SampleConvolutions: Module {
    private let convolutions: [Conv1d]
    private let norms: [LayerNorm]
    private let norm: Wav2Vec2Encoder.ConvolutionNorm
    private let kernelSizes: [Int]
    private static let epsilon = 1e-5

    /// The fewest samples that give a frame.
    let receptiveField: Int

    init(_ configuration: Wav2Vec2Encoder.Configuration, seed: Seed) {
        let widths = configuration.convolutionWidths
        convolutions = widths.indices.map {
            Conv1d(
                inputChannels: $0 == 0 ? 1 : widths[$0 - 1], outputChannels: widths[$0],
                kernelSize: configuration.convolutionKernels[$0],
                stride: configuration.convolutionStrides[$0],
                hasBias: configuration.convolutionBias,
                seed: seed.derived("conv_layers.\($0).conv"))
        }
        norm = configuration.convolutionNorm
        norms = (norm == .group ? [widths[0]] : widths).map {
            LayerNorm(width: $0, epsilon: Self.epsilon)
        }
        kernelSizes = configuration.convolutionKernels
        receptiveField = configuration.receptiveField
    }

    /// The parameters with the names of `transformers`.
    var namedParameters: [(name: String, tensor: Tensor)] {
        convolutions.enumerated().flatMap { index, convolution in
            convolution.namedParameters(under: "conv_layers.\(index).conv")
                + (index < norms.count
                    ? norms[index].namedParameters(under: "conv_layers.\(index).layer_norm") : [])
        }
    }

    /// The frames of one recording.
    ///
    /// - Parameter samples: (N), at least `receptiveField`.
    /// - Returns: (T, C).
    func callAsFunction(_ samples: Tensor) -> Tensor {
        var frames = samples.reshaped(-1, 1)
        for (index, convolution) in convolutions.enumerated() {
            let convolved = convolve(frames, by: convolution, kernelSize: kernelSizes[index])
            switch norm {
            case .layer:
                frames = norms[index](biased(convolved, by: convolution)).gelu()
            case .group where index == 0:
                frames = normalizedOverFrames(biased(convolved, by: convolution))
            case .group:
                frames = convolved.geluDropout(
                    bias: convolution.bias, probability: 0, seed: Seed(0))
            }
        }
        return frames
    }

    private func biased(_ frames: Tensor, by convolution: Conv1d) -> Tensor {
        convolution.bias.map { frames + $0 } ?? frames
    }

    /// The convolution without its bias, as matrix products over frames one after the other.
    ///
    /// As many taps at a time as the stride has frames, so that no frame is copied. `linear` would go
    /// through oneDNN, which has no fast way with rows that lie apart.
    ///
    /// - Parameters:
    ///   - frames: (T, C in).
    ///   - convolution: The layer.
    ///   - K: Its length.
    /// - Returns: (T out, C out).
    private func convolve(
        _ frames: Tensor, by convolution: Conv1d, kernelSize K: Int
    ) -> Tensor {
        let (count, channels) = (convolution.outputLength(frames.shape[0]), frames.shape[1])
        let (S, weight) = (convolution.stride, convolution.weight)
        if channels == 1 {
            return frames.reshaped(-1).windows(dimension: 0, size: K, step: S)  // (T out, K)
                .matmul(weight.reshaped(-1, K).transposed(0, 1))
        }
        var sum: Tensor?
        for first in Swift.stride(from: 0, to: K, by: S) {
            let taps = min(S, K - first)
            let end = first + (count - 1) * S + taps
            let rows = frames.sliced(first..<end, dimension: 0)
            let windows =
                taps == S
                ? rows.reshaped(count, S * channels)
                : rows.windows(dimension: 0, size: taps, step: S).transposed(1, 2)
                    .reshaped(count, taps * channels)
            let matrix = weight.sliced(first..<first + taps, dimension: 2).transposed(1, 2)
                .reshaped(-1, taps * channels)  // (C out, taps · C in)
            let product = windows.matmul(matrix.transposed(0, 1))
            sum = sum.map { $0 + product } ?? product
        }
        guard let sum else { preconditionFailure("a convolution has a kernel") }
        return sum
    }

    /// GELU of the frames with mean 0 and variance 1 of each channel, scaled and moved.
    private func normalizedOverFrames(_ frames: Tensor) -> Tensor {
        let frames = frames.cast(to: .float32)
        let centred = frames - frames.mean(dimension: 0)
        let variance = (centred * centred).mean(dimension: 0)
        let scale = norms[0].weight / (variance + Self.epsilon).squareRoot()
        return (centred * scale).geluDropout(bias: norms[0].bias, probability: 0, seed: Seed(0))
    }
}
