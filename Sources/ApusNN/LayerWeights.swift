import ApusTensor

/// The sum of an encoder's layers by learned shares: SUPERB's featurizer.
///
///     h = Σ_l softmax(a)_l h_l,  a = 0 at first
///
/// ## Reference
/// Yang et al. 2021, SUPERB: Speech processing Universal PERformance Benchmark, section 3; s3prl's
/// `Featurizer` without the normalisation of layers.
public final class LayerWeights: Module {
    /// a, (L): zero at first, so that all layers have the same share.
    public let weights: Tensor

    /// Equal shares.
    ///
    /// - Parameter layerCount: L.
    public init(layerCount: Int) {
        precondition(layerCount > 0, "at least one layer")
        weights = parameter(Tensor(zeros: [layerCount]))
    }

    /// The parameters with s3prl's name.
    public var namedParameters: [(name: String, tensor: Tensor)] { [("weights", weights)] }

    /// Each layer's share: softmax(a), (L).
    public var shares: [Float] { withoutGradients { weights.softmax(dimension: 0).floats } }

    /// The sum of layers that lie one beside the other.
    ///
    /// - Parameter stacked: (B, L, D).
    /// - Returns: (B, D).
    public func callAsFunction(stacked: Tensor) -> Tensor {
        let shares = weights.softmax(dimension: 0).reshaped(-1, 1)
        // (B, L, D) -> (B, D)
        return (stacked * shares).sum(dimension: 1)
    }

    /// The sum of layers.
    ///
    /// - Parameter layers: L tensors of one shape.
    /// - Returns: A tensor of that shape.
    public func callAsFunction(_ layers: [Tensor]) -> Tensor {
        let shares = weights.softmax(dimension: 0)
        precondition(layers.count == shares.count, "\(shares.count) layers")
        let terms = layers.enumerated().map { index, layer in
            layer * shares.sliced(index..<index + 1, dimension: 0)
        }
        return terms.dropFirst().reduce(terms[0]) { $0 + $1 }
    }
}
