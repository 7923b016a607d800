import ApusNN
import ApusSignal
import Foundation

/// A model that others published, brought into Apus's form.
///
///     let model = try ModelImport(contentsOf: "hubert-base-ls960").model
///     try writeAtomically(model.contents().encoded(), to: "hubert.safetensors")
///
/// It takes folders of `transformers` (wav2vec 2.0, HuBERT, WavLM, data2vec-audio) and PyTorch
/// checkpoints of CPC_audio, s3prl (TERA, Mockingjay, APC) and Resemblyzer. Another family is a case of
/// `parts(of:)` and a file beside this one that says how it is built, what makes its features, and what
/// its weights are called here.
public struct ModelImport {
    /// The model.
    public let model: PretrainedModel
    /// What it was, in words.
    public let origin: String
    /// What of it was left out or assumed.
    public let notes: [String]

    /// What an importer finds.
    struct Parts {
        var origin: String
        var configuration: ImportedEncoder.Configuration
        var frontEnd: FrontEnd
        /// The encoder's weights by their names here.
        var weights: [String: TensorValues]
        var notes: [String] = []
        /// The file of the weights.
        var weightFile: String
    }

    /// Reads a published model.
    ///
    /// - Parameter path: A folder of `transformers`, or a checkpoint.
    /// - Throws: `PretrainingError.missingFile`, `PretrainingError.notImportable` for a model of another
    ///   kind or with sizes that can't be built, `NNError` for weights that can't be read or don't fit.
    public init(contentsOf path: String) throws {
        let parts = try Self.parts(of: path)
        var objective = ObjectiveConfiguration()
        objective.kind = .imported
        objective.imported = parts.configuration
        if let problem = parts.configuration.problem()
            ?? parts.configuration.problem(reading: parts.frontEnd)
        {
            throw PretrainingError.notImportable(path: path, reason: problem)
        }
        let card = ModelCard(
            objective: objective, frontEnd: parts.frontEnd, seed: 0, step: 0,
            trainingData: ModelCard.TrainingData(
                manifest: "\(parts.origin), imported",
                manifestHash: try ModelCard.TrainingData.hash(ofFile: parts.weightFile),
                recordings: 0, seconds: 0))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(card), as: UTF8.self)
        let weights = Dictionary(
            uniqueKeysWithValues: parts.weights.map { ("encoder." + $0.key, $0.value) })
        model = try PretrainedModel(
            path: path, file: Safetensors(tensors: weights, metadata: [ModelCard.key: text]))
        origin = parts.origin
        notes = parts.notes
    }

    private static func parts(of path: String) throws -> Parts {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw PretrainingError.missingFile(path: path)
        }
        if isFolder.boolValue { return try HuggingFaceFolder(path: path).parts() }
        guard TorchCheckpoint.looksLike(path) else {
            throw PretrainingError.notImportable(
                path: path,
                reason: "neither a folder with config.json nor a checkpoint of PyTorch")
        }
        let checkpoint = try TorchCheckpoint(contentsOf: path)
        for importer in [
            GE2ECheckpoint.parts, S3PRLCheckpoint.transformer, S3PRLCheckpoint.apc,
            CPCAudioCheckpoint.parts,
        ] {
            if let parts = try importer(checkpoint) { return parts }
        }
        var keys = "no dictionary"
        if case .dictionary(let pairs) = checkpoint.content {
            keys = pairs.prefix(12).compactMap(\.key.text).map(\.printable)
                .joined(separator: ", ")
        }
        throw PretrainingError.notImportable(
            path: path,
            reason: "a checkpoint of none of CPC_audio, s3prl (TERA, Mockingjay, APC) and "
                + "Resemblyzer; it holds: \(keys)")
    }
}

/// Weights by their own names, taken one after the other under those they have here.
struct WeightTable {
    /// The file of the weights.
    let path: String
    private var own: [String: TensorValues]
    /// The weights by their names here.
    private(set) var taken: [String: TensorValues] = [:]

    init(path: String, _ weights: [String: TensorValues]) {
        self.path = path
        own = weights
    }

    /// The names that nothing was taken of, sorted.
    var left: [String] { own.keys.sorted() }

    func has(_ name: String) -> Bool { own[name] != nil }

    /// Takes a tensor.
    ///
    /// - Throws: `NNError.weightsDoNotFit` where it is missing.
    mutating func value(_ name: String) throws -> TensorValues {
        guard let value = own.removeValue(forKey: name) else {
            throw NNError.weightsDoNotFit(path: path, reason: "no tensor named \(name)")
        }
        return value
    }

    mutating func put(_ value: TensorValues, _ name: String) { taken[name] = value }

    /// Takes a tensor under another name; in another shape, where one of as many elements is given.
    mutating func move(_ name: String, to new: String, shape: [Int]? = nil) throws {
        var value = try value(name)
        if let shape, shape.reduce(1, *) == value.values.count { value.shape = shape }
        taken[new] = value
    }

    /// Takes `name.weight` and `name.bias`.
    mutating func moveLayer(_ name: String, to new: String) throws {
        for part in ["weight", "bias"] { try move("\(name).\(part)", to: "\(new).\(part)") }
    }

    /// Takes queries, keys and values as one above the other.
    mutating func stack(_ names: [String], to new: String) throws {
        for part in ["weight", "bias"] {
            let parts = try names.map { try value("\($0).\(part)") }
            guard let first = parts.first, !first.shape.isEmpty,
                parts.allSatisfy({ $0.shape == first.shape })
            else {
                throw NNError.weightsDoNotFit(
                    path: path, reason: "\(names.joined(separator: ", ")) differ in shape")
            }
            var shape = first.shape
            shape[0] *= parts.count
            taken["\(new)_\(part)"] = TensorValues(shape: shape, values: parts.flatMap(\.values))
        }
    }
}
