import ApusTensor

/// What recurrent layers carry from one part of a recording to the next.
///
/// Layers take their states in the order in which they are computed, which is the same for each part.
/// For one recording, without gradients.
public final class RecurrentStates {
    private var tensors: [Tensor] = []
    private var position = 0

    /// States before a recording's first part.
    public init() {}

    /// Begins a part: the first layer is the next to ask.
    public func beginPart() { position = 0 }

    /// The next layer's state, zeros before the first part.
    ///
    /// - Parameter shape: The state's shape.
    /// - Returns: The state, which the layer overwrites.
    func next(_ shape: [Int]) -> Tensor {
        if position == tensors.count { tensors.append(Tensor(zeros: shape)) }
        defer { position += 1 }
        return tensors[position]
    }
}
