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

    /// Measures the frames of all processes together.
    ///
    /// - Parameters:
    ///   - frames: Those here, (N, D); N may be 0 where others have some.
    ///   - processes: The processes.
    /// - Throws: `ProcessError.lost`.
    init(of frames: Tensor, in processes: ProcessGroup) throws(ProcessError) {
        let (count, width) = (frames.shape[0], frames.shape[1])
        func sums(_ make: () -> [Float]) throws(ProcessError) -> [Double] {
            try processes.sums(withoutGradients(make).map(Double.init))
        }
        let totals = try sums {
            [Float(count)] + frames.cast(to: .float32).sum(dimension: 0).floats
        }
        let means = totals.dropFirst().map { Float($0 / totals[0]) }
        let products = try sums {
            let centered = frames.cast(to: .float32) - Tensor(means, shape: [width])
            return centered.transposed(0, 1).matmul(centered).floats  // (D, D)
        }
        deviation =
            (0..<width).reduce(0) { $0 + (products[$1 * width + $1] / totals[0]).squareRoot() }
            / Double(width)
        effectiveRank = withoutGradients {
            let eigenvalues = Tensor(products.map(Float.init), shape: [width, width])
                .symmetricEigenvalues().floats
            return Self.effectiveRank(of: eigenvalues.map { max(0, Double($0)) })
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
        frames(of: encoder, features: features, lengths: lengths, counted: lengths.count).map {
            ($0.name, FeatureHealth(of: $0.frames))
        }
    }

    /// The frames within the recordings, (N, D), of each hidden layer in evaluation.
    ///
    /// - Parameters:
    ///   - encoder: The encoder.
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - counted: How many of the recordings count, from the first on.
    /// - Returns: The layers' names and frames.
    static func frames(
        of encoder: any Encoder, features: Tensor, lengths: [Int], counted: Int
    ) -> [(name: String, frames: Tensor)] {
        withoutGradients {
            let states = encoder(features, lengths: lengths, draws: nil)
            return zip(encoder.layerNames, states.layers).map { name, layer in
                let (frames, width) = (layer.shape[1], layer.shape[2])
                let valid = states.lengths.prefix(counted).enumerated().flatMap { row, length in
                    (row * frames)..<(row * frames + length)
                }
                let rows = layer.reshaped(-1, width)  // (B T', D)
                    .selected(Tensor(integers: valid, shape: [valid.count]), dimension: 0)
                return (name, rows)
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
