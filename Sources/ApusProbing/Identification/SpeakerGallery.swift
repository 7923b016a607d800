import ApusCorpus
import ApusMetrics
import ApusNN
import ApusPretraining
import ApusSignal
import Foundation

/// Enrolled speakers, each as the mean of the vectors of a few recordings: no training, and speakers
/// are added at any time.
///
/// A recording is compared with each speaker's mean by the backend (cosine of mean-subtracted vectors,
/// LDA before it, or PLDA) and is the speaker's with the highest score, if that lies above a threshold;
/// else it is nobody's. The mean is taken of the vectors as the model gives them, before their length is
/// brought to 1, so that a speaker's further recordings can be added to it; PLDA takes it as one
/// recording's.
///
/// Thresholds are found on development recordings. The false-alarm score of one is its highest score
/// with a speaker who is not heard in it: for a recording of an enrolled speaker with the others, for a
/// stranger's with all. A threshold lets through at most the share of these that was asked for. The rate
/// of identification at a threshold is the share of enrolled speakers' development recordings whose
/// highest score is their speaker's and lies above it (DIR; Phillips, Grother and Micheals 2011,
/// Evaluation Methods in Face Recognition).
///
/// One file, `speakers.safetensors`, holds all of it: the model or trained classifier under `model.`, the
/// backend's tensors and the means, `speakers.means` (S, D), under `speakers.`, the card in the metadata.
public final class SpeakerGallery {
    /// A threshold with what it gives on development recordings.
    public struct Threshold: Codable, Hashable, Sendable {
        /// The share of false-alarm scores that may lie above.
        public var falseAlarmRate: Double
        /// A score above this is accepted.
        public var value: Double
        /// The share of enrolled speakers' recordings that are identified.
        public var identificationRate: Double
    }

    /// What a gallery's file says of the gallery.
    public struct Card: Codable, Hashable, Sendable {
        /// The hash of the model's file.
        public var modelHash: String
        /// How it was made.
        public var options: EnrolmentOptions
        /// The speakers, in the order of their means.
        public var speakers: [String]
        /// The number of recordings of each.
        public var counts: [Int]
        /// The thresholds; none before development recordings were measured.
        public var thresholds: [Threshold]
        /// What the thresholds rest on, in words.
        public var origin: String
    }

    /// What was found of a recording.
    public struct Finding: Codable, Hashable, Sendable {
        /// The speaker, or nil where the recording is nobody's.
        public var speaker: String?
        /// The speakers with their scores, the highest first.
        public var candidates: [Candidate]
        /// The threshold that was applied; nil where there is none.
        public var threshold: Double?
    }

    /// A speaker with a score.
    public struct Candidate: Codable, Hashable, Sendable {
        /// The speaker.
        public var speaker: String
        /// The score.
        public var score: Double
    }

    /// What a file says of the gallery.
    public private(set) var card: Card
    private let embedder: RecordingEmbedder
    private let backend: VerificationBackend
    /// S x D values.
    private var means: [Float]

    private static let cardKey = "apus-speakers"

    /// Enrols speakers.
    ///
    /// - Parameters:
    ///   - modelPath: A `model.safetensors`, or a `classifier.safetensors` of `apus train`.
    ///   - recordings: A few recordings of each speaker.
    ///   - background: Labelled recordings that the mean, LDA and PLDA are fitted to; nil for those that
    ///     are enrolled.
    ///   - options: How it is done.
    ///   - problem: Called with each recording that can't be used.
    /// - Throws: `ProbingError` where recordings don't suffice or options can't be used, `NNError` or
    ///   `PretrainingError` for a file that isn't a model.
    public init(
        modelPath: String, enrolling recordings: Manifest, background: Manifest? = nil,
        options: EnrolmentOptions = EnrolmentOptions(),
        problem: (CorpusError) -> Void = { _ in }
    ) throws {
        try options.validate()
        embedder = try RecordingEmbedder(
            path: modelPath, file: Safetensors(contentsOf: modelPath),
            layer: options.layer.isEmpty ? nil : options.layer, pooling: options.pooling,
            workers: options.workers)
        let own = try LabelledVectors(recordings, by: embedder, problem)
        var base = own
        if let background { base = try LabelledVectors(background, by: embedder, problem) }
        var scaling = FeatureScaling(fitting: base.values, width: embedder.width)
        if !options.standardizes {
            scaling.scale = [Float](repeating: 1, count: embedder.width)
        }
        backend = try VerificationBackend(
            scaling: scaling, scoring: options.scoring,
            discriminantCount: options.discriminantCount, rows: base.values, labels: base.speakers)
        card = Card(
            modelHash: try ModelCard.TrainingData.hash(ofFile: modelPath), options: options,
            speakers: [], counts: [], thresholds: [], origin: "")
        means = []
        enrol(own)
    }

