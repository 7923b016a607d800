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
    /// Some frames at a time, so that what lies between two convolutions stays in the processor's cache.
    ///
    /// - Parameter samples: (N), at least `receptiveField`.
    /// - Returns: (T, C).
    func callAsFunction(_ samples: Tensor) -> Tensor {
        let samples = samples.reshaped(-1, 1)
        let layers = layers(over: samples)
        let stride = convolutions.map(\.stride).reduce(1, *)
        let T = (samples.shape[0] - receptiveField) / stride + 1
        let blocks = Swift.stride(from: 0, to: T, by: Self.blockFrames).map { first in
            let last = min(first + Self.blockFrames, T) - 1
            let part = first * stride..<last * stride + receptiveField
            return layers.reduce(samples.sliced(part, dimension: 0)) { $1($0) }
        }
        return blocks.count == 1 ? blocks[0] : .concatenated(blocks, dimension: 0)
    }

    /// 2.6 seconds at 50 Hz: with 512 channels 17 MB after the first convolution.
    private static let blockFrames = 128

    /// What each layer makes of frames (T, C in), as the whole recording's samples (N, 1) have it.
    private func layers(over samples: Tensor) -> [(Tensor) -> Tensor] {
        convolutions.indices.map { index in
            let (convolution, K) = (convolutions[index], kernelSizes[index])
            var matrix = convolution.weight.transposed(1, 2).reshaped(
                convolution.weight.shape[0], -1)  // (C out, K · C in)
            var bias = convolution.bias
            if norm == .group && index == 0 {
                (matrix, bias) = normalizing(matrix, over: samples, step: convolution.stride)
            }
            return { [norm, norms] frames in
                let windows = Self.windows(of: frames, size: K, step: convolution.stride)
                if norm == .layer {
                    return norms[index](windows.linear(weight: matrix, bias: bias)).gelu()
                }
                return windows.linear(weight: matrix, bias: nil)
                    .geluDropout(bias: bias, probability: 0, seed: Seed(0))
            }
        }
    }

    /// Windows (T out, size · C) of frames (T, C), which share memory with them.
    private static func windows(of frames: Tensor, size: Int, step: Int) -> Tensor {
        let windows = frames.windows(dimension: 0, size: size, step: step)  // (T out, C, size)
        return windows.transposed(1, 2).reshaped(windows.shape[0], -1)
    }

    /// The first convolution with what normalises each channel to mean 0 and variance 1 in its weights.
    ///
    /// A channel is a weighted sum of a window's samples. With μ the mean of all windows and Σ their
    /// covariance, the mean of a channel of weights w is w · μ and its variance wᵀ Σ w, so that neither
    /// needs the channel itself. A bias of the convolution's own falls out with the mean.
    ///
    /// - Parameters:
    ///   - matrix: (C, K).
    ///   - samples: (N, 1).
    ///   - step: Samples from one window to the next.
    /// - Returns: The weights, (C, K), and the bias, (C).
    private func normalizing(
        _ matrix: Tensor, over samples: Tensor, step: Int
    ) -> (matrix: Tensor, bias: Tensor) {
        withPrecision(.float32) {
            // (T, K)
            let windows = Self.windows(of: samples, size: matrix.shape[1], step: step)
                .cast(to: .float32)
            let mean = windows.mean(dimension: 0)  // (K)
            let centred = windows - mean
            let covariance =
                centred.transposed(0, 1).matmul(centred)
                * (1 / Double(windows.shape[0]))  // (K, K)
            let variance = (matrix.matmul(covariance) * matrix).sum(dimension: 1)  // (C)
            let scale = norms[0].weight / (variance + Self.epsilon).squareRoot()
            let scaled = matrix * scale.reshaped(-1, 1)
            let offset = scaled.matmul(mean.reshaped(-1, 1)).reshaped(-1)
            return (scaled, norms[0].bias - offset)
        }
    }
}
