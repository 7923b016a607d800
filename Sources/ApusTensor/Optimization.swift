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
