import ApusNN
import ApusTensor

/// A projection and a pooling: SUPERB's head with the mean, without its last layer.
///
///     z = pool_t(P x_t + p)
///
/// The pooling is the mean, the mean and deviation (Snyder et al. 2017), or attentive statistics with
/// one share a frame (Okabe et al. 2018).
///
/// ## Reference
/// Yang et al. 2021, SUPERB: Speech processing Universal PERformance Benchmark.
public final class LinearHead: EmbeddingHead {
    /// How frames become a vector.
    public enum Pooling: String, Codable, Hashable, Sendable, CaseIterable {
        /// The mean, D values.
        case mean
        /// The mean and the deviation, 2D values.
        case meanAndStandardDeviation
        /// The mean and the deviation by learned shares, 2D values.
        case attentive
    }

    private let projector: Linear
    private let pooling: Pooling
    private let attentive: AttentiveStatisticsPooling?
    /// The width of the embedding.
    public let embeddingWidth: Int

    /// A head.
    ///
    /// - Parameters:
    ///   - inputWidth: D.
    ///   - width: The projection's width, 256 in SUPERB.
    ///   - pooling: How frames become a vector.
    ///   - attentionWidth: The width of the attention's hidden layer.
    ///   - seed: What the initial values depend on.
    public init(
        inputWidth: Int, width: Int = 256, pooling: Pooling = .mean, attentionWidth: Int = 128,
        seed: Seed
    ) {
        projector = Linear(
            inputWidth: inputWidth, outputWidth: width, seed: seed.derived("projector"))
        self.pooling = pooling
        attentive =
            pooling == .attentive
            ? AttentiveStatisticsPooling(
                width: width, attentionWidth: attentionWidth, seed: seed.derived("pooling"))
            : nil
        embeddingWidth = pooling == .mean ? width : 2 * width
    }

    /// The parameters.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        projector.namedParameters(under: "projector")
            + (attentive?.namedParameters(under: "pooling") ?? [])
    }

    /// The embedding of recordings.
    ///
    /// - Parameters:
    ///   - frames: (B, T, D).
    ///   - lengths: Each recording's frames, at least 1.
    ///   - draws: Unused.
    /// - Returns: (B, `embeddingWidth`).
    public func embedding(_ frames: Tensor, lengths: [Int], draws: TrainingDraws?) -> Tensor {
        let projected = projector(frames)
        return switch pooling {
        case .mean: projected.frameMeans(lengths: lengths)
        case .meanAndStandardDeviation: projected.frameStatistics(lengths: lengths)
        case .attentive:
            attentive?(projected, lengths: lengths) ?? projected.frameMeans(lengths: lengths)
        }
    }
}
