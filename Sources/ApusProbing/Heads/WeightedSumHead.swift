import ApusNN
import ApusTensor

/// SUPERB's head for classifying recordings: s3prl's speaker identification and keyword spotting.
///
///     h_t = Σ_l softmax(a)_l h_{l,t}        shares of the layers, a = 0 at first
///     z   = 1/T Σ_t (P h_t + p)             a projection to 256, the mean over frames
///     logits = W z + b
///
/// Nothing here is nonlinear in the frames, so the mean can be taken first:
/// z = P (Σ_l softmax(a)_l m_l) + p with m_l = 1/T Σ_t h_{l,t}. Trained on the means m, the head
/// sees the same losses and gradients as trained on frames, and needs L x D values a recording.
///
/// Deviations: s3prl trains on random crops of 8 s, whose means differ from crop to crop; cached means
/// are those of whole recordings. Layers that are not as wide as the last one are left out, where
/// s3prl's models have layers of one width.
///
/// ## References
/// Yang et al. 2021, SUPERB: Speech processing Universal PERformance Benchmark; s3prl's
/// `downstream/voxceleb1` (`Featurizer`, `projector`, `MeanPooling`, `model.linear`).
public final class WeightedSumHead: Module {
    /// a.
    public let featurizer: LayerWeights
    /// P and p.
    public let projector: Linear
    /// W and b.
    public let linear: Linear

    /// A head with PyTorch's initial values.
    ///
    /// - Parameters:
    ///   - layerCount: L.
    ///   - inputWidth: D.
    ///   - projectionWidth: The width of z, 256 in SUPERB.
    ///   - classCount: The number of classes.
    ///   - seed: What the initial values depend on.
    public init(
        layerCount: Int, inputWidth: Int, projectionWidth: Int = 256, classCount: Int, seed: Seed
    ) {
        featurizer = LayerWeights(layerCount: layerCount)
        projector = Linear(
            inputWidth: inputWidth, outputWidth: projectionWidth, seed: seed.derived("projector"))
        linear = Linear(
            inputWidth: projectionWidth, outputWidth: classCount, seed: seed.derived("linear"))
    }

    /// The parameters with s3prl's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        featurizer.namedParameters(under: "featurizer")
            + projector.namedParameters(under: "projector")
            + linear.namedParameters(under: "linear")
    }

    /// The logits of recordings by the means of their layers.
    ///
    /// - Parameter means: (B, L, D).
    /// - Returns: (B, classes).
    public func callAsFunction(means: Tensor) -> Tensor {
        linear(projector(featurizer(stacked: means)))
    }

    /// The logits of recordings by their frames, as SUPERB computes them.
    ///
    /// - Parameters:
    ///   - layers: (B, T, D) for each of L layers.
    ///   - lengths: Each recording's frames.
    /// - Returns: (B, classes).
    public func callAsFunction(_ layers: [Tensor], lengths: [Int]) -> Tensor {
        linear(projector(featurizer(layers)).frameMeans(lengths: lengths))
    }
}
