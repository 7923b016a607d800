import ApusNN
import ApusSignal
import ApusTensor
import Foundation

/// Units: centroids of frames, and what these are frames of.
///
/// Units of a layer carry the model that the layer belongs to, so that their file stands alone.
public struct UnitSet {
    /// What the units are centroids of.
    public enum Source: String, Codable, Sendable, CaseIterable {
        /// MFCCs and their derivatives, 39 numbers.
        case cepstra
        /// A hidden state of an earlier model.
        case layer
    }

    /// What a file of units says of itself.
    public struct Card: Codable, Hashable, Sendable {
        /// What the units are centroids of.
        public var source: Source
        /// The hidden state's number among those of the model, from 0; unused for cepstra.
        public var layer: Int
        /// What makes the features that the frames come from.
        public var frontEnd: FrontEnd
        /// How the centroids were found.
        public var options: KMeans.Options
        /// The number of frames that they were found on.
        public var frameCount: Int
        /// The mean squared distance of these frames from their centroids: inertia by frames.
        public var meanSquaredDistance: Double
        /// The units that at least one of these frames has.
        public var usedCount: Int
        /// exp of the entropy of the units' shares in these frames: K where all are used alike.
        public var perplexity: Double
    }

    /// What the units are.
    public let card: Card
    /// The centroids.
    public let clusters: KMeans
    /// The model of a layer's units.
    public let model: PretrainedModel?

    init(card: Card, clusters: KMeans, model: PretrainedModel?) {
        self.card = card
        self.clusters = clusters
        self.model = model
    }

    private static let key = "apus.units"
    private static let centroids = "units.centroids"

    /// The file's bytes.
    ///
    /// - Returns: A safetensors file with the centroids and, for a layer's units, the model.
    /// - Throws: Where the card isn't encodable.
    public func encoded() throws -> Data {
        var file = try model?.contents() ?? Safetensors(tensors: [:])
        file.tensors[Self.centroids] = TensorValues(
            shape: [clusters.clusterCount, clusters.width], values: clusters.centroids)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        file.metadata[Self.key] = String(decoding: try encoder.encode(card), as: UTF8.self)
        return try file.encoded()
    }

    /// Reads units.
    ///
    /// - Parameter path: The path of a file of units.
    /// - Throws: `NNError` for a file that isn't a whole safetensors file,
    ///   `PretrainingError.notUnits` for one without units.
    public init(contentsOf path: String) throws {
        var file = try Safetensors(contentsOf: path)
        guard let text = file.metadata.removeValue(forKey: Self.key),
            let centroids = file.tensors.removeValue(forKey: Self.centroids),
            centroids.shape.count == 2, centroids.shape.allSatisfy({ $0 > 0 })
        else { throw PretrainingError.notUnits(path: path, reason: "it has no units") }
        do {
            card = try JSONDecoder().decode(Card.self, from: Data(text.utf8))
        } catch {
            throw PretrainingError.notUnits(path: path, reason: "its card can't be read: \(error)")
        }
        clusters = KMeans(centroids: centroids.values, width: centroids.shape[1])
        var width = CepstralFrames.width
        switch card.source {
        case .cepstra: model = nil
        case .layer:
            let model = try PretrainedModel(path: path, file: file)
            guard model.encoder.layerWidths.indices.contains(card.layer) else {
                throw PretrainingError.notUnits(
                    path: path, reason: "its model has no layer \(card.layer)")
            }
            width = model.encoder.layerWidths[card.layer]
            self.model = model
        }
        guard clusters.width == width else {
            throw PretrainingError.notUnits(
                path: path,
                reason: "its centroids have \(clusters.width) numbers, expected \(width)")
        }
    }
}
