import ApusCorpus
import ApusNN
import ApusPretraining
import Foundation

extension PretrainedModel {
    /// A hash of all that a recording's representation depends on beside the recording: the front end,
    /// the architecture and the encoder's weights.
    ///
    /// - Returns: SHA-256, 64 hexadecimal digits.
    public func fingerprint() -> String {
        var hash = SHA256()
        hash.update(card: card.frontEnd)
        hash.update(card: card.objective)
        hash.update(weights: encoder.weights())
        return hash.finalize()
    }
}

extension SHA256 {
    /// Takes in options, as JSON with sorted keys.
    mutating func update(card: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = (try? encoder.encode(card)) ?? Data("\(card)".utf8)
        data.withUnsafeBytes { update($0) }
        update("\n")
    }

    /// Takes in weights with their names and shapes: each tensor's own hash, made side by side.
    mutating func update(weights: [String: TensorValues]) {
        let tensors = weights.sorted(by: { $0.key < $1.key })
        var hashes = [String](repeating: "", count: tensors.count)
        hashes.withUnsafeMutableBufferPointer { hashes in
            nonisolated(unsafe) let hashes = hashes
            DispatchQueue.concurrentPerform(iterations: tensors.count) { index in
                var own = SHA256()
                tensors[index].value.values.withUnsafeBytes { own.update($0) }
                hashes[index] = own.finalize()
            }
        }
        for ((name, tensor), hash) in zip(tensors, hashes) {
            update("\(name) \(tensor.shape) \(hash)\n")
        }
    }
}
