import ApusNN
import ApusSignal
import Foundation

/// A folder of `transformers`: `config.json`, `model.safetensors` or `pytorch_model.bin`, and where it is
/// there `preprocessor_config.json`.
///
/// wav2vec 2.0, HuBERT, WavLM and data2vec-audio share most of their options; what one lacks is as that
/// library has it by default. Options that change what comes out and that `Wav2Vec2Encoder` doesn't have
/// are errors that name them.
struct HuggingFaceFolder {
    let path: String

    private enum Family: String, CaseIterable {
        case wav2vec2
        case hubert
        case wavLM = "wavlm"
        case data2vec = "data2vec-audio"

        var name: String {
            switch self {
            case .wav2vec2: "wav2vec 2.0"
            case .hubert: "HuBERT"
            case .wavLM: "WavLM"
            case .data2vec: "data2vec-audio"
            }
        }

        /// What stands before the names of the encoder's weights in models with a head.
        var prefix: String {
            self == .data2vec ? "data2vec_audio." : rawValue + "."
        }
    }

    func parts() throws -> ModelImport.Parts {
        let config = try JSONConfiguration(contentsOf: path + "/config.json")
        guard let type = try config.text("model_type"), let family = Family(rawValue: type) else {
            throw PretrainingError.notImportable(
                path: config.path,
                reason: "model_type is \((try config.text("model_type") ?? "missing").printable), "
                    + "expected one of " + Family.allCases.map(\.rawValue).joined(separator: ", "))
        }
        var notes: [String] = []
        var configuration = ImportedEncoder.Configuration()
        configuration.kind = .wav2vec2
        configuration.wav2vec2 = try Self.encoder(family, config)
        let frontEnd = try frontEnd(&configuration.wav2vec2, &notes)
        if let problem = configuration.problem() {
            throw PretrainingError.notImportable(path: config.path, reason: problem)
        }
        var weights = try readWeights(prefix: family.prefix)
        // Nothing is renamed or multiplied before it is known that the sizes are those of the weights.
        let (least, found) = (
            configuration.leastParameterCount(inputWidth: 1), Double(weights.elementCount)
        )
        guard least <= found else {
            throw NNError.weightsDoNotFit(
                path: weights.table.path,
                reason: String(
                    format: "%.0f weights, the sizes in config.json need %.0f or more", found, least
                ))
        }
        try Self.move(&weights.table, configuration.wav2vec2)
        let left = weights.table.left
        let needed = ["feature_extractor.", "feature_projection.", "encoder."]
        if let foreign = left.first(where: { name in needed.contains { name.hasPrefix($0) } }) {
            throw NNError.weightsDoNotFit(
                path: weights.table.path,
                reason: "the tensor \(foreign.printable) belongs to no part of \(family.name)")
        }
        if !left.isEmpty {
            notes.append(
                "left out, as no part of the encoder: "
                    + left.prefix(8).map(\.printable).joined(separator: ", ")
                    + (left.count > 8 ? " and \(left.count - 8) more" : ""))
        }
        return ModelImport.Parts(
            origin: family.name + " of transformers", configuration: configuration,
            frontEnd: frontEnd, weights: weights.table.taken, notes: notes,
            weightFile: weights.table.path)
    }

    // MARK: - Options

