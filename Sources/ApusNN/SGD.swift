import ApusTensor

/// Stochastic gradient descent with momentum, fused over all parameters.
///
/// Sutskever et al. 2013, On the importance of initialization and momentum in deep learning, in
/// PyTorch's form, in which the rate isn't part of the momentum. With the weights x, the gradient g
/// and the weight decay λ:
///
///     b ← μb + g + λx
///     x ← x - ηb
public final class SGD: Optimizer {
    private let moments: Moments
    private let momentum: Double
    private let weightDecay: Double
    /// The number of steps done.
    public private(set) var stepCount = 0

    /// An optimiser of some parameters.
    ///
    /// - Parameters:
    ///   - parameters: What it moves.
    ///   - momentum: How much the running sum of the gradients keeps; 0 for none.
    ///   - weightDecay: The share of each weight that is added to its gradient.
    public init(
        _ parameters: [(name: String, tensor: Tensor)], momentum: Double = 0.9,
        weightDecay: Double = 0
    ) {
        moments = Moments(of: parameters, named: ["momentum_buffer"])
        self.momentum = momentum
        self.weightDecay = weightDecay
    }

    /// Moves the parameters against their gradients, and forgets the gradients.
    ///
    /// - Parameter rate: The learning rate of this step.
    public func step(rate: Double) {
        stepCount += 1
        sgdStep(
            parameters: moments.tensors, momenta: moments[0], rate: rate,
            momentum: momentum, weightDecay: weightDecay)
        clearGradients()
    }

    /// Forgets the gradients, as where a step is skipped.
    public func clearGradients() { moments.clearGradients() }

    /// The running sums by name: what continuing needs beside the step count.
    ///
    /// - Returns: `NAME.momentum_buffer` for each parameter.
    public func state() -> [String: TensorValues] { moments.values() }

    /// Takes over a state that `state()` gave.
    ///
    /// - Parameters:
    ///   - state: The running sums by name.
    ///   - stepCount: The number of steps done.
    ///   - path: Where the state comes from, for the error.
    /// - Throws: `NNError.weightsDoNotFit` where a sum is missing or has another shape.
    public func load(_ state: [String: TensorValues], stepCount: Int, from path: String) throws {
        try moments.load(state, from: path)
        self.stepCount = stepCount
    }
}
