// swift-format-ignore-file: AlwaysUseLowerCamelCase

//
// Contrastive predictive coding.
//
// van den Oord, Li and Vinyals 2018, Representation Learning with Contrastive Predictive Coding.
//
//   z_t = encoder(x)_t                     a convolutional encoder of the features
//   c_t = GRU(z_1 ... z_t)                 the context; an LSTM or a causal transformer at choice
//   f_k(z, c_t) = exp(zᵀ W_k c_t / √D)     the score of z as the frame k steps after t
//   L = -mean over t, k of log( f_k(z_{t+k}, c_t) / (f_k(z_{t+k}, c_t) + Σ_n f_k(z_n, c_t)) )
//
// with N negatives z_n. L bounds the mutual information: I(z_{t+k}; c_t) ≥ log(N + 1) - L.
// Where the negatives come from decides what is learned: from other recordings, what a recording
// keeps (voice, room); from the same recording, what changes within it (content, events).
//
// Deviations from the paper, as the configuration is by default:
// - The encoder reads log-mels, not samples: three convolutions of width 3, each followed by layer
//   normalisation over channels and ReLU, as Rivière et al. 2020 normalise theirs.
// - Scores are divided by √D. W_k absorbs a constant; the start of training is better scaled.
// - A recording's N negatives are drawn once and shared by all its frames and steps, which turns the
//   gathering of N·T frames into one matrix product.
// - A negative that is the positive itself is left out of the sum.
//
// Rivière et al. 2020, Unsupervised Pretraining Transfers Well Across Languages (CPC_audio), is the
// configuration encoder: waveform, context: lstm, predictor: transformer, negatives: batch, drawing:
// perFrame, excludesPositives: false, score: mean. Deviations from it: L is the mean over k, not the
// sum, and see CausalTransformerLayer.
//
// Kawakami et al. 2020, Learning Robust and Multilingual Speech Representations, is isBidirectional: a
// second context c'_t of z_T ... z_t, which predicts z_{t-k} with matrices of its own. L is the mean of
// both directions' losses.
import ApusNN
import ApusTensor
import Foundation

/// Contrastive predictive coding.
public final class CPC: Objective {
    private let network: any Encoder
    /// One for each direction of time.
    private let predictors: [any StepPredictors]
    private let configuration: Configuration

    /// A model with untrained weights.
    ///
    /// - Parameters:
    ///   - configuration: How it is built.
    ///   - melBandCount: M, the width of the features; 160 samples for an encoder of waveforms.
    ///   - seed: What the initial weights depend on.
    public init(_ configuration: Configuration, melBandCount: Int, seed: Seed) {
        self.configuration = configuration
        let encoderSeed = seed.derived("encoder")
        network =
            switch configuration.encoder {
            case .features:
                ConvolutionalRecurrentEncoder(
                    configuration, inputWidth: melBandCount, seed: encoderSeed)
            case .waveform: RawWaveformEncoder(configuration, seed: encoderSeed)
            }
        let names = ["predictors"] + (configuration.isBidirectional ? ["backwardPredictors"] : [])
        predictors = names.map { name in
            switch configuration.predictor {
            case .linear: LinearPredictors(configuration, seed: seed.derived(name))
            case .transformer: TransformerPredictors(configuration, seed: seed.derived(name))
            }
        }
    }

