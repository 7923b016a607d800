import ApusNN
import ApusPretraining
import ApusTensor
import Foundation
import Testing

/// The suites that compute with tensors or set the engine's threads: one test at a time.
@Suite(.serialized) enum Computing {}

/// The largest difference relative to the largest expected magnitude.
func relativeError(_ values: [Float], _ expected: [Float]) -> Double {
    guard values.count == expected.count else { return .infinity }
    var (difference, scale) = (0.0, 0.0)
    for (a, b) in zip(values, expected) {
        // A comparison drops what is not a number; such an element must fail the test.
        guard a.isFinite, b.isFinite else { return .infinity }
        difference = max(difference, abs(Double(a) - Double(b)))
        scale = max(scale, abs(Double(b)))
    }
    return scale > 0 ? difference / scale : difference
}

/// Features of recordings of normal numbers, padded with zeros to `frameCount`: (B, T, M).
///
/// A recording's numbers depend on its place in the batch alone and not on the padding.
func batch(
    lengths: [Int], frameCount: Int? = nil, melBandCount: Int, seed: UInt64 = 1
) -> Tensor {
    let padded = frameCount ?? lengths.max() ?? 0
    let rows = lengths.enumerated().map { recording, length in
        let own = Tensor(
            normal: 0, standardDeviation: 1, shape: [1, length, melBandCount],
            seed: Seed(seed).derived(recording))
        let rest = Tensor(zeros: [1, padded - length, melBandCount])
        return Tensor.concatenated([own, rest], dimension: 1)
    }
    return .concatenated(rows, dimension: 0)
}

/// A small CPC model: 8 mel bands, 3 steps ahead, 5 negatives.
func makeCPC(
    _ negatives: CPC.NegativeSource = .otherRecordings, negativeCount: Int = 5, seed: UInt64 = 1
) -> CPC {
    CPC(smallCPC(negatives, negativeCount: negativeCount), melBandCount: 8, seed: Seed(seed))
}

/// The sizes of `makeCPC` and of the reference.
func smallCPC(
    _ negatives: CPC.NegativeSource = .otherRecordings, negativeCount: Int = 5
) -> CPC.Configuration {
    var configuration = CPC.Configuration()
    configuration.encoderWidth = 12
    configuration.contextWidth = 16
    configuration.predictionSteps = 3
    configuration.negativeCount = negativeCount
    configuration.negatives = negatives
    return configuration
}

/// The variants of CPC that `References/make_cpc.py` has, by its names.
func smallVariant(_ name: String) -> CPC.Configuration {
    var configuration = smallCPC(.batch)
    configuration.drawing = .perFrame
    configuration.transformer.headCount = 2
    configuration.transformer.feedForwardWidth = 10
    configuration.transformer.dropout = 0
    switch name {
    case "audio":
        configuration.encoder = .waveform
        configuration.context = .lstm
        configuration.contextWidth = 12
        configuration.predictor = .transformer
        configuration.transformer.positionCount = 6
        configuration.excludesPositives = false
        configuration.score = .mean
    case "bidirectional":
        configuration.context = .transformer
        configuration.contextWidth = 14
        configuration.contextLayerCount = 2
        configuration.transformer.positionCount = 3
        configuration.isBidirectional = true
        configuration.negatives = .mixed
        configuration.excludesPositives = false
        configuration.score = .cosine
        configuration.temperature = 0.2
    default:
        configuration.context = .lstm
        configuration.contextWidth = 14
        configuration.contextLayerCount = 2
    }
    return configuration
}

/// The names of `smallVariant`.
let variantNames = ["audio", "lstm", "bidirectional"]

/// A model of a small variant, and the width of its features.
func makeVariant(_ name: String, seed: UInt64 = 1) -> (model: CPC, featureCount: Int) {
    let featureCount = name == "audio" ? 160 : 8
    return (
        CPC(smallVariant(name), melBandCount: featureCount, seed: Seed(seed)), featureCount
    )
}

/// A small masked reconstruction: 8 mel bands, two layers.
func makeMaskedReconstruction(
    dropout: Double = 0, seed: UInt64 = 1,
    _ adjust: (inout MaskedReconstruction.Configuration) -> Void = { _ in }
) -> MaskedReconstruction {
    var configuration = smallMaskedReconstruction(dropout: dropout)
    adjust(&configuration)
    return MaskedReconstruction(configuration, melBandCount: 8, seed: Seed(seed))
}

/// The sizes of `makeMaskedReconstruction` and of the reference.
func smallMaskedReconstruction(dropout: Double = 0) -> MaskedReconstruction.Configuration {
    var configuration = MaskedReconstruction.Configuration()
    configuration.encoder = smallEncoder(dropout: dropout)
    return configuration
}

/// The sizes of the small models, of a kind that is trained.
func smallObjective(_ kind: ObjectiveKind) -> ObjectiveConfiguration {
    var objective = ObjectiveConfiguration()
    objective.kind = kind
    objective.cpc = smallCPC()
    objective.maskedReconstruction = smallMaskedReconstruction(dropout: 0.1)
    objective.autoregressivePrediction = smallAutoregressivePrediction(dropout: 0.1)
    objective.nonAutoregressivePrediction = smallNonAutoregressivePrediction(dropout: 0.1)
    objective.maskedPrediction = smallMaskedPrediction(dropout: 0.1)
    return objective
}

/// A small BEST-RQ: 8 mel bands, two layers, every second frame, two codebooks.
func makeMaskedPrediction(
    dropout: Double = 0, seed: UInt64 = 1,
    _ adjust: (inout MaskedPrediction.Configuration) -> Void = { _ in }
) -> MaskedPrediction {
    var configuration = smallMaskedPrediction(dropout: dropout)
    adjust(&configuration)
    return MaskedPrediction(configuration, melBandCount: 8, seed: Seed(seed))
}

