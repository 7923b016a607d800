import ApusNN
import ApusTensor

/// HEAR's shallow classifier: one or two hidden layers on a recording's pooled frames.
///
///     z_0 = [μ; σ] or μ of the frames,  z_i = relu(dropout(BN(W_i z_{i-1} + b_i)))
///
/// HEAR's grid has 1 or 2 hidden layers of 1024, dropout 0.1, Adam at 3.2e-3, 1e-3, 3.2e-4 or 1e-4 and
/// Xavier's initial weights, uniform or normal. HEAR pools by the mean.
///
/// ## Reference
/// Turian et al. 2022, HEAR: Holistic Evaluation of Audio Representations, appendix B;
/// `hear-eval-kit`'s `FullyConnectedPrediction`.
public final class MultilayerPerceptron: EmbeddingHead {
    private struct Layer {
        let weight: Tensor
        let bias: Tensor
        let norm: BatchNorm
    }
    private let layers: [Layer]
    private let poolsDeviations: Bool
    private let dropout: Double
    /// The width of the embedding, which is the last hidden layer.
    public let embeddingWidth: Int

    /// A classifier without its last layer.
    ///
    /// - Parameters:
    ///   - inputWidth: D.
    ///   - layerCount: The number of hidden layers.
    ///   - width: Their width.
    ///   - poolsDeviations: Whether deviations over frames stand beside the means.
    ///   - dropout: The share of values set to zero.
    ///   - initialization: How the initial weights are drawn.
    ///   - seed: What the initial values depend on.
    public init(
        inputWidth: Int, layerCount: Int = 1, width: Int = 1024, poolsDeviations: Bool = false,
        dropout: Double = 0.1, initialization: XavierInitialization = .uniform, seed: Seed
    ) {
        precondition(layerCount > 0, "at least one hidden layer")
        var input = poolsDeviations ? 2 * inputWidth : inputWidth
        layers = (0..<layerCount).map { index in
            let layer = Layer(
                weight: initialization.weight(
                    inputWidth: input, outputWidth: width,
                    seed: seed.derived("hidden").derived(index)),
                bias: parameter(Tensor(zeros: [width])), norm: BatchNorm(width: width))
            input = width
            return layer
        }
        self.poolsDeviations = poolsDeviations
        self.dropout = dropout
        embeddingWidth = width
    }

    /// The parameters.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        layers.enumerated().flatMap { index, layer in
            [
                ("hidden.\(index).linear.weight", layer.weight),
                ("hidden.\(index).linear.bias", layer.bias),
            ] + layer.norm.namedParameters(under: "hidden.\(index).norm")
        }
    }

    /// The batch normalisations' running figures.
    public var namedBuffers: [(name: String, tensor: Tensor)] {
        layers.enumerated().flatMap { index, layer in
            layer.norm.namedBuffers(under: "hidden.\(index).norm")
        }
    }

    /// The last hidden layer.
    ///
    /// - Parameters:
    ///   - frames: (B, T, D).
    ///   - lengths: Each recording's frames, at least 1.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, width).
    public func embedding(_ frames: Tensor, lengths: [Int], draws: TrainingDraws?) -> Tensor {
        let pooled =
            poolsDeviations
            ? frames.frameStatistics(lengths: lengths) : frames.frameMeans(lengths: lengths)
        return layers.reduce(pooled) { input, layer in
            layer.norm(input.linear(weight: layer.weight, bias: layer.bias), draws: draws)
                .dropout(dropout, draws).relu()
        }
    }
}
