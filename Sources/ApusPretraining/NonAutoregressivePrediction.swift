// swift-format-ignore-file: AlwaysUseLowerCamelCase

//
// Non-autoregressive predictive coding, NPC.
//
// Liu, Chung and Glass 2020, Non-Autoregressive Predictive Coding for Learning Speech Representations
// from Local Dependencies.
//
//   z⁰ = x                                 the features
//   zⁱ = relu(zⁱ⁻¹ + dropout(N(V relu(N(U ∗ zⁱ⁻¹)))))     block i of n: U has a kernel of 3 frames,
//                                          V of one; the first block has no residual zⁱ⁻¹
//   mⁱ_t = tanh(Σ_d Wⁱ_d zⁱ_{t+d} + bⁱ)    over (mᵢ - 1) / 2 < |d| ≤ (k - 1) / 2: a kernel of k frames
//                                          without its middle mᵢ = m + 2 i
//   h_t = Σ_i mⁱ_t                         the representation
//   q_t = code(h_t)                        where it is quantised: G Gumbel-softmax layers, each of a
//                                          part of h_t
//   y_t = A q_t + a                        from h_t where it isn't quantised
//   L = mean over t ≤ T and bands of |y_t - x_t|
//
// Each block sees one frame more to either side, and each mask grows by as much: whatever the number
// of blocks, h_t depends on none of the m frames around t, and on k + 2 n frames in all. So x_t has to
// be predicted from what surrounds it, with no recurrence and no frame altered.
//
// Deviations from the paper, and from its form in s3prl:
// - N is layer normalisation over the channels of each frame, where both have batch normalisation:
//   with that a frame would depend on what shares its batch, and on the frames under the mask.
// - Frames beyond a recording's end are zero before each convolution and have no part in the loss.
import ApusNN
import ApusTensor

/// NPC: each frame from those around it, by convolutions with a hole in the middle.
public final class NonAutoregressivePrediction: Objective {
    /// How the model is built.
    public struct Configuration: Codable, Hashable, Sendable {
        /// n, the number of blocks.
        public var blockCount = 4
        /// D.
        public var width = 512
        /// k, the length of the masked convolutions in frames, odd.
        public var kernelSize = 15
        /// m, how many frames around a frame its representation doesn't see, odd.
        public var maskSize = 5
        /// Whether the input of each block after the first is added to its output.
        public var residual = true
        /// The dropout probability of each block's output.
        public var dropout = 0.1
        /// Whether representations are quantised before the prediction.
        public var isQuantized = true
        /// G, the number of codebooks; it divides D.
        public var codebookCount = 4
        /// The number of codes in each codebook.
        public var codeCount = 64
        /// The temperature of the Gumbel-softmax.
        public var temperature = 1.0

        /// NPC with the published sizes: 19.4 million parameters.
        public init() {}

        func problem() -> String? {
            if blockCount < 1 { return "blockCount is \(blockCount), expected at least 1" }
            if width < 1 { return "width is \(width), expected at least 1" }
            if maskSize < 1 || maskSize % 2 != 1 {
                return "maskSize is \(maskSize), expected an odd number"
            }
            if kernelSize < 1 || kernelSize % 2 != 1 {
                return "kernelSize is \(kernelSize), expected an odd number"
            }
            // Halves, since the mask of the last block may be more than an integer holds.
            if (kernelSize - maskSize) / 2 <= blockCount {
                return "kernelSize is \(kernelSize), expected more than maskSize + 2 blockCount, "
                    + "the mask of the last block"
            }
            if !(0..<1).contains(dropout) { return "dropout is \(dropout), expected 0 up to 1" }
            if codebookCount < 1 || width % codebookCount != 0 {
                return "codebookCount is \(codebookCount), expected a divisor of the width "
                    + "\(width)"
            }
            if codeCount < 2 { return "codeCount is \(codeCount), expected at least 2" }
            if !(temperature > 0 && temperature.isFinite) {
                return "temperature is \(temperature), expected a positive number"
            }
            return nil
        }

