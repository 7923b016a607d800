import ApusNN
import ApusTensor

/// Which head, and how it is built.
public struct HeadConfiguration: Codable, Hashable, Sendable {
    /// The kinds of head.
    public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
        /// A projection and a pooling: SUPERB's.
        case linear
        /// HEAR's hidden layers on pooled frames.
        case perceptron
        /// The x-vector network.
        case xVector
        /// ECAPA-TDNN.
        case ecapa
    }

    /// Which head.
    public var kind = Kind.linear
    /// The projection's width, the hidden layers' or the number of channels; 0 for the published one:
    /// linear 256, perceptron 1024, xVector 512, ecapa 512.
    public var width = 0
    /// How `linear` and `perceptron` pool frames; `attentive` is for `linear` alone.
    public var pooling = LinearHead.Pooling.mean
    /// The number of `perceptron`'s hidden layers.
    public var hiddenLayers = 1
    /// The share of `perceptron`'s values set to zero in training.
    public var dropout = 0.1
    /// The width inside the attention and `ecapa`'s squeeze-excitation.
    public var attentionWidth = 128
    /// The width of `ecapa`'s embedding.
    public var embeddingWidth = 192
    /// The number of groups of `ecapa`'s Res2 blocks.
    public var scale = 8

    /// SUPERB's head.
    public init() {}

    /// The width that is built.
    private var builtWidth: Int {
        if width > 0 { return width }
        return switch kind {
        case .linear: 256
        case .perceptron: 1024
        case .xVector, .ecapa: 512
        }
    }

    /// What can't be built, in words that name the key.
    ///
    /// - Returns: The first problem found, or `nil`.
    public func problem() -> String? {
        let largest = 1 << 16
        if !(0...largest).contains(width) {
            return "width is \(width), expected 0 (as published) up to \(largest)"
        }
        for (key, value) in [
            ("hiddenLayers", hiddenLayers), ("attentionWidth", attentionWidth),
            ("embeddingWidth", embeddingWidth),
        ] where !(1...largest).contains(value) {
            return "\(key) is \(value), expected 1 up to \(largest)"
        }
        if !(0..<1).contains(dropout) { return "dropout is \(dropout), expected 0 up to 1" }
        if kind == .perceptron, pooling == .attentive {
            return "pooling is attentive, expected mean or meanAndStandardDeviation with perceptron"
        }
        if kind == .ecapa, scale < 2 || builtWidth % scale != 0 {
            return "scale is \(scale), expected 2 or more that divide the width, \(builtWidth)"
        }
        return nil
    }

    /// The number of weights in the largest matrices: no head of these sizes has fewer.
    func leastParameterCount(inputWidth: Int) -> Double {
        let (input, width) = (Double(inputWidth), Double(builtWidth))
        let attention = Double(attentionWidth) * width
        return switch kind {
        case .linear: input * width + (pooling == .attentive ? attention : 0)
        case .perceptron: input * width + Double(hiddenLayers - 1) * width * width
        case .xVector: 5 * input * width + 15 * width * width
        case .ecapa:
            5 * input * width + 15 * width * width + 9 * attention
                + 6 * width * Double(embeddingWidth)
        }
    }

    /// Builds the head with untrained weights.
    ///
    /// - Parameters:
    ///   - inputWidth: D.
    ///   - seed: What the initial weights depend on.
    /// - Returns: The head.
    public func makeHead(inputWidth: Int, seed: Seed) -> any EmbeddingHead {
        switch kind {
        case .linear:
            LinearHead(
                inputWidth: inputWidth, width: builtWidth, pooling: pooling,
                attentionWidth: attentionWidth, seed: seed)
        case .perceptron:
            MultilayerPerceptron(
                inputWidth: inputWidth, layerCount: hiddenLayers, width: builtWidth,
                poolsDeviations: pooling == .meanAndStandardDeviation, dropout: dropout, seed: seed)
        case .xVector: XVector(inputWidth: inputWidth, width: builtWidth, seed: seed)
        case .ecapa:
            ECAPA(
                inputWidth: inputWidth, width: builtWidth, scale: scale,
                bottleneck: attentionWidth, embeddingWidth: embeddingWidth, seed: seed)
        }
    }
}

/// Which loss the last layer is trained by.
public struct LossConfiguration: Codable, Hashable, Sendable {
    /// Which loss.
    public var kind = ClassificationLoss.Kind.softmax
    /// The margin of `amSoftmax` (on the cosine) and `aamSoftmax` (in radians).
    public var margin = 0.2
    /// What their cosines are multiplied by.
    public var scale = 30.0

    /// Softmax.
    public init() {}

    /// What can't be used, in words that name the key.
    ///
    /// - Returns: The first problem found, or `nil`.
    public func problem() -> String? {
        if !(margin >= 0 && margin < .pi / 2) {
            return "margin is \(margin), expected 0 up to π/2"
        }
        if !(scale > 0 && scale.isFinite) { return "scale is \(scale), expected a number above 0" }
        return nil
    }
}
