import ApusCorpus
import ApusNN
import ApusSignal
import ApusTensor
import Foundation

/// What a model file says of itself: stored in the metadata of `model.safetensors`.
public struct ModelCard: Codable, Hashable, Sendable {
    /// What the model was trained on.
    public struct TrainingData: Codable, Hashable, Sendable {
        /// The manifest's path as the run was given it.
        public var manifest: String
        /// A hash (FNV-1a, 64 bits) of the manifest's bytes.
        public var manifestHash: String
        /// The number of recordings used.
        public var recordings: Int
        /// Their duration in seconds.
        public var seconds: Double

        /// What a model was trained on.
        ///
        /// - Parameters:
        ///   - manifest: The manifest's path as the run was given it.
        ///   - manifestHash: A hash (FNV-1a, 64 bits) of the manifest's bytes.
        ///   - recordings: The number of recordings used.
        ///   - seconds: Their duration in seconds.
        public init(manifest: String, manifestHash: String, recordings: Int, seconds: Double) {
            self.manifest = manifest
            self.manifestHash = manifestHash
            self.recordings = recordings
            self.seconds = seconds
        }

        /// The hash by which a manifest is known again.
        ///
        /// - Parameter path: The manifest's path.
        /// - Returns: FNV-1a of the file's bytes (64 bits), hexadecimal.
        /// - Throws: Where the file can't be read.
        public static func hash(ofFile path: String) throws -> String {
            String(try fileHash(of: path), radix: 16)
        }
    }

    /// The model whose weights a training began with.
    public struct Origin: Codable, Hashable, Sendable {
        /// The model's path as the run was given it.
        public var path: String
        /// A hash (FNV-1a, 64 bits) of the file's bytes.
        public var hash: String
        /// Steps of training behind its weights.
        public var step: Int
        /// What it was trained on.
        public var trainingData: TrainingData

        /// What a model is known by.
        ///
        /// - Parameter model: The model.
        /// - Throws: Where its file can't be read.
        public init(_ model: PretrainedModel) throws {
            path = model.path
            hash = try TrainingData.hash(ofFile: model.path)
            step = model.card.step
            trainingData = model.card.trainingData
        }
    }

    /// The version of Apus that wrote the file.
    public var version = apusVersion
    /// The objective, and with it the architecture.
    public var objective: ObjectiveConfiguration
    /// How samples become what the encoder reads, normalisation included.
    public var frontEnd: FrontEnd
    /// What the run's draws depended on.
    public var seed: UInt64
    /// Steps of training behind the weights.
    public var step: Int
    /// What the model was trained on.
    public var trainingData: TrainingData
    /// The model that the training began with; `nil` for drawn weights.
    public var origin: Origin?

    /// What a model file says of itself.
    ///
    /// - Parameters:
    ///   - objective: The objective, and with it the architecture.
    ///   - frontEnd: How samples become what the encoder reads, normalisation included.
    ///   - seed: What the run's draws depended on.
    ///   - step: Steps of training behind the weights.
    ///   - trainingData: What the model was trained on.
    ///   - origin: The model that the training began with; `nil` for drawn weights.
    public init(
        objective: ObjectiveConfiguration, frontEnd: FrontEnd, seed: UInt64, step: Int,
        trainingData: TrainingData, origin: Origin? = nil
    ) {
        self.objective = objective
        self.frontEnd = frontEnd
        self.seed = seed
        self.step = step
        self.trainingData = trainingData
        self.origin = origin
    }

    /// The metadata key that the card is stored under.
    static let key = "apus"
}

/// The metadata key of a trained classifier's card.
package let classifierKey = "apus-trained-classifier"

/// The version of Apus.
public let apusVersion = "0.1.0"

/// A model as its file holds it: the weights and the card.
public final class PretrainedModel {
    /// Where the model comes from.
    public let path: String
    /// What the file says of itself.
    public let card: ModelCard
    /// The objective with the file's weights.
    public let objective: any Objective

    /// The encoder with the file's weights.
    public var encoder: any Encoder { objective.encoder }