        /// The number of weights in the largest matrices.
        func leastParameterCount(melBandCount: Int) -> Double {
            let (width, blocks) = (Double(width), Double(blockCount))
            let ends = 4 * Double(melBandCount) * width
            let inner = (3 * (blocks - 1) + blocks + blocks * Double(kernelSize)) * width * width
            return ends + inner + (isQuantized ? 2 * Double(codeCount) * width : 0)
        }
    }

    /// The encoder.
    public var encoder: any Encoder { convolutions }
    private let convolutions: MaskedConvolutionEncoder
    private let quantizers: [GumbelQuantizer]
    private let output: Linear
    private let configuration: Configuration

    /// A model with untrained weights.
    ///
    /// - Parameters:
    ///   - configuration: How it is built.
    ///   - melBandCount: M, the width of the features.
    ///   - seed: What the initial weights depend on.
    public init(_ configuration: Configuration, melBandCount: Int, seed: Seed) {
        self.configuration = configuration
        convolutions = MaskedConvolutionEncoder(
            configuration, inputWidth: melBandCount, seed: seed.derived("encoder"))
        quantizers = (0..<(configuration.isQuantized ? configuration.codebookCount : 0)).map {
            GumbelQuantizer(
                width: configuration.width / configuration.codebookCount,
                codeCount: configuration.codeCount, temperature: configuration.temperature,
                seed: seed.derived("quantizers.\($0)"))
        }
        output = Linear(
            inputWidth: configuration.width, outputWidth: melBandCount,
            seed: seed.derived("output"))
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        convolutions.namedParameters(under: "encoder")
            + quantizers.enumerated().flatMap { $1.namedParameters(under: "quantizers.\($0)") }
            + output.namedParameters(under: "output")
    }

    /// L1 between the frames and their predictions from what surrounds them.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - part: The recordings' places in the whole batch.
    ///   - seed: What dropout and the quantisers' noise depend on.
    /// - Returns: The loss in the features' unit; the figures of `predict`.
    public func loss(
        features: Tensor, lengths: [Int], part: BatchPart, seed: Seed
    ) -> ObjectiveLoss {
        let noise =
            quantizers.isEmpty
            ? nil
            : GumbelQuantizer.noise(
                rows: part.rows, frameCount: features.shape[1],
                width: quantizers.count * configuration.codeCount, seed: seed.derived("noise"))
        return predict(
            features: features, lengths: lengths, noise: noise,
            draws: TrainingDraws(seed: seed.derived("dropout"), rows: part.rows))
    }

    /// The loss for given draws.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - noise: The quantisers' Gumbel noise (B, T, G · K), one after the other, or `nil` for none.
    ///   - draws: The draws of dropout, or `nil` for none.
    /// - Returns: The loss; the figures `chanceLoss` (of the batch's mean in each band as the
    ///   prediction), `lossOverInterpolation` (against a straight line over the m
    ///   frames around each frame that has both ends of it: below 1 something is learned), and where it
    ///   is quantised `codePerplexity` and `deadCodes`, means over the codebooks.
    public func predict(
        features: Tensor, lengths: [Int], noise: Tensor?, draws: TrainingDraws?
    ) -> ObjectiveLoss {
        let states = convolutions(features, lengths: lengths, draws: draws).layers
        let (codes, indices) = quantized(states[states.count - 1], noise: noise)
        let predictions = output(codes).cast(to: .float32)  // (B, T, M)
        let value = error(of: predictions, features, lengths: lengths)
        let cells = Double(lengths.reduce(0, +) * features.shape[2])
        return ObjectiveLoss(value: value, weight: cells) { [configuration] in
            let chance = self.error(
                of: features.bandMeans(lengths: lengths), features, lengths: lengths)
            var figures: [(name: String, value: Double)] = [("chanceLoss", Double(chance.item))]
            let (T, n) = (features.shape[1], (configuration.maskSize + 1) / 2)
            let inner = lengths.map { max(0, $0 - 2 * n) }
            if inner.contains(where: { $0 > 0 }) {
                let middle = n..<T - n
                let targets = features.sliced(middle, dimension: 1)
                let line =
                    (features.sliced(0..<T - 2 * n, dimension: 1)
                        + features.sliced(2 * n..<T, dimension: 1)) * 0.5
                let own = self.error(
                    of: predictions.sliced(middle, dimension: 1), targets, lengths: inner)
                let other = self.error(of: line, targets, lengths: inner)
                figures.append(
                    ("lossOverInterpolation", Double(own.item) / Double(other.item)))
            }
            guard !indices.isEmpty else { return figures }
            let usages = indices.map { codebook in
                let all = codebook.integers
                return CodeUsage(
                    lengths.enumerated().flatMap { all[$0 * T..<$0 * T + $1] },
                    codeCount: configuration.codeCount)
            }
            func mean(_ value: (CodeUsage) -> Double) -> Double {
                usages.reduce(0) { $0 + value($1) } / Double(usages.count)
            }
            return figures + [
                ("codePerplexity", mean(\.perplexity)),
                ("deadCodes", mean { Double($0.deadCount) }),
            ]
        }
    }

