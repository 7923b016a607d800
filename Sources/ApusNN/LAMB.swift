import ApusTensor

/// LAMB: Adam's direction with decoupled weight decay, as long as the layer's weights.
///
/// You et al. 2020, Large Batch Optimization for Deep Learning: Training BERT in 76 minutes,
/// algorithm 2, for large batches. For each layer with the weights x, the gradient g and the moments
/// m and v of Adam, with the paper's φ as the identity:
///
///     r = (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)
///     x ← x - η ‖x‖ / ‖r + λx‖ (r + λx)
///
/// Each parameter is a layer of its own. Where one of the norms is zero, as for biases that start at
/// zero, the quotient of the norms, which the paper leaves open there, is 1.
public final class LAMB: Optimizer {
    private let moments: Moments
    private let betas: (Double, Double)
    private let epsilon: Double
    private let weightDecay: Double
    /// The number of steps done.
    public private(set) var stepCount = 0

    /// An optimiser of some parameters.
    ///
    /// - Parameters:
    ///   - parameters: What it moves.
    ///   - betas: How much the running means of gradients and of their squares keep.
    ///   - epsilon: What is added to the root of the second moment.
    ///   - weightDecay: The share of each weight that is added to its direction.
    public init(
        _ parameters: [(name: String, tensor: Tensor)], betas: (Double, Double) = (0.9, 0.999),
        epsilon: Double = 1e-6, weightDecay: Double = 0.01
    ) {
        moments = Moments(of: parameters, named: ["exp_avg", "exp_avg_sq"])
        self.betas = betas
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    /// Moves the parameters against their gradients, and forgets the gradients.
    ///
    /// - Parameter rate: The learning rate of this step.
    public func step(rate: Double) {
        stepCount += 1
        lambStep(
            parameters: moments.tensors, firstMoments: moments[0],
            secondMoments: moments[1], step: stepCount, rate: rate, betas: betas,
            epsilon: epsilon, weightDecay: weightDecay)
        clearGradients()
    }

    /// Forgets the gradients, as where a step is skipped.
    public func clearGradients() { moments.clearGradients() }

    /// The moments by name: what continuing needs beside the step count.
    ///
    /// - Returns: `NAME.exp_avg` and `NAME.exp_avg_sq` for each parameter.
    public func state() -> [String: TensorValues] { moments.values() }

    /// Takes over a state that `state()` gave.
    ///
    /// - Parameters:
    ///   - state: The moments by name.
    ///   - stepCount: The number of steps done.
    ///   - path: Where the state comes from, for the error.
    /// - Throws: `NNError.weightsDoNotFit` where a moment is missing or has another shape.
    public func load(_ state: [String: TensorValues], stepCount: Int, from path: String) throws {
        try moments.load(state, from: path)
        self.stepCount = stepCount
    }
}
