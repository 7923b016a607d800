// swift-format-ignore-file: AlwaysUseLowerCamelCase

//
// Masked prediction: the codes of masked stretches are predicted from what surrounds them.
//
// Chiu et al. 2022, Self-supervised Learning with Random-projection Quantizer for Speech
// Recognition (BEST-RQ). Hsu et al. 2021, HuBERT: Self-Supervised Speech Representation Learning by
// Masked Prediction of Hidden Units, where codes are units: see UnitTargets.
//
//   x̃ = x outside of the masked spans, N(0, 0.1²) inside
//   h = encoder(x̃)                         one frame for each r feature frames
//   v_cs = code(x around frame s)          C codes from the features before masking, never trained;
//                                          units have C = 1
//   L = mean over masked s and codebooks c of -log softmax(W_c h_s + b_c)[v_cs]
//
// Chung et al. 2021, w2v-BERT: Combining Contrastive Learning and Masked Language Modeling for
// Self-Supervised Speech Pre-Training, with contrastive.weight λ > 0: the contrastive family's loss on the
// same masked frames, in the same pass,
//
//   z = subsampling(x)                      the encoder's convolutions of the features before masking
//   f(z_n, h_s) = exp(z_nᵀ V h_s / √D)
//   L ← L - λ mean over masked s of log( f(z_s, h_s) / (f(z_s, h_s) + Σ_n f(z_n, h_s)) )
//
// with N negatives z_n, drawn once for each recording as CPC draws them: from other recordings they
// teach what a recording keeps, from the same one what changes within it.
//
// Masks, for each recording of S encoder frames, with spans of l encoder frames: n = round(p S / l)
// starts, at least one, are drawn without replacement from 0...S - l; the union of [s, s + l) is
// masked. No span is longer than half of its recording, so that something surrounds it.
//
// Deviations from the papers:
// - The number of spans follows from the share p and the length of the recording; in BEST-RQ each
//   frame begins one with a probability of 0.01, so that p = 0.4 with spans of 40 frames is its
//   expected number.
// - Spans begin and end where encoder frames do: a frame is masked as a whole or not at all.
// - Features are normalised by the corpus, where BEST-RQ normalises each utterance.
// - Noise stands in masked frames for units too, where HuBERT has a learned vector behind its
//   convolutions; and a softmax over linear scores, where HuBERT has cosines.
// - The contrastive term has continuous targets and reads the last layer, where w2v-BERT quantises them
//   and reads a layer in the middle.
import ApusCorpus
import ApusNN
import ApusSignal
import ApusTensor
import Foundation

/// Prediction of the codes of masked spans, with fixed codes as targets.
public final class MaskedPrediction: Objective {
    /// What is predicted.
    public enum Targets: String, Codable, Sendable, CaseIterable {
        /// The codes of a random projection.
        case randomProjection
        /// Units: centroids of frames.
        case units
    }

    /// How the model is built and what it masks.
    public struct Configuration: Codable, Hashable, Sendable {
        /// The encoder.
        public var encoder: EncoderConfiguration
        /// The share of frames masked, before overlaps.
        public var maskShare = 0.4
        /// The length of a masked span in feature frames, a multiple of the encoder's subsampling.
        public var maskSpan = 40
        /// The standard deviation of the noise that stands in masked frames.
        public var noiseDeviation = 0.1
        /// What is predicted.
        public var targets = Targets.randomProjection
        /// How the random projection makes codes of frames; unused by the others.
        public var randomProjection = RandomProjectionTargets.Configuration()
        /// Which units; unused by the others.
        public var units = UnitTargets.Configuration()
        /// The contrastive term.
        public var contrastive = MaskedContrast.Configuration()

        /// BEST-RQ with one codebook on a small transformer over every fourth frame.
        public init() {
            encoder = EncoderConfiguration(.transformer)
            encoder.subsampling = 4
        }

