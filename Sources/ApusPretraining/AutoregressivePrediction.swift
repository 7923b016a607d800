// swift-format-ignore-file: AlwaysUseLowerCamelCase

//
// Autoregressive predictive coding, APC, and its quantised form, VQ-APC.
//
// Chung, Hsu, Tang and Glass 2019, An Unsupervised Autoregressive Model for Speech Representation
// Learning. Chung, Tang and Glass 2020, Vector-Quantized Autoregressive Predictive Coding.
//
//   h_t = encoder(x_1 ... x_t)             GRUs with residual connections
//   q_t = code(h_t)                        VQ-APC: a Gumbel-softmax layer after the last GRU
//   y_t = W q_t + b                        APC has h_t in place of q_t
//   L = mean over t ≤ T - n and bands of |y_t - x_{t+n}|
//
// The representations are the encoder's, before quantisation.
//
// Deviations from the papers, and from s3prl where the papers leave it open:
// - As in s3prl, quantisation follows the last layer only, codes are as wide as the frames, and the
//   temperature stays what it is.
// - Frames beyond a recording's end have no part in the loss.
import ApusNN
import ApusTensor

/// APC and VQ-APC: a recurrent encoder that predicts frames some way ahead.
public final class AutoregressivePrediction: Objective {
    /// How the model is built.
    public struct Configuration: Codable, Hashable, Sendable {
        /// The encoder, one that sees the past only.
        public var encoder = EncoderConfiguration(.recurrent)
        /// n, how many frames ahead is predicted.
        public var framesAhead = 5
        /// Whether frames are quantised before the prediction: VQ-APC.
        public var isQuantized = false
        /// The number of codes.
        public var codeCount = 512
        /// The temperature of the Gumbel-softmax.
        public var temperature = 0.5

        /// APC with the published sizes.
        public init() {}

        func problem() -> String? {
            if encoder.kind != .recurrent {
                return "encoder.kind is \(encoder.kind.rawValue), expected recurrent: an encoder "
                    + "that sees the future has nothing to predict"
            }
            if let problem = encoder.problem() { return "encoder." + problem }
            if encoder.subsampling != 1 {
                return "encoder.subsampling is \(encoder.subsampling), expected 1: each frame is "
                    + "predicted"
            }
            if framesAhead < 1 { return "framesAhead is \(framesAhead), expected at least 1" }
            if codeCount < 2 { return "codeCount is \(codeCount), expected at least 2" }
            if !(temperature > 0 && temperature.isFinite) {
                return "temperature is \(temperature), expected a positive number"
            }
            return nil
        }

        /// The number of weights in the largest matrices.
        func leastParameterCount(melBandCount: Int) -> Double {
            let width = Double(encoder.width)
            return encoder.leastParameterCount(inputWidth: melBandCount)
                + Double(melBandCount) * width + (isQuantized ? 2 * Double(codeCount) * width : 0)
        }
    }

    /// The encoder.
    public let encoder: any Encoder
    private let quantizer: GumbelQuantizer?
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
        let width = configuration.encoder.width
        encoder = configuration.encoder.makeEncoder(
            inputWidth: melBandCount, seed: seed.derived("encoder"))
        quantizer =
            configuration.isQuantized
            ? GumbelQuantizer(
                width: width, codeCount: configuration.codeCount,
                temperature: configuration.temperature, seed: seed.derived("quantizer")) : nil
        output = Linear(
            inputWidth: width, outputWidth: melBandCount, seed: seed.derived("output"))
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        encoder.namedParameters(under: "encoder")
            + (quantizer?.namedParameters(under: "quantizer") ?? [])
            + output.namedParameters(under: "output")
    }

    /// L1 between the predictions and the frames n ahead; recordings of n frames have no part in it.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - part: The recordings' places in the whole batch.
    ///   - seed: What dropout and the quantiser's noise depend on.
    /// - Returns: The loss in the features' unit; the figures of `predict`.
    public func loss(
        features: Tensor, lengths: [Int], part: BatchPart, seed: Seed
    ) -> ObjectiveLoss {
        let noise = quantizer.map {
            GumbelQuantizer.noise(
                rows: part.rows, frameCount: features.shape[1], width: $0.codeCount,
                seed: seed.derived("noise"))
        }
        return predict(
            features: features, lengths: lengths, noise: noise,
            draws: TrainingDraws(seed: seed.derived("dropout"), rows: part.rows))
    }

    /// The loss for given draws.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - noise: The quantiser's Gumbel noise (B, T, K), or `nil` for none.
    ///   - draws: The draws of dropout, or `nil` for none.
    /// - Returns: The loss; the figures `chanceLoss` (of the batch's mean in each band as the
    ///   prediction), `lossOverCopy` (against predicting that nothing changes: below 1 something is
    ///   learned) and for VQ-APC `codePerplexity` and `deadCodes`.
    public func predict(
        features: Tensor, lengths: [Int], noise: Tensor?, draws: TrainingDraws?
    ) -> ObjectiveLoss {
        let (T, n) = (features.shape[1], configuration.framesAhead)
        let states = encoder(features, lengths: lengths, draws: draws).layers
        let quantized = quantizer?(states[states.count - 1], noise: noise)
        let predictions = output(quantized?.codes ?? states[states.count - 1])
            .cast(to: .float32)  // (B, T, M)
        let counted = lengths.map { max(0, $0 - n) }
        let cells = counted.reduce(0, +) * features.shape[2]
        guard cells > 0 else {
            // Nothing to predict: a loss of zero that still has a gradient, also zero.
            return ObjectiveLoss(value: (predictions * 0).sum(), weight: 0) { [] }
        }
        let mask = frameMask(lengths: counted, frameCount: T - n)
        let targets = features.sliced(n..<T, dimension: 1)
        func error(_ predicted: Tensor) -> Tensor {
            let differences = (predicted - targets).absolute()
            return (mask.map { differences * $0 } ?? differences).sum() * (1 / Double(cells))
        }
        let value = error(predictions.sliced(0..<T - n, dimension: 1))
        return ObjectiveLoss(value: value, weight: Double(cells)) { [configuration] in
            let copied = error(features.sliced(0..<T - n, dimension: 1))
            var figures = [
                ("chanceLoss", Double(error(features.bandMeans(lengths: lengths)).item)),
                ("lossOverCopy", Double(value.item) / Double(copied.item)),
            ]
            if let indices = quantized?.indices.integers {
                let codes = lengths.enumerated().flatMap { row, length in
                    indices[row * T..<row * T + length]
                }
                let usage = CodeUsage(codes, codeCount: configuration.codeCount)
                figures += [
                    ("codePerplexity", usage.perplexity), ("deadCodes", Double(usage.deadCount)),
                ]
            }
            return figures
        }
    }
}
