import ApusNN
import ApusSignal

/// Checkpoints of s3prl: Mockingjay and TERA, which are one transformer, and APC.
///
/// s3prl divides normalised features by the standard deviation over T - 1 frames, here it is over T.
enum S3PRLCheckpoint {
    // MARK: - Mockingjay and TERA

    static func transformer(_ checkpoint: TorchCheckpoint) throws -> ModelImport.Parts? {
        let content = checkpoint.content
        guard let state = content["Transformer"]?.tensors,
            state["input_representations.spec_transform.weight"] != nil
        else { return nil }
        let source = Source(checkpoint)
        let settings = ["Config", "Upstream_Config"].compactMap { content[$0] }
            .first { $0["transformer"] != nil }
        guard let settings, let options = settings["transformer"] else {
            throw source.refuse("it has no Config with a section transformer")
        }
        var transformer = TransformerEncoder.Configuration()
        transformer.width = try source.integer(options, "hidden_size")
        transformer.layerCount = try source.integer(options, "num_hidden_layers")
        transformer.headCount = try source.integer(options, "num_attention_heads")
        transformer.feedForwardWidth = try source.integer(options, "intermediate_size")
        (transformer.norm, transformer.positions) = (.post, .sinusoidal)
        for (key, expected) in [("pre_layer_norm", false), ("share_layer", false)]
        where (options[key]?.bool ?? expected) != expected {
            throw source.refuse("transformer.\(key) is true, expected false")
        }
        let activation = options["hidden_act"]?.text ?? "gelu"
        guard activation == "gelu" else {
            throw source.refuse("transformer.hidden_act is \(activation.printable), expected gelu")
        }
        let epsilon = options["layer_norm_eps"]
        guard epsilon?.double ?? epsilon?.text.flatMap(Double.init) ?? 1e-12 == 1e-12 else {
            throw source.refuse("transformer.layer_norm_eps is not 1e-12")
        }
        var weights = WeightTable(
            path: checkpoint.path, try checkpoint.values(of: renamed(state)))
        try weights.moveLayer("input_representations.spec_transform", to: "projection")
        try weights.moveLayer("input_representations.LayerNorm", to: "norm")
        guard transformer.layerCount <= 1000 else {
            throw source.refuse("transformer.num_hidden_layers is \(transformer.layerCount)")
        }
        for index in 0..<transformer.layerCount {
            let (own, new) = ("encoder.layer.\(index)", "layers.\(index)")
            try weights.stack(
                ["query", "key", "value"].map { "\(own).attention.self.\($0)" },
                to: "\(new).self_attn.in_proj")
            for (from, to) in [
                ("attention.output.dense", "self_attn.out_proj"),
                ("attention.output.LayerNorm", "norm1"), ("intermediate.dense", "linear1"),
                ("output.dense", "linear2"), ("output.LayerNorm", "norm2"),
            ] { try weights.moveLayer("\(own).\(from)", to: "\(new).\(to)") }
        }
        if let foreign = weights.left.first {
            throw source.refuse("the tensor \(foreign.printable) belongs to no part of its model")
        }
        guard let audio = settings["audio"] else {
            throw source.refuse(
                "its Config has no section audio: what its features are is not known")
        }
        var configuration = ImportedEncoder.Configuration()
        configuration.kind = .features
        configuration.features = EncoderConfiguration(.transformer)
        configuration.features.transformer = transformer
        var notes = ["left out: the head that reconstructs features"]
        let longest = settings["task"]?["sequence_length"]?.integer ?? 0
        if longest > 0 {
            notes.append(
                "s3prl cuts recordings of over \(longest) frames into chunks; here they stay whole")
        }
        let frontEnd =
            try audio["kaldi"].map { try source.kaldi($0, audio, &notes) }
            ?? source.online(audio, &notes)
        return ModelImport.Parts(
            origin: "s3prl's Mockingjay or TERA", configuration: configuration,
            frontEnd: frontEnd, weights: weights.taken, notes: notes, weightFile: checkpoint.path)
    }

