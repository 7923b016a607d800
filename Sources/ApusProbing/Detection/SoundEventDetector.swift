import ApusCorpus
import ApusMetrics
import ApusNN
import ApusPretraining
import ApusSignal
import Foundation

/// Sound events with their times: a frozen encoder, one logistic regression a label on single frames,
/// thresholds and a median filter.
///
/// A detector is one file, `detector.safetensors`: the encoder's model under `model.`, the tensors
/// `detector.weight` (labels x D), `.bias` (labels), `.mean` and `.scale` (D), and in the metadata both
/// cards.
public final class SoundEventDetector {
    /// What a detector's file says of the detector.
    public struct Card: Codable, Hashable, Sendable {
        /// The labels, in the order of the weights.
        public var labels: [String]
        /// The encoder's layer.
        public var layer: String
        /// The C that was chosen.
        public var inverseRegularization: Double
        /// Thresholds and median filter, chosen on the development part.
        public var decoder: EventDecoder
        /// The event-based F1 score on the development part.
        public var developmentFScore: Double
    }

    /// Where the detector comes from.
    public let path: String
    /// What the file says of the detector.
    public let card: Card
    /// The encoder's model.
    public let model: PretrainedModel
    /// The regressions.
    public let regression: LogisticRegression

    private let layerIndex: Int

    private static let cardKey = "apus-detector"
    private static let modelPrefix = "model."
    private static let ownPrefix = "detector."

    /// A detector from its parts.
    ///
    /// - Parameters:
    ///   - path: Where it comes from or is meant for.
    ///   - card: What it says of itself.
    ///   - model: The encoder's model.
    ///   - regression: The regressions, for the card's layer.
    /// - Throws: `ProbingError.noSuchLayer` or `.notADetector` where the parts don't fit.
    public init(
        path: String, card: Card, model: PretrainedModel, regression: LogisticRegression
    ) throws {
        func misfit(_ reason: String) -> ProbingError {
            .notADetector(path: path, reason: "a damaged detector: \(reason)")
        }
        let layers = model.encoder.layerNames
        guard let layer = layers.firstIndex(of: card.layer) else {
            throw ProbingError.noSuchLayer(path: path, layer: card.layer, layers: layers)
        }
        guard regression.classCount == card.labels.count, !card.labels.isEmpty,
            card.decoder.thresholds.count == card.labels.count
        else { throw misfit("\(regression.classCount) labels, \(card.labels.count) names") }
        guard card.decoder.medianFrames > 0, card.decoder.medianFrames % 2 == 1 else {
            throw misfit("a median filter of \(card.decoder.medianFrames) frames")
        }
        let scaling = regression.scaling
        guard
            [regression.weight, regression.bias, scaling.mean, scaling.scale]
                .allSatisfy({ $0.allSatisfy(\.isFinite) }), !scaling.scale.contains(0)
        else { throw misfit("a weight is not a finite number, or a scale is zero") }
        self.path = path
        self.card = card
        self.model = model
        self.regression = regression
        layerIndex = layer
    }

    /// Reads a detector.
    ///
    /// - Parameter path: The path of a `detector.safetensors`.
    /// - Throws: `ProbingError.notADetector` for a file that holds none, `NNError` for one that isn't a
    ///   whole safetensors file, `PretrainingError.notAModel` where the encoder's card is damaged.
    public convenience init(contentsOf path: String) throws {
        let file = try Safetensors(contentsOf: path)
        guard let text = file.metadata[Self.cardKey] else {
            throw ProbingError.notADetector(
                path: path,
                reason: "holds no detector; make one with apus probe --label events")
        }
        let card: Card
        do {
            card = try JSONDecoder().decode(Card.self, from: Data(text.utf8))
        } catch {
            throw ProbingError.notADetector(
                path: path, reason: "a damaged detector: its card can't be read: \(error)")
        }
        func own(_ name: String, shape: [Int]) throws -> [Float] {
            guard let tensor = file.tensors[Self.ownPrefix + name], tensor.shape == shape else {
                throw ProbingError.notADetector(
                    path: path,
                    reason: "a damaged detector: expected \(Self.ownPrefix)\(name) of the shape "
                        + "\(shape)")
            }
            return tensor.values
        }
        let width = file.tensors[Self.ownPrefix + "mean"]?.values.count ?? 0
        let regression = LogisticRegression(
            scaling: FeatureScaling(
                mean: try own("mean", shape: [width]), scale: try own("scale", shape: [width])),
            weight: try own("weight", shape: [card.labels.count, width]),
            bias: try own("bias", shape: [card.labels.count]))
        var tensors: [String: TensorValues] = [:]
        for (name, tensor) in file.tensors where name.hasPrefix(Self.modelPrefix) {
            tensors[String(name.dropFirst(Self.modelPrefix.count))] = tensor
        }
        let model = try PretrainedModel(
            path: path, file: Safetensors(tensors: tensors, metadata: file.metadata))
        try self.init(path: path, card: card, model: model, regression: regression)
    }

    /// Writes the detector's file in one step.
    ///
    /// - Parameter path: The file's path; `nil` for the detector's own.
    /// - Throws: `SignalError.cannotWrite` where that fails.
    public func write(to path: String? = nil) throws {
        let contents = try model.contents()
        var tensors: [String: TensorValues] = [:]
        for (name, tensor) in contents.tensors { tensors[Self.modelPrefix + name] = tensor }
        func put(_ name: String, _ values: [Float], _ shape: [Int]) {
            tensors[Self.ownPrefix + name] = TensorValues(shape: shape, values: values)
        }
        put("weight", regression.weight, [regression.classCount, regression.width])
        put("bias", regression.bias, [regression.classCount])
        put("mean", regression.scaling.mean, [regression.width])
        put("scale", regression.scaling.scale, [regression.width])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var metadata = contents.metadata
        metadata[Self.cardKey] = String(decoding: try encoder.encode(card), as: UTF8.self)
        try writeAtomically(
            Safetensors(tensors: tensors, metadata: metadata).encoded(), to: path ?? self.path)
    }

    /// The events of many recordings.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - workers: How many are read at a time.
    /// - Returns: For each recording, in the order of `cuts`, its events or the problem.
    /// - Throws: `SignalError` for a front end that can't be used.
    public func detections(
        of cuts: [Cut], workers: Int = 2
    ) throws -> [Result<[EventDecoder.Detection], CorpusError>] {
        let source = try RepresentationExtractor(
            model, store: FeatureStore(frontEnd: model.card.frontEnd), workers: workers)
        let seconds = frameSeconds(of: source, model.card.frontEnd)
        return source.frames(of: cuts, layer: layerIndex).map { result in
            result.map { frames in
                card.decoder(
                    regression.tagProbabilities(for: frames.values), labels: card.labels,
                    frameSeconds: seconds, duration: Double(frames.frameCount) * seconds)
            }
        }
    }
}

/// The time from one frame of a representation to the next, in seconds.
func frameSeconds(of source: any RepresentationSource, _ frontEnd: FrontEnd) -> Double {
    Double(source.stride) / frontEnd.frameRate
}
