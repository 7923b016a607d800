// swift-format-ignore-file: AlwaysUseLowerCamelCase

//
// Contrastive predictive coding.
//
// van den Oord, Li and Vinyals 2018, Representation Learning with Contrastive Predictive Coding.
//
//   z_t = encoder(x)_t                     a convolutional encoder of the features
//   c_t = GRU(z_1 ... z_t)                 the context
//   f_k(z, c_t) = exp(zᵀ W_k c_t / √D)     the score of z as the frame k steps after t
//   L = -mean over t, k of log( f_k(z_{t+k}, c_t) / (f_k(z_{t+k}, c_t) + Σ_n f_k(z_n, c_t)) )
//
// with N negatives z_n. L bounds the mutual information: I(z_{t+k}; c_t) ≥ log(N + 1) - L.
// Where the negatives come from decides what is learned: from other recordings, what a recording
// keeps (voice, room); from the same recording, what changes within it (content, events).
//
// Deviations from the paper:
// - The encoder reads log-mels, not samples: three convolutions of width 3, each followed by layer
//   normalisation over channels and ReLU, as Rivière et al. 2020 normalise theirs.
// - Scores are divided by √D. W_k absorbs a constant; the start of training is better scaled.
// - A recording's N negatives are drawn once and shared by all its frames and steps, which turns the
//   gathering of N·T frames into one matrix product.
// - A negative that is the positive itself is left out of the sum.
import ApusCorpus
import ApusNN
import ApusTensor
import Foundation

/// Contrastive predictive coding on log-mels.
public final class CPC: Objective {
    /// Where negatives are drawn from.
    public enum NegativeSource: String, Codable, Sendable, CaseIterable {
        /// Frames of the other recordings in the batch.
        case otherRecordings
        /// Frames of the same recording.
        case sameRecording
        /// Frames of any recording in the batch, the same included.
        case batch
    }

    /// How the model is built.
    public struct Configuration: Codable, Hashable, Sendable {
        /// D of the convolutional encoder.
        public var encoderWidth = 256
        /// The stride of each convolution, in frames.
        public var strides = [1, 2, 1]
        /// The width of the GRU's state.
        public var contextWidth = 256
        /// K, the number of frames predicted ahead.
        public var predictionSteps = 12
        /// N, the negatives of each recording.
        public var negativeCount = 128
        /// Where negatives are drawn from.
        public var negatives = NegativeSource.otherRecordings

        /// The configuration of the quickstart.
        public init() {}

        /// What the strides leave of a number of frames.
        func encodedFrames(_ count: Int) -> Int {
            strides.reduce(count) { ($0 + $1 - 1) / $1 }
        }

        func problem() -> String? {
            if encoderWidth < 1 { return "encoderWidth is \(encoderWidth), expected at least 1" }
            if contextWidth < 1 { return "contextWidth is \(contextWidth), expected at least 1" }
            if strides.isEmpty || strides.contains(where: { !(1...8).contains($0) }) {
                return "strides is \(strides), expected numbers from 1 to 8"
            }
            if strides.count > 8 {
                return "strides has \(strides.count) numbers, expected at most 8"
            }
            if predictionSteps < 1 {
                return "predictionSteps is \(predictionSteps), expected at least 1"
            }
            if negativeCount < 1 { return "negativeCount is \(negativeCount), expected at least 1" }
            return nil
        }
    }

    private let network: ConvolutionalRecurrentEncoder
    private let predictors: Linear
    private let configuration: Configuration

    /// A model with untrained weights.
    ///
    /// - Parameters:
    ///   - configuration: How it is built.
    ///   - melBandCount: M, the width of the features.
    ///   - seed: What the initial weights depend on.
    public init(_ configuration: Configuration, melBandCount: Int, seed: Seed) {
        self.configuration = configuration
        network = ConvolutionalRecurrentEncoder(
            inputWidth: melBandCount, width: configuration.encoderWidth,
            strides: configuration.strides, contextWidth: configuration.contextWidth,
            seed: seed.derived("encoder"))
        // The K matrices W_k one above the other.
        predictors = Linear(
            inputWidth: configuration.contextWidth,
            outputWidth: configuration.predictionSteps * configuration.encoderWidth,
            hasBias: false, seed: seed.derived("predictors"))
    }

