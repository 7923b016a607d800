import ApusNN
import ApusPretraining
import Foundation

/// How a regression on a layer of a model is kept in one file: the model under `model.`, the tensors
/// `weight` (classes x D), `bias` (classes), `mean` and `scale` (D) under the owner's noun, and in the
/// metadata the model's card and the owner's.
struct RegressionFile<Card: Codable & Sendable>: Sendable {
    /// What the owner is called, such as `classifier`.
    let noun: String
    /// How to get one, for a file that has none.
    let remedy: String
    /// The owner's error with a reason.
    let error: @Sendable (_ path: String, _ reason: String) -> ProbingError

    private let modelPrefix = "model."
    private var ownPrefix: String { noun + "." }
    private var cardKey: String { "apus-" + noun }

    init(
        noun: String, remedy: String,
        error: @escaping @Sendable (_ path: String, _ reason: String) -> ProbingError
    ) {
        (self.noun, self.remedy, self.error) = (noun, remedy, error)
    }

    /// The error for parts that don't fit each other.
    func misfit(_ path: String, _ reason: String) -> ProbingError {
        error(path, "a damaged \(noun): \(reason)")
    }

    /// Makes sure that a regression can be computed with.
    ///
    /// - Throws: The owner's error.
    func requireUsable(_ regression: LogisticRegression, path: String) throws {
        let scaling = regression.scaling
        guard
            [regression.weight, regression.bias, scaling.mean, scaling.scale]
                .allSatisfy({ $0.allSatisfy(\.isFinite) }), !scaling.scale.contains(0)
        else { throw misfit(path, "a weight is not a finite number, or a scale is zero") }
    }

    /// The parts of a file.
    ///
    /// - Parameters:
    ///   - file: What the file holds.
    ///   - path: Where it comes from.
    ///   - labels: The labels that a card names.
    /// - Returns: The parts.
    /// - Throws: The owner's error, `NNError` for other weights, `PretrainingError.notAModel` where
    ///   the model's card is damaged.
    func parts(
        of file: Safetensors, path: String, labels: (Card) -> [String]
    ) throws -> (card: Card, model: PretrainedModel, regression: LogisticRegression) {
        guard let text = file.metadata[cardKey] else {
            throw error(path, "holds no \(noun); \(remedy)")
        }
        let card: Card
        do {
            card = try JSONDecoder().decode(Card.self, from: Data(text.utf8))
        } catch {
            throw misfit(path, "its card can't be read: \(error)")
        }
        func own(_ name: String, shape: [Int]) throws -> [Float] {
            guard let tensor = file.tensors[ownPrefix + name], tensor.shape == shape else {
                let found = file.tensors[ownPrefix + name].map { "\($0.shape)" } ?? "none"
                throw misfit(
                    path,
                    "expected \(ownPrefix)\(name) of the shape \(shape), found \(found)")
            }
            return tensor.values
        }
        let width = file.tensors[ownPrefix + "mean"]?.values.count ?? 0
        let classCount = labels(card).count
        let regression = LogisticRegression(
            scaling: FeatureScaling(
                mean: try own("mean", shape: [width]), scale: try own("scale", shape: [width])),
            weight: try own("weight", shape: [classCount, width]),
            bias: try own("bias", shape: [classCount]))
        var tensors: [String: TensorValues] = [:]
        for (name, tensor) in file.tensors where name.hasPrefix(modelPrefix) {
            tensors[String(name.dropFirst(modelPrefix.count))] = tensor
        }
        let model = try PretrainedModel(
            path: path, file: Safetensors(tensors: tensors, metadata: file.metadata))
        return (card, model, regression)
    }

    /// A file's bytes; the same parts give the same bytes.
    ///
    /// - Throws: Where a card isn't encodable.
    func encoded(
        card: Card, model: PretrainedModel, regression: LogisticRegression
    ) throws -> Data {
        let contents = try model.contents()
        var tensors: [String: TensorValues] = [:]
        for (name, tensor) in contents.tensors { tensors[modelPrefix + name] = tensor }
        func put(_ name: String, _ values: [Float], _ shape: [Int]) {
            tensors[ownPrefix + name] = TensorValues(shape: shape, values: values)
        }
        put("weight", regression.weight, [regression.classCount, regression.width])
        put("bias", regression.bias, [regression.classCount])
        put("mean", regression.scaling.mean, [regression.width])
        put("scale", regression.scaling.scale, [regression.width])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var metadata = contents.metadata
        metadata[cardKey] = String(decoding: try encoder.encode(card), as: UTF8.self)
        return try Safetensors(tensors: tensors, metadata: metadata).encoded()
    }
}