        func problem() -> String? {
            if let problem = encoder.problem() { return "encoder." + problem }
            if !(maskShare > 0 && maskShare <= 1) {
                return "maskShare is \(maskShare), expected more than 0 and at most 1"
            }
            if maskSpan < 1 || maskSpan % encoder.subsampling != 0 {
                return "maskSpan is \(maskSpan), expected a multiple of encoder.subsampling, "
                    + "\(encoder.subsampling)"
            }
            if !(noiseDeviation >= 0 && noiseDeviation.isFinite) {
                return "noiseDeviation is \(noiseDeviation), expected 0 or more"
            }
            if let problem = contrastive.problem() { return "contrastive." + problem }
            if contrastive.weight > 0 && encoder.subsampling == 1 {
                return "contrastive.weight is \(contrastive.weight), expected 0 without the "
                    + "convolutions of encoder.subsampling"
            }
            return switch targets {
            case .randomProjection:
                randomProjection.problem(stride: encoder.subsampling)
                    .map { "randomProjection." + $0 }
            case .units: units.problem().map { "units." + $0 }
            }
        }

        /// The number of weights in the largest matrices.
        func leastParameterCount(melBandCount: Int) -> Double {
            let codes =
                switch targets {
                case .randomProjection: randomProjection.codeCountInAll * Double(encoder.width)
                case .units: Double(units.count) * (Double(encoder.width) + Double(units.width))
                }
            let width = Double(encoder.width)
            return encoder.leastParameterCount(inputWidth: melBandCount) + codes
                + (contrastive.weight > 0 ? width * width : 0)
        }
    }

    /// What is masked in a batch.
    public struct Mask: Hashable, Sendable {
        /// The masked encoder frames, each numbered b · S + s, in rising order.
        public var frames: [Int]
        /// (B, T): one at each masked feature frame, zero elsewhere and beyond a recording's end.
        public var features: [Float]
        /// The share of each recording's encoder frames that is masked.
        public var shares: [Double]

        /// What is masked in a batch.
        ///
        /// - Parameters:
        ///   - frames: The masked encoder frames, each numbered b · S + s, in rising order.
        ///   - features: (B, T), one at each masked feature frame, zero elsewhere.
        ///   - shares: The share of each recording's encoder frames that is masked.
        public init(frames: [Int], features: [Float], shares: [Double]) {
            self.frames = frames
            self.features = features
            self.shares = shares
        }
    }

    /// The encoder.
    public let encoder: any Encoder
    private let targets: any PredictionTargets
    private let output: Linear
    private let contrast: MaskedContrast?
    private let configuration: Configuration

    /// A model with untrained weights.
    ///
    /// - Parameters:
    ///   - configuration: How it is built.
    ///   - melBandCount: M, the width of the features.
    ///   - seed: What the initial weights and the fixed codes depend on.
    public init(_ configuration: Configuration, melBandCount: Int, seed: Seed) {
        self.configuration = configuration
        encoder = configuration.encoder.makeEncoder(
            inputWidth: melBandCount, seed: seed.derived("encoder"))
        let stride = configuration.encoder.subsampling
        targets =
            switch configuration.targets {
            case .randomProjection:
                RandomProjectionTargets(
                    configuration.randomProjection, melBandCount: melBandCount, stride: stride,
                    seed: seed.derived("targets"))
            case .units:
                UnitTargets(configuration.units, melBandCount: melBandCount, stride: stride)
            }
        output = Linear(
            inputWidth: configuration.encoder.width,
            outputWidth: targets.codebookCount * targets.codeCount, seed: seed.derived("output"))
        contrast =
            configuration.contrastive.weight > 0
            ? MaskedContrast(
                configuration.contrastive, width: configuration.encoder.width,
                seed: seed.derived("contrast")) : nil
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        encoder.namedParameters(under: "encoder") + output.namedParameters(under: "output")
            + (contrast?.namedParameters(under: "contrast") ?? [])
    }

