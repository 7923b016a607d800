import ApusTensor
import Testing

/// The operations that have kernels of their own, each with inputs to differentiate.
enum Composition {
    struct Case {
        let name: String
        let inputs: [Tensor]
        let function: ([Tensor]) -> Tensor

        init(_ name: String, _ inputs: [Tensor], _ function: @escaping ([Tensor]) -> Tensor) {
            (self.name, self.inputs, self.function) = (name, inputs, function)
        }
    }

    /// All of them on the engine's device, with dropout where an operation has it.
    static func all(probability: Double) -> [Case] {
        let seed = Seed(21)
        let padding = Tensor(
            (0..<3 * 13).map { $0 % 13 < 13 - $0 / 13 ? 0 : 1 }, shape: [3, 1, 1, 13]
        ).equals(Tensor(ones: [1]))
        let indices = Tensor(integers: (0..<24).map { $0 * 7 % 9 }, shape: [6, 4])
        return [
            Case("linear", [normal(3, 7, 5, seed: 1), normal(6, 5, seed: 2), normal(6, seed: 3)]) {
                $0[0].linear(weight: $0[1], bias: $0[2])
            },
            // More rows and columns than one block of the weight's gradient, and either one wider.
            Case("linearToMore", [normal(3, 50, 70, seed: 1), normal(150, 70, seed: 2)]) {
                $0[0].linear(weight: $0[1], bias: nil)
            },
            Case("linearToFewer", [normal(3, 50, 150, seed: 1), normal(70, 150, seed: 2)]) {
                $0[0].linear(weight: $0[1], bias: nil)
            },
            Case("gru", recurrent(gates: 3)) {
                $0[0].gru(
                    inputWeight: $0[1], hiddenWeight: $0[2], inputBias: $0[3], hiddenBias: $0[4])
            },
            Case("lstm", recurrent(gates: 4)) {
                $0[0].lstm(
                    inputWeight: $0[1], hiddenWeight: $0[2], inputBias: $0[3], hiddenBias: $0[4])
            },
            Case("gatheredProducts", [normal(6, 2, 5, seed: 1), normal(9, 5, seed: 2)]) {
                $0[0].innerProducts(with: $0[1], at: indices)
            },
            Case(
                "contrastiveScores",
                [normal(2, 6, 3, 5, seed: 1), normal(2, 9, 5, seed: 2), normal(2, 4, 5, seed: 3)]
            ) { $0[0].contrastiveScores(with: $0[1], candidates: $0[2]) },
            Case("firstClassLoss", [normal(5, 3, 19, seed: 1)]) { $0[0].firstClassLoss() },
            Case("dropout", [normal(7, 9, seed: 1)]) {
                $0[0].dropout(probability: probability, seed: seed)
            },
            Case("geluDropout", [normal(7, 9, seed: 1), normal(9, seed: 2)]) {
                $0[0].geluDropout(bias: $0[1], probability: probability, seed: seed)
            },
            Case(
                "residualNorm",
                [
                    normal(7, 9, seed: 1), normal(9, seed: 2), normal(7, 9, seed: 3),
                    normal(9, seed: 4), normal(9, seed: 5),
                ]
            ) {
                $0[0].residualNorm(
                    bias: $0[1], residual: $0[2], weight: $0[3], offset: $0[4], epsilon: 1e-5,
                    probability: probability, seed: seed)
            },
            // A product has the normalised sum in its own type, and a gradient of its own.
            Case(
                "stream",
                [
                    normal(7, 9, seed: 1), normal(9, 9, seed: 2), normal(7, 9, seed: 3),
                    normal(9, seed: 4), normal(9, seed: 5), normal(9, 9, seed: 6),
                ]
            ) {
                let sum = $0[0].linear(weight: $0[1], bias: nil).residualNorm(
                    bias: nil, residual: $0[2], weight: $0[3], offset: $0[4], epsilon: 1e-5,
                    probability: probability, seed: seed)
                return sum + sum.linear(weight: $0[5], bias: nil)
            },
            // Several blocks of rows, the last one and each row of odd length.
            Case("longAttention", [normal(1, 301, 24, seed: 1)]) {
                $0[0].attention(
                    headCount: 2, padding: nil, bias: nil, probability: probability, seed: seed)
            },
            Case("attention", [normal(3, 13, 24, seed: 1), normal(2, 13, 13, seed: 2)]) {
                $0[0].attention(
                    headCount: 2, padding: padding, bias: $0[1], probability: probability,
                    seed: seed)
            },
            Case(
                "gatedAttention",
                [
                    normal(3, 13, 24, seed: 1), normal(2, 13, 13, seed: 2),
                    normal(3, 2, 13, seed: 3),
                ]
            ) {
                $0[0].attention(
                    headCount: 2, padding: padding, bias: $0[1], gates: $0[2],
                    probability: probability,
                    seed: seed)
            },
        ]
    }

