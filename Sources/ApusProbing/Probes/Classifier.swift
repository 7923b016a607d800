import ApusCorpus
import ApusNN
import ApusPretraining
import ApusSignal
import Foundation

/// Labels with probabilities for recordings: a frozen encoder, pooling and a linear classifier.
///
/// A classifier is one file, `classifier.safetensors`: the encoder's model under `model.`, the
/// tensors `classifier.weight` (classes x D), `.bias` (classes), `.mean` and `.scale` (D), and in
/// the metadata both cards.
public final class Classifier {
    /// What a classifier's file says of the classifier.
    public struct Card: Codable, Hashable, Sendable {
        /// What recordings are told apart by.
        public var task: String
        /// The classes, in the order of the weights.
        public var labels: [String]
        /// The encoder's layer.
        public var layer: String
        /// How frames become a vector.
        public var pooling: Pooling
        /// The C that was chosen.
        public var inverseRegularization: Double
        /// The accuracy on the development part, on which layer and C were chosen.
        public var developmentAccuracy: Double
        /// The labelled recordings.
        public var trainingData: ModelCard.TrainingData

        /// What a classifier's file says of the classifier.
        ///
        /// - Parameters:
        ///   - task: What recordings are told apart by.
        ///   - labels: The classes, in the order of the weights.
        ///   - layer: The encoder's layer.
        ///   - pooling: How frames become a vector; not `frames`.
        ///   - inverseRegularization: The C that was chosen.
        ///   - developmentAccuracy: The accuracy on the development part.
        ///   - trainingData: The labelled recordings.
        public init(
            task: String, labels: [String], layer: String, pooling: Pooling,
            inverseRegularization: Double, developmentAccuracy: Double,
            trainingData: ModelCard.TrainingData
        ) {
            self.task = task
            self.labels = labels
            self.layer = layer
            self.pooling = pooling
            self.inverseRegularization = inverseRegularization
            self.developmentAccuracy = developmentAccuracy
            self.trainingData = trainingData
        }
    }

    /// A label with its probability.
    public struct Score: Codable, Hashable, Sendable {
        /// The label.
        public var label: String
        /// Its probability.
        public var probability: Double
    }

    /// Where the classifier comes from.
    public let path: String
    /// What the file says of the classifier.
    public let card: Card
    /// The encoder's model.
    public let model: PretrainedModel
    /// The linear classifier.
    public let regression: LogisticRegression

    private let extractor: EmbeddingExtractor

    private static let file = RegressionFile<Card>(
        noun: "classifier", remedy: "make one with apus probe"
    ) { .notAClassifier(path: $0, reason: $1) }

    /// A classifier from its parts.
    ///
    /// - Parameters:
    ///   - path: Where it comes from or is meant for.
    ///   - card: What it says of itself.
    ///   - model: The encoder's model.
    ///   - regression: The linear classifier, for the card's layer and pooling.
    /// - Throws: `ProbingError.noSuchLayer` or `.notAClassifier` where the parts do not fit,
    ///   `SignalError` for a front end that can't be used.
    public init(
        path: String, card: Card, model: PretrainedModel, regression: LogisticRegression
    ) throws {
        func misfit(_ reason: String) -> ProbingError {
            Self.file.misfit(path, reason)
        }
        guard card.pooling != .frames else { throw misfit("it does not pool frames") }
        extractor = try EmbeddingExtractor(model, layer: card.layer, pooling: card.pooling)
        guard regression.width == extractor.width else {
            throw misfit("\(regression.width) features, expected \(extractor.width)")
        }
        guard regression.classCount == card.labels.count, !card.labels.isEmpty else {
            throw misfit("\(regression.classCount) classes with \(card.labels.count) labels")
        }
        try Self.file.requireUsable(regression, path: path)
        self.path = path
        self.card = card
        self.model = model
        self.regression = regression
    }

    /// Reads a classifier.
    ///
    /// - Parameter path: The path of a `classifier.safetensors`.
    /// - Throws: `ProbingError.notAClassifier` for a file that holds none, `NNError` for one that
    ///   isn't a whole safetensors file or has other weights, `PretrainingError.notAModel` where the
    ///   encoder's card is damaged.
    public convenience init(contentsOf path: String) throws {
        try self.init(path: path, file: Safetensors(contentsOf: path))
    }

    /// A classifier from what its file holds.
    ///
    /// - Parameters:
    ///   - path: Where it comes from.
    ///   - file: The weights, and both cards in the metadata.
    /// - Throws: As `init(contentsOf:)`.
    public convenience init(path: String, file: Safetensors) throws {
        let parts = try Self.file.parts(of: file, path: path, labels: \.labels)
        try self.init(
            path: path, card: parts.card, model: parts.model, regression: parts.regression)
    }

    /// The classifier's file.
    ///
    /// - Returns: The file's bytes; the same classifier gives the same bytes.
    /// - Throws: Where a card isn't encodable.
    public func encoded() throws -> Data {
        try Self.file.encoded(card: card, model: model, regression: regression)
    }

    /// Writes the classifier's file in one step.
    ///
    /// - Parameter path: The file's path; `nil` for the classifier's own.
    /// - Throws: `SignalError.cannotWrite` where that fails.
    public func write(to path: String? = nil) throws {
        try writeAtomically(encoded(), to: path ?? self.path)
    }

    /// The labels of samples in memory.
    ///
    /// - Parameters:
    ///   - waveform: N samples at any rate.
    ///   - source: The name of the recording in errors.
    /// - Returns: Every label with its probability, the most probable first.
    /// - Throws: `SignalError` for less than one frame or samples that are no numbers.
    public func scores(
        of waveform: Waveform, source: String = SignalError.inMemory
    ) throws -> [Score] {
        scores(try extractor.embedding(of: waveform, source: source))
    }

    /// The labels of many recordings, computed in batches.
    ///
    /// - Parameter cuts: The recordings.
    /// - Returns: For each recording, in the order of `cuts`, every label with its probability, the
    ///   most probable first, or the problem.
    public func scores(of cuts: [Cut]) -> [Result<[Score], CorpusError>] {
        extractor.embeddings(of: cuts).map { $0.map(scores) }
    }

    private func scores(_ embedding: FeatureMatrix) -> [Score] {
        let probabilities = regression.probabilities(for: embedding.values)
        return zip(card.labels, probabilities)
            .map { Score(label: $0, probability: Double($1)) }
            .sorted { ($1.probability, $0.label) < ($0.probability, $1.label) }
    }
}