    /// The oldest checkpoints have the names of TensorFlow's BERT for scale and offset.
    private static func renamed(_ state: [String: TorchTensor]) -> [String: TorchTensor] {
        Dictionary(
            state.map { name, tensor in
                let parts = name.split(separator: ".").map {
                    $0 == "gamma" ? "weight" : $0 == "beta" ? "bias" : String($0)
                }
                return (parts.joined(separator: "."), tensor)
            }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: - APC

    static func apc(_ checkpoint: TorchCheckpoint) throws -> ModelImport.Parts? {
        guard let state = checkpoint.content["model"]?.tensors,
            let config = checkpoint.content["config"],
            state["rnn_layers.0.weight_ih_l0"] != nil
        else { return nil }
        let source = Source(checkpoint)
        var recurrent = RecurrentEncoder.Configuration()
        recurrent.cell = .gru
        recurrent.layerCount = 0
        recurrent.residual = config["model"]?["paras"]?["residual"]?.bool ?? true
        recurrent.width = state["rnn_layers.0.weight_hh_l0"]?.shape.last ?? 0
        var weights = WeightTable(
            path: checkpoint.path,
            try checkpoint.values(of: state.filter { $0.key.hasPrefix("rnn_layers.") }))
        while weights.has("rnn_layers.\(recurrent.layerCount).weight_ih_l0") {
            for name in ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"] {
                try weights.move(
                    "rnn_layers.\(recurrent.layerCount).\(name)",
                    to: "layers.\(recurrent.layerCount).\(name)")
            }
            recurrent.layerCount += 1
        }
        if let foreign = weights.left.first {
            throw source.refuse("the tensor \(foreign.printable) belongs to no part of its model")
        }
        guard let audio = config["data"]?["audio"] else {
            throw source.refuse(
                "its config has no section data.audio: what its features are is not known")
        }
        var notes = ["left out: the layers behind the encoder (quantiser, prediction)"]
        var configuration = ImportedEncoder.Configuration()
        configuration.kind = .features
        configuration.features = EncoderConfiguration(.recurrent)
        configuration.features.recurrent = recurrent
        return ModelImport.Parts(
            origin: "s3prl's APC", configuration: configuration,
            frontEnd: try source.apc(audio, &notes), weights: weights.taken, notes: notes,
            weightFile: checkpoint.path)
    }
}

/// What a checkpoint of s3prl says of its features, as a front end.
private struct Source {
    let path: String

    init(_ checkpoint: TorchCheckpoint) { path = checkpoint.path }

    func refuse(_ reason: String) -> PretrainingError { .notImportable(path: path, reason: reason) }

    func integer(_ section: PickleValue, _ key: String) throws -> Int {
        guard let value = section[key]?.integer ?? section[key]?.text.flatMap({ Int($0) }),
            (1...1 << 24).contains(value)
        else { throw refuse("\(key) is no whole number from 1 to \(1 << 24)") }
        return value
    }

    /// Normalised by the recording or not, and what of it differs.
    private func normalize(_ frontEnd: inout FrontEnd, _ isOn: Bool, _ notes: inout [String]) {
        frontEnd.normalization = isOn ? .perRecording(variance: true) : .none
        if isOn {
            notes.append(
                "features are divided by the deviation over T frames, in s3prl over T - 1: 0.1 % at "
                    + "500 frames")
        }
    }

    /// torchaudio's `compliance.kaldi.fbank`, its deltas, and normalisation.
    func kaldi(
        _ options: PickleValue, _ audio: PickleValue, _ notes: inout [String]
    ) throws -> FrontEnd {
        guard options["feat_type"]?.text == "fbank", let fbank = options["fbank"] else {
            throw refuse("audio.kaldi.feat_type is not fbank")
        }
        var frontEnd = FrontEnd.torchaudio
        try apply(fbank, to: &frontEnd, known: ["use_log_fbank"])
        guard fbank["use_log_fbank"]?.bool ?? true else {
            throw refuse("audio.kaldi.fbank.use_log_fbank is false")
        }
        frontEnd.deltaOrder = audio["delta"].map { $0["order"]?.integer ?? 2 } ?? 2
        let window = audio["delta"]?["win_length"]?.integer ?? 5
        frontEnd.deltaWindow = (window - 1) / 2
        frontEnd.deltaMethod = .stepwise
        normalize(&frontEnd, audio["cmvn"]?["use_cmvn"]?.bool ?? true, &notes)
        return frontEnd
    }

