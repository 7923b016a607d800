import ApusNN
import ApusTensor

/// Which encoder, and how it is built: the choice that all objectives but CPC share.
public struct EncoderConfiguration: Codable, Hashable, Sendable {
    /// The kinds of encoder.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// Self-attention over all frames.
        case transformer
        /// GRUs or LSTMs from the past to the future.
        case recurrent
        /// Self-attention over all frames and convolutions over near ones.
        case conformer
    }

    /// Which encoder.
    public var kind = Kind.transformer
    /// Feature frames for each frame of the encoder: 1, 2 or 4.
    public var subsampling = 1
    /// How a transformer is built; unused by the others.
    public var transformer = TransformerEncoder.Configuration()
    /// How a recurrent encoder is built; unused by the others.
    public var recurrent = RecurrentEncoder.Configuration()
    /// How a conformer is built; unused by the others.
    public var conformer = ConformerEncoder.Configuration()

    /// A small transformer.
    public init() {}

    /// A choice of encoder with the sizes that it has by default.
    ///
    /// - Parameter kind: Which encoder.
    public init(_ kind: Kind) { self.kind = kind }

    /// D of the last hidden state.
    public var width: Int {
        switch kind {
        case .transformer: transformer.width
        case .recurrent: recurrent.width
        case .conformer: conformer.width
        }
    }

    /// Builds the encoder with untrained weights.
    ///
    /// - Parameters:
    ///   - inputWidth: M, the width of the features.
    ///   - seed: What the initial weights depend on.
    /// - Returns: The encoder.
    public func makeEncoder(inputWidth: Int, seed: Seed) -> any Encoder {
        guard subsampling > 1 else { return makeInner(inputWidth: inputWidth, seed: seed) }
        return SubsampledEncoder(
            inputWidth: inputWidth, width: width, factor: subsampling,
            seed: seed.derived("subsampling"), inner: makeInner(inputWidth: width, seed: seed))
    }

    private func makeInner(inputWidth: Int, seed: Seed) -> any Encoder {
        switch kind {
        case .transformer: TransformerEncoder(transformer, inputWidth: inputWidth, seed: seed)
        case .recurrent: RecurrentEncoder(recurrent, inputWidth: inputWidth, seed: seed)
        case .conformer: ConformerEncoder(conformer, inputWidth: inputWidth, seed: seed)
        }
    }

    /// What can't be built, in words that begin with the key.
    func problem() -> String? {
        if ![1, 2, 4].contains(subsampling) {
            return "subsampling is \(subsampling), expected 1, 2 or 4"
        }
        return switch kind {
        case .transformer: transformer.problem().map { "transformer." + $0 }
        case .recurrent: recurrent.problem().map { "recurrent." + $0 }
        case .conformer: conformer.problem().map { "conformer." + $0 }
        }
    }

    /// The number of weights in the largest matrices.
    func leastParameterCount(inputWidth: Int) -> Double {
        let inner = subsampling > 1 ? width : inputWidth
        let convolutions = subsampling > 1 ? 3 * Double(width) * Double(inputWidth) : 0
        return switch kind {
        case .transformer: convolutions + transformer.leastParameterCount(inputWidth: inner)
        case .recurrent: convolutions + recurrent.leastParameterCount(inputWidth: inner)
        case .conformer: convolutions + conformer.leastParameterCount(inputWidth: inner)
        }
    }
}
