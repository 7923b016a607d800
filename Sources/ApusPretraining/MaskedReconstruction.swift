// swift-format-ignore-file: AlwaysUseLowerCamelCase

//
// Masked reconstruction: Mockingjay, and TERA's alteration of time, frequency and magnitude.
//
// Liu, Li and Lee 2021, TERA: Self-Supervised Learning of Transformer Encoder Representation for
// Speech; the time alteration is Mockingjay's (Liu et al. 2020).
//
//   x̃, m = alter(x)                        the altered features, and a mask of the altered cells
//   y = W₂ LN(gelu(W₁ encoder(x̃)))         the reconstruction
//   L = Σ m |y - x| / Σ m                  L1 on the altered cells only
//
// Time, for each recording of T frames, with spans of c = 7 frames: n = round(0.15 T / c) starts
// are drawn without replacement from 0...max(T - c - 1, 0); the union of [s, s + c) is altered. One
// throw decides how, for the whole recording: with 0.8 the frames become zero, with 0.1 they become
// n other spans of the same recording, with 0.1 they stay; they count in the loss in all three cases.
// Frequency: a band of w ~ U{0 ... ⌊0.2 M⌋} mel bands at one drawn place becomes zero in all frames.
// Magnitude: with a given probability N(0, 0.2²) is added to all that the encoder reads of a recording;
// what counts in the loss stays the same. Off by default; 0.15 in TERA.
//
// As published, on 80 log-mels with corpus or recording normalisation (Mockingjay's with
// frontEnd.deltaOrder 2, M = 240, where bands lie among the deltas too):
//
//                      encoder.transformer                          masks               noise
//     Mockingjay base  layerCount 3, width 768, headCount 12,       frequencyMaskShare  0
//                      feedForwardWidth 3072                        0
//     Mockingjay large the same with layerCount 12                  0                   0
//     TERA base        as Mockingjay base                           0.2                 0
//     TERA T+F+M       as Mockingjay base                           0.2                 0.15
//
// Deviations from the papers, and from s3prl where the papers leave it open:
// - s3prl draws noise once for a batch, here each recording has a draw of its own.
// - s3prl's bands never end at the last mel band; here they may.
// - Every recording has at least one span, where s3prl leaves out those of which nothing is altered.
// - A recording of fewer than c frames is altered over its whole length.
// - Padding has no part in the loss: lengths are known here, not guessed from zeros in the features.
import ApusCorpus
import ApusNN
import ApusTensor

/// TERA's masked reconstruction on any encoder that keeps each frame.
public final class MaskedReconstruction: Objective {
    /// How the model is built and what it alters.
    public struct Configuration: Codable, Hashable, Sendable {
        /// The encoder.
        public var encoder = EncoderConfiguration()
        /// The share of frames altered, before overlaps.
        public var timeMaskShare = 0.15
        /// The length of an altered span, in frames.
        public var timeSpan = 7
        /// The largest share of mel bands altered.
        public var frequencyMaskShare = 0.2
        /// The probability of noise on a recording.
        public var noiseProbability = 0.0
        /// The standard deviation of the noise.
        public var noiseDeviation = 0.2

        /// TERA's alteration on a small encoder.
        public init() {}

        func problem() -> String? {
            if let problem = encoder.problem() { return "encoder." + problem }
            if encoder.subsampling != 1 {
                return "encoder.subsampling is \(encoder.subsampling), expected 1: each frame is "
                    + "reconstructed"
            }
            if !(0...1).contains(timeMaskShare) {
                return "timeMaskShare is \(timeMaskShare), expected 0 to 1"
            }
            if timeSpan < 1 { return "timeSpan is \(timeSpan), expected at least 1" }
            if !(0...1).contains(frequencyMaskShare) {
                return "frequencyMaskShare is \(frequencyMaskShare), expected 0 to 1"
            }
            if !(0...1).contains(noiseProbability) {
                return "noiseProbability is \(noiseProbability), expected 0 to 1"
            }
            if !(noiseDeviation >= 0 && noiseDeviation.isFinite) {
                return "noiseDeviation is \(noiseDeviation), expected 0 or more"
            }
            if timeMaskShare == 0 && frequencyMaskShare == 0 {
                return "timeMaskShare and frequencyMaskShare are both 0: nothing is masked"
            }
            return nil
        }
    }

    /// The features of a batch after alteration.
    public struct Alteration: Hashable, Sendable {
        /// (B, T, M).
        public var features: [Float]
        /// (B, T, M): one at each altered cell of a recording, zero elsewhere and beyond its end.
        public var mask: [Float]

        /// Altered features.
        ///
        /// - Parameters:
        ///   - features: (B, T, M), row-major.
        ///   - mask: (B, T, M), one at each altered cell, zero elsewhere.
        public init(features: [Float], mask: [Float]) {
            precondition(features.count == mask.count, "a mask has a number for each feature")
            self.features = features
            self.mask = mask
        }
    }

