import ApusTensor

/// The exponential moving average of a module's weights.
///
/// Polyak and Juditsky 1992 average the iterates; with x the weights after the n-th step:
///
///     x̄ ← d x̄ + (1 - d) x,   d = min(decay, (1 + n) / (10 + n))
///
/// The decay is small in the first steps, as in TensorFlow's ExponentialMovingAverage, so that the
/// untrained weights are soon forgotten.
public final class WeightAverage {
    private let parameters: [(name: String, tensor: Tensor)]
    private let averages: [Tensor]
    private let decay: Double
    /// The number of steps that the average has followed.
    public private(set) var updateCount = 0

    /// An average that begins with the weights as they are.
    ///
    /// - Parameters:
    ///   - module: Whose weights are averaged.
    ///   - decay: How much the average keeps in each step, in 0..<1.
    public init(of module: some Module, decay: Double) {
        precondition((0..<1).contains(decay), "a decay of \(decay)")
        parameters = module.namedParameters
        averages = parameters.map { Tensor($0.tensor.floats, shape: $0.tensor.shape) }
        self.decay = decay
    }

    /// Follows one step.
    public func update() {
        updateCount += 1
        let kept = min(decay, Double(1 + updateCount) / Double(10 + updateCount))
        move(averages, towards: parameters.map(\.tensor), share: 1 - kept)
    }

    /// Computes with the averages in place of the weights.
    ///
    /// - Parameter body: What is computed.
    /// - Returns: What `body` returns.
    public func whileInPlace<Result>(_ body: () throws -> Result) rethrows -> Result {
        let own = parameters.map { $0.tensor.floats }
        for (parameter, average) in zip(parameters, averages) {
            parameter.tensor.assign(average.floats)
        }
        defer {
            for (parameter, values) in zip(parameters, own) { parameter.tensor.assign(values) }
        }
        return try body()
    }

    /// The averages by the parameters' names.
    ///
    /// - Returns: One array for each parameter.
    public func weights() -> [String: TensorValues] {
        Dictionary(
            uniqueKeysWithValues: zip(parameters, averages).map {
                ($0.name, TensorValues(shape: $1.shape, values: $1.floats))
            })
    }

    /// Takes over averages that `weights()` gave.
    ///
    /// - Parameters:
    ///   - weights: One array for each parameter, by name.
    ///   - updateCount: The number of steps that they have followed.
    ///   - path: Where they come from, for the error.
    /// - Throws: `NNError.weightsDoNotFit` where a name is missing or a shape differs.
    public func load(
        _ weights: [String: TensorValues], updateCount: Int, from path: String
    ) throws {
        let new = try parameters.map { name, tensor in
            guard let values = weights[name], values.shape == tensor.shape else {
                throw NNError.weightsDoNotFit(
                    path: path, reason: "no average of \(name) of the right shape")
            }
            return values.values
        }
        for (average, values) in zip(averages, new) { average.assign(values) }
        self.updateCount = updateCount
    }
}