    /// Reads a gallery.
    ///
    /// - Parameter path: The path of a `speakers.safetensors`.
    /// - Throws: `ProbingError.notAClassifier` for a file that holds none, `NNError` for one that isn't a
    ///   whole safetensors file.
    public init(contentsOf path: String) throws {
        let file = try Safetensors(contentsOf: path)
        func damaged(_ reason: String) -> ProbingError {
            .notAClassifier(path: path, reason: "a damaged file of speakers: \(reason)")
        }
        guard let text = file.metadata[Self.cardKey] else {
            throw ProbingError.notAClassifier(
                path: path, reason: "holds no speakers; make one with apus enroll")
        }
        do {
            card = try JSONDecoder().decode(Card.self, from: Data(text.utf8))
        } catch {
            throw damaged("its card can't be read: \(error)")
        }
        func part(_ prefix: String) -> [String: TensorValues] {
            Dictionary(
                uniqueKeysWithValues: file.tensors.filter { $0.key.hasPrefix(prefix) }.map {
                    (String($0.key.dropFirst(prefix.count)), $0.value)
                })
        }
        var metadata = file.metadata
        metadata[Self.cardKey] = nil
        embedder = try RecordingEmbedder(
            path: path, file: Safetensors(tensors: part("model."), metadata: metadata),
            layer: card.options.layer.isEmpty ? nil : card.options.layer,
            pooling: card.options.pooling, workers: card.options.workers)
        let own = part("speakers.")
        backend = try VerificationBackend(tensors: own, damaged: damaged)
        means =
            try VerificationBackend.rows(
                "means", width: backend.width, of: own, damaged: damaged) ?? []
        guard backend.width == embedder.width,
            means.count == card.speakers.count * backend.width, !means.isEmpty,
            card.counts.count == card.speakers.count, card.counts.allSatisfy({ $0 > 0 }),
            Set(card.speakers).count == card.speakers.count
        else { throw damaged("its parts don't fit each other") }
    }

    /// The file's bytes; the same gallery gives the same bytes.
    ///
    /// - Returns: The bytes.
    /// - Throws: Where the card isn't encodable.
    public func encoded() throws -> Data {
        var tensors: [String: TensorValues] = [:]
        for (name, tensor) in embedder.file.tensors { tensors["model." + name] = tensor }
        for (name, tensor) in backend.tensors { tensors["speakers." + name] = tensor }
        tensors["speakers.means"] = TensorValues(
            shape: [card.speakers.count, backend.width], values: means)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var metadata = embedder.file.metadata
        metadata[Self.cardKey] = String(decoding: try encoder.encode(card), as: UTF8.self)
        return try Safetensors(tensors: tensors, metadata: metadata).encoded()
    }

    // MARK: - Speakers

    /// Adds speakers, or further recordings of those that are there; nothing is fitted anew.
    ///
    /// Thresholds go, since they were found without the new speakers.
    ///
    /// - Parameters:
    ///   - recordings: A few recordings of each speaker.
    ///   - problem: Called with each recording that can't be used.
    /// - Throws: `ProbingError.nothingLeft` where no recording can be used.
    public func add(_ recordings: Manifest, problem: (CorpusError) -> Void = { _ in }) throws {
        enrol(try LabelledVectors(recordings, by: embedder, problem))
    }