/// The sizes of `makeMaskedPrediction`.
func smallMaskedPrediction(dropout: Double = 0) -> MaskedPrediction.Configuration {
    var configuration = MaskedPrediction.Configuration()
    configuration.encoder = smallEncoder(dropout: dropout) { $0.subsampling = 2 }
    configuration.maskSpan = 6
    configuration.randomProjection.codebookCount = 2
    configuration.randomProjection.codeCount = 12
    configuration.randomProjection.codeWidth = 4
    return configuration
}

/// A small APC: 8 mel bands, two layers, three frames ahead.
func makeAutoregressivePrediction(
    dropout: Double = 0, seed: UInt64 = 1,
    _ adjust: (inout AutoregressivePrediction.Configuration) -> Void = { _ in }
) -> AutoregressivePrediction {
    var configuration = smallAutoregressivePrediction(dropout: dropout)
    adjust(&configuration)
    return AutoregressivePrediction(configuration, melBandCount: 8, seed: Seed(seed))
}

/// The sizes of `makeAutoregressivePrediction` and of the reference.
func smallAutoregressivePrediction(
    dropout: Double = 0
) -> AutoregressivePrediction.Configuration {
    var configuration = AutoregressivePrediction.Configuration()
    configuration.encoder = smallEncoder(.recurrent, dropout: dropout)
    configuration.framesAhead = 3
    return configuration
}

/// A small NPC: 8 mel bands, two blocks of 12, two codebooks.
func makeNonAutoregressivePrediction(
    dropout: Double = 0, seed: UInt64 = 1,
    _ adjust: (inout NonAutoregressivePrediction.Configuration) -> Void = { _ in }
) -> NonAutoregressivePrediction {
    var configuration = smallNonAutoregressivePrediction(dropout: dropout)
    adjust(&configuration)
    return NonAutoregressivePrediction(configuration, melBandCount: 8, seed: Seed(seed))
}

/// The sizes of `makeNonAutoregressivePrediction` and of the reference.
func smallNonAutoregressivePrediction(
    dropout: Double = 0
) -> NonAutoregressivePrediction.Configuration {
    var configuration = NonAutoregressivePrediction.Configuration()
    configuration.blockCount = 2
    configuration.width = 12
    configuration.kernelSize = 11
    configuration.maskSize = 3
    configuration.dropout = dropout
    configuration.codebookCount = 2
    configuration.codeCount = 5
    return configuration
}

/// Two layers of 16, for 8 mel bands.
func smallEncoder(
    _ kind: EncoderConfiguration.Kind = .transformer, dropout: Double = 0,
    _ adjust: (inout EncoderConfiguration) -> Void = { _ in }
) -> EncoderConfiguration {
    var configuration = EncoderConfiguration(kind)
    configuration.transformer.layerCount = 2
    configuration.transformer.width = 16
    configuration.transformer.headCount = 2
    configuration.transformer.feedForwardWidth = 32
    configuration.transformer.dropout = dropout
    configuration.recurrent.layerCount = 2
    configuration.recurrent.width = 16
    configuration.recurrent.dropout = dropout
    configuration.conformer.layerCount = 2
    configuration.conformer.width = 16
    configuration.conformer.headCount = 2
    configuration.conformer.feedForwardWidth = 24
    configuration.conformer.kernelSize = 5
    configuration.conformer.dropout = dropout
    adjust(&configuration)
    return configuration
}

/// Draws all weights anew, larger than training starts with, so that nothing is nearly zero.
func redraw(_ module: any Module, standardDeviation: Double = 0.3, seed: UInt64 = 5) {
    for (name, tensor) in module.namedParameters {
        let gain = name.contains("norm") && name.hasSuffix("weight") ? 1.0 : 0
        tensor.assign(
            Tensor(
                normal: gain, standardDeviation: standardDeviation, shape: tensor.shape,
                seed: Seed(seed).derived(name)
            ).floats)
    }
}

/// Every parameter's gradient of a loss, by name; gradients are forgotten before and after.
func gradients(
    of module: any Module, _ loss: () -> Tensor
) throws -> [(name: String, values: [Float])] {
    for tensor in module.parameters { tensor.clearGradient() }
    defer { for tensor in module.parameters { tensor.clearGradient() } }
    loss().backward()
    return try module.namedParameters.map { name, tensor in
        (name, try #require(tensor.gradient, "no gradient of \(name)").floats)
    }
}

/// Values that a script in `References`, such as `make_objectives.py`, wrote.
struct Reference {
    let file: Safetensors

    init(_ name: String = "objectives") throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        file = try Safetensors(
            contentsOf: folder.appendingPathComponent("References/\(name).safetensors").path)
    }

    func values(_ name: String) throws -> [Float] {
        try #require(file.tensors[name], "\(name)").values
    }

    func tensor(_ name: String) throws -> Tensor {
        let values = try #require(file.tensors[name], "\(name)")
        return Tensor(values.values, shape: values.shape)
    }

    func integers(_ name: String) throws -> [Int] { try values(name).map { Int($0) } }

    /// The weights of one model by their names inside it.
    func weights(_ model: String) -> [String: TensorValues] {
        let prefix = model + ".weights."
        return Dictionary(
            uniqueKeysWithValues: file.tensors.filter { $0.key.hasPrefix(prefix) }.map {
                (String($0.key.dropFirst(prefix.count)), $0.value)
            })
    }
}