    /// The options of `fbank` that are there.
    private func apply(
        _ options: PickleValue, to frontEnd: inout FrontEnd, known: Set<String>
    ) throws {
        guard case .dictionary(let pairs) = options else {
            throw refuse("its fbank has no options")
        }
        for (key, value) in pairs {
            switch (key.text ?? "", value.double) {
            case ("num_mel_bins", let count?): frontEnd.melBandCount = Int(exactly: count) ?? 0
            case ("frame_length", let length?): frontEnd.frameLength = .milliseconds(length)
            case ("frame_shift", let shift?): frontEnd.frameShift = .milliseconds(shift)
            case (let name, _) where known.contains(name): continue
            case (let name, _):
                throw refuse("its features have the option \(name.printable), which isn't read")
            }
        }
    }

    /// s3prl's preprocessor of Mockingjay's and TERA's first models: log powers or log-mels about the
    /// middle of each shift.
    func online(_ audio: PickleValue, _ notes: inout [String]) throws -> FrontEnd {
        guard let input = audio["input"], let type = input["feat_type"]?.text else {
            throw refuse("its Config's section audio has neither kaldi nor input")
        }
        var frontEnd = FrontEnd.torchaudio
        switch type {
        case "mel": frontEnd.kind = .logMel
        case "linear": frontEnd.kind = .spectrogram
        default: throw refuse("audio.input.feat_type is \(type.printable), expected mel or linear")
        }
        frontEnd.edges = .centeredReflect
        (frontEnd.removesDCOffset, frontEnd.preEmphasis, frontEnd.energyFloor) = (false, 0, 0)
        (frontEnd.window, frontEnd.windowSymmetry) = (.hann, .periodic)
        frontEnd.frameLength = .milliseconds(audio["win_ms"]?.double ?? 25)
        frontEnd.frameShift = .milliseconds(audio["hop_ms"]?.double ?? 10)
        frontEnd.fftLength = 2 * ((audio["n_freq"]?.integer ?? 201) - 1)
        frontEnd.melBandCount = audio["n_mels"]?.integer ?? 40
        (frontEnd.lowFrequency, frontEnd.melTriangle) = (0, .linearInHertz)
        frontEnd.log = input["log"]?.bool ?? false ? .natural : .none
        (frontEnd.logFloor, frontEnd.logFloorMode) = (1e-10, .add)
        frontEnd.deltaOrder = input["delta"]?.integer ?? 0
        frontEnd.deltaMethod = .stepwise
        let isNormalized = input["cmvn"]?.bool ?? false
        normalize(&frontEnd, isNormalized, &notes)
        guard frontEnd.log == .natural, isNormalized else {
            throw refuse("audio.input without log and cmvn: its level of \(type) isn't ours")
        }
        notes.append(
            "s3prl brings each recording to one level first, which its normalised logarithms don't show"
        )
        return frontEnd
    }

    /// APC's `fbank` with a Hamming window.
    func apc(_ audio: PickleValue, _ notes: inout [String]) throws -> FrontEnd {
        guard audio["feat_type"]?.text == "fbank" else {
            throw refuse("data.audio.feat_type is not fbank")
        }
        var frontEnd = FrontEnd.torchaudio
        frontEnd.window = .hamming
        frontEnd.melBandCount = try integer(audio, "feat_dim")
        var options: [(key: PickleValue, value: PickleValue)] = []
        if case .dictionary(let pairs) = audio { options = pairs }
        try apply(
            .dictionary(options), to: &frontEnd,
            known: ["feat_type", "feat_dim", "decode_wav", "cmvn"])
        normalize(&frontEnd, audio["cmvn"]?.bool ?? true, &notes)
        return frontEnd
    }
}
