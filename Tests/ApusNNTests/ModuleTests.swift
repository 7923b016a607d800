import ApusNN
import ApusTensor
import Testing

@Suite struct ModuleTests {
    private let seed = Seed(5)

    @Test func parametersHavePyTorchsNamesInOrder() {
        let layer = TransformerEncoderLayer(
            width: 4, headCount: 2, feedForwardWidth: 8, dropout: 0.1, seed: seed)
        #expect(
            layer.namedParameters.map(\.name) == [
                "self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj.weight",
                "self_attn.out_proj.bias", "linear1.weight", "linear1.bias", "linear2.weight",
                "linear2.bias", "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias",
            ])
        #expect(layer.parameterCount == 12 * 4 + 12 + 16 + 4 + 32 + 8 + 32 + 4 + 4 * 4)
        #expect(layer.parameters.allSatisfy { $0.requiresGradient })
        #expect(
            layer.namedParameters(under: "layers.0").first?.name
                == "layers.0.self_attn.in_proj_weight")
        let plain = Linear(inputWidth: 2, outputWidth: 3, hasBias: false, seed: seed)
        #expect(plain.namedParameters.map(\.name) == ["weight"])
    }

    @Test func initialValuesLieWhereTheyShould() {
        func bounded(_ tensor: Tensor, _ bound: Float) -> Bool {
            let values = tensor.floats
            let largest = values.map(abs).max() ?? 0
            return largest <= bound && largest > 0.8 * bound && values.contains { $0 < 0 }
        }
        let linear = Linear(inputWidth: 25, outputWidth: 40, seed: seed)
        #expect(linear.parameters.allSatisfy { bounded($0, 0.2) })
        let convolution = Conv1d(inputChannels: 5, outputChannels: 40, kernelSize: 5, seed: seed)
        #expect(convolution.parameters.allSatisfy { bounded($0, 0.2) })
        let gru = GRU(inputWidth: 10, hiddenWidth: 25, seed: seed)
        #expect(gru.parameters.allSatisfy { bounded($0, 0.2) })
        #expect(gru.inputBias.floats != gru.hiddenBias.floats)
        let wide = Linear(inputWidth: 100, outputWidth: 100, standardDeviation: 0.02, seed: seed)
        let square = wide.weight.floats.reduce(0) { $0 + $1 * $1 } / 10_000
        #expect(abs(square.squareRoot() - 0.02) < 0.001)
        #expect(wide.bias?.floats.allSatisfy { $0 == 0 } == true)
        #expect(LayerNorm(width: 2).weights()["weight"]?.values == [1, 1])
        #expect(LayerNorm(width: 2).weights()["bias"]?.values == [0, 0])
    }

    @Test func initialValuesDependOnTheSeedAlone() {
        func layer(_ seed: Seed) -> [String: TensorValues] {
            TransformerEncoderLayer(
                width: 4, headCount: 2, feedForwardWidth: 8, dropout: 0.1, seed: seed
            ).weights()
        }
        #expect(layer(seed) == layer(seed))
        #expect(layer(seed) != layer(Seed(6)))
        #expect(layer(seed)["linear1.weight"]?.values != layer(seed)["linear2.weight"]?.values)
    }

    @Test func loadingTakesOverAllOrNothing() throws {
        let (one, other) = (
            Linear(inputWidth: 3, outputWidth: 2, seed: Seed(1)),
            Linear(inputWidth: 3, outputWidth: 2, seed: Seed(2))
        )
        let before = one.weights()
        func refuses(_ weights: [String: TensorValues], _ reason: String) {
            #expect(throws: NNError.weightsDoNotFit(path: "m.safetensors", reason: reason)) {
                try one.load(weights, from: "m.safetensors")
            }
            #expect(one.weights() == before)
        }
        var weights = other.weights()
        weights["bias"] = nil
        refuses(weights, "no tensor named bias")
        weights = other.weights()
        weights["scale"] = TensorValues(shape: [1], values: [1])
        refuses(weights, "the tensor scale belongs to no parameter of this model")
        weights = other.weights()
        weights["weight"]?.shape = [3, 2]
        refuses(weights, "weight has the shape [3, 2], expected [2, 3]")
        try one.load(other.weights(), from: "m.safetensors")
        #expect(one.weights() == other.weights())
        #expect(one.parameters.allSatisfy { $0.requiresGradient })
    }

    @Test func errorsNameTheFile() {
        let errors: [NNError] = [
            .missingFile(path: "a/b"), .notSafetensors(path: "a/b", reason: "r"),
            .weightsDoNotFit(path: "a/b", reason: "r"), .cannotWrite(path: "a/b", reason: "r"),
        ]
        for error in errors { #expect(error.description.hasPrefix("a/b: ")) }
    }

    @Test func convolutionLengthsMatchTheConvolution() {
        for (kernel, stride, padding) in [(3, 1, 1), (4, 2, 1), (10, 5, 3), (8, 4, 2), (3, 2, 0)] {
            let layer = Conv1d(
                inputChannels: 1, outputChannels: 1, kernelSize: kernel, stride: stride,
                padding: padding, seed: seed)
            for length in max(1, kernel - 2 * padding)..<30 {
                let output = layer(Tensor(zeros: [1, 1, length]))
                #expect(output.shape[2] == layer.outputLength(length))
            }
        }
        let layer = Conv1d(
            inputChannels: 1, outputChannels: 1, kernelSize: 3, stride: 2, seed: seed)
        #expect((0...3).map(layer.outputLength) == [0, 0, 0, 1])
    }

    @Test func headsThatDoNotDivideTheWidthTrap() async {
        await #expect(processExitsWith: .failure) {
            _ = MultiHeadAttention(width: 8, headCount: 3, dropout: 0, seed: Seed(1))
        }
    }
}
