import ApusCorpus
import ApusPretraining
import ApusSignal
import ApusTensor

/// Embeddings of recordings by a layer of a model, or by the head of a trained classifier.
///
///     let model = try PretrainedModel(contentsOf: "model.safetensors")
///     let extractor = try EmbeddingExtractor(model)
///     let vector = try extractor.embedding(of: Waveform(contentsOf: "clip.ogg")).values
public final class EmbeddingExtractor {
    /// The layer's name; `head` for a classifier's head.
    public let layer: String
    /// How frames become a vector.
    public let pooling: Pooling
    /// Which stretches of a recording have a vector each; `nil` for the recording as a whole.
    public let windows: EmbeddingWindows?
    /// The length of a vector.
    public let width: Int

    /// The name of all layers one beside the other.
    public static let allLayers = "all"
    /// The name of the sum of the layers by a trained classifier's shares.
    public static let weightedSum = ClassifierConfiguration.Encoder.weightedSum
    /// What stands for the layer where a trained classifier's head makes the vectors.
    public static let head = "head"

    /// Hidden states of many recordings.
    let states: RepresentationExtractor
    private let features: FeatureExtractor
    /// The layers that are used.
    private let layerIndices: Range<Int>
    private let summation: VectorMaker.Summation
    private let head: ClassifierNetwork?
    /// The number of frames of a window and between the beginnings of two.
    private let windowFrames: (length: Int, hop: Int)?

    /// An extractor.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - layer: The name of a hidden state, `all` for all of them, `nil` for the last.
    ///   - pooling: How frames become a vector.
    ///   - windows: Which stretches have a vector each; `nil` for the whole recording.
    ///   - workers: How many files are read at a time.
    ///   - cache: Where statistics of recordings are kept between runs; `nil` for nowhere.
    ///   - precision: The precision of the encoder's products.
    ///   - opening: Opens a recording's file; `nil` for files that say their own format.
    /// - Throws: `ProbingError.noSuchLayer`, `.badOption` for windows without a length or of frames,
    ///   or `SignalError` for a front end that can't be used.
    public convenience init(
        _ model: PretrainedModel, layer: String? = nil,
        pooling: Pooling = .meanAndStandardDeviation, windows: EmbeddingWindows? = nil,
        workers: Int = 2, cache: RepresentationCache? = nil, precision: Precision = .float32,
        opening: (@Sendable (Cut) throws -> SoundFile)? = nil
    ) throws {
        let name = layer ?? model.encoder.layerNames.last ?? ""
        try self.init(
            model, name, layers: try Self.layers(of: model, named: name, also: []),
            pooling: pooling, windows: windows, workers: workers, cache: cache,
            precision: precision, opening: opening)
    }

    /// An extractor of a trained classifier, whose encoder its training may have moved.
    ///
    /// Its head pools frames in its own way. Of a recording in parts
    /// (``RepresentationExtractor/longestAtOnce``) its vector is the mean of the parts' vectors by their
    /// lengths.
    ///
    /// - Parameters:
    ///   - classifier: The classifier.
    ///   - layer: A layer as for a model, or `weightedSum` for the sum by the classifier's shares;
    ///     `nil` for its head.
    ///   - pooling: How frames become a vector where a layer is named.
    ///   - windows: Which stretches have a vector each; `nil` for the whole recording.
    ///   - workers: How many files are read at a time.
    ///   - cache: Where statistics of recordings are kept between runs; `nil` for nowhere.
    ///   - precision: The precision of the encoder's products.
    ///   - opening: Opens a recording's file; `nil` for files that say their own format.
    /// - Throws: As for a model, and `ProbingError.badOption` for shares that it doesn't have, or frames
    ///   of its head.
    public convenience init(
        _ classifier: TrainedClassifier, layer: String? = nil,
        pooling: Pooling = .meanAndStandardDeviation, windows: EmbeddingWindows? = nil,
        workers: Int = 2, cache: RepresentationCache? = nil, precision: Precision = .float32,
        opening: (@Sendable (Cut) throws -> SoundFile)? = nil
    ) throws {
        let (model, network) = (classifier.model, classifier.network)
        let name = layer ?? Self.head
        var (layers, summation) = (model.encoder.layerNames.indices, VectorMaker.Summation.none)
        if name == Self.weightedSum {
            guard !network.shares.isEmpty else {
                throw ProbingError.badOption(
                    option: "layer", expected: "a classifier of a weighted sum of layers",
                    found: "one of the layer \(classifier.card.layer)")
            }
            summation = .shares(network.layerShares)
        } else if name != Self.head {
            layers = try Self.layers(of: model, named: name, also: [Self.weightedSum])
        } else if pooling == .frames {
            throw ProbingError.badOption(
                option: "pooling", expected: "anything but frames, which a head doesn't have",
                found: pooling.rawValue)
        }
        try self.init(
            model, name, layers: layers, summation: summation,
            head: name == Self.head ? network : nil, pooling: pooling, windows: windows,
            workers: workers, cache: cache, precision: precision, opening: opening)
    }

