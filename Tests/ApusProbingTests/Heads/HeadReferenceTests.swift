import ApusNN
import ApusProbing
import ApusTensor
import Foundation
import Testing

/// Heads against PyTorch's, which `References/make_heads.py` computed a recording at a time.
@Suite(.serialized) struct HeadReferenceTests {
    private let file: Safetensors
    private let lengths: [Int]

    init() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
        file = try Safetensors(
            contentsOf: folder.appendingPathComponent("References/heads.safetensors").path)
        lengths = try #require(file.tensors["lengths"]).values.map { Int($0) }
    }

    private func values(_ name: String) throws -> TensorValues {
        try #require(file.tensors[name], "\(name)")
    }

    private func tensor(_ name: String) throws -> Tensor {
        let values = try values(name)
        return Tensor(values.values, shape: values.shape)
    }

    private func weights(_ name: String) -> [String: TensorValues] {
        let prefix = name + ".weights."
        return Dictionary(
            uniqueKeysWithValues: file.tensors.filter { $0.key.hasPrefix(prefix) }.map {
                (String($0.key.dropFirst(prefix.count)), $0.value)
            })
    }

    static let heads = [
        "linear_mean", "linear_meanAndStandardDeviation", "linear_attentive", "perceptron",
        "xvector", "ecapa",
    ]

    private func makeHead(_ name: String) throws -> any EmbeddingHead {
        let seed = Seed(1)
        let head: any EmbeddingHead
        switch name {
        case "perceptron":
            head = MultilayerPerceptron(
                inputWidth: 5, layerCount: 2, width: 6, poolsDeviations: true, dropout: 0,
                seed: seed)
        case "xvector": head = XVector(inputWidth: 5, width: 4, seed: seed)
        case "ecapa":
            head = ECAPA(
                inputWidth: 5, width: 8, scale: 4, bottleneck: 6, embeddingWidth: 3, seed: seed)
        default:
            let pooling = try #require(
                LinearHead.Pooling(rawValue: String(name.dropFirst("linear_".count))))
            head = LinearHead(
                inputWidth: 5, width: 4, pooling: pooling, attentionWidth: 6, seed: seed)
        }
        try head.load(weights(name), from: name)
        return head
    }

    private func output(
        _ head: any EmbeddingHead, _ frames: Tensor, _ lengths: [Int], _ draws: TrainingDraws?
    ) -> Tensor {
        head.output(head.embedding(frames, lengths: lengths, draws: draws), draws: draws)
    }

    private let tolerance = 1e-4

    @Test(arguments: heads) func evaluation(name: String) throws {
        let head = try makeHead(name)
        let found = withoutGradients {
            try? output(head, tensor("\(name).input"), lengths, nil).floats
        }
        #expect(
            relativeError(try #require(found), try values("\(name).evaluation").values) < tolerance)
    }

    @Test(arguments: heads) func training(name: String) throws {
        let head = try makeHead(name)
        let input = try tensor("\(name).input")
        input.requiresGradient = true
        let output = output(head, input, lengths, TrainingDraws(seed: Seed(1)))
        #expect(relativeError(output.floats, try values("\(name).output").values) < tolerance)
        (output * (try tensor("\(name).cotangent"))).sum().backward()
        let gradients = [("input", input)] + head.namedParameters
        // Before a batch normalisation a bias has no gradient but rounding: one scale for all.
        let largest =
            try gradients.map {
                try values("\(name).gradient.\($0.0)").values.reduce(0) { max($0, abs($1)) }
            }.max() ?? 0
        for (key, tensor) in gradients {
            let expected = try values("\(name).gradient.\(key)").values
            let found = try #require(tensor.gradient, "\(key)").floats
            let difference = zip(found, expected).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
            #expect(!found.contains { !$0.isFinite }, "\(key)")
            #expect(
                relativeError(found, expected) < tolerance || difference < 1e-6 * largest, "\(key)")
        }
        for (key, buffer) in head.namedBuffers {
            #expect(
                relativeError(buffer.floats, try values("\(name).after.\(key)").values)
                    < tolerance, "\(key)")
        }
    }

    /// A recording has the same embedding alone and in a batch, whatever lies beyond its end.
    @Test(arguments: heads) func batchInvariance(name: String) throws {
        let head = try makeHead(name)
        let input = try tensor("\(name).input")
        let together = withoutGradients {
            head.embedding(input, lengths: lengths, draws: nil)
        }
        let width = head.embeddingWidth
        #expect(together.shape == [lengths.count, width])
        for (row, length) in lengths.enumerated() {
            let own = input.sliced(row..<row + 1, dimension: 0)
            let alone = withoutGradients {
                head.embedding(
                    own.sliced(0..<length, dimension: 1), lengths: [length], draws: nil)
            }
            #expect(
                relativeError(
                    Array(together.floats[row * width..<(row + 1) * width]), alone.floats) < 1e-5)
        }
    }

    @Test(arguments: ClassificationLoss.Kind.allCases)
    func losses(kind: ClassificationLoss.Kind) throws {
        let name = kind.rawValue
        let layer = ClassificationLoss(
            kind, inputWidth: 5, classCount: 3, margin: 0.3, scale: 8, seed: Seed(1))
        try layer.load(weights(name), from: name)
        let input = try tensor("\(name).input")
        input.requiresGradient = true
        let loss = layer(input, targets: try values("\(name).targets").values.map { Int($0) })
        loss.backward()
        #expect(relativeError([loss.item], try values("\(name).output").values) < tolerance)
        for (key, tensor) in [("input", input)] + layer.namedParameters {
            #expect(
                relativeError(
                    try #require(tensor.gradient).floats,
                    try values("\(name).gradient.\(key)").values) < tolerance, "\(key)")
        }
    }

    /// Two classes at right angles and a vector on the first: cosines 1 and 0.
    @Test func marginsInClosedForm() throws {
        func loss(_ kind: ClassificationLoss.Kind) throws -> Double {
            let layer = ClassificationLoss(
                kind, inputWidth: 2, classCount: 2, margin: 0.5, scale: 2, seed: Seed(1))
            try layer.load(
                ["weight": TensorValues(shape: [2, 2], values: [3, 0, 0, 0.2])], from: "test")
            return Double(layer(Tensor([5, 0], shape: [1, 2]), targets: [0]).item)
        }
        let (additive, angular) = (try loss(.amSoftmax), try loss(.aamSoftmax))
        #expect(abs(additive - log(1 + exp(-2 * 0.5))) < 1e-5)
        #expect(abs(angular - log(1 + exp(-2 * cos(0.5)))) < 1e-5)
    }

    @Test func sizesOfPublishedHeads() {
        // WeSpeaker's ECAPA of 512 channels on 80 bands has 6.19 M weights.
        let ecapa = ECAPA(inputWidth: 80, seed: Seed(1))
        #expect(abs(Double(ecapa.parameterCount) / 6.19e6 - 1) < 0.01)
        #expect(ecapa.embeddingWidth == 192)
        let vector = XVector(inputWidth: 24, seed: Seed(1))
        let frames =
            5 * 24 * 512 + 2 * 3 * 512 * 512 + 512 * 512 + 512 * 1500 + 4 * 512 + 1500
        let segments = 3000 * 512 + 512 + 512 * 512 + 512
        #expect(vector.parameterCount == frames + segments + 2 * (4 * 512 + 1500) + 4 * 512)
    }
}
