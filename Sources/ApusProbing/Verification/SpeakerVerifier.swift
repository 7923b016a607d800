import ApusCorpus
import ApusMetrics
import ApusNN
import ApusPretraining
import Foundation

/// Says of two recordings whether one speaker is heard in both.
///
/// Without a calibration it has the cosine of the vectors alone, of which no threshold is known.
public final class SpeakerVerifier {
    /// Where a verifier's calibration comes from.
    public struct Card: Codable, Hashable, Sendable {
        /// The hash of the model's file.
        public var modelHash: String
        /// The layer's name.
        public var layer: String
        /// How frames become a vector.
        public var pooling: Pooling
        /// How many of the highest scores against the cohort count; nil for all.
        public var cohortTop: Int?
        /// The map from scores to log-likelihood ratios.
        public var calibration: ScoreCalibration
        /// The list of development trials that it was fitted to.
        public var developmentTrials: String
        /// Their number.
        public var developmentCount: Int
        /// How many of them are targets.
        public var developmentTargets: Int
        /// The equal error rate on them.
        public var developmentRate: Double

        /// What a threshold rests on, in words.
        public var origin: String {
            String(
                format: "calibration on %@ (%d trials, %d targets, equal error rate %.1f %%)",
                developmentTrials, developmentCount, developmentTargets, 100 * developmentRate)
        }
    }

    /// What was found of two recordings.
    public struct Verdict: Codable, Hashable, Sendable {
        /// The score.
        public var score: Double
        /// The natural logarithm of the likelihood ratio; nil without calibration.
        public var logLikelihoodRatio: Double?
        /// The probability of one speaker; nil without calibration.
        public var probability: Double?
        /// The score from which on one speaker is the likelier answer; nil without calibration.
        public var threshold: Double?
        /// Whether it is one speaker; nil without calibration.
        public var isSame: Bool?
    }

    /// Where the calibration comes from; nil without one.
    public let card: Card?
    private let embedder: RecordingEmbedder
    private let backend: VerificationBackend
    private let cohort: [Float]

    /// A verifier without calibration: the cosine of vectors by a model's last layer or by a trained
    /// classifier's head.
    ///
    /// - Parameters:
    ///   - path: A `model.safetensors`, or a `classifier.safetensors` of `apus train`.
    ///   - layer: A model's layer by its name; nil for the last.
    /// - Throws: `ProbingError.noSuchLayer`, `SignalError` for a front end that can't be used, `NNError` or
    ///   `PretrainingError` for a file that holds neither.
    public init(modelPath path: String, layer: String? = nil) throws {
        embedder = try RecordingEmbedder(
            path: path, file: Safetensors(contentsOf: path), layer: layer)
        let width = embedder.width
        backend = VerificationBackend(
            scaling: FeatureScaling(
                mean: [Float](repeating: 0, count: width),
                scale: [Float](repeating: 1, count: width)))
        cohort = []
        card = nil
    }

    /// A verifier with a calibration.
    ///
    /// - Parameters:
    ///   - path: A `model.safetensors`, or a `classifier.safetensors` of `apus train`.
    ///   - file: A `verifier.safetensors`.
    /// - Throws: `ProbingError.notAClassifier` for a file that holds none or one of another model,
    ///   `NNError` for one that isn't a whole safetensors file.
    public init(modelPath path: String, calibration file: String) throws {
        let weights = try Safetensors(contentsOf: path)
        let contents = try VerifierFile(contentsOf: file)
        guard contents.card.modelHash == (try? ModelCard.TrainingData.hash(ofFile: path)) else {
            throw ProbingError.notAClassifier(
                path: file, reason: "was made with another model than \(path)")
        }
        let isHead = TrainedClassifier.isTrainedClassifier(weights)
        embedder = try RecordingEmbedder(
            path: path, file: weights, layer: isHead ? nil : contents.card.layer,
            pooling: contents.card.pooling)
        guard embedder.width == contents.backend.width else {
            throw ProbingError.notAClassifier(
                path: file,
                reason: "a damaged verifier: \(contents.backend.width) values, expected "
                    + "\(embedder.width)")
        }
        (card, backend, cohort) = (contents.card, contents.backend, contents.cohort)
    }

    /// Compares two recordings.
    ///
    /// - Parameters:
    ///   - first: The one recording.
    ///   - second: The other one.
    ///   - prior: The probability of one speaker before anything is heard, between 0 and 1.
    /// - Returns: What was found.
    /// - Throws: `CorpusError.badRecording` for a file that can't be read, is shorter than one frame or
    ///   has an embedding that isn't finite.
    public func compare(_ first: Cut, _ second: Cut, prior: Double = 0.5) throws -> Verdict {
        // One at a time, so that a verdict doesn't depend on the other one in the last digits.
        let vectors = try [first, second].map { try embedder.vectors(of: [$0])[0].get() }
        let scorable = backend.scorable(vectors[0] + vectors[1])
        var score = scorable.score(0, 1)
        guard let card else { return Verdict(score: Double(score)) }
        if !cohort.isEmpty {
            let statistics = try scorable.statistics(
                against: backend.scorable(cohort), top: card.cohortTop)
            score = symmetricNormalization(
                of: score, enrolment: statistics[0], test: statistics[1])
        }
        let ratio = card.calibration.logLikelihoodRatio(score)
        let bayes = DetectionCost(targetPrior: prior).bayesThreshold
        let slope = card.calibration.weights[0]
        return Verdict(
            score: Double(score), logLikelihoodRatio: ratio,
            probability: ScoreCalibration.targetProbability(
                logLikelihoodRatio: ratio, prior: prior),
            threshold: slope == 0 ? nil : (bayes - card.calibration.offset) / slope,
            isSame: ratio >= bayes)
    }
}
