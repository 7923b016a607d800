import ApusNN
import ApusTensor

/// What makes contexts of encoded frames, each of the frames up to its own.
protocol ContextNetwork: Module {
    /// The contexts.
    ///
    /// - Parameters:
    ///   - frames: (B, S, D).
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, S, C).
    func callAsFunction(_ frames: Tensor, draws: TrainingDraws?) -> Tensor

    /// Whether parts of a recording have the contexts of the whole.
    var carriesState: Bool { get }

    /// The contexts of a part of a recording.
    ///
    /// - Parameters:
    ///   - frames: (1, S, D), the part with what lies around it.
    ///   - own: Which frames are the part's own.
    ///   - states: What is carried from part to part.
    /// - Returns: (1, `own.count`, C).
    func part(_ frames: Tensor, own: Range<Int>, states: RecurrentStates) -> Tensor
}

extension GRU: ContextNetwork {
    func callAsFunction(_ frames: Tensor, draws: TrainingDraws?) -> Tensor { self(frames) }
    var carriesState: Bool { true }
    func part(_ frames: Tensor, own: Range<Int>, states: RecurrentStates) -> Tensor {
        self(frames.sliced(own, dimension: 1), states: states)
    }
}

extension LSTM: ContextNetwork {
    func callAsFunction(_ frames: Tensor, draws: TrainingDraws?) -> Tensor { self(frames) }
    var carriesState: Bool { true }
    func part(_ frames: Tensor, own: Range<Int>, states: RecurrentStates) -> Tensor {
        self(frames.sliced(own, dimension: 1), states: states)
    }
}

/// Causal transformer layers one after the other; the order of frames is in their relative positions.
final class CausalTransformer: ContextNetwork {
    /// From D to C, where they differ.
    private let projection: Linear?
    private let layers: [CausalTransformerLayer]

    init(
        _ configuration: CausalTransformerLayer.Configuration, inputWidth: Int, width: Int,
        layerCount: Int, seed: Seed
    ) {
        projection =
            inputWidth == width
            ? nil
            : Linear(inputWidth: inputWidth, outputWidth: width, seed: seed.derived("projection"))
        layers = (0..<layerCount).map {
            CausalTransformerLayer(configuration, width: width, seed: seed.derived("layers.\($0)"))
        }
    }

    var namedParameters: [(name: String, tensor: Tensor)] {
        (projection?.namedParameters(under: "projection") ?? [])
            + layers.enumerated().flatMap { $1.namedParameters(under: "layers.\($0)") }
    }

    func callAsFunction(_ frames: Tensor, draws: TrainingDraws?) -> Tensor {
        layers.reduce(projection?(frames) ?? frames) { $1($0, draws: draws) }
    }

    let carriesState = false

    func part(_ frames: Tensor, own: Range<Int>, states: RecurrentStates) -> Tensor {
        self(frames, draws: nil).sliced(own, dimension: 1)
    }
}

/// One context network, or one for each direction of time.
///
/// Kawakami et al. 2020, Learning Robust and Multilingual Speech Representations: both contexts
/// together are the representation.
final class Contexts: Module {
    private let onward: any ContextNetwork
    private let backward: (any ContextNetwork)?
    /// The width of what comes out.
    let width: Int

    init(_ configuration: CPC.Configuration, seed: Seed) {
        func network(_ name: String) -> any ContextNetwork {
            let (seed, D, C) = (
                seed.derived(name), configuration.encoderWidth, configuration.contextWidth
            )
            let layerCount = configuration.contextLayerCount
            switch configuration.context {
            case .gru: return GRU(inputWidth: D, hiddenWidth: C, seed: seed)
            case .lstm:
                return LSTM(inputWidth: D, hiddenWidth: C, layerCount: layerCount, seed: seed)
            case .transformer:
                return CausalTransformer(
                    configuration.transformer, inputWidth: D, width: C, layerCount: layerCount,
                    seed: seed)
            }
        }
        onward = network("context")
        backward = configuration.isBidirectional ? network("backwardContext") : nil
        width = configuration.contextWidth * (configuration.isBidirectional ? 2 : 1)
    }

    var namedParameters: [(name: String, tensor: Tensor)] {
        onward.namedParameters(under: "context")
            + (backward?.namedParameters(under: "backwardContext") ?? [])
    }

    /// The contexts (B, S, C); with two directions (B, S, 2C), the one of the past first.
    func callAsFunction(_ frames: Tensor, lengths: [Int], draws: TrainingDraws?) -> Tensor {
        let past = onward(frames, draws: draws)
        guard let backward else { return past }
        let future = backward(frames.reversedInTime(lengths: lengths), draws: draws)
            .reversedInTime(lengths: lengths)
        return .concatenated([past, future], dimension: 2)
    }

    /// Whether parts of a recording differ from the whole: a context of the future begins at its end.
    var needsWholeRecording: Bool { !onward.carriesState || backward != nil }

    /// The contexts of a part of a recording.
    ///
    /// - Parameters:
    ///   - frames: (1, S, D), the part with what lies around it.
    ///   - own: Which frames are the part's own.
    ///   - states: What is carried from part to part.
    /// - Returns: (1, `own.count`, C), or 2C with two directions.
    func part(_ frames: Tensor, own: Range<Int>, states: RecurrentStates) -> Tensor {
        let past = onward.part(frames, own: own, states: states)
        guard let backward else { return past }
        let lengths = [frames.shape[1]]
        let future = backward(frames.reversedInTime(lengths: lengths), draws: nil)
            .reversedInTime(lengths: lengths).sliced(own, dimension: 1)
        return .concatenated([past, future], dimension: 2)
    }
}

extension Tensor {
    /// Each recording's frames in the opposite order; what lies beyond its end stays there.
    ///
    /// - Parameter lengths: Each recording's frames, in 1...S.
    /// - Returns: (B, S, D) for a tensor (B, S, D).
    func reversedInTime(lengths: [Int]) -> Tensor {
        let (count, frames, width) = (shape[0], shape[1], shape[2])
        let order = lengths.enumerated().flatMap { row, length in
            (0..<frames).map { row * frames + ($0 < length ? length - 1 - $0 : $0) }
        }
        return reshaped(count * frames, width)
            .selected(Tensor(integers: order, shape: [order.count]), dimension: 0)
            .reshaped(count, frames, width)
    }
}
