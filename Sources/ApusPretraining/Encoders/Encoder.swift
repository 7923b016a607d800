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
}

/// What an encoder makes of a batch.
public struct HiddenStates {
    /// (B, T', D) for each layer.
    public var layers: [Tensor]
    /// Each recording's frames in them, in 1...T'.
    public var lengths: [Int]
}