    /// The convolutional encoder and the context network.
    public var encoder: any Encoder { network }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        network.namedParameters(under: "encoder")
            + zip(["predictors", "backwardPredictors"], predictors).flatMap {
                $1.namedParameters(under: $0)
            }
    }

    /// InfoNCE over all frames that have K successors; recordings with fewer have no part in it.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - part: The recordings' places in the whole batch, their speakers, and where negatives come
    ///     from.
    ///   - seed: What the draws of negatives and of dropout depend on.
    /// - Returns: The loss in nats; the figures `chanceLoss` (log(N + 1), of scores that are all
    ///   alike), `informationBound` (log(N + 1) - L, in nats), `positiveShare` (the share of
    ///   negatives that are the positive) and `accuracy/step-k` (the share of frames whose positive
    ///   scores highest).
    public func loss(
        features: Tensor, lengths: [Int], part: BatchPart, seed: Seed
    ) -> ObjectiveLoss {
        let states = network(
            features, lengths: lengths, draws: TrainingDraws(seed: seed, rows: part.rows))
        let encoded = states.layers[0]
        let pool = part.pool.map {
            Pool(
                frames: $0.frames(encoded), lengths: $0.lengths.map(configuration.encodedFrames),
                own: $0.own)
        }
        let sampler = NegativeSampler(
            configuration, lengths: pool?.lengths ?? states.lengths, frameCount: encoded.shape[1],
            groups: part.pool == nil ? part.groups : part.pool?.groups)
        let directions = [seed, seed.derived("backward")].prefix(predictors.count)
        return contrast(
            encoded: encoded, context: states.layers[1], lengths: states.lengths,
            negatives: directions.map {
                sampler(seed: $0.derived("negatives"), own: pool?.own, rows: part.rows)
            }, pool: pool, draws: TrainingDraws(seed: seed.derived("predictors"), rows: part.rows))
    }

    /// The encoded frames of all processes' recordings, from which negatives are drawn.
    private struct Pool {
        /// (P, S, D).
        var frames: Tensor
        var lengths: [Int]
        /// Where the recordings here stand among them.
        var own: [Int]

        func reversedInTime() -> Pool {
            Pool(frames: frames.reversedInTime(lengths: lengths), lengths: lengths, own: own)
        }
    }

    /// Draws the negatives of a batch.
    ///
    /// - Parameters:
    ///   - lengths: Each recording's encoded frames.
    ///   - frameCount: S, the padded number of encoded frames.
    ///   - groups: A number for each recording, the same for the same speaker; `nil` where no speaker
    ///     is known.
    ///   - seed: What the draw depends on.
    /// - Returns: Frames, each numbered b · S + t, never one beyond a recording's end: N for each
    ///   recording, or N for each of the S - K contexts of each recording.
    public func drawNegatives(
        lengths: [Int], frameCount: Int, groups: [Int]? = nil, seed: Seed
    ) -> [Int] {
        NegativeSampler(configuration, lengths: lengths, frameCount: frameCount, groups: groups)(
            seed: seed)
    }

    /// The loss for given negatives: what `loss` computes after its draw.
    ///
    /// - Parameters:
    ///   - encoded: z, (B, S, D).
    ///   - context: c, (B, S, C); of two directions (B, S, 2C).
    ///   - lengths: Each recording's frames, in 1...S.
    ///   - negatives: As `drawNegatives` gives them, for each direction; for the backward one frames
    ///     are numbered from each recording's end.
    ///   - draws: The training step's draws, or `nil` for no dropout.
    /// - Returns: The loss and its figures.
    public func contrast(
        encoded: Tensor, context: Tensor, lengths: [Int], negatives: [[Int]],
        draws: TrainingDraws? = nil
    ) -> ObjectiveLoss {
        contrast(
            encoded: encoded, context: context, lengths: lengths, negatives: negatives, pool: nil,
            draws: draws)
    }

    private func contrast(
        encoded: Tensor, context: Tensor, lengths: [Int], negatives: [[Int]], pool: Pool?,
        draws: TrainingDraws?
    ) -> ObjectiveLoss {
        precondition(negatives.count == predictors.count, "each direction has its negatives")
        let C = configuration.contextWidth
        let directions = predictors.enumerated().map { direction, predictors in
            func inOrder(_ frames: Tensor) -> Tensor {
                direction == 0 ? frames : frames.reversedInTime(lengths: lengths)
            }
            return contrast(
                encoded: inOrder(encoded),
                context: inOrder(context.sliced(direction * C..<(direction + 1) * C, dimension: 2)),
                lengths: lengths, negatives: negatives[direction],
                pool: direction == 0 ? pool : pool?.reversedInTime(), predictors: predictors,
                draws: draws)
        }
        guard directions.count == 2 else { return directions[0] }
        let (onward, backward) = (directions[0], directions[1])
        return ObjectiveLoss(
            value: (onward.value + backward.value) * 0.5, weight: onward.weight
        ) {
            zip(onward.figures(), backward.figures()).map { ($0.name, ($0.value + $1.value) / 2) }
        }
    }

    private func contrast(
        encoded: Tensor, context: Tensor, lengths: [Int], negatives: [Int], pool: Pool?,
        predictors: any StepPredictors, draws: TrainingDraws?
    ) -> ObjectiveLoss {
        let S = encoded.shape[1]
        let W = S - configuration.predictionSteps  // frames with K successors
        guard W > 0 else {
            // Nothing to predict: a loss of zero that still has a gradient, also zero.
            return ObjectiveLoss(
                value: (encoded * 0).sum() + (context * 0).sum(), weight: 0
            ) { [] }
        }
        let logits = scores(
            of: predictors(context.sliced(0..<W, dimension: 1), draws: draws), among: encoded,
            negatives: negatives, pool: pool)  // (B, W, K, 1 + N)
        let (B, K) = (logits.shape[0], logits.shape[2])
        let losses = logits.firstClassLoss()  // (B, W, K)
        let weights = predictableFrames(lengths: lengths, W: W)
        let value: Tensor
        var count = Double(B * W * K)
        if let weights {
            count = Double(weights.reduce(0, +) * Float(K))
            value = (losses * Tensor(weights, shape: [B, W, 1])).sum() * (1 / max(1, count))
        } else {
            value = losses.mean()
        }
        let configuration = configuration
        return ObjectiveLoss(value: value, weight: count) {
            Self.figures(
                logits: logits.detached(), weights: weights, loss: Double(value.item),
                positiveShare: positiveShare(
                    of: negatives, lengths: lengths, own: pool?.own, frameCount: S,
                    configuration))
        }
    }

    /// One for each frame whose K successors lie within its recording; `nil` where that is all.
    private func predictableFrames(lengths: [Int], W: Int) -> [Float]? {
        let K = configuration.predictionSteps
        guard lengths.contains(where: { $0 - K < W }) else { return nil }
        return lengths.flatMap { length in (0..<W).map { $0 + K < length ? 1 : 0 } }
    }

    private static func figures(
        logits: Tensor, weights: [Float]?, loss: Double, positiveShare: Double
    ) -> [(name: String, value: Double)] {
        let (B, W, K, N) = (
            logits.shape[0], logits.shape[1], logits.shape[2], logits.shape[3] - 1
        )
        let best = logits.argmax(dimension: 3).integers  // (B, W, K)
        var hits = [Double](repeating: 0, count: K)
        var frames = 0.0
        for row in 0..<B * W where weights.map({ $0[row] > 0 }) ?? true {
            frames += 1
            for k in 0..<K where best[row * K + k] == 0 { hits[k] += 1 }
        }
        guard frames > 0 else { return [] }
        return [
            ("chanceLoss", log(Double(N + 1))), ("informationBound", log(Double(N + 1)) - loss),
            ("positiveShare", positiveShare),
        ] + hits.enumerated().map { ("accuracy/step-\($0.offset + 1)", $0.element / frames) }
    }
}

