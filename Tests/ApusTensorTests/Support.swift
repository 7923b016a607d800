import ApusTensor

/// The largest difference relative to the largest expected magnitude.
func relativeError(_ values: [Float], _ expected: [Float]) -> Double {
    guard values.count == expected.count else { return .infinity }
    var (difference, scale) = (0.0, 0.0)
    for (a, b) in zip(values, expected) {
        // A comparison drops what is not a number; such an element must fail the test.
        guard a.isFinite, b.isFinite else { return .infinity }
        difference = max(difference, abs(Double(a) - Double(b)))
        scale = max(scale, abs(Double(b)))
    }
    return scale > 0 ? difference / scale : difference
}

/// Normal numbers for tests.
func normal(_ shape: Int..., seed: Int) -> Tensor {
    Tensor(normal: 0, standardDeviation: 1, shape: shape, seed: Seed(UInt64(seed)))
}

/// Runs `body` with a number of threads and puts the old number back.
func withThreads<Result>(_ count: Int, _ body: () throws -> Result) rethrows -> Result {
    let before = Engine.threadCount
    Engine.start(threadCount: count)
    defer { Engine.start(threadCount: before) }
    return try body()
}

/// How far automatic gradients are from central differences, relative to the largest, for each input.
///
/// The loss is the sum of the outputs times a fixed cotangent, summed in 64 bits.
func differenceErrors(
    _ inputs: [Tensor], step: Float = 1e-2, _ function: ([Tensor]) -> Tensor
) -> [Double] {
    for input in inputs { input.requiresGradient = true }
    let output = function(inputs)
    let cotangent = Tensor(uniform: -1...1, shape: output.shape, seed: Seed(77))
    (output * cotangent).sum().backward()
    let weights = cotangent.floats
    func loss() -> Double {
        let values = withoutGradients { function(inputs).floats }
        return zip(values, weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    return inputs.map { input in
        guard let gradient = input.gradient else { return .infinity }
        let start = input.floats
        var differences: [Float] = []
        for i in start.indices {
            var moved = start
            moved[i] = start[i] + step
            input.assign(moved)
            let above = loss()
            moved[i] = start[i] - step
            input.assign(moved)
            // The step that 32 bits allowed, not the one asked for.
            let taken = Double(start[i] + step) - Double(start[i] - step)
            differences.append(Float((above - loss()) / taken))
        }
        input.assign(start)
        return relativeError(differences, gradient.floats)
    }
}
