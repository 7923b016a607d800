import ApusTensor
import Foundation

/// How much the frames of a hidden layer differ: what collapses where a network learns a constant.
public struct FeatureHealth: Equatable, Sendable {
    /// The mean over dimensions of the standard deviation over frames; 0 where all frames are equal.
    public var deviation: Double
    /// The number of directions that frames spread over, 1...D; 0 where all frames are equal.
    ///
    /// Roy and Vetterli 2007, The effective rank: exp(-Σ pᵢ log pᵢ), here with pᵢ the share of the
    /// i-th eigenvalue of the covariance in their sum.
    public var effectiveRank: Double

    /// Measures frames.
    ///
    /// - Parameter frames: (N, D), at least one frame.
    public init(of frames: Tensor) {
        let (count, width) = (frames.shape[0], frames.shape[1])
        (deviation, effectiveRank) = withoutGradients {
            let values = frames.cast(to: .float32)
            let centered = values - values.mean(dimension: 0, keepsDimension: true)
            let variances = (centered * centered).mean(dimension: 0)
            let deviation = Double(variances.squareRoot().mean().item)
            // The smaller of the two products has the same eigenvalues but for zeros.
            let product =
                count < width
                ? centered.matmul(centered.transposed(0, 1))
                : centered.transposed(0, 1).matmul(centered)
            let eigenvalues = product.symmetricEigenvalues().floats.map { max(0, Double($0)) }
            return (deviation, Self.effectiveRank(of: eigenvalues))
        }
    }

    /// Measures each hidden layer of an encoder on a batch, in evaluation.
    ///
    /// - Parameters:
    ///   - encoder: The encoder.
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    /// - Returns: The layers' names with what their frames within the recordings show.
    public static func layers(
        of encoder: any Encoder, features: Tensor, lengths: [Int]
    ) -> [(name: String, health: FeatureHealth)] {
        withoutGradients {
            let states = encoder(features, lengths: lengths, draws: nil)
            return zip(encoder.layerNames, states.layers).map { name, layer in
                let (frames, width) = (layer.shape[1], layer.shape[2])
                let valid = states.lengths.enumerated().flatMap { recording, length in
                    (recording * frames)..<(recording * frames + length)
                }
                let rows = layer.reshaped(-1, width)  // (B T', D)
                    .selected(Tensor(integers: valid, shape: [valid.count]), dimension: 0)
                return (name, FeatureHealth(of: rows))
            }
        }
    }

    private static func effectiveRank(of eigenvalues: [Double]) -> Double {
        let total = eigenvalues.reduce(0, +)
        guard total > 0, total.isFinite else { return 0 }
        return exp(
            eigenvalues.reduce(0) { sum, eigenvalue in
                let share = eigenvalue / total
                return share > 0 ? sum - share * log(share) : sum
            })
    }
}
