import ApusCorpus
import ApusSignal
import Foundation

extension RepresentationExtractor {
    /// What is known of a recording before it is read.
    struct Examined: Sendable {
        /// The hash of its file's bytes, where it was wanted.
        var content: String?
        /// Its key in the cache.
        var key: String?
        /// What the cache has.
        var statistics: [[Float]]?
        /// Whether nothing of it is wanted.
        var isSkipped = false
    }

    /// Looks recordings up in the cache.
    ///
    /// - Parameters:
    ///   - hashes: What hashes files where there is no cache; `nil` for no hashes then.
    ///   - readsCache: Whether statistics are what is wanted.
    ///   - isSkipped: Whether nothing is wanted of a recording with this hash.
    /// - Returns: What `forEachPart` examines with.
    func examination(
        hashes: ContentHashes? = nil, readsCache: Bool = true,
        isSkipped: @escaping @Sendable (Cut, String) -> Bool = { _, _ in false }
    ) -> @Sendable (Cut) -> (note: Examined, isKnown: Bool) {
        let cache = readsCache ? self.cache : nil
        guard let hashes = hashes ?? cache?.hashes else { return { _ in (Examined(), false) } }
        let model = cache == nil ? "" : fingerprint
        let widths = layerWidths.map { 2 * $0 }
        return { cut in
            guard let content = hashes.hash(of: cut.audioPath) else { return (Examined(), false) }
            if isSkipped(cut, content) {
                return (Examined(content: content, isSkipped: true), true)
            }
            guard let cache else { return (Examined(content: content), false) }
            let key = RepresentationCache.key(of: cut, content: content, model: model)
            let statistics = cache.statistics(of: key, widths: widths)
            return (
                Examined(content: content, key: key, statistics: statistics), statistics != nil
            )
        }
    }

    /// The statistics of the frames, from the cache where they are there.
    public func forEachStatistics<Failure: Error>(
        of cuts: [Cut],
        _ body: (_ index: Int, _ statistics: Result<[[Float]], CorpusError>) throws(Failure) -> Void
    ) throws(Failure) {
        var sums = StatisticsSums(layerWidths)
        try forEachPart(of: cuts, examine: examination()) {
            (index, examined, event) throws(Failure) in
            switch event {
            case .known:
                if let statistics = examined.statistics { try body(index, .success(statistics)) }
            case .failure(let problem):
                sums = StatisticsSums(layerWidths)
                try body(index, .failure(problem))
            case .part(let layers, let isLast):
                sums.add(layers)
                guard isLast else { return }
                let statistics = sums.statistics
                sums = StatisticsSums(layerWidths)
                if let key = examined.key { cache?.keep(statistics, as: key) }
                try body(index, .success(statistics))
            }
        }
    }
}

/// Means and deviations of layers over frames that come in parts.
struct StatisticsSums {
    private var layers: [FeatureStatisticsAccumulator]

    /// - Parameter widths: D of each layer.
    init(_ widths: [Int]) { layers = widths.map(FeatureStatisticsAccumulator.init) }

    /// Takes in frames.
    mutating func add(_ frames: [FeatureMatrix]) {
        for (index, matrix) in frames.enumerated() { layers[index].add(matrix) }
    }

    /// For each layer D means and D deviations.
    var statistics: [[Float]] {
        layers.map { layer in
            guard let statistics = layer.finalize() else {
                preconditionFailure("a recording has at least one frame")
            }
            return statistics.mean + statistics.standardDeviation
        }
    }
}
