import ApusCorpus
import ApusSignal
import ApusTensor
import Foundation

/// What stands beside every encoder: summaries of log-mels that nothing was learned for.
public enum FeatureBaseline: String, Codable, Hashable, Sendable, CaseIterable {
    /// Mean and standard deviation of log-mels.
    case logMelStatistics = "log-mel statistics"
    /// Mean and standard deviation of the first 20 cepstral coefficients of log-mels, the orthonormal
    /// cosine transform of type II.
    case mfccStatistics = "MFCC statistics"
    /// Mean and standard deviation of 256 random directions of log-mels: as many numbers as an encoder
    /// gives, with nothing learned (HEAR's naive baseline projects frames too).
    case randomProjection = "random projection"
    /// Mean log-mels of the quietest tenth of frames: the room and the microphone.
    case channel = "channel only"

    /// The name in tables.
    public var name: String { rawValue }
    /// Whether the second half of a vector is standard deviations.
    public var hasDeviations: Bool { self != .channel }

    /// Whether single frames have it too; the channel is that of a whole recording.
    public var hasFrames: Bool { self != .channel }

    private static let coefficientCount = 20
    private static let directionCount = 256

    /// How a recording's features become a vector.
    ///
    /// - Parameters:
    ///   - features: Where features come from: log-mels without normalisation.
    ///   - pooling: What takes the place of mean and standard deviation, but for the channel.
    /// - Returns: A function from a recording's one layer, T x M, to its one vector.
    public func summary(
        of features: PlainFeatures, pooling: Pooling = .meanAndStandardDeviation
    ) -> ([FeatureMatrix]) -> [[Float]] {
        let statistics = { (frames: FeatureMatrix) in [pooling(frames).values] }
        if self == .channel { return { [features.quietFrameMean(of: $0[0])] } }
        guard let map = frameMap(bandCount: features.store.frontEnd.featureCount) else {
            return { statistics($0[0]) }
        }
        return { statistics(Self.mapped($0[0], by: map)) }
    }

    /// The single frames that statistics are taken of, as a representation.
    ///
    /// - Parameter features: Where features come from: log-mels without normalisation.
    /// - Returns: A source of one layer; nil for the channel, which is a whole recording's.
    func frames(of features: PlainFeatures) -> (any RepresentationSource)? {
        guard hasFrames else { return nil }
        guard let map = frameMap(bandCount: features.store.frontEnd.featureCount) else {
            return features
        }
        return MappedFeatures(features: features, name: name, width: map.shape[1]) {
            Self.mapped($0, by: map)
        }
    }

    /// (M, K): what makes frames of log-mels; nil where these stay.
    private func frameMap(bandCount: Int) -> Tensor? {
        switch self {
        case .logMelStatistics, .channel: nil
        case .mfccStatistics: Self.cosineTransform(bandCount: bandCount)
        case .randomProjection:
            Tensor(
                normal: 0, standardDeviation: 1 / Double(bandCount).squareRoot(),
                shape: [bandCount, Self.directionCount],
                seed: Seed(0).derived("random projection"))
        }
    }

    /// (M, K): column k holds w_k cos(pi k (m + 1/2) / M), of length 1.
    private static func cosineTransform(bandCount: Int) -> Tensor {
        let count = min(coefficientCount, bandCount)
        let values = (0..<bandCount).flatMap { band in
            (0..<count).map { coefficient in
                let scale = ((coefficient == 0 ? 1 : 2) / Double(bandCount)).squareRoot()
                let angle = Double.pi * Double(coefficient) * (Double(band) + 0.5)
                return Float(scale * cos(angle / Double(bandCount)))
            }
        }
        return Tensor(values, shape: [bandCount, count])
    }

    /// (T, M) times (M, K).
    private static func mapped(_ frames: FeatureMatrix, by map: Tensor) -> FeatureMatrix {
        let product = withoutGradients {
            Tensor(frames.values, shape: [frames.frameCount, frames.featureCount]).matmul(map)
        }
        return FeatureMatrix(
            values: product.floats, frameCount: frames.frameCount, featureCount: map.shape[1])
    }
}

/// Frames of a front end, each by itself mapped to another.
private struct MappedFeatures: RepresentationSource {
    let features: PlainFeatures
    let name: String
    let width: Int
    /// T x M to T x K.
    let map: (FeatureMatrix) -> FeatureMatrix

    var layerNames: [String] { [name] }
    var layerWidths: [Int] { [width] }
    let stride = 1

    func forEachRecording<Failure: Error>(
        of cuts: [Cut],
        _ body: (_ index: Int, _ layers: Result<[FeatureMatrix], CorpusError>) throws(Failure) ->
            Void
    ) throws(Failure) {
        try features.forEachRecording(of: cuts) { (index, result) throws(Failure) in
            try body(index, result.map { $0.map(map) })
        }
    }
}
