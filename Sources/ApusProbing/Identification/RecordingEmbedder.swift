import ApusCorpus
import ApusNN
import ApusPretraining
import ApusSignal

/// What makes one vector of a recording: a layer of a model, or the head of a trained classifier.
public final class RecordingEmbedder {
    private enum Source {
        case layer(EmbeddingExtractor)
        case head(TrainedClassifier)
    }
    private let source: Source
    /// What the embedding of a head is called, where layers have their names.
    public static let head = "head"
    /// The file that it was read from: weights and cards.
    let file: Safetensors

    /// An embedder from what a file holds.
    ///
    /// - Parameters:
    ///   - path: Where the file comes from.
    ///   - file: A `model.safetensors`, or a `classifier.safetensors` of `apus train`.
    ///   - layer: A model's layer by its name, `all` for all of them, `nil` for the last.
    ///   - pooling: How a model's frames become a vector; a trained head pools in its own way.
    ///   - workers: How many files are read at a time.
    /// - Throws: `ProbingError` where a name doesn't fit, `NNError` or `PretrainingError` for a file that
    ///   holds neither.
    public init(
        path: String, file: Safetensors, layer: String? = nil,
        pooling: Pooling = .meanAndStandardDeviation, workers: Int = 2
    ) throws {
        self.file = file
        guard TrainedClassifier.isTrainedClassifier(file) else {
            source = .layer(
                try EmbeddingExtractor(
                    PretrainedModel(path: path, file: file), layer: layer, pooling: pooling,
                    workers: workers))
            return
        }
        guard layer == nil else {
            throw ProbingError.badOption(
                option: "layer", expected: "none with a trained head", found: layer ?? "")
        }
        source = .head(try TrainedClassifier(path: path, file: file, workers: workers))
    }

    /// The length of a vector.
    public var width: Int {
        switch source {
        case .layer(let extractor): extractor.width
        case .head(let classifier): classifier.embeddingWidth
        }
    }

    /// The vectors of many recordings, computed in batches.
    ///
    /// - Parameter cuts: The recordings.
    /// - Returns: For each recording, in the order of `cuts`, `width` finite values or the problem.
    public func vectors(of cuts: [Cut]) -> [Result<[Float], CorpusError>] {
        let made =
            switch source {
            case .layer(let extractor): extractor.embeddings(of: cuts)
            case .head(let classifier): classifier.embeddings(of: cuts)
            }
        return zip(cuts, made).map { cut, result in
            result.flatMap { matrix in
                matrix.values.allSatisfy(\.isFinite)
                    ? .success(matrix.values)
                    : .failure(
                        .badRecording(
                            id: cut.id, path: cut.audioPath,
                            reason: "its embedding is not finite"))
            }
        }
    }
}
