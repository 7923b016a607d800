import ApusNN
import ApusTensor

/// A stack of GRUs or LSTMs that reads from the past to the future, as APC has it.
///
/// Chung et al. 2019, An Unsupervised Autoregressive Model for Speech Representation Learning,
/// section 2: h¹ = dropout(GRU(x)), then hˡ = hˡ⁻¹ + dropout(GRU(hˡ⁻¹)), or with LSTMs in their
/// place. A frame's representation knows nothing of the frames after it.
public final class RecurrentEncoder: Encoder {
    /// What a layer is made of.
    public enum Cell: String, Codable, Sendable, CaseIterable {
        /// Gated recurrent units.
        case gru
        /// Long short-term memory: a third more weights for the same width.
        case lstm
    }

    /// How the encoder is built.
    public struct Configuration: Codable, Hashable, Sendable {
        /// What the layers are made of.
        public var cell = Cell.gru
        /// The number of layers.
        public var layerCount = 3
        /// D.
        public var width = 512
        /// The dropout probability of each layer's output.
        public var dropout = 0.1
        /// Whether the input of each layer after the first is added to its output.
        public var residual = true

        /// APC's stack: 4.1 million parameters.
        public init() {}

        func problem() -> String? {
            if layerCount < 1 { return "layerCount is \(layerCount), expected at least 1" }
            if width < 1 { return "width is \(width), expected at least 1" }
            if !(0..<1).contains(dropout) { return "dropout is \(dropout), expected 0 up to 1" }
            return nil
        }

        /// The number of weights in the largest matrices.
        func leastParameterCount(inputWidth: Int) -> Double {
            let width = Double(width)
            let gates: Double = cell == .lstm ? 4 : 3
            return gates * width * (Double(inputWidth) + (2 * Double(layerCount) - 1) * width)
        }
    }

    private enum Layer {
        case gru(GRU)
        case lstm(LSTM)

        var module: any Module {
            switch self {
            case .gru(let layer): layer
            case .lstm(let layer): layer
            }
        }

        func callAsFunction(_ input: Tensor, _ states: RecurrentStates?) -> Tensor {
            switch self {
            case .gru(let layer): layer(input, states: states)
            case .lstm(let layer): layer(input, states: states)
            }
        }
    }

    private let layers: [Layer]
    let configuration: Configuration
    /// `layer-1` and so on.
    public let layerNames: [String]
    /// D for each layer.
    public let layerWidths: [Int]
    /// 1: a frame out for each frame in.
    public let stride = 1
    /// None: what was before is carried.
    public let surroundings = Surroundings()

    /// An encoder with untrained weights.
    ///
    /// - Parameters:
    ///   - configuration: How it is built.
    ///   - inputWidth: M, the width of the features.
    ///   - seed: What the initial weights depend on.
    public init(_ configuration: Configuration, inputWidth: Int, seed: Seed) {
        self.configuration = configuration
        layers = (0..<configuration.layerCount).map {
            let inputWidth = $0 == 0 ? inputWidth : configuration.width
            let width = configuration.width
            let seed = seed.derived("layers.\($0)")
            return switch configuration.cell {
            case .gru: .gru(GRU(inputWidth: inputWidth, hiddenWidth: width, seed: seed))
            case .lstm: .lstm(LSTM(inputWidth: inputWidth, hiddenWidth: width, seed: seed))
            }
        }
        layerNames = (1...configuration.layerCount).map { "layer-\($0)" }
        layerWidths = layerNames.map { _ in configuration.width }
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        layers.enumerated().flatMap { $1.module.namedParameters(under: "layers.\($0)") }
    }

    /// The output of each layer for a padded batch.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, T, D) for each layer.
    public func callAsFunction(
        _ features: Tensor, lengths: [Int], draws: TrainingDraws?
    ) -> HiddenStates {
        HiddenStates(layers: layers(of: features, draws: draws, carried: nil), lengths: lengths)
    }

    /// The states of a part, where those of the part before are carried on.
    public func part(
        _ features: Tensor, own: Range<Int>, states: RecurrentStates
    ) -> [Tensor] {
        layers(of: features.sliced(own, dimension: 1), draws: nil, carried: states)
    }

    private func layers(
        of features: Tensor, draws: TrainingDraws?, carried: RecurrentStates?
    ) -> [Tensor] {
        var hidden = features
        var states: [Tensor] = []
        for (index, layer) in layers.enumerated() {
            let output = layer(hidden, carried).dropout(configuration.dropout, draws)
            hidden = configuration.residual && index > 0 ? output + hidden : output
            states.append(hidden)
        }
        return states
    }
}
