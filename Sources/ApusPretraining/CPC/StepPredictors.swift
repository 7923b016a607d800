// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusNN
import ApusTensor

/// What predicts the K frames ahead from contexts.
protocol StepPredictors: Module {
    /// The predictions.
    ///
    /// - Parameters:
    ///   - contexts: (B, W, C).
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, W, K, D).
    func callAsFunction(_ contexts: Tensor, draws: TrainingDraws?) -> Tensor
}

/// W_k c_t.
final class LinearPredictors: StepPredictors {
    /// The K matrices W_k one above the other.
    private let matrices: Linear
    private let stepCount: Int

    init(_ configuration: CPC.Configuration, seed: Seed) {
        stepCount = configuration.predictionSteps
        matrices = Linear(
            inputWidth: configuration.contextWidth,
            outputWidth: stepCount * configuration.encoderWidth, hasBias: false, seed: seed)
    }

    var namedParameters: [(name: String, tensor: Tensor)] { matrices.namedParameters }

    func callAsFunction(_ contexts: Tensor, draws: TrainingDraws?) -> Tensor {
        let (B, W) = (contexts.shape[0], contexts.shape[1])
        return matrices(contexts).reshaped(B, W, stepCount, -1)
    }
}

/// A causal transformer layer over the contexts for each step.
final class TransformerPredictors: StepPredictors {
    private let layers: [CausalTransformerLayer]

    init(_ configuration: CPC.Configuration, seed: Seed) {
        layers = (0..<configuration.predictionSteps).map {
            CausalTransformerLayer(
                configuration.transformer, width: configuration.contextWidth,
                seed: seed.derived("\($0)"))
        }
    }

    var namedParameters: [(name: String, tensor: Tensor)] {
        layers.enumerated().flatMap { $1.namedParameters(under: "\($0)") }
    }

    func callAsFunction(_ contexts: Tensor, draws: TrainingDraws?) -> Tensor {
        let (B, W, D) = (contexts.shape[0], contexts.shape[1], contexts.shape[2])
        return .concatenated(
            layers.map { $0(contexts, draws: draws).reshaped(B, W, 1, D) }, dimension: 2)
    }
}
