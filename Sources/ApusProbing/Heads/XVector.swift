import ApusNN
import ApusTensor

/// The x-vector network: time-delay layers, statistics pooling, two affine layers.
///
///     frame 1  5 frames                    C
///     frame 2  t-2, t, t+2                 C
///     frame 3  t-3, t, t+3                 C
///     frame 4  1 frame                     C
///     frame 5  1 frame                     3C (1500 for C = 512 in the paper)
///     pooling  mean and deviation          6C
///     segment 6  affine: the embedding     C, then ReLU and batch normalisation
///     segment 7  affine                    C, then ReLU and batch normalisation
///
/// Deviations: edges are padded with zeros (see `TimeDelayLayer`), and the fifth layer is 3C wide, or
/// 1500 where C is 512.
///
/// ## Reference
/// Snyder et al. 2018, X-Vectors: Robust DNN Embeddings for Speaker Recognition, table 1.
public final class XVector: EmbeddingHead {
    private let frameLayers: [TimeDelayLayer]
    private let segments: [Linear]
    private let norms: [BatchNorm]
    /// C.
    public let embeddingWidth: Int

    /// An x-vector network.
    ///
    /// - Parameters:
    ///   - inputWidth: D.
    ///   - width: C, 512 in the paper.
    ///   - seed: What the initial values depend on.
    public init(inputWidth: Int, width: Int = 512, seed: Seed) {
        let wide = width == 512 ? 1500 : 3 * width
        let sizes = [
            (inputWidth, width, 5, 1), (width, width, 3, 2), (width, width, 3, 3),
            (width, width, 1, 1), (width, wide, 1, 1),
        ]
        frameLayers = sizes.enumerated().map { index, size in
            TimeDelayLayer(
                inputWidth: size.0, outputWidth: size.1, kernelSize: size.2, dilation: size.3,
                seed: seed.derived("frame").derived(index))
        }
        segments = [2 * wide, width].enumerated().map { index, input in
            Linear(
                inputWidth: input, outputWidth: width,
                seed: seed.derived("segment").derived(index))
        }
        norms = [BatchNorm(width: width), BatchNorm(width: width)]
        embeddingWidth = width
    }

    /// The parameters: `frame1` to `frame5`, `segment6` and `segment7`.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        frameLayers.enumerated().flatMap { $1.namedParameters(under: "frame\($0 + 1)") }
            + segments.indices.flatMap {
                segments[$0].namedParameters(under: "segment\($0 + 6)")
                    + norms[$0].namedParameters(under: "segment\($0 + 6).norm")
            }
    }

    /// The batch normalisations' running figures.
    public var namedBuffers: [(name: String, tensor: Tensor)] {
        frameLayers.enumerated().flatMap { $1.namedBuffers(under: "frame\($0 + 1)") }
            + norms.indices.flatMap { norms[$0].namedBuffers(under: "segment\($0 + 6).norm") }
    }

    /// The affine output of the sixth layer.
    ///
    /// - Parameters:
    ///   - frames: (B, T, D).
    ///   - lengths: Each recording's frames, at least 1.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, C).
    public func embedding(_ frames: Tensor, lengths: [Int], draws: TrainingDraws?) -> Tensor {
        let last = frameLayers.reduce(frames) { $1($0, lengths: lengths, draws: draws) }
        return segments[0](last.frameStatistics(lengths: lengths))
    }

    /// The seventh layer's output.
    ///
    /// - Parameters:
    ///   - embedding: (B, C).
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, C).
    public func output(_ embedding: Tensor, draws: TrainingDraws?) -> Tensor {
        let sixth = norms[0](embedding.relu(), draws: draws)
        return norms[1](segments[1](sixth).relu(), draws: draws)
    }
}