    /// Representations (B, T, D) as codes, and these codes' numbers (B, T) for each codebook.
    private func quantized(
        _ frames: Tensor, noise: Tensor?
    ) -> (codes: Tensor, indices: [Tensor]) {
        guard !quantizers.isEmpty else { return (frames, []) }
        let (width, K) = (configuration.width / quantizers.count, configuration.codeCount)
        let parts = quantizers.enumerated().map { index, quantizer in
            quantizer(
                frames.sliced(index * width..<(index + 1) * width, dimension: 2),
                noise: noise?.sliced(index * K..<(index + 1) * K, dimension: 2))
        }
        return (.concatenated(parts.map(\.codes), dimension: 2), parts.map(\.indices))
    }

    /// The mean |error| over the first `lengths` frames of each recording.
    private func error(of predictions: Tensor, _ targets: Tensor, lengths: [Int]) -> Tensor {
        let differences = (predictions - targets).absolute()  // (B, T, M)
        let mask = frameMask(lengths: lengths, frameCount: differences.shape[1])
        let cells = lengths.reduce(0, +) * differences.shape[2]
        return (mask.map { differences * $0 } ?? differences).sum() * (1 / Double(cells))
    }
}

/// NPC's encoder: blocks of convolutions, and the sum of what masked convolutions make of each.
final class MaskedConvolutionEncoder: Encoder {
    private let blocks: [ConvolutionBlock]
    let maskedConvolutions: [MaskedConvolution]
    let configuration: NonAutoregressivePrediction.Configuration
    /// `block-1` and so on, then `masked`, the representation.
    let layerNames: [String]
    /// D for each of them.
    let layerWidths: [Int]
    let stride = 1
    let surroundings: Surroundings

    /// - Parameters:
    ///   - configuration: How it is built.
    ///   - inputWidth: M, the width of the features.
    ///   - seed: What the initial weights depend on.
    init(
        _ configuration: NonAutoregressivePrediction.Configuration, inputWidth: Int, seed: Seed
    ) {
        self.configuration = configuration
        let width = configuration.width
        blocks = (0..<configuration.blockCount).map {
            ConvolutionBlock(
                inputWidth: $0 == 0 ? inputWidth : width, width: width,
                residual: $0 > 0 && configuration.residual, dropout: configuration.dropout,
                seed: seed.derived("blocks.\($0)"))
        }
        maskedConvolutions = (1...configuration.blockCount).map {
            MaskedConvolution(
                width: width, kernelSize: configuration.kernelSize,
                maskSize: configuration.maskSize + 2 * $0,
                seed: seed.derived("masked_convs.\($0 - 1)"))
        }
        layerNames = (1...configuration.blockCount).map { "block-\($0)" } + ["masked"]
        layerWidths = layerNames.map { _ in width }
        let reach = configuration.blockCount + (configuration.kernelSize - 1) / 2
        surroundings = Surroundings(before: reach, after: reach)
    }

