import ApusCorpus
import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor
import Dispatch
import Synchronization

/// A frozen encoder's hidden states of recordings.
///
/// Recordings are sorted by length and go through the encoder in padded batches, in evaluation and
/// in 32-bit floats; features of the next batch are made on other threads meanwhile. What comes out
/// for a recording does not depend on what shares its batch.
public final class RepresentationExtractor: RepresentationSource {
    /// The model.
    public let model: PretrainedModel
    /// Where features come from.
    public let store: FeatureStore
    private let workers: Int

    /// T · B of a batch stays below this.
    private static let largestFrameCount = 8192
    /// B · T² of a batch stays below this, which bounds the memory of attention.
    private static let largestAttention = 1 << 23

    /// An extractor.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - store: A store to share features with others; `nil` for one without a cache.
    ///   - workers: How many recordings are read at a time.
    /// - Throws: `PretrainingError.otherFrontEnd` for a store of another front end, `SignalError`
    ///   for a front end that can't be used.
    public init(_ model: PretrainedModel, store: FeatureStore? = nil, workers: Int = 2) throws {
        if let store { try model.require(store.frontEnd) }
        self.model = model
        self.store =
            try store ?? FeatureStore(frontEnd: model.card.frontEnd, cacheByteLimit: 0)
        self.workers = workers
    }

    /// Each layer's mean and standard deviation over a recording's frames.
    static func statistics(of layers: [FeatureMatrix]) -> [[Float]] {
        layers.map { Pooling.meanAndStandardDeviation($0).values }
    }

    /// The names of the encoder's hidden states.
    public var layerNames: [String] { model.encoder.layerNames }
    /// D of each hidden state.
    public var layerWidths: [Int] { model.encoder.layerWidths }
    /// From one frame of a hidden state to the next, in feature frames.
    public var stride: Int { model.encoder.stride }

    /// Visits the hidden states of every recording, shortest first, after those that fail early.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - body: Called once for each recording: with its position in `cuts` and, for each layer,
    ///     T' x D frames or the problem.
    /// - Throws: What `body` throws.
    public func forEachRecording(
        of cuts: [Cut],
        _ body: (_ index: Int, _ layers: Result<[FeatureMatrix], CorpusError>) throws -> Void
    ) rethrows {
        var lengths: [(index: Int, frames: Int)] = []
        for (index, count) in store.frameCounts(of: cuts, workers: workers).enumerated() {
            switch count {
            case .success(let frames): lengths.append((index, frames))
            case .failure(let problem): try body(index, .failure(problem))
            }
        }
        lengths.sort { ($0.frames, $0.index) < ($1.frames, $1.index) }
        let batches = Self.batches(lengths)

        func upcoming(_ number: Int) -> UpcomingFeatures? {
            guard number < batches.count else { return nil }
            return UpcomingFeatures(
                batches[number].map { cuts[$0] }, store: store, workers: workers)
        }
        var next = upcoming(0)
        for (number, batch) in batches.enumerated() {
            guard let current = next else { return }
            let features = current.wait()
            next = upcoming(number + 1)
            var states = hiddenStates(of: features.compactMap { try? $0.get() }).makeIterator()
            for (index, result) in zip(batch, features) {
                switch result {
                case .success:
                    if let layers = states.next() { try body(index, .success(layers)) }
                case .failure(let problem): try body(index, .failure(problem))
                }
            }
        }
    }

    /// The hidden states of one batch.
    ///
    /// - Parameter recordings: T x M features of each recording, made by the model's front end.
    /// - Returns: For each recording and layer, T' x D frames.
    public func hiddenStates(of recordings: [FeatureMatrix]) -> [[FeatureMatrix]] {
        guard let bandCount = recordings.first?.featureCount else { return [] }
        let lengths = recordings.map(\.frameCount)
        let longest = lengths.max() ?? 0
        var padded: [Float] = []
        padded.reserveCapacity(recordings.count * longest * bandCount)
        for features in recordings {
            precondition(features.frameCount > 0, "a recording has at least one frame")
            padded += features.values
            padded += repeatElement(0, count: (longest - features.frameCount) * bandCount)
        }
        return withoutGradients {
            let batch = Tensor(padded, shape: [recordings.count, longest, bandCount])
            let states = model.encoder(batch, lengths: lengths, draws: nil)
            var result = [[FeatureMatrix]](repeating: [], count: recordings.count)
            for layer in states.layers {
                let (frameCount, width) = (layer.shape[1], layer.shape[2])
                let values = layer.floats
                for (row, length) in states.lengths.enumerated() {
                    let start = row * frameCount * width
                    result[row].append(
                        FeatureMatrix(
                            values: Array(values[start..<start + length * width]),
                            frameCount: length, featureCount: width))
                }
            }
            return result
        }
    }

    /// Consecutive recordings, ascending in length, as batches within the bounds.
    private static func batches(_ lengths: [(index: Int, frames: Int)]) -> [[Int]] {
        var batches: [[Int]] = []
        for (index, frames) in lengths {
            let count = (batches.last?.count ?? 0) + 1
            let fits =
                count > 1 && count * frames <= largestFrameCount
                && count * frames * frames <= largestAttention
            if fits {
                batches[batches.count - 1].append(index)
            } else {
                batches.append([index])
            }
        }
        return batches
    }
}

/// The features of a batch, being made on other threads.
private final class UpcomingFeatures: Sendable {
    private let results = Mutex<[Result<FeatureMatrix, CorpusError>]>([])
    private let done = DispatchSemaphore(value: 0)

    init(_ cuts: [Cut], store: FeatureStore, workers: Int) {
        DispatchQueue.global().async { [self] in
            let made = store.features(of: cuts, workers: workers)
            results.withLock { $0 = made }
            done.signal()
        }
    }

    /// Waits until all are made; to be called once.
    func wait() -> [Result<FeatureMatrix, CorpusError>] {
        done.wait()
        return results.withLock { $0 }
    }
}
