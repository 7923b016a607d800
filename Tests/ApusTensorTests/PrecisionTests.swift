import ApusTensor
import Testing

@Suite struct PrecisionTests {
    private let x = normal(32, 64, seed: 1)
    private let weight = normal(16, 64, seed: 2)

    @Test func bfloat16IsCloseAndItsScopeEnds() {
        let exact = x.linear(weight: weight, bias: nil)
        let rounded = withPrecision(.bfloat16) { x.linear(weight: weight, bias: nil) }
        #expect(rounded.type == .bfloat16)
        let error = relativeError(rounded.floats, exact.floats)
        #expect(error < 1e-2)
        #expect(error > 1e-5, "bfloat16 must have been used")
        let after = x.linear(weight: weight, bias: nil)
        #expect(after.type == .float32)
        #expect(after.floats == exact.floats)
    }

    @Test func scopesNestAndEndOnErrors() {
        func type() -> ScalarType { x.linear(weight: weight, bias: nil).type }
        struct Failure: Error {}
        withPrecision(.bfloat16) {
            #expect(withPrecision(.float32) { type() } == .float32)
            #expect(type() == .bfloat16)
            #expect(throws: Failure.self) { try withPrecision(.float32) { throw Failure() } }
            #expect(type() == .bfloat16)
        }
        #expect(type() == .float32)
    }

    @Test func gradientsAreThirtyTwoBitsAndClose() throws {
        func gradient(_ precision: Precision) throws -> Tensor {
            weight.requiresGradient = true
            weight.clearGradient()
            let loss = withPrecision(precision) {
                let output = x.linear(weight: weight, bias: nil)
                return (output * output).mean()
            }
            loss.backward()
            return try #require(weight.gradient)
        }
        let exact = try gradient(.float32).floats
        let rounded = try gradient(.bfloat16)
        #expect(rounded.type == .float32)
        #expect(relativeError(rounded.floats, exact) < 2e-2)
    }

    @Test func gruStaysClose() {
        let input = normal(4, 20, 8, seed: 3)
        let bias = Tensor(zeros: [48])
        func run() -> Tensor {
            input.gru(
                inputWeight: normal(48, 8, seed: 4) * 0.3,
                hiddenWeight: normal(48, 16, seed: 5) * 0.2, inputBias: bias, hiddenBias: bias)
        }
        let exact = run().floats
        let rounded = withPrecision(.bfloat16) { run() }
        #expect(rounded.type == .float32)
        #expect(relativeError(rounded.floats, exact) < 2e-2)
    }

    /// A weight that was first used without gradients must still collect them later in the scope.
    @Test func weightsCastWithoutGradientsStillCollectThem() {
        weight.requiresGradient = true
        withPrecision(.bfloat16) {
            _ = withoutGradients { x.linear(weight: weight, bias: nil) }
            let output = x.linear(weight: weight, bias: nil)
            #expect(output.requiresGradient)
            if output.requiresGradient { output.sum().backward() }
        }
        #expect(weight.gradient != nil)
    }

    /// A weight that moves inside a scope must be cast anew.
    @Test func movedWeightsAreCastAnew() {
        weight.requiresGradient = true
        withPrecision(.bfloat16) {
            let before = x.linear(weight: weight, bias: nil).floats
            weight.assign(weight.floats.map { 2 * $0 })
            let after = x.linear(weight: weight, bias: nil).floats
            #expect(relativeError(after, before.map { 2 * $0 }) == 0)
        }
    }
}
