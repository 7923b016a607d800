import ApusCorpus
import ApusSignal
import Foundation

/// A front end's features themselves, as a representation to compare encoders with.
public final class PlainFeatures: RepresentationSource {
    /// Where features come from.
    public let store: FeatureStore
    private let workers: Int

    /// A share of a recording's frames this large counts as its quiet part.
    private static let quietShare = 0.1

    /// The features of a store.
    ///
    /// - Parameters:
    ///   - store: Where features come from.
    ///   - workers: How many recordings are read at a time.
    public init(store: FeatureStore, workers: Int = 2) {
        self.store = store
        self.workers = workers
    }

    /// The front end whose log-mels are those of a model before normalisation.
    ///
    /// - Parameter frontEnd: The model's front end.
    /// - Returns: The same with log-mels as features and without normalisation; for a model that reads
    ///   waveforms Kaldi's at its rate.
    public static func frontEnd(of frontEnd: FrontEnd) -> FrontEnd {
        var plain = frontEnd
        if frontEnd.kind == .waveform {
            plain = .kaldi
            plain.sampleRate = frontEnd.sampleRate
        }
        plain.kind = .logMel
        plain.normalization = .none
        return plain
    }

    /// One layer, the log-mels.
    public let layerNames = ["log-mel"]
    /// M.
    public var layerWidths: [Int] { [store.frontEnd.featureCount] }
    /// 1: features themselves.
    public let stride = 1

    /// Visits the features of every recording, in order.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - body: Called once for each recording: with its position in `cuts` and T x M features.
    /// - Throws: What `body` throws.
    public func forEachRecording<Failure: Error>(
        of cuts: [Cut],
        _ body: (_ index: Int, _ layers: Result<[FeatureMatrix], CorpusError>) throws(Failure) ->
            Void
    ) throws(Failure) {
        let blockSize = 64
        for start in Swift.stride(from: 0, to: cuts.count, by: blockSize) {
            let block = Array(cuts[start..<min(start + blockSize, cuts.count)])
            for (offset, result) in store.features(of: block, workers: workers).enumerated() {
                try body(start + offset, result.map { [$0] })
            }
        }
    }

    /// What frames are ordered by: the sum of energies, or the first coefficient of a cepstrum.
    private func energy(of frame: ArraySlice<Float>) -> Double {
        if store.frontEnd.kind == .mfcc {
            let first = store.frontEnd.htkOrder ? frame.last : frame.first
            return Double(first ?? 0)
        }
        let scale: Double? =
            switch store.frontEnd.log {
            case .none: nil
            case .natural: 1
            case .log10: log(10)
            case .decibel: log(10) / 10
            }
        return frame.reduce(0) { sum, value in
            sum + (scale.map { exp(Double(value) * $0) } ?? Double(value))
        }
    }

    /// The mean log-mels of a recording's quietest tenth of frames, at least one: what is heard of
    /// room and microphone between the sounds.
    ///
    /// - Parameter features: T x M log-mels that are not normalised.
    /// - Returns: M means.
    public func quietFrameMean(of features: FeatureMatrix) -> [Float] {
        let width = features.featureCount
        let energies = (0..<features.frameCount).map { frame in
            energy(of: features.values[frame * width..<(frame + 1) * width])
        }
        let count = max(1, Int((Double(features.frameCount) * Self.quietShare).rounded()))
        let quietest = energies.indices
            .sorted { (energies[$0], $0) < (energies[$1], $1) }.prefix(count)
        return (0..<width).map { band in
            let sum = quietest.reduce(0) { $0 + Double(features[$1, band]) }
            return Float(sum / Double(count))
        }
    }
}
