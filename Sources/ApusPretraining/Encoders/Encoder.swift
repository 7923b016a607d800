import ApusNN
import ApusTensor

/// What turns features into representations: one hidden state for each layer (SUPERB's "upstream").
///
/// The representation of a recording does not depend on what shares its batch: whatever lies beyond
/// a recording's end is masked in every layer.
public protocol Encoder: Module {
    /// A name for each hidden state, first layer first.
    var layerNames: [String] { get }
    /// D of each hidden state.
    var layerWidths: [Int] { get }
    /// From one frame of a hidden state to the next, in feature frames.
    var stride: Int { get }
    /// What a part of a recording needs of the frames around it.
    var surroundings: Surroundings { get }

    /// The hidden states of a padded batch.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: The hidden states.
    func callAsFunction(
        _ features: Tensor, lengths: [Int], draws: TrainingDraws?
    ) -> HiddenStates

    /// The hidden states of a part of one recording, in evaluation.
    ///
    /// - Parameters:
    ///   - features: (1, T, M), the part with what lies around it; it begins at a multiple of `stride`.
    ///   - own: Which of the T' frames are the part's own.
    ///   - states: What recurrent layers carry from part to part, which come in order.
    /// - Returns: (1, `own.count`, D) for each layer; of the last part what the recording has.
    func part(_ features: Tensor, own: Range<Int>, states: RecurrentStates) -> [Tensor]
}

extension Encoder {
    /// The part as if it were a recording of its own, without what lies around it.
    public func part(
        _ features: Tensor, own: Range<Int>, states: RecurrentStates
    ) -> [Tensor] {
        self(features, lengths: [features.shape[1]], draws: nil).layers.map { layer in
            // A recording's last samples may be too few for a frame of their own.
            let own = own.clamped(to: 0..<layer.shape[1])
            return own.isEmpty
                ? Tensor(zeros: [1, 0, layer.shape[2]]) : layer.sliced(own, dimension: 1)
        }
    }
}

/// How far around a frame of features an encoder looks, beside what recurrent layers carry onwards.
public struct Surroundings: Hashable, Sendable {
    /// The number of earlier frames.
    public var before: Int
    /// The number of later frames.
    public var after: Int
    /// Whether some layer looks at the whole recording, so that parts differ from it.
    public var isWholeRecording: Bool

    /// Surroundings.
    ///
    /// - Parameters:
    ///   - before: The number of earlier frames of features.
    ///   - after: The number of later ones.
    ///   - isWholeRecording: Whether some layer looks at the whole recording.
    public init(before: Int = 0, after: Int = 0, isWholeRecording: Bool = false) {
        self.before = before
        self.after = after
        self.isWholeRecording = isWholeRecording
    }
}

/// What an encoder makes of a batch.
public struct HiddenStates {
    /// (B, T', D) for each layer.
    public var layers: [Tensor]
    /// Each recording's frames in them, in 1...T'.
    public var lengths: [Int]
}
