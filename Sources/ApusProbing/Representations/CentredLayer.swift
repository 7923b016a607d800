/// How recordings' vectors in a layer are compared by the cosine: the training part's mean is taken off, and
/// perhaps its deviation divided out.
struct CentredLayer {
    /// What makes scores of `columns(of:)`.
    let backend: VerificationBackend
    private let width: Int

    /// Every kind of vector that a layer allows.
    ///
    /// - Parameter hasDeviations: Whether the second half of each vector is standard deviations.
    /// - Returns: The vectors and whether deviations are divided out.
    static func kinds(hasDeviations: Bool) -> [(pooling: Pooling, standardizes: Bool)] {
        let poolings: [Pooling] = hasDeviations ? [.mean, .meanAndStandardDeviation] : [.mean]
        return poolings.flatMap { pooling in [false, true].map { (pooling, $0) } }
    }

    /// Takes mean and deviation of the training part.
    ///
    /// - Parameters:
    ///   - train: The layer in the training part, means first.
    ///   - pooling: The means, or all.
    ///   - standardizes: Whether the deviation is divided out.
    ///   - hasDeviations: Whether the second half of each vector is standard deviations.
    init(
        _ train: Representation.Layer, _ pooling: Pooling, standardizes: Bool, hasDeviations: Bool
    ) {
        width = hasDeviations && pooling == .mean ? train.width / 2 : train.width
        var scaling = FeatureScaling(fitting: Self.columns(of: train, width), width: width)
        if !standardizes { scaling.scale = scaling.scale.map { _ in 1 } }
        backend = VerificationBackend(scaling: scaling)
    }

    /// The values that take part.
    ///
    /// - Parameter layer: The layer in some part.
    /// - Returns: N x D values.
    func columns(of layer: Representation.Layer) -> [Float] { Self.columns(of: layer, width) }

    private static func columns(of layer: Representation.Layer, _ width: Int) -> [Float] {
        guard width < layer.width else { return layer.matrix }
        return stride(from: 0, to: layer.matrix.count, by: layer.width).flatMap {
            layer.matrix[$0..<$0 + width]
        }
    }
}
