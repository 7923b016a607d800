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

    private static let file = RegressionFile<Card>(
        noun: "detector", remedy: "make one with apus probe --label events"
    ) { .notADetector(path: $0, reason: $1) }

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
            Self.file.misfit(path, reason)
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
        try Self.file.requireUsable(regression, path: path)
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
        let parts = try Self.file.parts(
            of: Safetensors(contentsOf: path), path: path, labels: \.labels)
        try self.init(
            path: path, card: parts.card, model: parts.model, regression: parts.regression)
    }

    /// Writes the detector's file in one step.
    ///
    /// - Parameter path: The file's path; `nil` for the detector's own.
    /// - Throws: `SignalError.cannotWrite` where that fails.
    public func write(to path: String? = nil) throws {
        try writeAtomically(
            Self.file.encoded(card: card, model: model, regression: regression),
            to: path ?? self.path)
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
        var results = [Result<[EventDecoder.Detection], CorpusError>?](
            repeating: nil, count: cuts.count)
        // Frames go as soon as their events are known: days of recordings have few events.
        source.forEachRecording(of: cuts) { index, layers in
            results[index] = layers.map { layers in
                let frames = layers[layerIndex]
                return card.decoder(
                    regression.tagProbabilities(for: frames.values), labels: card.labels,
                    frameSeconds: seconds, duration: Double(frames.frameCount) * seconds)
            }
        }
        return results.compactMap(\.self)
    }
}

/// The time from one frame of a representation to the next, in seconds.
func frameSeconds(of source: any RepresentationSource, _ frontEnd: FrontEnd) -> Double {
    Double(source.stride) / frontEnd.frameRate
}
