import ApusTensor

/// Something with learned parameters.
///
/// Parameters carry PyTorch's names and layouts, so that weights and references compare directly.
public protocol Module: AnyObject {
    /// The parameters with PyTorch's names (`norm1.weight`), in the order of declaration.
    var namedParameters: [(name: String, tensor: Tensor)] { get }

    /// What is saved with the parameters but never trained, by name; nothing, if not said otherwise.
    var namedBuffers: [(name: String, tensor: Tensor)] { get }
}

extension Module {
    /// No buffers.
    public var namedBuffers: [(name: String, tensor: Tensor)] { [] }

    /// The parameters in the order of declaration.
    public var parameters: [Tensor] { namedParameters.map(\.tensor) }

    /// The number of learned numbers.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

    /// The parameters with a prefix before their names, as a containing module lists them.
    ///
    /// - Parameter prefix: The name of this module inside the containing one.
    /// - Returns: The parameters, named `prefix.name`.
    public func namedParameters(under prefix: String) -> [(name: String, tensor: Tensor)] {
        namedParameters.map { ("\(prefix).\($0.name)", $0.tensor) }
    }

    /// The values of parameters and buffers by name.
    ///
    /// - Returns: One array for each of them.
    public func weights() -> [String: TensorValues] {
        Dictionary(
            uniqueKeysWithValues: (namedParameters + namedBuffers).map {
                ($0.name, TensorValues(shape: $0.tensor.shape, values: $0.tensor.floats))
            })
    }

    /// Takes over the values of all parameters and buffers.
    ///
    /// - Parameters:
    ///   - weights: One array for each of them, by name.
    ///   - path: Where they come from, for the error.
    /// - Throws: `NNError.weightsDoNotFit` where a name is missing or unknown, or a shape differs.
    public func load(_ weights: [String: TensorValues], from path: String) throws {
        let own = namedParameters + namedBuffers
        for (name, tensor) in own {
            guard let new = weights[name] else {
                throw NNError.weightsDoNotFit(path: path, reason: "no tensor named \(name)")
            }
            guard new.shape == tensor.shape else {
                throw NNError.weightsDoNotFit(
                    path: path,
                    reason: "\(name) has the shape \(new.shape), expected \(tensor.shape)")
            }
        }
        let names = Set(own.map(\.name))
        if let foreign = weights.keys.filter({ !names.contains($0) }).min() {
            throw NNError.weightsDoNotFit(
                path: path, reason: "the tensor \(foreign) belongs to no parameter of this model")
        }
        for (name, tensor) in own { if let new = weights[name] { tensor.assign(new.values) } }
    }
}

/// A parameter: a tensor that collects gradients.
///
/// - Parameter initial: Its initial values.
/// - Returns: The same tensor.
public func parameter(_ initial: Tensor) -> Tensor {
    initial.requiresGradient = true
    return initial
}
