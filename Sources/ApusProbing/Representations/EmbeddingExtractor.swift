import ApusCorpus
import ApusPretraining
import ApusSignal

/// Embeddings of recordings by one layer of a model.
///
///     let model = try PretrainedModel(contentsOf: "model.safetensors")
///     let extractor = try EmbeddingExtractor(model)
///     let vector = try extractor.embedding(of: Waveform(contentsOf: "clip.ogg")).values
public final class EmbeddingExtractor {
    /// The layer's name.
    public let layer: String
    /// How frames become a vector.
    public let pooling: Pooling
    /// The length of a vector.
    public let width: Int

    /// The name of all layers one beside the other.
    public static let allLayers = "all"

    private let states: RepresentationExtractor
    private let features: FeatureExtractor
    private let layerIndices: Range<Int>

    /// An extractor.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - layer: The name of a hidden state, `all` for all of them, `nil` for the last.
    ///   - pooling: How frames become a vector.
    ///   - workers: How many files are read at a time.
    /// - Throws: `ProbingError.noSuchLayer`, or `SignalError` for a front end that can't be used.
    public init(
        _ model: PretrainedModel, layer: String? = nil,
        pooling: Pooling = .meanAndStandardDeviation, workers: Int = 2
    ) throws {
        let names = model.encoder.layerNames
        let name = layer ?? names.last ?? ""
        if name == Self.allLayers {
            layerIndices = names.indices
        } else if let index = names.firstIndex(of: name) {
            layerIndices = index..<index + 1
        } else {
            throw ProbingError.noSuchLayer(
                path: model.path, layer: name, layers: names + [Self.allLayers])
        }
        states = try RepresentationExtractor(model, workers: workers)
        features = try FeatureExtractor(model.card.frontEnd)
        self.layer = name
        self.pooling = pooling
        width = model.encoder.layerWidths[layerIndices].reduce(0) {
            $0 + pooling.width(ofFrames: $1)
        }
    }

    /// Frames a second of what `Pooling.frames` gives (Hz).
    public var frameRate: Double {
        states.model.card.frontEnd.frameRate / Double(states.stride)
    }

    /// The chosen layers, each pooled, one beside the other.
    private func pooled(_ layers: [FeatureMatrix]) -> FeatureMatrix {
        let parts = layers[layerIndices].map { pooling($0) }
        if parts.count == 1 { return parts[0] }
        // Layers of one encoder have the same frames.
        let values = (0..<parts[0].frameCount).flatMap { frame in
            parts.flatMap { part in
                part.values[frame * part.featureCount..<(frame + 1) * part.featureCount]
            }
        }
        return FeatureMatrix(
            values: values, frameCount: parts[0].frameCount, featureCount: width)
    }

    /// The embedding of samples in memory.
    ///
    /// - Parameters:
    ///   - waveform: N samples at any rate.
    ///   - source: The name of the recording in errors.
    /// - Returns: 1 x `width`, or T x `width` for frames.
    /// - Throws: `SignalError.tooShort` for less than one frame, `.nonFinite` for samples that are
    ///   no numbers.
    public func embedding(
        of waveform: Waveform, source: String = SignalError.inMemory
    ) throws -> FeatureMatrix {
        let matrix = try features(waveform, source: source)
        return pooled(states.hiddenStates(of: [matrix])[0])
    }

    /// The embedding of a file.
    ///
    /// - Parameter path: The file's path.
    /// - Returns: 1 x `width`, or T x `width` for frames.
    /// - Throws: `SignalError` for a file that can't be read or is shorter than one frame.
    public func embedding(ofFile path: String) throws -> FeatureMatrix {
        try embedding(of: Cut(id: path, audioPath: path))
    }

    /// The embedding of a cut.
    ///
    /// - Parameter cut: The cut.
    /// - Returns: 1 x `width`, or T x `width` for frames.
    /// - Throws: `SignalError` for a file that can't be read or a cut shorter than one frame.
    public func embedding(of cut: Cut) throws -> FeatureMatrix {
        let waveform = try cut.waveform(for: states.model.card.frontEnd)
        return try embedding(of: waveform, source: cut.audioPath)
    }

    /// The embeddings of many recordings, computed in batches.
    ///
    /// - Parameter cuts: The recordings.
    /// - Returns: For each recording, in the order of `cuts`, 1 x `width` (T x `width` for frames)
    ///   or the problem.
    public func embeddings(of cuts: [Cut]) -> [Result<FeatureMatrix, CorpusError>] {
        var results = [Result<FeatureMatrix, CorpusError>?](repeating: nil, count: cuts.count)
        forEachEmbedding(of: cuts) { results[$0] = $1 }
        return results.compactMap { $0 }
    }

    /// Visits the embeddings of many recordings as they are computed, in batches.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - body: Called once for each recording, with its position in `cuts` and its embedding or
    ///     the problem; not in the order of `cuts`.
    /// - Throws: What `body` throws.
    public func forEachEmbedding(
        of cuts: [Cut],
        _ body: (_ index: Int, _ embedding: Result<FeatureMatrix, CorpusError>) throws -> Void
    ) rethrows {
        try states.forEachRecording(of: cuts) { index, layers in
            try body(index, layers.map(pooled))
        }
    }
}
