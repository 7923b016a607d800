import ApusCorpus
import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor
import Foundation

/// A classifier that was trained on labels: an encoder, a head and the layer that tells classes apart.
///
/// It is one file, `classifier.safetensors`: the encoder's model under `model.`, the head under `head.`,
/// the last layer under `loss.`, the shares of the layers as `featurizer.weights`, and both cards in the
/// metadata. The head's embedding compares recordings of any speakers.
public final class TrainedClassifier {
    /// What a classifier's file says of the classifier.
    public struct Card: Codable, Hashable, Sendable {
        /// What recordings are told apart by.
        public var task: String
        /// The classes, in the order of the last layer.
        public var labels: [String]
        /// The layer, `last` or `weightedSum`.
        public var layer: String
        /// The head.
        public var head: HeadConfiguration
        /// The loss of the last layer.
        public var loss: LossConfiguration
        /// Whether the encoder was trained on the labels too.
        public var trainsEncoder: Bool
        /// Steps of training behind the weights.
        public var step: Int
        /// What the run's draws depended on.
        public var seed: UInt64
        /// The accuracy on the development part, on which the step was chosen.
        public var developmentAccuracy: Double
        /// The labelled recordings.
        public var trainingData: ModelCard.TrainingData
    }

    /// Where the classifier comes from.
    public let path: String
    /// What the file says of the classifier.
    public let card: Card
    /// The encoder's model, with the weights that the training left.
    public var model: PretrainedModel { network.model }
    /// The width of an embedding.
    public var embeddingWidth: Int { network.head.embeddingWidth }

    let network: ClassifierNetwork
    private let store: FeatureStore
    private let workers: Int

    init(path: String, card: Card, network: ClassifierNetwork, workers: Int = 2) throws {
        (self.path, self.card, self.network) = (path, card, network)
        self.workers = workers
        store = try FeatureStore(frontEnd: network.model.card.frontEnd, cacheByteLimit: 0)
    }

    /// Whether a file's metadata is a trained classifier's.
    ///
    /// - Parameter file: The file.
    /// - Returns: Whether it has a classifier's card.
    public static func isTrainedClassifier(_ file: Safetensors) -> Bool {
        file.metadata[classifierKey] != nil
    }

    /// A classifier from what its file holds.
    ///
    /// - Parameters:
    ///   - path: Where it comes from.
    ///   - file: The weights, and the cards in the metadata.
    ///   - workers: How many recordings are read at a time.
    /// - Throws: `ProbingError.notAClassifier` for a file that holds none, `NNError` for other weights,
    ///   `PretrainingError.notAModel` where the encoder's card is damaged.
    public convenience init(path: String, file: Safetensors, workers: Int = 2) throws {
        func damaged(_ reason: String) -> ProbingError {
            .notAClassifier(path: path, reason: "a damaged classifier: \(reason)")
        }
        guard let text = file.metadata[classifierKey] else {
            throw ProbingError.notAClassifier(
                path: path, reason: "holds no classifier; make one with apus train")
        }
        let card: Card
        do {
            card = try JSONDecoder().decode(Card.self, from: Data(text.utf8))
        } catch {
            throw damaged("its card can't be read: \(error)")
        }
        if let problem = card.head.problem() ?? card.loss.problem() { throw damaged(problem) }
        guard card.labels.count > 1 else { throw damaged("\(card.labels.count) labels") }
        for (name, tensor) in file.tensors where !tensor.values.allSatisfy(\.isFinite) {
            throw damaged("\(name) is not finite")
        }
        let prefix = "model."
        var tensors: [String: TensorValues] = [:]
        for (name, tensor) in file.tensors where name.hasPrefix(prefix) {
            tensors[String(name.dropFirst(prefix.count))] = tensor
        }
        var metadata = file.metadata
        metadata[classifierKey] = nil
        let model = try PretrainedModel(
            path: path, file: Safetensors(tensors: tensors, metadata: metadata))
        // A network is made only where the file can fill it: a card may name any size.
        let inputWidth = model.encoder.layerWidths.min() ?? 0
        let found = file.tensors.values.reduce(0) { $0 + $1.values.count }
        guard card.head.leastParameterCount(inputWidth: inputWidth) <= Double(found) else {
            throw damaged("\(found) weights are too few for the head in its card")
        }
        let network = try ClassifierNetwork(
            model, layer: card.layer, head: card.head, loss: card.loss,
            classCount: card.labels.count, trainsEncoder: false, seed: Seed(card.seed))
        try network.load(file.tensors, from: path)
        try self.init(path: path, card: card, network: network, workers: workers)
    }

    /// Reads a classifier.
    ///
    /// - Parameter path: The path of a `classifier.safetensors` of `apus train`.
    /// - Throws: `ProbingError.notAClassifier` for a file that holds none, `NNError` for one that
    ///   isn't a whole safetensors file or has other weights.
    public convenience init(contentsOf path: String) throws {
        try self.init(path: path, file: Safetensors(contentsOf: path))
    }

    /// The classifier's file.
    ///
    /// - Returns: The file's bytes; the same classifier gives the same bytes.
    /// - Throws: Where a card isn't encodable.
    public func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var metadata = try model.contents().metadata
        metadata[classifierKey] = String(decoding: try encoder.encode(card), as: UTF8.self)
        return try Safetensors(tensors: network.weights(), metadata: metadata).encoded()
    }

    /// The labels of many recordings, computed in batches.
    ///
    /// Probabilities are the softmax of the last layer's logits, of cosines their scaled ones without a
    /// margin.
    ///
    /// - Parameter cuts: The recordings.
    /// - Returns: For each recording, in the order of `cuts`, every label with its probability, the
    ///   most probable first, or the problem.
    public func scores(of cuts: [Cut]) -> [Result<[Classifier.Score], CorpusError>] {
        outputs(of: cuts).map { result in
            result.map { output in
                zip(card.labels, output.probabilities)
                    .map { Classifier.Score(label: $0, probability: $1) }
                    .sorted { ($1.probability, $0.label) < ($0.probability, $1.label) }
            }
        }
    }

    /// The head's embeddings of many recordings, computed in batches.
    ///
    /// - Parameter cuts: The recordings.
    /// - Returns: For each recording, in the order of `cuts`, 1 x `embeddingWidth` values or the
    ///   problem.
    public func embeddings(of cuts: [Cut]) -> [Result<FeatureMatrix, CorpusError>] {
        outputs(of: cuts).map { result in
            result.map {
                FeatureMatrix(
                    values: $0.embedding, frameCount: 1, featureCount: $0.embedding.count)
            }
        }
    }

    private func outputs(of cuts: [Cut]) -> [Result<ClassifierNetwork.Output, CorpusError>] {
        var results = [Result<ClassifierNetwork.Output, CorpusError>?](
            repeating: nil, count: cuts.count)
        network.forEachRecording(of: cuts, store: store, workers: workers) { results[$0] = $1 }
        return results.compactMap(\.self)
    }
}
