import ApusNN
import Foundation

/// The file of a calibrated verifier, `verifier.safetensors`, without its model.
///
/// The backend's tensors, and where scores are normalised `cohort` (M, D); the card is in the metadata.
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
        backend = try VerificationBackend(tensors: file.tensors, damaged: damaged)
        cohort =
            try VerificationBackend.rows(
                "cohort", width: backend.width, of: file.tensors, damaged: damaged) ?? []
    }

    func encoded() throws -> Data {
        var tensors = backend.tensors
        if !cohort.isEmpty {
            tensors["cohort"] = TensorValues(
                shape: [cohort.count / backend.width, backend.width], values: cohort)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(card), as: UTF8.self)
        return try Safetensors(tensors: tensors, metadata: [Self.cardKey: text]).encoded()
    }
}