    /// The fixed tensors that make the targets.
    public var namedBuffers: [(name: String, tensor: Tensor)] {
        targets.namedBuffers.map { ("targets.\($0.name)", $0.tensor) }
    }

    /// Reads the units, where units are predicted.
    ///
    /// - Parameter frontEnd: What makes the training's features.
    /// - Throws: `PretrainingError` or `NNError` for a file of units that doesn't fit.
    public func prepare(frontEnd: FrontEnd) throws { try targets.prepare(frontEnd: frontEnd) }

    /// Cross-entropy of the codes of masked frames, and the contrastive term.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - part: The recordings' places in the whole batch.
    ///   - seed: What masks, noise, negatives and dropout depend on.
    /// - Returns: The loss in nats; the figures of `predict`.
    public func loss(
        features: Tensor, lengths: [Int], part: BatchPart, seed: Seed
    ) -> ObjectiveLoss {
        let (T, M) = (features.shape[1], features.shape[2])
        let mask = drawMask(
            lengths: lengths, frameCount: T, rows: part.rows, seed: seed.derived("mask"))
        // Each recording's noise is a function of the seed and its place, whatever the padding.
        let noise = part.rows.map {
            Tensor(
                normal: 0, standardDeviation: configuration.noiseDeviation, shape: [1, T, M],
                seed: seed.derived("noise").derived($0))
        }
        return predict(
            features: features, lengths: lengths, mask: mask,
            noise: .concatenated(noise, dimension: 0),
            negatives: contrast?.drawNegatives(
                lengths: (part.pool?.lengths ?? lengths).map(encodedFrames),
                frameCount: encodedFrames(T), own: part.pool?.own, rows: part.rows,
                seed: seed.derived("negatives")) ?? [], pool: part.pool,
            draws: TrainingDraws(seed: seed.derived("dropout"), rows: part.rows))
    }

    /// The loss for given draws: what `loss` computes after them.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - mask: What is masked.
    ///   - noise: What stands in masked frames, (B, T, M).
    ///   - negatives: N for each recording, each numbered b · S + s; unused without the contrastive
    ///     term.
    ///   - draws: The draws of dropout, or `nil` for none.
    /// - Returns: The loss; the figures `accuracy` (of masked frames), `chanceLoss` (log V, of guessing
    ///   among all codes alike), `codeEntropy` (in nats, the loss of knowing no more than how often
    ///   each code is in this batch), `majorityShare` (the accuracy of naming each codebook's commonest
    ///   code always), `codePerplexity` and `deadCodes` (of a codebook's codes in this batch), and
    ///   `maskedShare/min`, `/mean` and `/max` over recordings; with the contrastive term, which
    ///   `chanceLoss` then has its share of, also `contrastiveLoss` and `contrastiveAccuracy`.
    public func predict(
        features: Tensor, lengths: [Int], mask: Mask, noise: Tensor, negatives: [Int] = [],
        draws: TrainingDraws?
    ) -> ObjectiveLoss {
        predict(
            features: features, lengths: lengths, mask: mask, noise: noise, negatives: negatives,
            pool: nil, draws: draws)
    }

