import ApusTensor
import Testing

/// Gradients against central differences of the forward pass, in 32 bits.
@Suite struct FiniteDifferenceTests {
    private let tolerance = 1e-2

    @Test func linear() {
        let errors = differenceErrors([
            normal(3, 4, seed: 1), normal(2, 4, seed: 2), normal(2, seed: 3),
        ]) { $0[0].linear(weight: $0[1], bias: $0[2]) }
        #expect(errors.allSatisfy { $0 < tolerance }, "\(errors)")
    }

    @Test(arguments: [(1, 1), (2, 0), (2, 2)])
    func convolution(stride: Int, padding: Int) {
        let errors = differenceErrors([
            normal(2, 2, 7, seed: 1), normal(3, 2, 3, seed: 2), normal(3, seed: 3),
        ]) { $0[0].conv1d(weight: $0[1], bias: $0[2], stride: stride, padding: padding) }
        #expect(errors.allSatisfy { $0 < tolerance }, "\(errors)")
    }

    @Test func convolutionInGroups() {
        let errors = differenceErrors([
            normal(2, 4, 7, seed: 1), normal(4, 2, 3, seed: 2), normal(4, seed: 3),
        ]) { $0[0].conv1d(weight: $0[1], bias: $0[2], stride: 1, padding: 1, groups: 2) }
        #expect(errors.allSatisfy { $0 < tolerance }, "\(errors)")
    }

    @Test func layerNorm() {
        let errors = differenceErrors([
            normal(3, 6, seed: 1), normal(6, seed: 2), normal(6, seed: 3),
        ]) { $0[0].layerNorm(weight: $0[1], bias: $0[2], epsilon: 1e-5) }
        #expect(errors.allSatisfy { $0 < tolerance }, "\(errors)")
    }

    @Test func lstm() {
        let errors = differenceErrors([
            normal(2, 6, 3, seed: 1), normal(16, 3, seed: 2) * 0.5, normal(16, 4, seed: 3) * 0.5,
            normal(16, seed: 4) * 0.5, normal(16, seed: 5) * 0.5,
        ]) {
            $0[0].lstm(
                inputWeight: $0[1], hiddenWeight: $0[2], inputBias: $0[3], hiddenBias: $0[4])
        }
        #expect(errors.allSatisfy { $0 < tolerance }, "\(errors)")
    }

    @Test func gatheredInnerProducts() {
        let indices = Tensor(integers: [0, 3, 3, 1, 4, 0], shape: [2, 3])
        let errors = differenceErrors([normal(2, 2, 4, seed: 1), normal(5, 4, seed: 2)]) {
            $0[0].innerProducts(with: $0[1], at: indices)
        }
        #expect(errors.allSatisfy { $0 < tolerance }, "\(errors)")
    }

    @Test func gru() {
        let errors = differenceErrors([
            normal(2, 6, 3, seed: 1), normal(12, 3, seed: 2) * 0.5, normal(12, 4, seed: 3) * 0.5,
            normal(12, seed: 4) * 0.5, normal(12, seed: 5) * 0.5,
        ]) {
            $0[0].gru(
                inputWeight: $0[1], hiddenWeight: $0[2], inputBias: $0[3], hiddenBias: $0[4])
        }
        #expect(errors.allSatisfy { $0 < tolerance }, "\(errors)")
    }

    @Test func attention() {
        let errors = differenceErrors([
            normal(2, 4, 3, seed: 1), normal(2, 5, 3, seed: 2), normal(2, 5, 3, seed: 3),
        ]) { $0[0].matmul($0[1].transposed(-2, -1)).softmax(dimension: -1).matmul($0[2]) }
        #expect(errors.allSatisfy { $0 < tolerance }, "\(errors)")
    }

    @Test func pointwise() {
        let errors = [
            differenceErrors([normal(20, seed: 1)]) { $0[0].gelu() },
            differenceErrors([normal(20, seed: 6)]) { $0[0].silu() },
            differenceErrors([normal(20, seed: 7)]) { $0[0].hyperbolicTangent() },
            differenceErrors([normal(3, 8, seed: 8)]) { $0[0].gatedLinear(dimension: 1) },
            differenceErrors([normal(20, seed: 2)]) { ($0[0] * $0[0] + 0.5).squareRoot() },
            differenceErrors([normal(5, 4, seed: 3)]) { $0[0].logSoftmax(dimension: 1) },
            differenceErrors([normal(6, seed: 4), normal(6, seed: 5)]) {
                $0[0] / ($0[1] * $0[1] + 1)
            },
        ].flatMap { $0 }
        #expect(errors.allSatisfy { $0 < tolerance }, "\(errors)")
    }

    @Test func crossEntropy() {
        let targets = Tensor(integers: [2, 0, 1], shape: [3])
        let errors = differenceErrors([normal(3, 4, seed: 1)]) {
            $0[0].crossEntropy(targets: targets)
        }
        #expect(errors.allSatisfy { $0 < tolerance }, "\(errors)")
    }

    /// With its seed fixed, dropout is linear: differences are exact but for rounding.
    @Test func dropout() {
        let errors = differenceErrors([normal(8, 5, seed: 1)], step: 0.5) {
            $0[0].dropout(probability: 0.4, seed: Seed(9))
        }
        #expect(errors.allSatisfy { $0 < 1e-5 }, "\(errors)")
    }
}