    /// The convolutional encoder and the context network.
    public var encoder: any Encoder { network }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        network.namedParameters(under: "encoder") + predictors.namedParameters(under: "predictors")
    }

    /// InfoNCE over all frames that have K successors; recordings with fewer have no part in it.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - seed: What the draw of negatives depends on.
    /// - Returns: The loss in nats; the figures `accuracy/step-k` (the share of frames whose
    ///   positive scores highest) and `informationBound` (log(N + 1) - L, in nats).
    public func loss(features: Tensor, lengths: [Int], seed: Seed) -> ObjectiveLoss {
        let states = network(features, lengths: lengths, draws: TrainingDraws(seed: seed))
        let indices = drawNegatives(
            lengths: states.lengths, frameCount: states.layers[0].shape[1],
            seed: seed.derived("negatives"))
        return contrast(
            encoded: states.layers[0], context: states.layers[1], lengths: states.lengths,
            negatives: indices)
    }

    /// The loss for given negatives: what `loss` computes after its draw.
    ///
    /// - Parameters:
    ///   - encoded: z, (B, S, D).
    ///   - context: c, (B, S, C).
    ///   - lengths: Each recording's frames, in 1...S.
    ///   - negatives: B · N frames, each numbered b · S + t.
    /// - Returns: The loss and its figures.
    public func contrast(
        encoded: Tensor, context: Tensor, lengths: [Int], negatives: [Int]
    ) -> ObjectiveLoss {
        let (B, S, D) = (encoded.shape[0], encoded.shape[1], encoded.shape[2])
        let (K, N) = (configuration.predictionSteps, configuration.negativeCount)
        let W = S - K  // frames with K successors
        guard W > 0 else {
            // Nothing to predict: a loss of zero that still has a gradient, also zero.
            return ObjectiveLoss(value: (encoded * 0).sum() + (context * 0).sum()) { [] }
        }
        let scale = 1 / Double(D).squareRoot()
        let predictions = predictors(context.sliced(0..<W, dimension: 1)) * scale
        let byFrame = predictions.reshaped(B, W * K, D)
        // Each prediction's scores with all frames of its recording; the positive is one of them.
        let positives =
            (byFrame.matmul(encoded.transposed(1, 2)).cast(to: .float32).reshaped(B, W, K, S)
            * targetMask(W: W, S: S)).sum(dimension: 3, keepsDimension: true)  // (B, W, K, 1)

        let drawn = Tensor(integers: negatives, shape: [B * N])
        let candidates = encoded.reshaped(B * S, D).selected(drawn, dimension: 0)
            .reshaped(B, N, D)
        var scores = byFrame.matmul(candidates.transposed(1, 2))
            .cast(to: .float32).reshaped(B, W, K, N)
        if configuration.negatives != .otherRecordings {
            scores = scores.filled(
                where: collisions(B: B, S: S, W: W, drawn: drawn), with: -.infinity)
        }

        let logits = Tensor.concatenated([positives, scores], dimension: 3)  // (B, W, K, 1 + N)
        let losses =
            logits.logSoftmax(dimension: 3).sliced(0..<1, dimension: 3)
            .reshaped(B, W, K) * -1
        let weights = predictableFrames(lengths: lengths, W: W)
        let value: Tensor
        if let weights {
            let total = Double(max(1, weights.reduce(0, +) * Float(K)))
            value = (losses * Tensor(weights, shape: [B, W, 1])).sum() * (1 / total)
        } else {
            value = losses.mean()
        }
        return ObjectiveLoss(value: value) {
            Self.figures(
                logits: logits.detached(), weights: weights, loss: Double(value.item),
                negativeCount: N)
        }
    }

    /// Draws each recording's negatives.
    ///
    /// - Parameters:
    ///   - lengths: Each recording's frames.
    ///   - frameCount: S, the padded number of frames.
    ///   - seed: What the draw depends on.
    /// - Returns: B · N frames, each numbered b · S + t, never one beyond a recording's end.
    public func drawNegatives(lengths: [Int], frameCount: Int, seed: Seed) -> [Int] {
        let starts = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        let total = starts[lengths.count]
        // The frame with a number among all valid frames of the batch.
        func frame(_ number: Int) -> Int {
            var low = 0
            var high = lengths.count
            while high - low > 1 {
                let middle = (low + high) / 2
                if starts[middle] <= number { low = middle } else { high = middle }
            }
            return low * frameCount + number - starts[low]
        }
        return lengths.indices.flatMap { recording -> [Int] in
            var generator = SeededGenerator(
                seed: seed.value, stream: "negatives", recording)
            let own = lengths[recording]
            return (0..<configuration.negativeCount).map { _ in
                switch configuration.negatives {
                // A batch of one recording has no other to draw from.
                case .otherRecordings where total > own:
                    let number = generator.integer(below: total - own)
                    return frame(number < starts[recording] ? number : number + own)
                case .otherRecordings, .sameRecording:
                    return recording * frameCount + generator.integer(below: own)
                case .batch:
                    return frame(generator.integer(below: total))
                }
            }
        }
    }

    /// (W, K, S) with one where the last index is the frame k steps after t, zero elsewhere.
    private func targetMask(W: Int, S: Int) -> Tensor {
        let K = configuration.predictionSteps
        var values = [Float](repeating: 0, count: W * K * S)
        for t in 0..<W { for k in 0..<K { values[(t * K + k) * S + t + k + 1] = 1 } }
        return Tensor(values, shape: [W, K, S])
    }

    /// Where a negative is the frame to be predicted: (B, W, K, N), true there.
    private func collisions(B: Int, S: Int, W: Int, drawn: Tensor) -> Tensor {
        let (K, N) = (configuration.predictionSteps, configuration.negativeCount)
        var positives = [Int]()
        positives.reserveCapacity(B * W * K)
        for b in 0..<B { for t in 0..<W { for k in 1...K { positives.append(b * S + t + k) } } }
        return Tensor(integers: positives, shape: [B, W, K, 1])
            .equals(drawn.reshaped(B, 1, 1, N))
    }

    /// One for each frame whose K successors lie within its recording; `nil` where that is all.
    private func predictableFrames(lengths: [Int], W: Int) -> [Float]? {
        let K = configuration.predictionSteps
        guard lengths.contains(where: { $0 - K < W }) else { return nil }
        return lengths.flatMap { length in (0..<W).map { $0 + K < length ? 1 : 0 } }
    }

    private static func figures(
        logits: Tensor, weights: [Float]?, loss: Double, negativeCount: Int
    ) -> [(name: String, value: Double)] {
        let (B, W, K) = (logits.shape[0], logits.shape[1], logits.shape[2])
        let best = logits.argmax(dimension: 3).integers  // (B, W, K)
        var hits = [Double](repeating: 0, count: K)
        var frames = 0.0
        for row in 0..<B * W where weights.map({ $0[row] > 0 }) ?? true {
            frames += 1
            for k in 0..<K where best[row * K + k] == 0 { hits[k] += 1 }
        }
        guard frames > 0 else { return [] }
        return [("informationBound", log(Double(negativeCount + 1)) - loss)]
            + hits.enumerated().map { ("accuracy/step-\($0.offset + 1)", $0.element / frames) }
    }
}

