import ApusTensor
import Testing

/// Products without gradients, whose weights are kept in the order in which the kernels read them.
@Suite(.serialized) struct PackedWeightTests {
    private let input = normal(3, 50, 40, seed: 1)
    private let bias = normal(24, seed: 3)

    private func sums(_ weight: Tensor) -> Tensor {
        (input.reshaped(3, 50, 1, 40) * weight.reshaped(24, 40)).sum(dimension: 3) + bias
    }

    private func check(_ weight: Tensor, tolerance: Double = 1e-5) {
        let expected = withoutGradients { sums(weight).floats }
        // Thrice: as it is, packed, and by what was packed.
        for _ in 0..<3 {
            let found = withoutGradients { input.linear(weight: weight, bias: bias).floats }
            #expect(relativeError(found, expected) < tolerance)
        }
    }

    @Test func aWeightThatChangesIsReadAnew() {
        let weight = normal(24, 40, seed: 2)
        check(weight)
        weight.assign(normal(24, 40, seed: 4).floats)
        check(weight)
    }

    @Test func aParameterThatATrainingStepChangesIsReadAnew() throws {
        let weight = normal(24, 40, seed: 2)
        weight.requiresGradient = true
        check(weight)
        for step in 1...2 {
            weight.clearGradient()
            input.linear(weight: weight, bias: bias).sum().backward()
            let before = weight.floats
            adamWStep(
                parameters: [weight], firstMoments: [Tensor(zeros: [24, 40])],
                secondMoments: [Tensor(zeros: [24, 40])], step: step, rate: 0.1,
                betas: (0.9, 0.999), epsilon: 1e-8, weightDecay: 0)
            #expect(weight.floats != before)
            check(weight)
        }
    }

    @Test func eachPrecisionHasItsOwn() {
        let weight = normal(24, 40, seed: 2)
        weight.requiresGradient = true
        check(weight)
        withPrecision(.bfloat16) { check(weight, tolerance: 1e-2) }
        check(weight)
    }

    @Test func windowsThatOverlap() {
        // Ten frames of 8 in windows of 5, two apart, which share memory.
        let frames = normal(23, 8, seed: 5)
        let weight = normal(24, 40, seed: 2)
        let windows = frames.windows(dimension: 0, size: 5, step: 2).transposed(1, 2)
        let copies = Tensor(windows.floats, shape: [windows.shape[0], 40])
        for _ in 0..<3 {
            let found = withoutGradients {
                windows.reshaped(windows.shape[0], 40).linear(weight: weight, bias: nil).floats
            }
            let expected = copies.matmul(weight.transposed(0, 1)).floats
            #expect(relativeError(found, expected) < 1e-5)
        }
    }
}