    /// The parameters with s3prl's names.
    var namedParameters: [(name: String, tensor: Tensor)] {
        blocks.enumerated().flatMap { $1.namedParameters(under: "blocks.\($0)") }
            + maskedConvolutions.enumerated().flatMap {
                $1.namedParameters(under: "masked_convs.\($0)")
            }
    }

    func callAsFunction(
        _ features: Tensor, lengths: [Int], draws: TrainingDraws?
    ) -> HiddenStates {
        let mask = frameMask(lengths: lengths, frameCount: features.shape[1])?.transposed(1, 2)
        var frames = features.transposed(1, 2)  // (B, M, T)
        var states: [Tensor] = []
        var representation: Tensor?
        for (block, masked) in zip(blocks, maskedConvolutions) {
            frames = block(frames, draws: draws)  // (B, D, T)
            if let mask { frames = frames * mask }
            states.append(frames.transposed(1, 2))
            let surroundings = masked(frames)  // (B, T, D)
            representation = representation.map { $0 + surroundings } ?? surroundings
        }
        return HiddenStates(layers: states + (representation.map { [$0] } ?? []), lengths: lengths)
    }
}

/// A convolution of three frames and a linear map, each normalised, with what came in added.
private final class ConvolutionBlock: Module {
    private let convolution: Conv1d
    private let linear: Conv1d
    private let norm1: LayerNorm
    private let norm2: LayerNorm
    private let residual: Bool
    private let dropout: Double

    init(inputWidth: Int, width: Int, residual: Bool, dropout: Double, seed: Seed) {
        convolution = Conv1d(
            inputChannels: inputWidth, outputChannels: width, kernelSize: 3, padding: 1,
            seed: seed.derived("conv"))
        linear = Conv1d(
            inputChannels: width, outputChannels: width, kernelSize: 1,
            seed: seed.derived("linear"))
        norm1 = LayerNorm(width: width)
        norm2 = LayerNorm(width: width)
        self.residual = residual
        self.dropout = dropout
    }

    var namedParameters: [(name: String, tensor: Tensor)] {
        convolution.namedParameters(under: "conv") + linear.namedParameters(under: "linear")
            + norm1.namedParameters(under: "norm1") + norm2.namedParameters(under: "norm2")
    }

    /// (B, D, T) from (B, D in, T).
    func callAsFunction(_ input: Tensor, draws: TrainingDraws?) -> Tensor {
        let convolved = norm1(convolution(input).transposed(1, 2)).relu()  // (B, T, D)
        let mapped = norm2(linear(convolved.transposed(1, 2)).transposed(1, 2))
            .dropout(dropout, draws).transposed(1, 2)  // (B, D, T)
        return (residual ? mapped + input : mapped).relu()
    }
}

/// A convolution that doesn't see the frames in the middle of its kernel.
final class MaskedConvolution: Module {
    private let convolution: Conv1d
    /// (kernel), zero at the middle frames.
    private let mask: Tensor

    init(width: Int, kernelSize: Int, maskSize: Int, seed: Seed) {
        convolution = Conv1d(
            inputChannels: width, outputChannels: width, kernelSize: kernelSize,
            padding: (kernelSize - 1) / 2, seed: seed.derived("conv"))
        let start = (kernelSize - maskSize) / 2
        mask = Tensor(
            (0..<kernelSize).map { start..<start + maskSize ~= $0 ? 0 : 1 }, shape: [kernelSize])
    }

    var namedParameters: [(name: String, tensor: Tensor)] {
        convolution.namedParameters(under: "conv")
    }

    /// (D, D, kernel), zero at the middle frames.
    var maskedWeight: Tensor { convolution.weight * mask }
    /// (D).
    var bias: Tensor? { convolution.bias }

    /// (B, T, D) from (B, D, T).
    func callAsFunction(_ input: Tensor) -> Tensor {
        input.conv1d(
            weight: maskedWeight, bias: bias, stride: 1, padding: convolution.padding
        ).transposed(1, 2).hyperbolicTangent()
    }
}
