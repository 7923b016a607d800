import ApusNN
import ApusTensor
import Foundation
import Testing

/// SGD and LAMB; AdamW has tests of its own.
@Suite struct OptimizerTests {
    private func make(
        _ name: String, _ parameters: [(name: String, tensor: Tensor)]
    ) -> (optimizer: any Optimizer, rate: Double) {
        switch name {
        case "sgd": (SGD(parameters, momentum: 0.9, weightDecay: 0.05), 0.01)
        case "plainSGD": (SGD(parameters, momentum: 0), 0.02)
        default: (LAMB(parameters, betas: (0.9, 0.98), weightDecay: 0.1), 0.05)
        }
    }

    /// Twenty steps of a linear regression against PyTorch, and the paper's equations, in 64 bits.
    @Test(arguments: ["sgd", "plainSGD", "lamb"])
    func twentyStepsFollowTheReference(name: String) throws {
        let reference = try Reference("optimizers")
        let layer = Linear(inputWidth: 6, outputWidth: 4, seed: Seed(1))
        try layer.load(
            [
                "weight": reference.values("start.weight"), "bias": reference.values("start.bias"),
            ], from: "reference")
        let (x, y) = (try reference.tensor("x"), try reference.tensor("y"))
        let (optimizer, rate) = make(name, layer.namedParameters)
        var losses: [Float] = []
        for step in 1...20 {
            let error = layer(x) - y
            let loss = (error * error).sum(dimension: 1).mean()
            loss.backward()
            losses.append(loss.item)
            optimizer.step(rate: rate)
            #expect(layer.parameters.allSatisfy { $0.gradient == nil })
            guard step == 1 || step == 20 else { continue }
            for (parameter, tensor) in layer.namedParameters {
                let expected = try reference.values("\(name).after\(step).\(parameter)").values
                #expect(relativeError(tensor.floats, expected) < 1e-5, "\(parameter), \(step)")
            }
        }
        #expect(relativeError(losses, try reference.values("\(name).losses").values) < 1e-5)
        #expect(optimizer.stepCount == 20)
    }

    /// The first step of LAMB moves each layer by the rate times its norm, along the signs.
    @Test func lambsFirstStepInClosedForm() {
        let weight = parameter(Tensor([3, -4], shape: [2]))
        let zero = parameter(Tensor([0], shape: [1]))
        let idle = parameter(Tensor([5], shape: [1]))
        let optimizer = LAMB(
            [("weight", weight), ("zero", zero), ("idle", idle)], epsilon: 0, weightDecay: 0)
        ((weight * Tensor([9, -0.1], shape: [2])).sum() + (zero * 7).sum()).backward()
        optimizer.step(rate: 0.1)
        let step = Float(0.1 * 5 / 2.0.squareRoot())
        #expect(relativeError(weight.floats, [3 - step, -4 + step]) < 1e-6)
        #expect(relativeError(zero.floats, [-0.1]) < 1e-6)
        #expect(idle.floats == [5], "no gradient, no step")
    }

    @Test(arguments: ["sgd", "plainSGD", "lamb"])
    func continuingIsBitIdentical(name: String) throws {
        func fresh() -> (layer: Linear, optimizer: any Optimizer) {
            let layer = Linear(inputWidth: 6, outputWidth: 4, seed: Seed(1))
            return (layer, make(name, layer.namedParameters).optimizer)
        }
        func train(_ model: (layer: Linear, optimizer: any Optimizer), steps: Range<Int>) {
            for step in steps {
                let output = model.layer(normal(8, 6, seed: step))
                (output * output).mean().backward()
                model.optimizer.step(rate: 0.01)
            }
        }
        let (whole, first, second) = (fresh(), fresh(), fresh())
        train(whole, steps: 0..<10)
        train(first, steps: 0..<5)
        try second.layer.load(first.layer.weights(), from: "first")
        try second.optimizer.load(first.optimizer.state(), stepCount: 5, from: "first")
        train(second, steps: 5..<10)
        #expect(second.layer.weights() == whole.layer.weights())
        #expect(second.optimizer.state() == whole.optimizer.state())
        #expect(second.optimizer.stepCount == 10)
    }

    @Test func stateThatDoesNotFitIsRefused() throws {
        let optimizer = SGD(Linear(inputWidth: 2, outputWidth: 1, seed: Seed(1)).namedParameters)
        var state = optimizer.state()
        #expect(Set(state.keys) == ["weight.momentum_buffer", "bias.momentum_buffer"])
        state["bias.momentum_buffer"] = nil
        #expect(
            throws: NNError.weightsDoNotFit(
                path: "here", reason: "no moment bias.momentum_buffer of the right shape")
        ) { try optimizer.load(state, stepCount: 3, from: "here") }
        #expect(optimizer.stepCount == 0)
    }
}
