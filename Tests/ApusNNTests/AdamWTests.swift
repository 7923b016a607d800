import ApusNN
import ApusTensor
import Foundation
import Testing

@Suite struct AdamWTests {
    /// Twenty clipped steps of a linear regression against `torch.optim.AdamW` in 64 bits.
    @Test func twentyStepsFollowPyTorch() throws {
        let reference = try Reference()
        let layer = Linear(inputWidth: 6, outputWidth: 4, seed: Seed(1))
        try layer.load(
            [
                "weight": reference.values("adamw.start.weight"),
                "bias": reference.values("adamw.start.bias"),
            ], from: "reference")
        let (x, y) = (try reference.tensor("adamw.x"), try reference.tensor("adamw.y"))
        let optimizer = AdamW(layer.namedParameters, betas: (0.9, 0.98), weightDecay: 0.01)
        var (norms, losses): ([Float], [Float]) = ([], [])
        for step in 1...20 {
            let error = layer(x) - y
            let loss = (error * error).sum(dimension: 1).mean()
            loss.backward()
            norms.append(Float(clipGradients(of: layer.parameters, toNorm: 1)))
            losses.append(loss.item)
            optimizer.step(rate: 0.3)
            guard step == 1 || step == 20 else { continue }
            for (name, tensor) in layer.namedParameters {
                let expected = try reference.values("adamw.after\(step).\(name)").values
                #expect(relativeError(tensor.floats, expected) < 1e-5, "\(name), step \(step)")
            }
        }
        #expect(relativeError(norms, try reference.values("adamw.norms").values) < 1e-5)
        #expect(relativeError(losses, try reference.values("adamw.losses").values) < 1e-5)
        #expect((norms.max() ?? 0) > 1 && (norms.min() ?? 1) < 1, "clipped and unclipped steps")
    }

    /// The first step's moments are g and g²: it moves by the rate against the gradient's sign.
    @Test func firstStepInClosedForm() {
        let weight = parameter(Tensor([2, -3, 1], shape: [3]))
        let idle = parameter(Tensor([5], shape: [1]))
        let optimizer = AdamW(
            [("weight", weight), ("idle", idle)], epsilon: 0, weightDecay: 0.5)
        (weight * Tensor([4, -0.1, 1], shape: [3])).sum().backward()
        optimizer.step(rate: 0.1)
        let expected: [Float] = [2 * 0.95 - 0.1, -3 * 0.95 + 0.1, 0.95 - 0.1]
        #expect(relativeError(weight.floats, expected) < 1e-6)
        #expect(idle.floats == [5], "no gradient, no step and no decay")
        #expect(weight.gradient == nil)
        #expect(optimizer.stepCount == 1)
    }

    @Test func clippingInClosedForm() throws {
        let (a, b) = (parameter(Tensor(zeros: [2])), parameter(Tensor(zeros: [1])))
        func setGradients() {
            a.clearGradient()
            b.clearGradient()
            (a * Tensor([3, 0], shape: [2])).sum().backward()
            (b * -4).sum().backward()
        }
        setGradients()
        #expect(abs(clipGradients(of: [a, b], toNorm: 1) - 5) < 1e-6)
        #expect(relativeError(try #require(a.gradient).floats, [0.6, 0]) < 1e-5)
        #expect(relativeError(try #require(b.gradient).floats, [-0.8]) < 1e-5)
        setGradients()
        #expect(abs(clipGradients(of: [a, b], toNorm: 6) - 5) < 1e-6)
        #expect(a.gradient?.floats == [3, 0], "a short gradient stays")
        a.clearGradient()
        b.clearGradient()
        #expect(clipGradients(of: [a, b], toNorm: 1) == 0)
    }

    private func train(_ layer: Linear, _ optimizer: AdamW, steps: Range<Int>) {
        for step in steps {
            let output = layer(normal(8, 6, seed: step))
            (output * output).mean().backward()
            optimizer.step(rate: 0.01)
        }
    }

    @Test func continuingIsBitIdentical() throws {
        func fresh() -> (Linear, AdamW) {
            let layer = Linear(inputWidth: 6, outputWidth: 4, seed: Seed(1))
            return (layer, AdamW(layer.namedParameters))
        }
        let (whole, wholeOptimizer) = fresh()
        train(whole, wholeOptimizer, steps: 0..<10)

        let (first, firstOptimizer) = fresh()
        train(first, firstOptimizer, steps: 0..<5)
        try withFolder { folder in
            let path = folder + "/state.safetensors"
            let state = Safetensors(tensors: firstOptimizer.state())
            try state.encoded().write(to: URL(fileURLWithPath: path))
            let (second, secondOptimizer) = fresh()
            try second.load(first.weights(), from: "first")
            try secondOptimizer.load(
                Safetensors(contentsOf: path).tensors, stepCount: firstOptimizer.stepCount,
                from: path)
            train(second, secondOptimizer, steps: 5..<10)
            #expect(second.weights() == whole.weights())
            #expect(secondOptimizer.state() == wholeOptimizer.state())
            #expect(secondOptimizer.stepCount == 10)
        }
        train(first, AdamW(first.namedParameters), steps: 5..<10)
        #expect(first.weights() != whole.weights(), "the moments matter")
    }

    @Test func stateThatDoesNotFitIsRefused() throws {
        let layer = Linear(inputWidth: 2, outputWidth: 1, seed: Seed(1))
        let optimizer = AdamW(layer.namedParameters)
        train(Linear(inputWidth: 6, outputWidth: 4, seed: Seed(1)), optimizer, steps: 0..<1)
        let before = optimizer.state()
        var state = before
        state["weight.exp_avg"] = TensorValues(shape: [1, 2], values: [7, 7])
        state["bias.exp_avg_sq"] = nil
        #expect(
            throws: NNError.weightsDoNotFit(
                path: "run/state", reason: "no moment bias.exp_avg_sq of the right shape")
        ) { try optimizer.load(state, stepCount: 3, from: "run/state") }
        #expect(optimizer.state() == before, "nothing is taken over")
        state = before
        state["weight.exp_avg"] = TensorValues(shape: [2, 1], values: [0, 0])
        #expect(
            throws: NNError.weightsDoNotFit(
                path: "run/state", reason: "no moment weight.exp_avg of the right shape")
        ) { try optimizer.load(state, stepCount: 3, from: "run/state") }
    }
}
