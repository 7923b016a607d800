import ApusTensor

/// What moves parameters against their gradients.
public protocol Optimizer: AnyObject {
    /// The number of steps done.
    var stepCount: Int { get }

    /// Moves the parameters against their gradients, and forgets the gradients.
    ///
    /// - Parameter rate: The learning rate of this step.
    func step(rate: Double)

    /// Forgets the gradients, as where a step is skipped.
    func clearGradients()

    /// The moments by name: what continuing needs beside the step count.
    ///
    /// - Returns: `NAME.MOMENT` for each parameter, under PyTorch's names of moments.
    func state() -> [String: TensorValues]

    /// Takes over a state that `state()` gave.
    ///
    /// - Parameters:
    ///   - state: The moments by name.
    ///   - stepCount: The number of steps done.
    ///   - path: Where the state comes from, for the error.
    /// - Throws: `NNError.weightsDoNotFit` where a moment is missing or has another shape.
    func load(_ state: [String: TensorValues], stepCount: Int, from path: String) throws
}

/// Parameters, and running figures of their gradients that start at zero.
struct Moments {
    private let parameters: [(name: String, tensor: Tensor)]
    private let moments: [(name: String, each: [Tensor])]

    init(of parameters: [(name: String, tensor: Tensor)], named names: [String]) {
        self.parameters = parameters
        moments = names.map { name in
            (name, parameters.map { Tensor(zeros: $0.tensor.shape) })
        }
    }

    /// The parameters.
    var tensors: [Tensor] { parameters.map { $0.tensor } }

    /// One moment for each parameter.
    subscript(_ index: Int) -> [Tensor] { moments[index].each }

    func clearGradients() { for each in parameters { each.tensor.clearGradient() } }

    func values() -> [String: TensorValues] {
        var values: [String: TensorValues] = [:]
        for (name, each) in moments {
            for (parameter, moment) in zip(parameters, each) {
                values["\(parameter.name).\(name)"] = TensorValues(
                    shape: moment.shape, values: moment.floats)
            }
        }
        return values
    }

    /// Takes over values; nothing is changed where one is missing.
    func load(_ values: [String: TensorValues], from path: String) throws {
        var found: [(moment: Tensor, values: [Float])] = []
        for (index, parameter) in parameters.enumerated() {
            for (name, each) in moments {
                guard let new = values["\(parameter.name).\(name)"],
                    new.shape == parameter.tensor.shape
                else {
                    throw NNError.weightsDoNotFit(
                        path: path,
                        reason: "no moment \(parameter.name).\(name) of the right shape")
                }
                found.append((each[index], new.values))
            }
        }
        for each in found { each.moment.assign(each.values) }
    }
}