    /// The encoder.
    public let encoder: any Encoder
    private let hidden: Linear
    private let norm: LayerNorm
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
        encoder = configuration.encoder.makeEncoder(
            inputWidth: melBandCount, seed: seed.derived("encoder"))
        let width = configuration.encoder.width
        hidden = Linear(
            inputWidth: width, outputWidth: width, standardDeviation: 0.02,
            seed: seed.derived("head.hidden"))
        norm = LayerNorm(width: width, epsilon: 1e-12)
        output = Linear(
            inputWidth: width, outputWidth: melBandCount, standardDeviation: 0.02,
            seed: seed.derived("head.output"))
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        encoder.namedParameters(under: "encoder") + hidden.namedParameters(under: "head.hidden")
            + norm.namedParameters(under: "head.norm")
            + output.namedParameters(under: "head.output")
    }

    /// L1 between the reconstruction and the features, over the altered cells.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - part: The recordings' places in the whole batch.
    ///   - seed: What the alteration and dropout depend on.
    /// - Returns: The loss in the features' unit; the figures of `reconstruct`.
    public func loss(
        features: Tensor, lengths: [Int], part: BatchPart, seed: Seed
    ) -> ObjectiveLoss {
        let altered = alter(
            features.floats, lengths: lengths, frameCount: features.shape[1],
            melBandCount: features.shape[2], rows: part.rows, seed: seed.derived("alteration"))
        return reconstruct(
            features: features, lengths: lengths, altered: altered,
            draws: TrainingDraws(seed: seed.derived("dropout"), rows: part.rows))
    }

    /// The loss for a given alteration: what `loss` computes after its draw.
    ///
    /// - Parameters:
    ///   - features: What is to be reconstructed, (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - altered: What the encoder reads, and which cells count.
    ///   - draws: The draws of dropout, or `nil` for none.
    /// - Returns: The loss in the features' unit; the figures `chanceLoss` (of the batch's mean in each
    ///   band as the reconstruction) and `maskedShare` (of the recordings' cells).
    public func reconstruct(
        features: Tensor, lengths: [Int], altered: Alteration, draws: TrainingDraws?
    ) -> ObjectiveLoss {
        let shape = features.shape
        let mask = Tensor(altered.mask, shape: shape)
        let states = encoder(
            Tensor(altered.features, shape: shape), lengths: lengths, draws: draws)
        let last = states.layers[states.layers.count - 1]
        let reconstruction = output(norm(hidden(last).gelu())).cast(to: .float32)  // (B, T, M)
        let maskedCount = Double(altered.mask.reduce(0, +))
        let value =
            ((reconstruction - features).absolute() * mask).sum() * (1 / max(1, maskedCount))
        let cells = Double(lengths.reduce(0, +) * shape[2])
        return ObjectiveLoss(value: value, weight: maskedCount) {
            let chance =
                ((features.bandMeans(lengths: lengths) - features).absolute() * mask).sum()
                * (1 / max(1, maskedCount))
            return [
                ("chanceLoss", Double(chance.item)), ("maskedShare", maskedCount / cells),
            ]
        }
    }

    /// Alters the features of a batch, each recording by a draw of its own.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), row-major.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - T: The padded number of frames.
    ///   - M: The number of mel bands.
    ///   - rows: The recordings' places in the whole batch; `nil` where this is all of it.
    ///   - seed: What the draw depends on.
    /// - Returns: The altered features and their mask.
    public func alter(
        _ features: [Float], lengths: [Int], frameCount T: Int, melBandCount M: Int,
        rows: [Int]? = nil, seed: Seed
    ) -> Alteration {
        var result = Alteration(
            features: features, mask: [Float](repeating: 0, count: features.count))
        for (recording, length) in lengths.enumerated() {
            let row = rows?[recording] ?? recording
            var generator = SeededGenerator(seed: seed.value, stream: "alteration", row)
            let start = recording * T * M
            alterTime(
                &result, original: features, start: start, length: length, M: M, using: &generator)
            alterFrequency(&result, start: start, length: length, M: M, using: &generator)
            if generator.unitInterval() < configuration.noiseProbability {
                let noise = Tensor(
                    normal: 0, standardDeviation: configuration.noiseDeviation,
                    shape: [length * M], seed: seed.derived("magnitude").derived(row)
                ).floats
                for (cell, value) in noise.enumerated() {
                    result.features[start + cell] += value
                }
            }
        }
        return result
    }

    private func alterTime(
        _ result: inout Alteration, original: [Float], start: Int, length: Int, M: Int,
        using generator: inout SeededGenerator
    ) {
        let span = min(configuration.timeSpan, length)
        let wanted = configuration.timeMaskShare * Double(length) / Double(configuration.timeSpan)
        // Even the shortest recording has something to reconstruct, unless time isn't masked at all.
        let count = configuration.timeMaskShare > 0 ? max(1, Int(wanted.rounded())) : 0
        let lastStart = max(length - span - 1, 0)
        var starts = Array(0...lastStart)
        generator.shuffle(&starts)
        var sources = Array(0...lastStart)
        generator.shuffle(&sources)
        let throwOfDice = generator.unitInterval()
        for (target, source) in zip(starts, sources).prefix(count) {
            for frame in 0..<span {
                let row = start + (target + frame) * M
                for band in 0..<M {
                    result.mask[row + band] = 1
                    if throwOfDice < 0.8 {
                        result.features[row + band] = 0
                    } else if throwOfDice < 0.9 {
                        result.features[row + band] = original[start + (source + frame) * M + band]
                    }
                }
            }
        }
    }

    private func alterFrequency(
        _ result: inout Alteration, start: Int, length: Int, M: Int,
        using generator: inout SeededGenerator
    ) {
        let widest = Int(configuration.frequencyMaskShare * Double(M))
        let width = generator.integer(below: widest + 1)
        let first = generator.integer(below: M - width + 1)
        for frame in 0..<length {
            for band in first..<first + width {
                result.features[start + frame * M + band] = 0
                result.mask[start + frame * M + band] = 1
            }
        }
    }
}
