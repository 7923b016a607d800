import CTorch

/// Scales gradients so that their joint 2-norm is at most a maximum.
///
/// - Parameters:
///   - parameters: Whose gradients are scaled, in place.
///   - maximum: The largest norm that is left.
/// - Returns: The norm before.
public func clipGradients(of parameters: [Tensor], toNorm maximum: Double) -> Double {
    var norm = 0.0
    let handles = parameters.map(\.handle)
    withExtendedLifetime(parameters) {
        succeed(
            apus_clip_gradients(handles, Int32(handles.count), maximum, &norm), "clipGradients")
    }
    return norm
}

/// One fused AdamW step (Loshchilov and Hutter 2019), in place, over the parameters with a gradient.
///
/// - Parameters:
///   - parameters: What is moved.
///   - firstMoments: The running means of the gradients, one for each parameter.
///   - secondMoments: The running means of their squares.
///   - step: The step's number, from 1.
///   - rate: The learning rate.
///   - betas: How much the running means keep.
///   - epsilon: What is added to the root of the second moment.
///   - weightDecay: The decoupled weight decay.
public func adamWStep(
    parameters: [Tensor], firstMoments: [Tensor], secondMoments: [Tensor], step: Int,
    rate: Double, betas: (Double, Double), epsilon: Double, weightDecay: Double
) {
    let handles = (
        parameters.map(\.handle), firstMoments.map(\.handle), secondMoments.map(\.handle)
    )
    withExtendedLifetime((parameters, firstMoments, secondMoments)) {
        succeed(
            apus_adamw(
                handles.0, handles.1, handles.2, Int32(parameters.count), Int64(step), rate,
                betas.0, betas.1, epsilon, weightDecay), "adamWStep")
    }
}

/// One step of stochastic gradient descent with momentum, in place, over the parameters with a
/// gradient.
///
/// - Parameters:
///   - parameters: What is moved.
///   - momenta: The running sums of the gradients, one for each parameter.
///   - rate: The learning rate.
///   - momentum: How much the running sums keep.
///   - weightDecay: The share of each weight that is added to its gradient.
public func sgdStep(
    parameters: [Tensor], momenta: [Tensor], rate: Double, momentum: Double, weightDecay: Double
) {
    let handles = (parameters.map(\.handle), momenta.map(\.handle))
    withExtendedLifetime((parameters, momenta)) {
        succeed(
            apus_sgd(
                handles.0, handles.1, Int32(parameters.count), rate, momentum, weightDecay),
            "sgdStep")
    }
}

/// One LAMB step, in place, over the parameters with a gradient.
///
/// You et al. 2020, algorithm 2.
///
/// - Parameters:
///   - parameters: What is moved; each is a layer of its own.
///   - firstMoments: The running means of the gradients, one for each parameter.
///   - secondMoments: The running means of their squares.
///   - step: The step's number, from 1.
///   - rate: The learning rate.
///   - betas: How much the running means keep.
///   - epsilon: What is added to the root of the second moment.
///   - weightDecay: The decoupled weight decay.
public func lambStep(
    parameters: [Tensor], firstMoments: [Tensor], secondMoments: [Tensor], step: Int,
    rate: Double, betas: (Double, Double), epsilon: Double, weightDecay: Double
) {
    let handles = (
        parameters.map(\.handle), firstMoments.map(\.handle), secondMoments.map(\.handle)
    )
    withExtendedLifetime((parameters, firstMoments, secondMoments)) {
        succeed(
            apus_lamb(
                handles.0, handles.1, handles.2, Int32(parameters.count), Int64(step), rate,
                betas.0, betas.1, epsilon, weightDecay), "lambStep")
    }
}

/// Moves averages a share of the way towards values, in place.
///
/// - Parameters:
///   - averages: What is moved.
///   - values: Where it moves to, a tensor of the same shape for each average.
///   - share: The share of the way, in 0...1.
public func move(_ averages: [Tensor], towards values: [Tensor], share: Double) {
    precondition(averages.count == values.count, "an average has a value to move to")
    let handles = (averages.map(\.handle), values.map(\.handle))
    withExtendedLifetime((averages, values)) {
        succeed(
            apus_move_towards(handles.0, handles.1, Int32(averages.count), share), "move")
    }
}