extension CPC {
    /// The score of each prediction's positive, then those of its negatives: (B, W, K, 1 + N).
    private func scores(
        of predictions: Tensor, among encoded: Tensor, negatives: [Int], pool: Pool?
    ) -> Tensor {
        let (B, W, K, D) = (
            predictions.shape[0], predictions.shape[1], predictions.shape[2], predictions.shape[3]
        )
        let (S, N) = (encoded.shape[1], configuration.negativeCount)
        var (queries, frames) = (predictions, encoded)
        var others = pool?.frames
        switch configuration.score {
        case .innerProduct: queries = queries * (1 / Double(D).squareRoot())
        case .mean: queries = queries * (1 / Double(D))
        case .cosine:
            queries = queries.normalized() * (1 / configuration.temperature)
            frames = frames.normalized()
            others = others?.normalized()
        }
        let own = pool?.own ?? Array(0..<B)
        let isShared = configuration.drawing == .perRecording
        let scores =
            isShared
            ? sharedScores(queries, frames, others ?? frames, negatives)
            : ownScores(queries, others ?? frames, own, negatives)
        // Another recording's frames are never the positive.
        guard configuration.excludesPositives, configuration.negatives != .otherRecordings else {
            return scores
        }
        // The positive itself, first in a row, stays: no frame has a number below zero.
        let rows = isShared ? B : B * W
        let drawn = (0..<rows).flatMap { [-1] + negatives[$0 * N..<($0 + 1) * N] }
        return scores.filled(
            where: positives(own, S: S, W: W, K: K).equals(
                Tensor(integers: drawn, shape: isShared ? [B, 1, 1, 1 + N] : [B, W, 1, 1 + N])),
            with: -.infinity)
    }