/// CPC's two networks: convolutions over log-mels, and a GRU over what they encode.
public final class ConvolutionalRecurrentEncoder: Encoder {
    private let convolutions: [Conv1d]
    private let norms: [LayerNorm]
    private let context: GRU
    /// `convolution` (z) and `context` (c).
    public let layerNames = ["convolution", "context"]
    /// D of z and of c.
    public let layerWidths: [Int]
    /// The product of the convolutions' strides.
    public let stride: Int

    /// The networks with untrained weights.
    ///
    /// - Parameters:
    ///   - inputWidth: M, the width of the features.
    ///   - width: D of each convolution.
    ///   - strides: The stride of each convolution, in frames.
    ///   - contextWidth: The width of the GRU's state.
    ///   - seed: What the initial weights depend on.
    public init(inputWidth: Int, width: Int, strides: [Int], contextWidth: Int, seed: Seed) {
        convolutions = strides.enumerated().map { index, stride in
            Conv1d(
                inputChannels: index == 0 ? inputWidth : width, outputChannels: width,
                kernelSize: 3, stride: stride, padding: 1,
                seed: seed.derived("convolutions.\(index)"))
        }
        norms = strides.map { _ in LayerNorm(width: width) }
        context = GRU(
            inputWidth: width, hiddenWidth: contextWidth, seed: seed.derived("context"))
        layerWidths = [width, contextWidth]
        stride = strides.reduce(1, *)
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        zip(convolutions, norms).enumerated().flatMap { index, pair in
            pair.0.namedParameters(under: "convolutions.\(index)")
                + pair.1.namedParameters(under: "norms.\(index)")
        } + context.namedParameters(under: "context")
    }

    /// z and c of a padded batch.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - draws: Unused: nothing in this encoder is drawn.
    /// - Returns: z (B, S, D) and c (B, S, C) with S = T / stride, rounded up at each convolution.
    public func callAsFunction(
        _ features: Tensor, lengths: [Int], draws: TrainingDraws?
    ) -> HiddenStates {
        var frames = features  // (B, T, M)
        var lengths = lengths
        for (convolution, norm) in zip(convolutions, norms) {
            let convolved = convolution(frames.transposed(1, 2)).transposed(1, 2)  // (B, T, D)
            frames = norm(convolved).relu()
            lengths = lengths.map(convolution.outputLength)
            // A recording's last frames see zeros beyond its end, alone or in a batch.
            if let mask = frameMask(lengths: lengths, frameCount: frames.shape[1]) {
                frames = frames * mask
            }
        }
        return HiddenStates(layers: [frames, context(frames)], lengths: lengths)
    }
}