    private static func recurrent(gates: Int) -> [Tensor] {
        [
            normal(3, 11, 5, seed: 1), normal(gates * 6, 5, seed: 2) * 0.5,
            normal(gates * 6, 6, seed: 3) * 0.5, normal(gates * 6, seed: 4),
            normal(gates * 6, seed: 5),
        ].map { $0.detached() }
    }
}

/// What stands in for the kernels where they can't run, against the kernels.
@Suite(.serialized) struct CompositionTests {
    private struct Outcome {
        var type: ScalarType
        var output: [Float]
        var gradients: [[Float]]
    }

    private func outcome(_ each: Composition.Case) throws -> Outcome {
        for input in each.inputs {
            input.requiresGradient = true
            input.clearGradient()
        }
        let output = each.function(each.inputs)
        let cotangent = Tensor(uniform: -1...1, shape: output.shape, seed: Seed(77))
        (output.cast(to: .float32) * cotangent).sum().backward()
        return Outcome(
            type: output.type, output: output.floats,
            gradients: try each.inputs.map { try #require($0.gradient).floats })
    }

    private func check(_ each: Composition.Case, tolerance: Double) throws {
        let kernel = try outcome(each)
        let composed = try Engine.withoutKernels { try outcome(each) }
        #expect(composed.type == kernel.type, "\(each.name)")
        #expect(relativeError(composed.output, kernel.output) < tolerance, "\(each.name)")
        for (one, other) in zip(composed.gradients, kernel.gradients) {
            #expect(relativeError(one, other) < tolerance, "\(each.name)")
        }
    }

    @Test(arguments: [0, 0.3]) func valuesAndGradients(probability: Double) throws {
        for each in Composition.all(probability: probability) {
            try check(each, tolerance: 1e-5)
        }
    }

    /// Where products are in bfloat16: the same types, and numbers as near as these allow.
    ///
    /// libtorch's recurrent layers round in each frame what the kernels keep in 32 bits.
    @Test(arguments: [0, 0.3]) func underAutocast(probability: Double) throws {
        try withPrecision(.bfloat16) {
            for each in Composition.all(probability: probability) {
                try check(each, tolerance: 4e-2)
            }
        }
    }

    @Test(arguments: [0, 0.3]) func ofHalves(probability: Double) throws {
        let wanted = [
            "gatheredProducts", "contrastiveScores", "firstClassLoss", "dropout", "geluDropout",
            "residualNorm", "longAttention", "attention", "gatedAttention",
        ]
        for each in Composition.all(probability: probability) where wanted.contains(each.name) {
            // What bfloat16 holds exactly.
            let inputs = each.inputs.map {
                Tensor($0.cast(to: .bfloat16).floats, shape: $0.shape)
            }
            try check(
                Composition.Case(each.name, inputs) {
                    each.function([$0[0].cast(to: .bfloat16)] + $0.dropFirst())
                }, tolerance: 2e-2)
        }
    }

    /// The draws themselves, on more elements than a block has and with a seed of all bits.
    @Test(arguments: [0, 1, 0x8000_0000_0000_0000, UInt64.max])
    func theSameIsDropped(seed: UInt64) {
        let ones = Tensor(ones: [300, 333])
        func drawn() -> [Float] { ones.dropout(probability: 0.37, seed: Seed(seed)).floats }
        #expect(Engine.withoutKernels { drawn() } == drawn())
    }

    @Test func theScopeEndsOnErrors() throws {
        struct Failure: Error {}
        for each in Composition.all(probability: 0) where each.name == "gru" {
            let before = try outcome(each).output
            #expect(throws: Failure.self) { try Engine.withoutKernels { throw Failure() } }
            #expect(try outcome(each).output == before)
        }
    }
}
