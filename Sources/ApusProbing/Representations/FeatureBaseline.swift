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
        let bandCount = features.store.frontEnd.featureCount
        let statistics = { (frames: FeatureMatrix) in [pooling(frames).values] }
        switch self {
        case .logMelStatistics: return { statistics($0[0]) }
        case .channel: return { [features.quietFrameMean(of: $0[0])] }
        case .mfccStatistics:
            let map = Self.cosineTransform(bandCount: bandCount)
            return { statistics(Self.mapped($0[0], by: map)) }
        case .randomProjection:
            let map = Tensor(
                normal: 0, standardDeviation: 1 / Double(bandCount).squareRoot(),
                shape: [bandCount, Self.directionCount],
                seed: Seed(0).derived("random projection"))
            return { statistics(Self.mapped($0[0], by: map)) }
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