    private static func encoder(
        _ family: Family, _ config: JSONConfiguration
    ) throws -> Wav2Vec2Encoder.Configuration {
        func refuse(_ reason: String) -> PretrainingError {
            .notImportable(path: config.path, reason: reason)
        }
        for key in ["hidden_act", "feat_extract_activation"] {
            let activation = try config.text(key) ?? "gelu"
            guard activation == "gelu" else {
                throw refuse("\(key) is \(activation.printable), expected gelu")
            }
        }
        guard try config.integer("adapter_attn_dim", default: 0) == 0 else {
            throw refuse("adapter_attn_dim: adapters inside the layers aren't supported")
        }
        guard try !config.bool("conv_pos_batch_norm", default: false) else {
            throw refuse("conv_pos_batch_norm: batch normalisation of positions isn't supported")
        }
        var encoder = Wav2Vec2Encoder.Configuration()
        encoder.convolutionWidths = try config.integers(
            "conv_dim", default: encoder.convolutionWidths)
        encoder.convolutionKernels = try config.integers(
            "conv_kernel", default: encoder.convolutionKernels)
        encoder.convolutionStrides = try config.integers(
            "conv_stride", default: encoder.convolutionStrides)
        encoder.convolutionBias = try config.bool("conv_bias", default: false)
        encoder.width = try config.integer("hidden_size", default: 768)
        encoder.layerCount = try config.integer("num_hidden_layers", default: 12)
        encoder.headCount = try config.integer("num_attention_heads", default: 12)
        encoder.feedForwardWidth = try config.integer("intermediate_size", default: 3072)
        encoder.normEpsilon = try config.number("layer_norm_eps", default: 1e-5)
        encoder.positionGroups = try config.integer("num_conv_pos_embedding_groups", default: 16)
        if family == .data2vec {
            encoder.convolutionNorm = .layer
            encoder.positionLayerCount = try config.integer("num_conv_pos_embeddings", default: 5)
            encoder.positionKernelSize = try config.integer("conv_pos_kernel_size", default: 19)
            encoder.normalizesPositions = true
            return encoder
        }
        let norm = try config.text("feat_extract_norm") ?? "group"
        guard let norm = Wav2Vec2Encoder.ConvolutionNorm(rawValue: norm) else {
            throw refuse("feat_extract_norm is \(norm.printable), expected group or layer")
        }
        encoder.convolutionNorm = norm
        encoder.norm = try config.bool("do_stable_layer_norm", default: false) ? .pre : .post
        encoder.positionKernelSize = try config.integer("num_conv_pos_embeddings", default: 128)
        if family == .hubert {
            encoder.hasProjectionNorm = try config.bool("feat_proj_layer_norm", default: true)
        }
        if family == .wavLM {
            encoder.relativeBuckets = try config.integer("num_buckets", default: 320)
            encoder.relativeDistance = try config.integer("max_bucket_distance", default: 800)
        }
        return encoder
    }

    /// The samples themselves at the model's rate.
    private func frontEnd(
        _ encoder: inout Wav2Vec2Encoder.Configuration, _ notes: inout [String]
    ) throws -> FrontEnd {
        var frontEnd = FrontEnd.waveform
        frontEnd.frameLength = .samples(1)
        frontEnd.frameShift = .samples(1)
        let path = path + "/preprocessor_config.json"
        guard FileManager.default.fileExists(atPath: path) else {
            encoder.normalizesSamples = true
            notes.append(
                "no preprocessor_config.json: samples are normalised (do_normalize), as is the default"
            )
            return frontEnd
        }
        let config = try JSONConfiguration(contentsOf: path)
        encoder.normalizesSamples = try config.bool("do_normalize", default: true)
        frontEnd.sampleRate = try config.integer("sampling_rate", default: 16_000)
        do {
            try frontEnd.validate()
        } catch {
            throw PretrainingError.notImportable(path: path, reason: "\(error)")
        }
        return frontEnd
    }

    // MARK: - Weights

    private func readWeights(prefix: String) throws -> (table: WeightTable, elementCount: Int) {
        let safetensors = path + "/model.safetensors"
        let checkpoint = path + "/pytorch_model.bin"
        var (file, tensors): (String, [String: TensorValues])
        if FileManager.default.fileExists(atPath: safetensors) {
            (file, tensors) = (safetensors, try Safetensors(contentsOf: safetensors).tensors)
        } else if FileManager.default.fileExists(atPath: checkpoint) {
            let read = try TorchCheckpoint(contentsOf: checkpoint)
            (file, tensors) = (checkpoint, try read.values(of: read.content.tensors))
        } else {
            throw PretrainingError.notImportable(
                path: path,
                reason: "it has neither model.safetensors nor pytorch_model.bin"
                    + (FileManager.default.fileExists(atPath: safetensors + ".index.json")
                        ? "; weights in several files aren't read" : ""))
        }
        let count = tensors.values.reduce(0) { $0 + $1.values.count }
        if tensors.keys.contains(where: { $0.hasPrefix(prefix) }) {
            tensors = Dictionary(
                tensors.map { name, tensor in
                    let isOwn = name.hasPrefix(prefix)
                    return (isOwn ? String(name.dropFirst(prefix.count)) : name, tensor)
                }, uniquingKeysWith: { first, _ in first })
        }
        return (WeightTable(path: file, tensors), count)
    }