    private init(
        _ model: PretrainedModel, _ name: String, layers: Range<Int>,
        summation: VectorMaker.Summation = .none, head: ClassifierNetwork? = nil,
        pooling: Pooling, windows: EmbeddingWindows?, workers: Int, cache: RepresentationCache?,
        precision: Precision, opening: (@Sendable (Cut) throws -> SoundFile)?
    ) throws {
        if let windows {
            guard windows.length > 0, windows.hop > 0, windows.length.isFinite,
                windows.hop.isFinite
            else {
                throw ProbingError.badOption(
                    option: "window and hop", expected: "more than 0 s",
                    found: "\(windows.length) s and \(windows.hop) s")
            }
            guard pooling != .frames else {
                throw ProbingError.badOption(
                    option: "pooling", expected: "anything but frames with windows",
                    found: pooling.rawValue)
            }
        }
        states = try RepresentationExtractor(
            model, workers: workers, cache: cache, precision: precision, opening: opening)
        features = try FeatureExtractor(model.card.frontEnd)
        layer = name
        self.pooling = pooling
        self.windows = windows
        layerIndices = layers
        self.summation = summation
        self.head = head
        let rate = model.card.frontEnd.frameRate / Double(model.encoder.stride)
        windowFrames = windows.map { windows in
            func frames(_ seconds: Double) -> Int {
                Int(max(1, min(1e9, (seconds * rate).rounded())))
            }
            return (frames(windows.length), frames(windows.hop))
        }
        let widths = model.encoder.layerWidths
        switch summation {
        case .shares(let shares):
            width = pooling.width(ofFrames: shares.first.map { widths[$0.layer] } ?? 0)
        case .none:
            width =
                head?.head.embeddingWidth
                ?? widths[layers].reduce(0) { $0 + pooling.width(ofFrames: $1) }
        }
    }

    private static func layers(
        of model: PretrainedModel, named name: String, also others: [String]
    ) throws -> Range<Int> {
        let names = model.encoder.layerNames
        if name == allLayers { return names.indices }
        guard let index = names.firstIndex(of: name) else {
            throw ProbingError.noSuchLayer(
                path: model.path, layer: name, layers: names + [allLayers] + others)
        }
        return index..<index + 1
    }

    /// The model.
    public var model: PretrainedModel { states.model }

    /// Frames a second of what `Pooling.frames` gives (Hz).
    public var frameRate: Double {
        states.model.card.frontEnd.frameRate / Double(states.stride)
    }

    /// When a row of an embedding begins and ends.
    ///
    /// - Parameters:
    ///   - row: The row, from 0.
    ///   - frameCount: The number of the recording's frames, T.
    /// - Returns: Seconds from the recording's beginning.
    public func times(ofRow row: Int, frameCount: Int) -> (start: Double, end: Double) {
        let frames = rowFrames(row, frameCount)
        return (Double(frames.lowerBound) / frameRate, Double(frames.upperBound) / frameRate)
    }

    private func rowFrames(_ row: Int, _ frameCount: Int) -> Range<Int> {
        if pooling == .frames { return row..<row + 1 }
        guard let (length, hop) = windowFrames else { return 0..<frameCount }
        return row * hop..<min(row * hop + length, frameCount)
    }

    private func maker() -> VectorMaker {
        let content: VectorMaker.Content =
            if let head { .head(head) } else { .pooled(pooling, summation) }
        return VectorMaker(content, windows: pooling == .frames ? nil : windowFrames)
    }

    /// The embedding of samples in memory, encoded at once.
    ///
    /// - Parameters:
    ///   - waveform: N samples at any rate.
    ///   - source: The name of the recording in errors.
    /// - Returns: 1 x `width`; a row for each window, or T x `width` for frames.
    /// - Throws: `SignalError.tooShort` for less than one frame, `.nonFinite` for samples that are
    ///   no numbers.
    public func embedding(
        of waveform: Waveform, source: String = SignalError.inMemory
    ) throws -> FeatureMatrix {
        let matrix = try features(waveform, source: source)
        let maker = maker()
        let rows = maker.add(Array(states.hiddenStates(of: [matrix])[0][layerIndices]))
        return Self.joined(rows, maker.finish(), width: width)
    }

