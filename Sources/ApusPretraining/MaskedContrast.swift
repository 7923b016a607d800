// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusNN
import ApusTensor

/// The contrastive term of masked prediction: telling a masked frame from others.
///
/// The equations stand in MaskedPrediction.swift.
public final class MaskedContrast: Module {
    /// How the term is built.
    public struct Configuration: Codable, Hashable, Sendable {
        /// λ, what the term counts beside the codes; 0 for none.
        public var weight = 0.0
        /// Where negatives are drawn from: `otherRecordings`, `sameRecording` or `mixed`.
        public var negatives = CPC.NegativeSource.otherRecordings
        /// N, the negatives of each recording.
        public var negativeCount = 128

        /// No term.
        public init() {}

        func problem() -> String? {
            if !(weight >= 0 && weight.isFinite) {
                return "weight is \(weight), expected 0 or more"
            }
            if ![.otherRecordings, .sameRecording, .mixed].contains(negatives) {
                return "negatives is \(negatives.rawValue), expected otherRecordings, "
                    + "sameRecording or mixed"
            }
            if negativeCount < 1 {
                return "negativeCount is \(negativeCount), expected at least 1"
            }
            return nil
        }
    }

    /// V: from a hidden state to what it predicts of the convolutions' output.
    private let output: Linear
    private let configuration: Configuration

    /// The term with untrained weights.
    ///
    /// - Parameters:
    ///   - configuration: How it is built.
    ///   - width: D of hidden states and of the convolutions' output.
    ///   - seed: What the initial weights depend on.
    init(_ configuration: Configuration, width: Int, seed: Seed) {
        self.configuration = configuration
        output = Linear(
            inputWidth: width, outputWidth: width, hasBias: false, seed: seed.derived("output"))
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        output.namedParameters(under: "output")
    }

    /// N frames for each recording, each numbered b · S + s.
    ///
    /// - Parameters:
    ///   - lengths: The encoded frames of each recording that negatives come from.
    ///   - frameCount: S.
    ///   - own: Which of them negatives are drawn for; `nil` for all.
    ///   - rows: The places of these in the whole batch.
    ///   - seed: What the draw depends on.
    /// - Returns: The frames.
    func drawNegatives(
        lengths: [Int], frameCount: Int, own: [Int]?, rows: [Int], seed: Seed
    ) -> [Int] {
        var source = CPC.Configuration()
        source.negatives = configuration.negatives
        source.negativeCount = configuration.negativeCount
        return NegativeSampler(source, lengths: lengths, frameCount: frameCount, groups: nil)(
            seed: seed, own: own, rows: rows)
    }

    /// The term's loss before its weight.
    ///
    /// A negative that is the masked frame itself is left out of the sum.
    ///
    /// - Parameters:
    ///   - states: h, (B, S, D).
    ///   - encoded: z of the features before masking, (B, S, D).
    ///   - frames: (F) masked frames, each numbered b · S + s.
    ///   - negatives: N for each recording, numbered likewise, or by the recordings of the pool.
    ///   - pool: The recordings of all processes, where negatives come from all.
    /// - Returns: The loss in nats; its figures `contrastiveLoss` and `contrastiveAccuracy`, the share of
    ///   masked frames that score highest.
    func callAsFunction(
        _ states: Tensor, among encoded: Tensor, frames: Tensor, negatives: [Int],
        pool: NegativePool? = nil
    ) -> ObjectiveLoss {
        let (B, S, D) = (encoded.shape[0], encoded.shape[1], encoded.shape[2])
        let N = configuration.negativeCount
        let predictions = output(states) * (1 / Double(D).squareRoot())  // (B, S, D)
        let all = encoded.reshaped(B * S, D)
        let candidates = (pool?.frames(encoded).reshaped(-1, D) ?? all).selected(
            Tensor(integers: negatives, shape: [B * N]), dimension: 0
        ).reshaped(B, N, D)
        let others = predictions.matmul(candidates.transposed(1, 2))  // (B, S, N)
            .reshaped(B * S, N).selected(frames, dimension: 0).cast(to: .float32)  // (F, N)
        let own =
            (predictions.reshaped(B * S, D).selected(frames, dimension: 0)
            * all.selected(frames, dimension: 0)).cast(to: .float32)
            .sum(dimension: 1, keepsDimension: true)  // (F, 1)
        let here = frames.integers
        // The same frames as negatives are numbered.
        let numbers = pool.map { pool in here.map { pool.own[$0 / S] * S + $0 % S } } ?? here
        let drawn = here.flatMap { frame in
            let first = frame / S * N
            return negatives[first..<first + N]
        }
        let isPositive = Tensor(integers: numbers, shape: [numbers.count, 1])
            .equals(Tensor(integers: drawn, shape: [numbers.count, N]))
        let logits = Tensor.concatenated(
            [own, others.filled(where: isPositive, with: -.infinity)], dimension: 1)  // (F, 1 + N)
        let value = logits.logSoftmax(dimension: 1).sliced(0..<1, dimension: 1).mean() * -1
        return ObjectiveLoss(value: value, weight: Double(numbers.count)) {
            let hits = logits.detached().argmax(dimension: 1).integers.count { $0 == 0 }
            return [
                ("contrastiveLoss", Double(value.item)),
                ("contrastiveAccuracy", Double(hits) / Double(numbers.count)),
            ]
        }
    }
}