    private func enrol(_ vectors: LabelledVectors) {
        (card.thresholds, card.origin) = ([], "")
        let width = backend.width
        for (row, speaker) in vectors.speakers.enumerated() {
            let vector = vectors.values[row * width..<(row + 1) * width]
            guard let index = card.speakers.firstIndex(of: speaker) else {
                card.speakers.append(speaker)
                card.counts.append(1)
                means += vector
                continue
            }
            card.counts[index] += 1
            let share = 1 / Float(card.counts[index])
            for (column, value) in vector.enumerated() {
                means[index * width + column] += share * (value - means[index * width + column])
            }
        }
    }

    /// Finds thresholds on development recordings of enrolled speakers and of strangers.
    ///
    /// - Parameters:
    ///   - recordings: The recordings.
    ///   - falseAlarmRates: The rates to find thresholds for, in 0..<1.
    ///   - problem: Called with each recording that can't be used.
    /// - Throws: `ProbingError` where no recording of an enrolled speaker can be used.
    public func calibrate(
        on recordings: Manifest, falseAlarmRates: [Double],
        problem: (CorpusError) -> Void = { _ in }
    ) throws {
        let vectors = try LabelledVectors(recordings, by: embedder, problem)
        let scores = self.scores(vectors.values)
        var known: [(isRight: Bool, score: Double)] = []
        var falseAlarms: [Double] = []
        for (own, speaker) in zip(scores, vectors.speakers) {
            let number = card.speakers.firstIndex(of: speaker)
            let others = own.indices.filter { $0 != number }.map { own[$0] }
            if let highest = others.max() { falseAlarms.append(highest) }
            if let number {
                known.append((own[number] > others.max() ?? -.infinity, own[number]))
            }
        }
        guard !known.isEmpty, !falseAlarms.isEmpty else {
            throw ProbingError.nothingLeft(
                path: recordings.path,
                reason: known.isEmpty
                    ? "of no enrolled speaker" : "no false alarm is possible with one speaker")
        }
        let trials = try OpenSetIdentification(enrolled: known, strangers: falseAlarms)
        card.thresholds = falseAlarmRates.map { rate in
            let point = trials.point(above: trials.threshold(falseAlarmRate: rate))
            return Threshold(
                falseAlarmRate: rate, value: point.threshold,
                identificationRate: point.identificationRate)
        }
        let strangers = vectors.speakers.count - known.count
        card.origin =
            "\(recordings.path) (\(known.count) recordings of enrolled speakers, \(strangers) of "
            + "strangers)"
    }

    // MARK: - Identification

    /// For each row the score with each speaker.
    private func scores(_ rows: [Float]) -> [[Double]] {
        let scorable = backend.scorable(means + rows)
        let speakers = card.speakers.count
        return (0..<rows.count / backend.width).map { row in
            (0..<speakers).map { Double(scorable.score($0, speakers + row)) }
        }
    }

    /// The threshold for a rate of false alarms.
    ///
    /// - Parameter rate: One of the rates that thresholds were found for.
    /// - Returns: The threshold.
    /// - Throws: `ProbingError.badOption` where there is none for the rate.
    public func threshold(falseAlarmRate rate: Double) throws -> Threshold {
        guard let found = card.thresholds.first(where: { abs($0.falseAlarmRate - rate) < 1e-9 })
        else {
            let rates = card.thresholds.map { String(format: "%g", $0.falseAlarmRate) }
            throw ProbingError.badOption(
                option: "false-alarm rate",
                expected: rates.isEmpty
                    ? "none: thresholds need development recordings at enrolment"
                    : rates.joined(separator: ", "), found: String(format: "%g", rate))
        }
        return found
    }

    /// Who speaks in recordings.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - threshold: A score above this is accepted; nil names the best speaker in any case.
    /// - Returns: For each recording, in the order of `cuts`, what was found or the problem.
    public func identify(
        _ cuts: [Cut], threshold: Double?
    ) -> [Result<Finding, CorpusError>] {
        embedder.vectors(of: cuts).map { result in
            result.map { vector in
                let candidates = zip(card.speakers, scores(vector)[0])
                    .map { Candidate(speaker: $0, score: $1) }
                    .sorted { ($1.score, $0.speaker) < ($0.score, $1.speaker) }
                let isAccepted = threshold.map { candidates[0].score > $0 } ?? true
                return Finding(
                    speaker: isAccepted ? candidates[0].speaker : nil, candidates: candidates,
                    threshold: threshold)
            }
        }
    }
}