    /// The embedding of a file.
    ///
    /// - Parameter path: The file's path.
    /// - Returns: 1 x `width`; a row for each window, or T x `width` for frames.
    /// - Throws: `SignalError` for a file that can't be read or is shorter than one frame.
    public func embedding(ofFile path: String) throws -> FeatureMatrix {
        try embedding(of: Cut(id: path, audioPath: path))
    }

    /// The embedding of a cut.
    ///
    /// - Parameter cut: The cut.
    /// - Returns: 1 x `width`; a row for each window, or T x `width` for frames.
    /// - Throws: `SignalError` for a file that can't be read or a cut shorter than one frame.
    public func embedding(of cut: Cut) throws -> FeatureMatrix {
        let waveform = try cut.waveform(for: states.model.card.frontEnd)
        return try embedding(of: waveform, source: cut.audioPath)
    }

    /// The embeddings of many recordings, computed in batches.
    ///
    /// - Parameter cuts: The recordings.
    /// - Returns: For each recording, in the order of `cuts`, its rows or the problem.
    public func embeddings(of cuts: [Cut]) -> [Result<FeatureMatrix, CorpusError>] {
        var results = [Result<FeatureMatrix, CorpusError>?](repeating: nil, count: cuts.count)
        forEachEmbedding(of: cuts) { results[$0] = $1 }
        return results.compactMap { $0 }
    }

    /// Visits the embeddings of many recordings, in their order, as they are computed.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - body: Called once for each recording, with its position in `cuts` and its rows or the
    ///     problem.
    /// - Throws: What `body` throws.
    public func forEachEmbedding<Failure: Error>(
        of cuts: [Cut],
        _ body: (_ index: Int, _ embedding: Result<FeatureMatrix, CorpusError>) throws(Failure) ->
            Void
    ) throws(Failure) {
        var earlier: FeatureMatrix?
        try forEachPart(of: cuts) { (index, _, part) throws(Failure) in
            switch part {
            case .skipped: break
            case .failure(let problem):
                earlier = nil
                try body(index, .failure(problem))
            case .rows(let rows, let frameCount):
                let all = Self.joined(earlier, rows, width: width)
                earlier = frameCount == nil ? all : nil
                if frameCount != nil { try body(index, .success(all)) }
            }
        }
    }

    /// What comes of a recording.
    enum Part {
        /// It was not wanted.
        case skipped
        /// Some of its rows, in order; with the number of its frames, T, the last.
        case rows(FeatureMatrix, frameCount: Int?)
        case failure(CorpusError)
    }

    /// Visits what comes of recordings, in their order; only long ones have several parts.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - hashes: What hashes their files; `nil` for no hashes.
    ///   - isSkipped: Whether a recording with this hash is not wanted.
    ///   - body: Called with a recording's position in `cuts`, the hash of its file's bytes, and what
    ///     came of it.
    /// - Throws: What `body` throws.
    func forEachPart<Failure: Error>(
        of cuts: [Cut], hashes: ContentHashes? = nil,
        isSkipped: @escaping @Sendable (Cut, String) -> Bool = { _, _ in false },
        _ body: (_ index: Int, _ content: String?, _ part: Part) throws(Failure) -> Void
    ) throws(Failure) {
        let usesCache = readsCache
        var (next, waiting) = (0, [Int: (content: String?, part: Part)]())
        func deliver(_ index: Int, _ content: String?, _ part: Part) throws(Failure) {
            guard index == next else {
                waiting[index] = (content, part)
                return
            }
            try body(index, content, part)
            if case .rows(_, nil) = part { return }
            next += 1
            while let ready = waiting.removeValue(forKey: next) {
                try body(next, ready.content, ready.part)
                next += 1
            }
        }
        var current: Current?
        try states.forEachPart(
            of: cuts, wanted: usesCache ? nil : layerIndices,
            examine: states.examination(
                hashes: hashes, readsCache: usesCache, isSkipped: isSkipped)
        ) { (index, examined, event) throws(Failure) in
            switch event {
            case .known:
                let part = examined.statistics.map {
                    Part.rows(vector(of: $0), frameCount: 0)
                }
                try deliver(index, examined.content, part ?? .skipped)
            case .failure(let problem):
                current = nil
                try deliver(index, examined.content, .failure(problem))
            case .part(let layers, let isLast):
                var state = current ?? Current(maker: maker(), sums: usesCache ? sums : nil)
                current = nil
                if state.isFailed { return current = isLast ? nil : state }
                state.frameCount += layers[0].frameCount
                var rows: FeatureMatrix?
                if state.sums != nil {
                    state.sums?.add(layers)
                    if isLast, let statistics = state.sums?.statistics {
                        if let key = examined.key { states.cache?.keep(statistics, as: key) }
                        rows = vector(of: statistics)
                    }
                } else {
                    rows = state.maker.add(layers)
                    if isLast { rows = Self.joined(rows, state.maker.finish(), width: width) }
                }
                if let rows, !rows.values.allSatisfy(\.isFinite) {
                    state.isFailed = true
                    if !isLast { current = state }
                    return try deliver(
                        index, examined.content, .failure(notFinite(cuts[index])))
                }
                if let rows, isLast || rows.frameCount > 0 {
                    try deliver(
                        index, examined.content,
                        .rows(rows, frameCount: isLast ? state.frameCount : nil))
                }
                if !isLast { current = state }
            }
        }
    }

