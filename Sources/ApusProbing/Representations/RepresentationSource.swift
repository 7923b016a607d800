import ApusCorpus
import ApusSignal

/// What turns recordings into frames, layer by layer: an encoder, or a front end alone.
public protocol RepresentationSource {
    /// A name for each layer, first layer first.
    var layerNames: [String] { get }
    /// D of each layer.
    var layerWidths: [Int] { get }
    /// From one frame of a layer to the next, in feature frames.
    var stride: Int { get }

    /// Visits the frames of every recording; one that fails doesn't stop the rest.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - body: Called once for each recording, in an order that depends on `cuts` alone: with its
    ///     position in `cuts` and, for each layer, T x D frames.
    /// - Throws: What `body` throws.
    func forEachRecording<Failure: Error>(
        of cuts: [Cut],
        _ body: (_ index: Int, _ layers: Result<[FeatureMatrix], CorpusError>) throws(Failure) ->
            Void
    ) throws(Failure)

    /// Visits each layer's mean and standard deviation over every recording's frames; one that fails
    /// doesn't stop the rest.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - body: Called once for each recording, in any order: with its position in `cuts` and, for
    ///     each layer, D means and D deviations.
    /// - Throws: What `body` throws.
    func forEachStatistics<Failure: Error>(
        of cuts: [Cut],
        _ body: (_ index: Int, _ statistics: Result<[[Float]], CorpusError>) throws(Failure) -> Void
    ) throws(Failure)
}

extension RepresentationSource {
    /// The statistics of the frames themselves.
    public func forEachStatistics<Failure: Error>(
        of cuts: [Cut],
        _ body: (_ index: Int, _ statistics: Result<[[Float]], CorpusError>) throws(Failure) -> Void
    ) throws(Failure) {
        try forEachRecording(of: cuts) { (index, layers) throws(Failure) in
            try body(index, layers.map(RepresentationExtractor.statistics))
        }
    }
}

extension RepresentationSource {
    /// One vector for each recording and layer.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - pooling: How frames become a vector.
    /// - Returns: For each recording, in the order of `cuts`, a vector for each layer or the problem.
    public func pooled(
        _ cuts: [Cut], _ pooling: Pooling = .meanAndStandardDeviation
    ) -> [Result<[FeatureMatrix], CorpusError>] {
        results(of: cuts) { $0.map { pooling($0) } }
    }

    /// The frames of one layer.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - layer: The layer's position.
    /// - Returns: For each recording, in the order of `cuts`, T x D frames or the problem.
    public func frames(
        of cuts: [Cut], layer: Int
    ) -> [Result<FeatureMatrix, CorpusError>] {
        precondition(layerNames.indices.contains(layer), "no layer \(layer)")
        return results(of: cuts) { $0[layer] }
    }

    private func results<Value>(
        of cuts: [Cut], _ transform: ([FeatureMatrix]) -> Value
    ) -> [Result<Value, CorpusError>] {
        var results = [Result<Value, CorpusError>?](repeating: nil, count: cuts.count)
        forEachRecording(of: cuts) { index, layers in results[index] = layers.map(transform) }
        let all = results.compactMap { $0 }
        precondition(all.count == cuts.count, "each recording is visited")
        return all
    }
}
