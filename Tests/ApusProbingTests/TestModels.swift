import ApusPretraining
import ApusSignal

/// A small untrained model of each kind, on 20 mel bands.
func makeModel(_ kind: ObjectiveKind, seed: UInt64 = 3) -> PretrainedModel {
    var objective = ObjectiveConfiguration()
    objective.kind = kind
    objective.cpc.encoderWidth = 24
    objective.cpc.contextWidth = 16
    objective.cpc.strides = [2, 2]
    objective.maskedReconstruction.encoder.transformer.layerCount = 2
    objective.maskedReconstruction.encoder.transformer.width = 24
    objective.maskedReconstruction.encoder.transformer.headCount = 2
    objective.maskedReconstruction.encoder.transformer.feedForwardWidth = 32
    objective.autoregressivePrediction.encoder.recurrent.layerCount = 2
    objective.autoregressivePrediction.encoder.recurrent.width = 24
    objective.nonAutoregressivePrediction.blockCount = 2
    objective.nonAutoregressivePrediction.width = 24
    var frontEnd = FrontEnd.kaldi
    frontEnd.melBandCount = 20
    frontEnd.normalization = .corpus(
        FeatureStatistics(
            mean: [Float](repeating: 12, count: 20),
            standardDeviation: [Float](repeating: 4, count: 20)))
    let card = ModelCard(
        objective: objective, frontEnd: frontEnd, seed: seed, step: 0,
        trainingData: ModelCard.TrainingData(
            manifest: "train.jsonl", manifestHash: "0", recordings: 1, seconds: 1))
    return PretrainedModel(untrained: card, path: "model.safetensors")
}
