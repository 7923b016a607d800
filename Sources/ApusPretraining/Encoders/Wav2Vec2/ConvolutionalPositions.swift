import ApusNN
import ApusTensor

/// What tells frames where they are: grouped convolutions over their neighbours.
///
/// wav2vec 2.0, HuBERT and WavLM have one, followed by GELU (Baevski et al. 2020, section 2). Its weight
/// is normalised there (Salimans and Kingma 2016); here it is the product already.
///
/// data2vec has five, each followed by normalisation over channels, which has no parameters, and GELU
/// (Baevski et al. 2022, data2vec: A General Framework for Self-supervised Learning in Speech, Vision and
/// Language, section 3.1). What they make of frames beyond a recording's end is set to zero after each;
/// `transformers` leaves it, and a padded recording's last frames differ there from those alone.
final class ConvolutionalPositions: Module {
    private let convolutions: [Conv1d]
    private let isNormalized: Bool
    private let isEven: Bool
    /// One and zero, for a norm without parameters.
    private let unit: (weight: Tensor, bias: Tensor)

    init(_ configuration: Wav2Vec2Encoder.Configuration, seed: Seed) {
        let width = configuration.width
        convolutions = (0..<configuration.positionLayerCount).map {
            Conv1d(
                inputChannels: width, outputChannels: width,
                kernelSize: configuration.positionKernelSize,
                padding: configuration.positionKernelSize / 2,
                groups: configuration.positionGroups, seed: seed.derived("layers.\($0)"))
        }
        isNormalized = configuration.normalizesPositions
        isEven = configuration.positionKernelSize % 2 == 0
        unit = (Tensor(ones: [width]), Tensor(zeros: [width]))
    }

    /// `layers.0.conv.weight` and so on.
    var namedParameters: [(name: String, tensor: Tensor)] {
        convolutions.enumerated().flatMap { $1.namedParameters(under: "layers.\($0).conv") }
    }

    /// What is added to frames.
    ///
    /// - Parameters:
    ///   - frames: (B, T, D), zero beyond each recording's end.
    ///   - mask: (B, T, 1), zero beyond each recording's end; `nil` where none is padded.
    /// - Returns: (B, T, D).
    func callAsFunction(_ frames: Tensor, mask: Tensor?) -> Tensor {
        let count = frames.shape[1]
        var hidden = frames
        for (index, convolution) in convolutions.enumerated() {
            var convolved = convolution(hidden.transposed(1, 2))  // (B, D, T or T + 1)
            if isEven { convolved = convolved.sliced(0..<count, dimension: 2) }
            hidden = convolved.transposed(1, 2)
            if isNormalized {
                hidden = hidden.layerNorm(weight: unit.weight, bias: unit.bias, epsilon: 1e-5)
            }
            hidden = hidden.gelu()
            if let mask, index + 1 < convolutions.count { hidden = hidden * mask }
        }
        return hidden
    }
}