    /// What is kept of a recording between its parts.
    private struct Current {
        var maker: VectorMaker
        var sums: StatisticsSums?
        var frameCount = 0
        var isFailed = false
    }

    private func notFinite(_ cut: Cut) -> CorpusError {
        .badRecording(
            id: cut.id, path: cut.audioPath, reason: "its embedding is not finite")
    }

    /// Whether vectors are made of the statistics that a cache keeps.
    private var readsCache: Bool {
        // Kept are means and deviations.
        guard states.cache != nil, head == nil, windows == nil, pooling != .frames,
            pooling != .dynamics
        else { return false }
        if case .none = summation { return true }
        return false
    }

    private var sums: StatisticsSums { StatisticsSums(states.layerWidths) }

    /// The chosen layers' statistics as a vector.
    private func vector(of statistics: [[Float]]) -> FeatureMatrix {
        let values = statistics[layerIndices].flatMap { layer in
            pooling == .mean ? Array(layer[..<(layer.count / 2)]) : layer
        }
        return FeatureMatrix(values: values, frameCount: 1, featureCount: width)
    }

    /// Rows after rows.
    private static func joined(
        _ first: FeatureMatrix?, _ second: FeatureMatrix?, width: Int
    ) -> FeatureMatrix {
        if let first, second == nil { return first }
        if let second, first == nil { return second }
        let values = (first?.values ?? []) + (second?.values ?? [])
        return FeatureMatrix(
            values: values, frameCount: values.count / max(width, 1), featureCount: width)
    }
}

/// Stretches of a recording that have an embedding each.
///
/// Lengths and hops are rounded to whole frames of the encoder. Each window is made of its frames, which
/// the encoder has seen with all around them. The last one may be shorter: together they cover the
/// recording, where the hop is not longer than they.
public struct EmbeddingWindows: Codable, Hashable, Sendable {
    /// How long each is (s).
    public var length: Double
    /// From the beginning of one to the next (s).
    public var hop: Double

    /// Windows.
    ///
    /// - Parameters:
    ///   - length: How long each is (s).
    ///   - hop: From the beginning of one to the next (s); `nil` for its length.
    public init(length: Double, hop: Double? = nil) {
        self.length = length
        self.hop = hop ?? length
    }
}

extension EmbeddingExtractor {
    /// What the embeddings are, for what is written beside them.
    ///
    /// - Parameter reading: How files are opened that don't say their format; `nil` for none.
    /// - Returns: The description.
    public func description(reading: String? = nil) -> EmbeddingDescription {
        EmbeddingDescription(
            model: fingerprint, modelPath: model.path, layer: layer, pooling: pooling,
            windows: windows, reading: reading, width: width)
    }

    /// A hash of the model, and of what of a classifier's has part in the vectors.
    private var fingerprint: String {
        var hash = SHA256()
        hash.update(states.fingerprint)
        if let head {
            hash.update(card: head.shares.map(\.layer))
            hash.update(weights: head.weights())
        } else if case .shares(let shares) = summation {
            hash.update(shares.map { "\($0.layer) \($0.share)" }.joined(separator: "\n"))
        } else {
            return states.fingerprint
        }
        return hash.finalize()
    }
}