    private func predict(
        features: Tensor, lengths: [Int], mask: Mask, noise: Tensor, negatives: [Int],
        pool: NegativePool?, draws: TrainingDraws?
    ) -> ObjectiveLoss {
        let (B, T) = (features.shape[0], features.shape[1])
        let masked = Tensor(mask.features, shape: [B, T, 1])
        let altered = features * masked.scaled(by: -1, plus: 1) + noise * masked
        let states = encoder(altered, lengths: lengths, draws: draws)
        let last = states.layers[states.layers.count - 1]  // (B, S, D)
        let (S, D) = (last.shape[1], last.shape[2])
        let rows = Tensor(integers: mask.frames, shape: [mask.frames.count])
        let logits = output(last.reshaped(B * S, D).selected(rows, dimension: 0))
            .cast(to: .float32).reshaped(-1, targets.codeCount)  // (masked · C, V)
        let codes = withoutGradients {
            targets.codes(of: features, lengths: lengths, frameCount: S)  // (B · S, C)
        }
        let wanted = codes.selected(rows, dimension: 0).reshaped(-1)
        var value = logits.crossEntropy(targets: wanted)
        var contrasted: ObjectiveLoss?
        if let contrast, let convolutions = encoder as? SubsampledEncoder {
            let term = contrast(
                last, among: convolutions.convolved(features, lengths: lengths).frames,
                frames: rows, negatives: negatives, pool: pool)
            value = value + term.value * configuration.contrastive.weight
            contrasted = term
        }
        return ObjectiveLoss(value: value, weight: Double(mask.frames.count)) {
            [targets, contrastive = configuration.contrastive] in
            let best = logits.detached().argmax(dimension: 1)
            let hits = best.equals(wanted).cast(to: .float32).mean().item
            let valid = states.lengths.enumerated().flatMap { row, length in
                row * S..<row * S + length
            }
            let own =
                [("accuracy", Double(hits))]
                + targets.figures(codes: codes.integers, rows: valid) + mask.figures
            guard let contrasted else { return own }
            let chance = contrastive.weight * log(1 + Double(contrastive.negativeCount))
            return own.map { ($0.0, $0.1 + ($0.0 == "chanceLoss" ? chance : 0)) }
                + contrasted.figures()
        }
    }

    /// The codes that are to be predicted.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    /// - Returns: (B, S, C) integers.
    public func codes(of features: Tensor, lengths: [Int]) -> Tensor {
        let S = encodedFrames(features.shape[1])
        return targets.codes(of: features, lengths: lengths, frameCount: S)
            .reshaped(features.shape[0], S, targets.codebookCount)
    }

    /// Draws what is masked, for each recording by a draw of its own.
    ///
    /// - Parameters:
    ///   - lengths: Each recording's frames.
    ///   - T: The padded number of frames.
    ///   - rows: The recordings' places in the whole batch; `nil` where this is all of it.
    ///   - seed: What the draw depends on.
    /// - Returns: The mask; every recording has at least one masked frame.
    public func drawMask(
        lengths: [Int], frameCount T: Int, rows: [Int]? = nil, seed: Seed
    ) -> Mask {
        let (S, stride) = (encodedFrames(T), configuration.encoder.subsampling)
        var mask = Mask(
            frames: [], features: [Float](repeating: 0, count: lengths.count * T), shares: [])
        for (recording, length) in lengths.enumerated() {
            var generator = SeededGenerator(
                seed: seed.value, stream: "mask", rows?[recording] ?? recording)
            let frames = encodedFrames(length)
            let span = min(configuration.maskSpan / stride, max(1, frames / 2))
            let wanted = configuration.maskShare * Double(frames) / Double(span)
            var starts = Array(0...frames - span)
            generator.shuffle(&starts)
            let masked = Set(
                starts.prefix(max(1, Int(wanted.rounded()))).flatMap { $0..<$0 + span }
            ).sorted()
            mask.frames += masked.map { recording * S + $0 }
            for frame in masked {
                for t in frame * stride..<min((frame + 1) * stride, length) {
                    mask.features[recording * T + t] = 1
                }
            }
            mask.shares.append(Double(masked.count) / Double(frames))
        }
        return mask
    }

    /// What the encoder leaves of a number of frames.
    private func encodedFrames(_ count: Int) -> Int {
        (count + configuration.encoder.subsampling - 1) / configuration.encoder.subsampling
    }
}

extension MaskedPrediction.Mask {
    /// The smallest, mean and largest share of a recording.
    fileprivate var figures: [(name: String, value: Double)] {
        [
            ("maskedShare/min", shares.min() ?? 0),
            ("maskedShare/mean", shares.reduce(0, +) / Double(max(1, shares.count))),
            ("maskedShare/max", shares.max() ?? 0),
        ]
    }
}
