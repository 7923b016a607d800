import ApusNN
import ApusSignal

/// Checkpoints of CPC_audio: its own, with `gEncoder`, and the published ones, with `config` and
/// `weights`.
///
/// Rivière et al. 2020, Unsupervised Pretraining Transfers Well Across Languages.
enum CPCAudioCheckpoint {
    static func parts(_ checkpoint: TorchCheckpoint) throws -> ModelImport.Parts? {
        let content = checkpoint.content
        let state = (content["gEncoder"] ?? content["weights"])?.tensors ?? [:]
        guard state["gEncoder.conv0.weight"] != nil else { return nil }
        func refuse(_ reason: String) -> PretrainingError {
            .notImportable(path: checkpoint.path, reason: reason)
        }
        var weights = WeightTable(
            path: checkpoint.path,
            try checkpoint.values(
                of: state.filter { $0.key.hasPrefix("gEncoder.") || $0.key.hasPrefix("gAR.") }))
        for index in 0..<5 {
            let (convolution, norm) = ("gEncoder.conv\(index)", "gEncoder.batchNorm\(index)")
            try weights.moveLayer(convolution, to: "convolutions.\(index)")
            guard let width = state["\(norm).weight"]?.shape, width.count == 3,
                width[0] == 1, width[2] == 1
            else {
                throw refuse("\(norm) isn't its channel norm (normMode layerNorm)")
            }
            for part in ["weight", "bias"] {
                try weights.move(
                    "\(norm).\(part)", to: "norms.\(index).\(part)", shape: [width[1]])
            }
        }
        guard let input = state["gAR.baseNet.weight_ih_l0"]?.shape,
            let hidden = state["gAR.baseNet.weight_hh_l0"]?.shape, input.count == 2,
            hidden.count == 2, hidden[1] > 0
        else { throw refuse("its context network is neither an LSTM nor a GRU (arMode)") }
        var cpc = CPC.Configuration()
        cpc.encoder = .waveform
        (cpc.encoderWidth, cpc.contextWidth) = (input[1], hidden[1])
        switch hidden[0] {
        case 4 * hidden[1]: cpc.context = .lstm
        case 3 * hidden[1]: cpc.context = .gru
        default: throw refuse("its context network is neither an LSTM nor a GRU (arMode)")
        }
        cpc.contextLayerCount = 0
        while weights.has("gAR.baseNet.weight_ih_l\(cpc.contextLayerCount)") {
            for name in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"] {
                let part = "\(name)_l\(cpc.contextLayerCount)"
                try weights.move("gAR.baseNet.\(part)", to: "context.\(part)")
            }
            cpc.contextLayerCount += 1
        }
        if let foreign = weights.left.first {
            throw refuse("the tensor \(foreign.printable) belongs to no network of ours")
        }
        var configuration = ImportedEncoder.Configuration()
        configuration.kind = .cpc
        configuration.cpc = cpc
        return ModelImport.Parts(
            origin: "CPC_audio", configuration: configuration, frontEnd: .waveform,
            weights: weights.taken,
            notes: [
                "a recording's last samples are left out where they fill no frame of 160",
                "left out: the predictors of training",
            ], weightFile: checkpoint.path)
    }
}
