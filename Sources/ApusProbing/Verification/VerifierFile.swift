import ApusNN
import Foundation

/// The file of a calibrated verifier, `verifier.safetensors`, without its model.
///
/// The tensors `mean` and `scale` (D), where there is LDA `directions` (d, D), where there is PLDA
/// `plda.mean` (d), `plda.transform` (d, d) and `plda.between` (d), where scores are normalised
/// `cohort` (M, D); the card is in the metadata.
struct VerifierFile {
    let card: SpeakerVerifier.Card
    let backend: VerificationBackend
    /// M x D values; empty where scores aren't normalised.
    let cohort: [Float]

    private static let cardKey = "apus-verifier"

    init(card: SpeakerVerifier.Card, backend: VerificationBackend, cohort: [Float]) {
        self.card = card
        self.backend = backend
        self.cohort = cohort
    }

    init(contentsOf path: String) throws {
        let file = try Safetensors(contentsOf: path)
        func damaged(_ reason: String) -> ProbingError {
            .notAClassifier(path: path, reason: "a damaged verifier: \(reason)")
        }
        guard let text = file.metadata[Self.cardKey] else {
            throw ProbingError.notAClassifier(
                path: path,
                reason: "holds no calibration; make one with apus verify --trials ... --dev-trials")
        }
        do {
            card = try JSONDecoder().decode(SpeakerVerifier.Card.self, from: Data(text.utf8))
        } catch {
            throw damaged("its card can't be read: \(error)")
        }
        guard card.calibration.weights.count == 1 else {
            throw damaged("its card has other weights")
        }
        for (name, tensor) in file.tensors where !tensor.values.allSatisfy(\.isFinite) {
            throw damaged("\(name) is not finite")
        }
        /// A tensor of rows, each as wide as told.
        func rows(_ name: String, width: Int) throws -> [Float]? {
            guard let tensor = file.tensors[name] else { return nil }
            guard width > 0, tensor.shape.last == width, !tensor.values.isEmpty else {
                throw damaged("\(name) has the shape \(tensor.shape)")
            }
            return tensor.values
        }
        let width = file.tensors["mean"]?.values.count ?? 0
        guard let mean = try rows("mean", width: width),
            let scale = try rows("scale", width: width), scale.count == width,
            !scale.contains(0)
        else { throw damaged("no mean and scale of one length") }
        var backend = VerificationBackend(scaling: FeatureScaling(mean: mean, scale: scale))
        backend.discriminants = try rows("directions", width: width).map {
            LinearDiscriminants(directions: $0, width: width)
        }
        let kept = backend.discriminants?.count ?? width
        if let mean = try rows("plda.mean", width: kept) {
            guard let transform = try rows("plda.transform", width: kept),
                let between = try rows("plda.between", width: kept), mean.count == kept,
                between.count == kept, transform.count == kept * kept
            else { throw damaged("PLDA of several sizes") }
            backend.probabilistic = ProbabilisticDiscriminants(
                mean: mean, transform: transform, between: between)
        }
        self.backend = backend
        cohort = try rows("cohort", width: width) ?? []
    }

    func encoded() throws -> Data {
        var tensors: [String: TensorValues] = [:]
        func put(_ name: String, _ values: [Float], width: Int? = nil) {
            let shape = width.map { [values.count / $0, $0] } ?? [values.count]
            tensors[name] = TensorValues(shape: shape, values: values)
        }
        put("mean", backend.scaling.mean)
        put("scale", backend.scaling.scale)
        if let discriminants = backend.discriminants {
            put("directions", discriminants.directions, width: discriminants.width)
        }
        if let plda = backend.probabilistic {
            put("plda.mean", plda.mean)
            put("plda.transform", plda.transform, width: plda.width)
            put("plda.between", plda.between)
        }
        if !cohort.isEmpty { put("cohort", cohort, width: backend.width) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(card), as: UTF8.self)
        return try Safetensors(tensors: tensors, metadata: [Self.cardKey: text]).encoded()
    }
}
