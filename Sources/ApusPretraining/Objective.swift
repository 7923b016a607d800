import ApusCorpus
import ApusNN
import ApusSignal
import ApusTensor

/// An encoder and what its training without labels needs beside it.
public protocol Objective: Module {
    /// The encoder that the training is for.
    var encoder: any Encoder { get }

    /// The loss of a batch, or of a process's part of one.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - part: The recordings' places in the whole batch, on which draws depend, and their speakers.
    ///   - seed: What this step's draws depend on.
    /// - Returns: The loss, and the figures that tell whether the model learns.
    func loss(features: Tensor, lengths: [Int], part: BatchPart, seed: Seed) -> ObjectiveLoss

    /// Reads what training needs beside the batches; once, before the first loss and before weights
    /// are restored. Nothing, if not said otherwise; using a trained encoder never needs it.
    ///
    /// - Parameter frontEnd: What makes the training's features, normalisation included.
    /// - Throws: Where a file that the configuration names doesn't fit.
    func prepare(frontEnd: FrontEnd) throws
}

extension Objective {
    /// The loss of a whole batch.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - groups: A number for each recording, the same for the same speaker; `nil` where no speaker
    ///     is known.
    ///   - seed: What this step's draws depend on.
    /// - Returns: The loss, and the figures that tell whether the model learns.
    public func loss(
        features: Tensor, lengths: [Int], groups: [Int]? = nil, seed: Seed
    ) -> ObjectiveLoss {
        loss(
            features: features, lengths: lengths,
            part: BatchPart(rows: Array(lengths.indices), groups: groups), seed: seed)
    }

    /// Nothing beside the batches.
    public func prepare(frontEnd: FrontEnd) throws {}
}

/// The loss of one batch.
public struct ObjectiveLoss {
    /// A scalar to differentiate, a mean.
    public var value: Tensor
    /// How many terms it is the mean of: the mean over several batches' terms weighs them by it.
    public var weight: Double
    /// Figures of this batch by name, computed when asked for: most steps log none.
    public var figures: () -> [(name: String, value: Double)]
}

/// The kinds of objective.
public enum ObjectiveKind: String, Codable, Sendable, CaseIterable {
    /// Contrastive predictive coding.
    case cpc
    /// TERA's reconstruction of altered frames.
    case maskedReconstruction
    /// APC's and VQ-APC's prediction of frames some way ahead.
    case autoregressivePrediction
    /// NPC's prediction of frames from those around them.
    case nonAutoregressivePrediction
    /// BEST-RQ's and HuBERT's prediction of the codes of masked spans.
    case maskedPrediction
    /// None: an encoder that others trained.
    case imported

    /// Those that Apus trains.
    public static let allCases: [ObjectiveKind] = [
        .cpc, .maskedReconstruction, .autoregressivePrediction, .nonAutoregressivePrediction,
        .maskedPrediction,
    ]

    /// What the loss is measured in.
    public var lossUnit: String {
        switch self {
        case .imported: ""
        case .cpc, .maskedPrediction: "nats"
        case .maskedReconstruction, .autoregressivePrediction, .nonAutoregressivePrediction:
            "mean |error|"
        }
    }
}

/// Which objective, and how it is built.
public struct ObjectiveConfiguration: Codable, Hashable, Sendable {
    /// Which objective.
    public var kind = ObjectiveKind.cpc
    /// How CPC is built; unused by the others.
    public var cpc = CPC.Configuration()
    /// How masked reconstruction is built; unused by the others.
    public var maskedReconstruction = MaskedReconstruction.Configuration()
    /// How autoregressive prediction is built; unused by the others.
    public var autoregressivePrediction = AutoregressivePrediction.Configuration()
    /// How non-autoregressive prediction is built; unused by the others.
    public var nonAutoregressivePrediction = NonAutoregressivePrediction.Configuration()
    /// How masked prediction is built; unused by the others.
    public var maskedPrediction = MaskedPrediction.Configuration()
    /// How an imported encoder is built; unused by the others.
    public var imported = ImportedEncoder.Configuration()

