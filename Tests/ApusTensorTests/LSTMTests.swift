import ApusTensor
import Testing

@Suite struct LSTMTests {
    private func run(_ input: Tensor) -> Tensor {
        let bias = normal(16, seed: 4)
        return input.lstm(
            inputWeight: normal(16, 3, seed: 2), hiddenWeight: normal(16, 4, seed: 3),
            inputBias: bias, hiddenBias: bias)
    }

    @Test func recordingsOfABatchDoNotTouch() {
        let input = normal(5, 8, 3, seed: 1)
        let together = run(input)
        #expect(together.shape == [5, 8, 4])
        for index in 0..<5 {
            let alone = run(input.sliced(index..<index + 1, dimension: 0))
            let row = together.sliced(index..<index + 1, dimension: 0)
            #expect(relativeError(alone.floats, row.floats) < 1e-5)
        }
    }

    /// What comes after a frame, such as padding, never reaches it.
    @Test func statesDependOnThePastAlone() {
        let input = normal(2, 8, 3, seed: 1)
        let start = input.sliced(0..<5, dimension: 1)
        let filled = Tensor.concatenated(
            [start, Tensor(repeating: 1e3, shape: [2, 3, 3])], dimension: 1)
        #expect(
            relativeError(run(filled).sliced(0..<5, dimension: 1).floats, run(start).floats) < 1e-6)
    }

    /// The states are bounded, so that only this shows that a network before has diverged.
    @Test func whatIsNotANumberStaysVisible() {
        let input = Tensor([1, .nan, 1], shape: [1, 3, 1])
        let output = input.lstm(
            inputWeight: Tensor(repeating: 0.1, shape: [32, 1]),
            hiddenWeight: Tensor(repeating: 0.1, shape: [32, 8]), inputBias: Tensor(zeros: [32]),
            hiddenBias: Tensor(zeros: [32]))
        #expect(output.sliced(0..<1, dimension: 1).floats.allSatisfy { $0.isFinite })
        #expect(output.sliced(1..<3, dimension: 1).floats.allSatisfy { $0.isNaN })
    }

    /// Open input and output gates, a closed forget gate: tanh(tanh(large)) after every frame.
    ///
    /// An open forget gate counts the frames: tanh(1), tanh(2), tanh(3).
    @Test(
        arguments: [
            (-200, [0.761_594, 0.761_594, 0.761_594]), (200, [0.761_594, 0.964_028, 0.995_055]),
        ] as [(Float, [Float])])
    func saturatedGatesAreExact(forget: Float, expected: [Float]) {
        let output = Tensor(zeros: [1, 3, 1]).lstm(
            inputWeight: Tensor(zeros: [4, 1]), hiddenWeight: Tensor(zeros: [4, 1]),
            inputBias: Tensor([200, forget, 200, 200], shape: [4]), hiddenBias: Tensor(zeros: [4]))
        #expect(relativeError(output.floats, expected) < 1e-6)
    }
}
