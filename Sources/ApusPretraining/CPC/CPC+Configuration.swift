// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusNN

extension CPC {
    /// What the encoded frames z are made from.
    public enum EncoderKind: String, Codable, Sendable, CaseIterable {
        /// Features such as log-mels, through convolutions of width 3.
        case features
        /// Samples, of a front end of kind `waveform`, through five strided convolutions.
        case waveform
    }

    /// The network that makes contexts c of the encoded frames.
    public enum ContextKind: String, Codable, Sendable, CaseIterable {
        /// Gated recurrent units, as the CPC paper has it.
        case gru
        /// Long short-term memory, as CPC_audio has it.
        case lstm
        /// Transformer layers that see the past alone.
        case transformer
    }

    /// What predicts the frames ahead from the contexts.
    public enum PredictorKind: String, Codable, Sendable, CaseIterable {
        /// W_k c_t for each step k, as the CPC paper has it.
        case linear
        /// A causal transformer layer over the contexts for each step, as CPC_audio has it.
        case transformer
    }

    /// Where negatives are drawn from.
    public enum NegativeSource: String, Codable, Sendable, CaseIterable {
        /// Frames of the other recordings in the batch.
        case otherRecordings
        /// Frames of the same recording.
        case sameRecording
        /// Frames of any recording in the batch, the same included.
        case batch
        /// Frames of the same speaker's recordings in the batch; one of unknown speaker is alone.
        case sameSpeaker
        /// A share from the same recording, the rest from others.
        case mixed
    }

    /// How often negatives are drawn.
    public enum NegativeDrawing: String, Codable, Sendable, CaseIterable {
        /// Once for each recording, evenly from the frames; all its frames and steps share them.
        case perRecording
        /// For each context, as CPC_audio does: a recording evenly, then one of its frames evenly but
        /// the one at the context's own time; all steps share them.
        case perFrame
    }

    /// How a frame is scored as the one predicted.
    public enum ScoreKind: String, Codable, Sendable, CaseIterable {
        /// The inner product divided by √D.
        case innerProduct
        /// The mean of the products over the D dimensions, as CPC_audio has it.
        case mean
        /// The cosine of the angle, divided by the temperature.
        case cosine
    }

    /// How the model is built.
    public struct Configuration: Codable, Hashable, Sendable {
        /// What z is made from.
        public var encoder = EncoderKind.features
        /// D of the convolutional encoder.
        public var encoderWidth = 256
        /// The stride of each convolution over features, in frames; unused with `waveform`.
        public var strides = [1, 2, 1]
        /// The network that makes contexts.
        public var context = ContextKind.gru
        /// The width of the contexts.
        public var contextWidth = 256
        /// The number of layers of the context network; a GRU has one.
        public var contextLayerCount = 1
        /// Whether a second context goes through time backwards, and both are the representation.
        public var isBidirectional = false
        /// K, the number of frames predicted ahead.
        public var predictionSteps = 12
        /// What predicts them.
        public var predictor = PredictorKind.linear
        /// The layers of transformers, as contexts or predictors.
        public var transformer = CausalTransformerLayer.Configuration()
        /// N, the negatives of each recording or context.
        public var negativeCount = 128
        /// Where negatives are drawn from.
        public var negatives = NegativeSource.otherRecordings
        /// How often negatives are drawn.
        public var drawing = NegativeDrawing.perRecording
        /// Whether `batch` and `sameSpeaker` draw from the recording itself too.
        public var includesOwnRecording = true
        /// The share of `mixed` negatives that come from the same recording.
        public var ownShare = 0.5
        /// Whether a negative that is the positive is left out of the sum.
        public var excludesPositives = true
        /// How frames are scored.
        public var score = ScoreKind.innerProduct
        /// What cosines are divided by.
        public var temperature = 0.1

        /// The configuration of the quickstart.
        public init() {}

        /// What the strides leave of a number of frames.
        func encodedFrames(_ count: Int) -> Int {
            encoder == .waveform ? count : strides.reduce(count) { ($0 + $1 - 1) / $1 }
        }

        func problem() -> String? {
            // Channel normalisation divides by D - 1.
            let narrowest = encoder == .waveform ? 2 : 1
            if encoderWidth < narrowest {
                return "encoderWidth is \(encoderWidth), expected at least \(narrowest)"
            }
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
            if !(0...1).contains(ownShare) { return "ownShare is \(ownShare), expected 0 to 1" }
            if !(temperature > 0 && temperature.isFinite) {
                return "temperature is \(temperature), expected a positive number"
            }
            return networkProblem()
        }

        private func networkProblem() -> String? {
            let most = context == .gru ? 1 : 64
            if !(1...most).contains(contextLayerCount) {
                return "contextLayerCount is \(contextLayerCount), expected "
                    + (most == 1 ? "1 with a GRU" : "1 to \(most)")
            }
            if predictor == .transformer && contextWidth != encoderWidth {
                return "contextWidth is \(contextWidth), expected the encoderWidth, "
                    + "\(encoderWidth), with transformers as predictors"
            }
            guard context == .transformer || predictor == .transformer else { return nil }
            return transformer.problem(width: contextWidth).map { "transformer." + $0 }
        }

        /// What the encoder can't read, in words that name the key.
        func problem(featureCount: Int, isWaveform: Bool) -> String? {
            guard encoder == .waveform else { return nil }
            guard isWaveform, featureCount == RawWaveformEncoder.samplesPerFrame else {
                return "encoder is waveform, which needs a frontEnd of kind waveform and frames of "
                    + "\(RawWaveformEncoder.samplesPerFrame) samples"
            }
            return nil
        }

        /// The number of weights in the largest matrices, as a floating-point number.
        func leastParameterCount(featureCount: Int) -> Double {
            let (D, C, K) = (Double(encoderWidth), Double(contextWidth), Double(predictionSteps))
            let layers = Double(contextLayerCount)
            let layer = C * (4 * C + 2 * Double(transformer.feedForwardWidth))
            let convolutions =
                encoder == .waveform
                ? D * (10 + 20 * D)
                : 3 * D * (Double(featureCount) + Double(strides.count - 1) * D)
            let recurrence =
                switch context {
                case .gru: 3 * C * (D + C)
                case .lstm: 4 * C * (D + C) + (layers - 1) * 8 * C * C
                case .transformer: layers * layer
                }
            let predictors = predictor == .linear ? K * D * C : K * layer
            return convolutions + (isBidirectional ? 2 : 1) * (recurrence + predictors)
        }
    }
}