    /// CPC as it is by default.
    public init() {}

    /// Builds the objective with untrained weights.
    ///
    /// - Parameters:
    ///   - melBandCount: M, the width of the features.
    ///   - seed: What the initial weights depend on.
    /// - Returns: The objective.
    public func makeObjective(melBandCount: Int, seed: Seed) -> any Objective {
        switch kind {
        case .cpc: CPC(cpc, melBandCount: melBandCount, seed: seed)
        case .maskedReconstruction:
            MaskedReconstruction(maskedReconstruction, melBandCount: melBandCount, seed: seed)
        case .autoregressivePrediction:
            AutoregressivePrediction(
                autoregressivePrediction, melBandCount: melBandCount, seed: seed)
        case .nonAutoregressivePrediction:
            NonAutoregressivePrediction(
                nonAutoregressivePrediction, melBandCount: melBandCount, seed: seed)
        case .maskedPrediction:
            MaskedPrediction(maskedPrediction, melBandCount: melBandCount, seed: seed)
        case .imported: ImportedEncoder(imported, inputWidth: melBandCount, seed: seed)
        }
    }

    /// What can't be built, in words that name the key.
    ///
    /// - Returns: The first problem found, or `nil`.
    public func problem() -> String? {
        switch kind {
        case .cpc: cpc.problem().map { "objective.cpc." + $0 }
        case .maskedReconstruction:
            maskedReconstruction.problem().map { "objective.maskedReconstruction." + $0 }
        case .autoregressivePrediction:
            autoregressivePrediction.problem().map { "objective.autoregressivePrediction." + $0 }
        case .nonAutoregressivePrediction:
            nonAutoregressivePrediction.problem().map {
                "objective.nonAutoregressivePrediction." + $0
            }
        case .maskedPrediction:
            maskedPrediction.problem().map { "objective.maskedPrediction." + $0 }
        case .imported: imported.problem().map { "objective.imported." + $0 }
        }
    }

    /// What the encoder can't read of a front end, in words that name the key.
    ///
    /// - Parameter frontEnd: What makes the features.
    /// - Returns: The problem, or `nil`.
    public func problem(reading frontEnd: FrontEnd) -> String? {
        if kind == .imported {
            return imported.problem(reading: frontEnd).map { "objective.imported." + $0 }
        }
        guard kind == .cpc else { return nil }
        return cpc.problem(
            featureCount: frontEnd.featureCount, isWaveform: frontEnd.kind == .waveform
        ).map { "objective.cpc." + $0 }
    }

    /// Whether frames are told from those of other recordings.
    var contrasts: Bool {
        kind == .cpc || kind == .maskedPrediction && maskedPrediction.contrastive.weight > 0
    }

    /// Whether recordings of so many frames can be trained on.
    ///
    /// - Parameter count: The frames of features.
    /// - Returns: False for CPC where no frame has as many successors as it predicts.
    package func isTrainable(onFrames count: Int) -> Bool {
        kind != .cpc || cpc.encodedFrames(count) > cpc.predictionSteps
    }

    /// The number of weights in the largest matrices: no model of these sizes has fewer.
    ///
    /// A floating-point number, since sizes that a file names may be absurd.
    func leastParameterCount(melBandCount: Int) -> Double {
        let bands = Double(melBandCount)
        switch kind {
        case .cpc: return cpc.leastParameterCount(featureCount: melBandCount)
        case .maskedReconstruction:
            let encoder = maskedReconstruction.encoder
            return bands * Double(encoder.width)
                + encoder.leastParameterCount(inputWidth: melBandCount)
        case .autoregressivePrediction:
            return autoregressivePrediction.leastParameterCount(melBandCount: melBandCount)
        case .nonAutoregressivePrediction:
            return nonAutoregressivePrediction.leastParameterCount(melBandCount: melBandCount)
        case .maskedPrediction:
            return maskedPrediction.leastParameterCount(melBandCount: melBandCount)
        case .imported: return imported.leastParameterCount(inputWidth: melBandCount)
        }
    }
}