    /// Scores where a recording's contexts share its negatives: (B, W, K, 1 + N).
    private func sharedScores(
        _ queries: Tensor, _ frames: Tensor, _ all: Tensor, _ negatives: [Int]
    ) -> Tensor {
        let (B, D, N) = (queries.shape[0], queries.shape[3], configuration.negativeCount)
        let candidates = all.reshaped(-1, D)
            .selected(Tensor(integers: negatives, shape: [B * N]), dimension: 0)
            .reshaped(B, N, D)
        return queries.contrastiveScores(with: frames, candidates: candidates)
    }

    /// Scores where each context has negatives of its own: (B, W, K, 1 + N).
    private func ownScores(
        _ queries: Tensor, _ frames: Tensor, _ own: [Int], _ negatives: [Int]
    ) -> Tensor {
        let (B, W, K, D) = (
            queries.shape[0], queries.shape[1], queries.shape[2], queries.shape[3]
        )
        let (S, N) = (frames.shape[1], configuration.negativeCount)
        // The K frames after a context are gathered with its negatives.
        var indices: [Int] = []
        indices.reserveCapacity(B * W * (N + K))
        for row in 0..<B * W {
            indices += negatives[row * N..<(row + 1) * N]
            let frame = own[row / W] * S + row % W
            indices += frame + 1...frame + K
        }
        let scores = queries.reshaped(B * W, K, D)
            .innerProducts(
                with: frames.reshaped(-1, D),
                at: Tensor(integers: indices, shape: [B * W, N + K])
            )
            .reshaped(B, W, K, N + K)
        let identity = (0..<K * K).map { $0 % (K + 1) == 0 ? Float(1) : 0 }
        let positives =
            (scores.sliced(N..<N + K, dimension: 3) * Tensor(identity, shape: [K, K]))
            .sum(dimension: 3, keepsDimension: true)
        return .concatenated([positives, scores.sliced(0..<N, dimension: 3)], dimension: 3)
    }

    /// The number b · S + t + k of each frame to be predicted: (B, W, K, 1).
    private func positives(_ own: [Int], S: Int, W: Int, K: Int) -> Tensor {
        var numbers: [Int] = []
        numbers.reserveCapacity(own.count * W * K)
        for b in own { for t in 0..<W { for k in 1...K { numbers.append(b * S + t + k) } } }
        return Tensor(integers: numbers, shape: [own.count, W, K, 1])
    }
}

extension Tensor {
    /// Vectors of length 1 in the last dimension; a zero vector stays zero.
    func normalized() -> Tensor {
        self / ((self * self).sum(dimension: -1, keepsDimension: true) + 1e-12).squareRoot()
    }
}