    private static func move(
        _ weights: inout WeightTable, _ encoder: Wav2Vec2Encoder.Configuration
    ) throws {
        for index in encoder.convolutionWidths.indices {
            let place = "feature_extractor.conv_layers.\(index)"
            try weights.move("\(place).conv.weight", to: "\(place).conv.weight")
            if encoder.convolutionBias {
                try weights.move("\(place).conv.bias", to: "\(place).conv.bias")
            }
            if encoder.convolutionNorm == .layer || index == 0 {
                try weights.moveLayer("\(place).layer_norm", to: "\(place).layer_norm")
            }
        }
        if encoder.hasProjectionNorm {
            try weights.moveLayer(
                "feature_projection.layer_norm", to: "feature_projection.layer_norm")
        }
        try weights.moveLayer("feature_projection.projection", to: "feature_projection.projection")
        try movePositions(&weights, encoder)
        try weights.moveLayer("encoder.layer_norm", to: "encoder.layer_norm")
        for index in 0..<encoder.layerCount {
            let place = "encoder.layers.\(index)"
            try weights.stack(
                ["q_proj", "k_proj", "v_proj"].map { "\(place).attention.\($0)" },
                to: "\(place).self_attn.in_proj")
            for (own, new) in [
                ("attention.out_proj", "self_attn.out_proj"), ("layer_norm", "norm1"),
                ("feed_forward.intermediate_dense", "linear1"),
                ("feed_forward.output_dense", "linear2"), ("final_layer_norm", "norm2"),
            ] { try weights.moveLayer("\(place).\(own)", to: "\(place).\(new)") }
            guard encoder.relativeBuckets > 0 else { continue }
            try weights.moveLayer(
                "\(place).attention.gru_rel_pos_linear",
                to: "\(place).self_attn.gru_rel_pos_linear")
            try weights.move(
                "\(place).attention.gru_rel_pos_const", to: "\(place).self_attn.gru_rel_pos_const")
        }
        if encoder.relativeBuckets > 0 {
            try weights.move(
                "encoder.layers.0.attention.rel_attn_embed.weight",
                to: "encoder.rel_attn_embed.weight")
        }
    }

    private static func movePositions(
        _ weights: inout WeightTable, _ encoder: Wav2Vec2Encoder.Configuration
    ) throws {
        let (own, new) = ("encoder.pos_conv_embed", "encoder.pos_conv_embed.layers")
        if encoder.normalizesPositions {
            for index in 0..<encoder.positionLayerCount {
                try weights.moveLayer("\(own).layers.\(index).conv", to: "\(new).\(index).conv")
            }
            return
        }
        try weights.move("\(own).conv.bias", to: "\(new).0.conv.bias")
        if weights.has("\(own).conv.weight") {
            return try weights.move("\(own).conv.weight", to: "\(new).0.conv.weight")
        }
        // PyTorch 2 has other names for the length and the direction of a normalised weight.
        let names =
            weights.has("\(own).conv.weight_g")
            ? ["weight_g", "weight_v"]
            : ["parametrizations.weight.original0", "parametrizations.weight.original1"]
        let lengths = try weights.value("\(own).conv.\(names[0])")
        let directions = try weights.value("\(own).conv.\(names[1])")
        guard let product = normalizedWeight(lengths: lengths, directions: directions) else {
            throw NNError.weightsDoNotFit(
                path: weights.path,
                reason: "\(own).conv has lengths of shape \(lengths.shape) for weights of shape "
                    + "\(directions.shape)")
        }
        weights.put(product, "\(new).0.conv.weight")
    }

    /// g v / |v| for each tap of a kernel: weight normalisation over the dimensions 0 and 1.
    ///
    /// Salimans and Kingma 2016, Weight Normalization.
    ///
    /// - Parameters:
    ///   - lengths: g, (1, 1, K).
    ///   - directions: v, (C out, C in, K).
    /// - Returns: The weight, or `nil` for other shapes.
    static func normalizedWeight(
        lengths: TensorValues, directions: TensorValues
    ) -> TensorValues? {
        guard directions.shape.count == 3, let taps = directions.shape.last, taps > 0,
            lengths.shape == [1, 1, taps]
        else { return nil }
        var squares = [Double](repeating: 0, count: taps)
        for (index, value) in directions.values.enumerated() {
            squares[index % taps] += Double(value) * Double(value)
        }
        let scales = zip(lengths.values, squares).map { Double($0) / $1.squareRoot() }
        return TensorValues(
            shape: directions.shape,
            values: directions.values.enumerated().map {
                Float(Double($0.element) * scales[$0.offset % taps])
            })
    }
}
