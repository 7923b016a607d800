import ApusTensor
import Foundation
import Testing

@Suite struct GRUTests {
    /// The equations frame by frame in 64 bits, for one recording.
    private func states(
        _ input: [[Double]], _ w: [[Double]], _ u: [[Double]], _ b: [Double], _ c: [Double]
    ) -> [[Double]] {
        let width = c.count / 3
        var h = [Double](repeating: 0, count: width)
        func dot(_ a: [Double], _ b: [Double]) -> Double {
            zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
        }
        func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        return input.map { x in
            let previous = h
            for j in 0..<width {
                let (i, k) = (width + j, 2 * width + j)
                let r = sigmoid(dot(w[j], x) + b[j] + dot(u[j], previous) + c[j])
                let z = sigmoid(dot(w[i], x) + b[i] + dot(u[i], previous) + c[i])
                let n = tanh(dot(w[k], x) + b[k] + r * (dot(u[k], previous) + c[k]))
                h[j] = (1 - z) * n + z * previous[j]
            }
            return h
        }
    }

    private func rows(_ tensor: Tensor) -> [[Double]] {
        let width = tensor.shape.last ?? 1
        let values = tensor.floats.map(Double.init)
        return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
    }

    @Test(arguments: [1.0, 30.0])
    func statesFollowTheEquations(scale: Double) {
        let (D, H, T) = (3, 17, 9)
        let input = normal(1, T, D, seed: 1) * scale
        let (w, u) = (normal(3 * H, D, seed: 2), normal(3 * H, H, seed: 3) * 0.3)
        let (b, c) = (normal(3 * H, seed: 4), normal(3 * H, seed: 5))
        let output = input.gru(inputWeight: w, hiddenWeight: u, inputBias: b, hiddenBias: c)
        #expect(output.shape == [1, T, H])
        let expected = states(
            rows(input), rows(w), rows(u), b.floats.map(Double.init), c.floats.map(Double.init))
        #expect(relativeError(output.floats, expected.joined().map(Float.init)) < 1e-5)
    }

    @Test func recordingsOfABatchDoNotTouch() {
        let input = normal(5, 8, 3, seed: 1)
        let weights = (normal(12, 3, seed: 2), normal(12, 4, seed: 3))
        let bias = normal(12, seed: 4)
        func run(_ input: Tensor) -> Tensor {
            input.gru(
                inputWeight: weights.0, hiddenWeight: weights.1, inputBias: bias, hiddenBias: bias)
        }
        let together = run(input)
        for index in 0..<5 {
            let alone = run(input.sliced(index..<index + 1, dimension: 0))
            let row = together.sliced(index..<index + 1, dimension: 0)
            #expect(relativeError(alone.floats, row.floats) < 1e-5)
        }
    }

    /// The states are bounded, so that only this shows that a network before the GRU has diverged.
    @Test func whatIsNotANumberStaysVisible() {
        let input = Tensor([1, .nan, 1], shape: [1, 3, 1])
        let ones = Tensor(repeating: 0.1, shape: [24, 1])
        let output = input.gru(
            inputWeight: ones, hiddenWeight: Tensor(repeating: 0.1, shape: [24, 8]),
            inputBias: Tensor(zeros: [24]), hiddenBias: Tensor(zeros: [24]))
        #expect(output.sliced(0..<1, dimension: 1).floats.allSatisfy { $0.isFinite })
        #expect(output.sliced(1..<3, dimension: 1).floats.allSatisfy { $0.isNaN })
    }

    @Test func saturatedGatesAreExact() {
        // An open update gate keeps the zero state; a closed one takes tanh(±large) = ±1.
        func run(updateBias: Float, newBias: Float) -> [Float] {
            Tensor(zeros: [1, 2, 1]).gru(
                inputWeight: Tensor(zeros: [3, 1]), hiddenWeight: Tensor(zeros: [3, 1]),
                inputBias: Tensor([0, updateBias, newBias], shape: [3]),
                hiddenBias: Tensor(zeros: [3])
            ).floats
        }
        #expect(run(updateBias: 1e4, newBias: 1e4) == [0, 0])
        #expect(run(updateBias: -1e4, newBias: 1e4) == [1, 1])
        #expect(run(updateBias: -1e4, newBias: -1e4) == [-1, -1])
    }
}