    /// Reads a model.
    ///
    /// - Parameter path: The path of a `model.safetensors`.
    /// - Throws: `NNError` for a file that isn't a whole safetensors file or has other weights,
    ///   `PretrainingError.notAModel` for one without a readable card.
    public convenience init(contentsOf path: String) throws {
        try self.init(path: path, file: Safetensors(contentsOf: path))
    }

    /// A model from what its file holds.
    ///
    /// - Parameters:
    ///   - path: Where the model comes from.
    ///   - file: The weights, and the card in the metadata.
    /// - Throws: `NNError.weightsDoNotFit` for other weights, `PretrainingError.notAModel` for
    ///   metadata without a readable card.
    public convenience init(path: String, file: Safetensors) throws {
        guard let text = file.metadata[ModelCard.key] else {
            throw PretrainingError.notAModel(path: path, reason: "it has no model card")
        }
        if file.tensors["classifier.weight"] != nil || file.metadata[classifierKey] != nil {
            throw PretrainingError.notAModel(
                path: path, reason: "it is a classifier, for apus classify")
        }
        let card: ModelCard
        do {
            card = try JSONDecoder().decode(ModelCard.self, from: Data(text.utf8))
            try card.frontEnd.validate()
        } catch {
            throw PretrainingError.notAModel(
                path: path, reason: "its model card can't be read: \(error)")
        }
        if let problem = card.objective.problem()
            ?? card.objective.problem(reading: card.frontEnd)
        {
            throw PretrainingError.notAModel(path: path, reason: problem)
        }
        // A model is made only where the file can fill it: a card may name any size.
        let least = card.objective.leastParameterCount(melBandCount: card.frontEnd.featureCount)
        let found = file.tensors.values.reduce(0) { $0 + $1.values.count }
        guard least <= Double(found) else {
            throw NNError.weightsDoNotFit(
                path: path,
                reason: "the file has \(found) weights, the sizes in its card need "
                    + String(format: "%.0f or more", least))
        }
        // An objective of ours may have frozen draws that no file holds.
        let objective = card.objective.makeObjective(
            melBandCount: card.frontEnd.featureCount,
            seed: card.objective.kind == .imported ? .zeros : Seed(card.seed))
        try objective.load(file.tensors, from: path)
        self.init(path: path, card: card, objective: objective)
    }

    init(path: String, card: ModelCard, objective: any Objective) {
        self.path = path
        self.card = card
        self.objective = objective
    }

    /// A model with the initial weights of its card's seed.
    ///
    /// - Parameters:
    ///   - card: What the model is; its options have to be ones that can be built.
    ///   - path: Where the model comes from.
    public convenience init(untrained card: ModelCard, path: String) {
        var card = card
        card.step = 0
        self.init(
            path: path, card: card,
            objective: card.objective.makeObjective(
                melBandCount: card.frontEnd.featureCount, seed: Seed(card.seed)))
    }

    /// The same model before its training: the same architecture with the run's initial weights.
    ///
    /// - Returns: The untrained model.
    public func untrained() -> PretrainedModel { PretrainedModel(untrained: card, path: path) }

    /// What the model's file holds.
    ///
    /// - Returns: The weights, and the card in the metadata.
    /// - Throws: Where the card isn't encodable.
    public func contents() throws -> Safetensors { try objective.modelContents(card: card) }

    /// Refuses features of another front end.
    ///
    /// - Parameter frontEnd: The front end of the features at hand.
    /// - Throws: `PretrainingError.otherFrontEnd` with what differs.
    public func require(_ frontEnd: FrontEnd) throws {
        let differences = card.frontEnd.differences(from: frontEnd)
        if !differences.isEmpty {
            throw PretrainingError.otherFrontEnd(path: path, differences: differences)
        }
    }
}

extension Objective {
    /// The model file with these weights.
    ///
    /// - Parameter card: What the file says of itself.
    /// - Returns: The file's bytes.
    /// - Throws: Where the card isn't encodable.
    func modelFile(card: ModelCard) throws -> Data {
        try modelContents(card: card).encoded()
    }

    fileprivate func modelContents(card: ModelCard) throws -> Safetensors {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(card), as: UTF8.self)
        return Safetensors(tensors: weights(), metadata: [ModelCard.key: text])
    }
}
