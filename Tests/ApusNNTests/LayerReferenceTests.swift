import ApusNN
import ApusTensor
import Testing

/// Outputs and gradients against PyTorch's in 64 bits.
@Suite struct LayerReferenceTests {
    let reference: Reference

    init() throws { reference = try Reference() }

    /// Compares one layer: its output, and the gradients of its input and of every parameter.
    private func compare(
        _ name: String, _ module: (any Module)?, sourceLocation: SourceLocation = #_sourceLocation,
        _ function: (Tensor) -> Tensor
    ) throws {
        try module?.load(reference.weights(name), from: name)
        let input = try reference.tensor("\(name).input")
        input.requiresGradient = true
        let output = function(input)
        // Only the frames that belong to a recording count, where the reference is padded.
        let kept = reference.file.tensors["\(name).kept"].map { Tensor($0.values, shape: $0.shape) }
        let counted = kept.map { output * $0 } ?? output
        (output * (try reference.tensor("\(name).cotangent"))).sum().backward()
        func check(_ what: String, _ tensor: Tensor?) throws {
            let expected = try reference.values("\(name).\(what)")
            let found = try #require(tensor, "\(name).\(what)", sourceLocation: sourceLocation)
            #expect(found.shape == expected.shape, sourceLocation: sourceLocation)
            let error = relativeError(found.floats, expected.values)
            #expect(error < tolerance, "\(name).\(what)", sourceLocation: sourceLocation)
        }
        try check("output", counted)
        try check("gradient.input", input.gradient)
        for parameter in module?.namedParameters ?? [] {
            try check("gradient.\(parameter.name)", parameter.tensor.gradient)
        }
    }

    private let tolerance = 1e-5
    private let seed = Seed(1)

    @Test func linear() throws {
        let layer = Linear(inputWidth: 6, outputWidth: 4, seed: seed)
        try compare("linear", layer) { layer($0) }
    }

    @Test func convolution() throws {
        let dense = Conv1d(
            inputChannels: 3, outputChannels: 4, kernelSize: 5, padding: 2, seed: seed)
        try compare("conv1d_stride1", dense) { layer in dense(layer) }
        let strided = Conv1d(
            inputChannels: 3, outputChannels: 4, kernelSize: 4, stride: 2, padding: 1, seed: seed)
        try compare("conv1d_stride2", strided) { strided($0) }
        #expect(dense.outputLength(12) == (try reference.values("conv1d_stride1.output").shape[2]))
        #expect(
            strided.outputLength(13) == (try reference.values("conv1d_stride2.output").shape[2]))
    }

    @Test func layerNorm() throws {
        let layer = LayerNorm(width: 8)
        try compare("layer_norm", layer) { layer($0) }
    }

    @Test func gru() throws {
        let layer = GRU(inputWidth: 5, hiddenWidth: 7, seed: seed)
        try compare("gru", layer) { layer($0) }
    }

    @Test(arguments: [("lstm", 1), ("lstm_stack", 2)])
    func lstm(name: String, layerCount: Int) throws {
        let layer = LSTM(inputWidth: 5, hiddenWidth: 7, layerCount: layerCount, seed: seed)
        try compare(name, layer) { layer($0) }
    }

    @Test func channelNorm() throws {
        let layer = ChannelNorm(width: 6)
        let scales = Tensor([1, 0.003], shape: [2, 1, 1])
        try compare("channel_norm", layer) { layer($0 * scales) }
    }

    /// (1 - 2) / 1 and so on: the deviation of 1, 2, 3 is 1 where the variance divides by C - 1.
    @Test func channelNormDividesByTheUnbiasedDeviation() {
        let layer = ChannelNorm(width: 3, epsilon: 0)
        let output = layer(Tensor([1, 2, 3, 10, 20, 30], shape: [2, 3])).floats
        #expect(relativeError(output, [-1, 0, 1, -1, 0, 1]) < 1e-6)
    }

    @Test func attention() throws {
        let layer = MultiHeadAttention(width: 8, headCount: 2, dropout: 0, seed: seed)
        try compare("attention", layer) { layer($0, padding: nil, draws: nil) }
    }

    @Test func attentionOverPaddedFrames() throws {
        let layer = MultiHeadAttention(width: 8, headCount: 2, dropout: 0, seed: seed)
        let padding = attentionPadding(lengths: try reference.integers("lengths"), frameCount: 9)
        #expect(padding != nil)
        try compare("attention_padded", layer) { layer($0, padding: padding, draws: nil) }
    }

    @Test func transformer() throws {
        let layer = TransformerEncoderLayer(
            width: 8, headCount: 2, feedForwardWidth: 16, dropout: 0, seed: seed)
        try compare("transformer", layer) { layer($0, padding: nil, draws: nil) }
    }

    @Test func transformerOverPaddedFrames() throws {
        let layer = TransformerEncoderLayer(
            width: 8, headCount: 2, feedForwardWidth: 16, dropout: 0, seed: seed)
        let padding = attentionPadding(lengths: try reference.integers("lengths"), frameCount: 9)
        try compare("transformer_padded", layer) { layer($0, padding: padding, draws: nil) }
    }

    @Test func gelu() throws {
        try compare("gelu", nil) { ($0 * 3).gelu() }
    }

    @Test func crossEntropy() throws {
        let logits = try reference.tensor("cross_entropy.input")
        logits.requiresGradient = true
        let targets = try reference.integers("cross_entropy.targets")
        let loss = logits.crossEntropy(
            targets: Tensor(integers: targets, shape: [targets.count]))
        loss.backward()
        let expected = try reference.values("cross_entropy.output").values
        #expect(relativeError([loss.item], expected) < tolerance)
        let gradient = try #require(logits.gradient)
        #expect(
            relativeError(
                gradient.floats, try reference.values("cross_entropy.gradient.input").values)
                < tolerance)
    }

    @Test func positions() throws {
        let expected = try reference.values("positions")
        let positions = sinusoidalPositions(frameCount: 60, width: 16)
        #expect(positions.shape == expected.shape)
        #expect(relativeError(positions.floats, expected.values) < 1e-6)
    }
}
