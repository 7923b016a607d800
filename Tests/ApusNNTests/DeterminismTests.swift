import ApusNN
import ApusTensor
import Testing

/// The same step twice gives the same bits: values and gradients alike.
@Suite struct DeterminismTests {
    private func step(
        _ module: any Module, _ input: Tensor, _ function: (Tensor) -> Tensor
    ) throws -> [[Float]] {
        input.requiresGradient = true
        for tensor in module.parameters + [input] { tensor.clearGradient() }
        let output = function(input)
        (output * output).mean().backward()
        return [output.floats]
            + (try (module.parameters + [input]).map { try #require($0.gradient).floats })
    }

    @Test func transformer() throws {
        let layer = TransformerEncoderLayer(
            width: 64, headCount: 4, feedForwardWidth: 256, dropout: 0.1, seed: Seed(1))
        let input = normal(4, 50, 64, seed: 1)
        let padding = attentionPadding(lengths: [50, 40, 30, 20], frameCount: 50)
        func run() throws -> [[Float]] {
            try step(layer, input) {
                layer($0, padding: padding, draws: TrainingDraws(seed: Seed(3)))
            }
        }
        #expect(try run() == run())
    }

    @Test func gru() throws {
        let layer = GRU(inputWidth: 40, hiddenWidth: 64, seed: Seed(1))
        let input = normal(9, 60, 40, seed: 1)
        #expect(try step(layer, input) { layer($0) } == step(layer, input) { layer($0) })
    }

    @Test func lstm() throws {
        let layer = LSTM(inputWidth: 40, hiddenWidth: 64, seed: Seed(1))
        let input = normal(9, 60, 40, seed: 1)
        #expect(try step(layer, input) { layer($0) } == step(layer, input) { layer($0) })
    }

    @Test func convolution() throws {
        let layer = Conv1d(
            inputChannels: 40, outputChannels: 64, kernelSize: 5, stride: 2, padding: 2,
            seed: Seed(1))
        let input = normal(4, 40, 300, seed: 1)
        #expect(try step(layer, input) { layer($0) } == step(layer, input) { layer($0) })
    }
}
