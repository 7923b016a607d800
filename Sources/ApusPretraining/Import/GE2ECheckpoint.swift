import ApusNN
import ApusSignal

/// Resemblyzer's speaker encoder: `pretrained.pt` in its package.
///
/// Its features are the powers of 40 mel bands, without a logarithm: librosa's `melspectrogram` of 25 ms
/// every 10 ms. Its `preprocess_wav`, which makes quiet recordings louder and cuts silences out of them,
/// is no part of a model here.
enum GE2ECheckpoint {
    static func parts(_ checkpoint: TorchCheckpoint) throws -> ModelImport.Parts? {
        guard let state = checkpoint.content["model_state"]?.tensors,
            state["lstm.weight_ih_l0"] != nil, state["linear.weight"] != nil
        else { return nil }
        var weights = WeightTable(path: checkpoint.path, try checkpoint.values(of: state))
        var ge2e = GE2EEncoder.Configuration()
        ge2e.layerCount = 0
        while weights.has("lstm.weight_ih_l\(ge2e.layerCount)") {
            for name in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"] {
                try weights.move(
                    "lstm.\(name)_l\(ge2e.layerCount)", to: "lstm.\(ge2e.layerCount).\(name)_l0")
            }
            ge2e.layerCount += 1
        }
        try weights.moveLayer("linear", to: "linear")
        guard let input = state["lstm.weight_ih_l0"]?.shape, input.count == 2,
            let output = state["linear.weight"]?.shape, output.count == 2
        else {
            throw PretrainingError.notImportable(
                path: checkpoint.path, reason: "its LSTM or linear layer is no matrix")
        }
        (ge2e.embeddingWidth, ge2e.width) = (output[0], output[1])
        var configuration = ImportedEncoder.Configuration()
        configuration.kind = .ge2e
        configuration.ge2e = ge2e
        return ModelImport.Parts(
            origin: "GE2E of Resemblyzer", configuration: configuration,
            frontEnd: frontEnd(bandCount: input[1]), weights: weights.taken,
            notes: [
                "its embedding is the layer 'embedding' with the pooling 'mean'",
                "left out: the similarity's scale and offset, and preprocess_wav, which makes recordings "
                    + "louder and cuts silences",
            ], weightFile: checkpoint.path)
    }

    private static func frontEnd(bandCount: Int) -> FrontEnd {
        var frontEnd = FrontEnd.librosa
        frontEnd.sampleRate = 16_000
        frontEnd.frameLength = .samples(400)
        frontEnd.frameShift = .samples(160)
        frontEnd.fftLength = 400
        frontEnd.melBandCount = bandCount
        frontEnd.log = .none
        frontEnd.dynamicRange = nil
        return frontEnd
    }
}
