import ApusNN
import ApusSignal
import ApusTensor

/// An encoder that others trained: a model without an objective of ours.
///
/// Everything that takes a trained encoder takes it, `apus train` among them; `apus pretrain` doesn't.
public final class ImportedEncoder: Objective {
    /// The kinds of encoder that are imported.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// wav2vec 2.0, HuBERT, WavLM and data2vec.
        case wav2vec2
        /// CPC_audio's two networks.
        case cpc
        /// The zoo's encoders of features, as s3prl's TERA, Mockingjay and APC.
        case features
        /// Resemblyzer's GE2E.
        case ge2e
    }

    /// How the encoder is built.
    public struct Configuration: Codable, Hashable, Sendable {
        /// Which encoder.
        public var kind = Kind.wav2vec2
        /// How wav2vec 2.0 is built; unused by the others.
        public var wav2vec2 = Wav2Vec2Encoder.Configuration()
        /// How CPC's networks over samples are built; unused by the others.
        public var cpc = CPC.Configuration()
        /// How an encoder of features is built; unused by the others.
        public var features = EncoderConfiguration()
        /// How GE2E is built; unused by the others.
        public var ge2e = GE2EEncoder.Configuration()

        /// HuBERT's base model.
        public init() {}

        func problem() -> String? {
            switch kind {
            case .wav2vec2: wav2vec2.problem().map { "wav2vec2." + $0 }
            case .cpc:
                cpc.encoder == .waveform
                    ? cpc.problem().map { "cpc." + $0 } : "cpc.encoder is not waveform"
            case .features: features.problem().map { "features." + $0 }
            case .ge2e: ge2e.problem().map { "ge2e." + $0 }
            }
        }

        /// What the encoder can't read, in words that name the key.
        func problem(reading frontEnd: FrontEnd) -> String? {
            switch kind {
            case .wav2vec2:
                frontEnd.kind == .waveform && frontEnd.featureCount == 1
                    ? nil
                    : "kind is wav2vec2, which needs a frontEnd of kind waveform and frames of 1 sample"
            case .cpc:
                cpc.problem(
                    featureCount: frontEnd.featureCount, isWaveform: frontEnd.kind == .waveform
                ).map { "cpc." + $0 }
            case .features, .ge2e: nil
            }
        }

        /// The number of weights in the largest matrices.
        func leastParameterCount(inputWidth: Int) -> Double {
            switch kind {
            case .wav2vec2: wav2vec2.leastParameterCount()
            case .cpc: 20 * Double(cpc.encoderWidth) * Double(cpc.encoderWidth)
            case .features: features.leastParameterCount(inputWidth: inputWidth)
            case .ge2e: ge2e.leastParameterCount(inputWidth: inputWidth)
            }
        }
    }

    /// The encoder.
    public let encoder: any Encoder

    /// A model with untrained weights.
    ///
    /// - Parameters:
    ///   - configuration: How it is built.
    ///   - inputWidth: M, the width of the features.
    ///   - seed: What the initial weights depend on.
    public init(_ configuration: Configuration, inputWidth: Int, seed: Seed) {
        let seed = seed.derived("encoder")
        encoder =
            switch configuration.kind {
            case .wav2vec2: Wav2Vec2Encoder(configuration.wav2vec2, seed: seed)
            case .cpc: RawWaveformEncoder(configuration.cpc, seed: seed)
            case .features: configuration.features.makeEncoder(inputWidth: inputWidth, seed: seed)
            case .ge2e: GE2EEncoder(configuration.ge2e, inputWidth: inputWidth, seed: seed)
            }
    }

    /// The encoder's parameters.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        encoder.namedParameters(under: "encoder")
    }

    /// There is none: a configuration of `apus pretrain` that asks for one is refused.
    public func loss(
        features: Tensor, lengths: [Int], part: BatchPart, seed: Seed
    ) -> ObjectiveLoss {
        preconditionFailure("an imported encoder has no objective")
    }
}
