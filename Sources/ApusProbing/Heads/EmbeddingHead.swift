import ApusNN
import ApusTensor

/// What turns an encoder's frames into one vector a recording, to be classified and compared.
///
/// A recording's vector doesn't depend on what shares its batch, except in training, where batch
/// normalisation takes the figures of the batch.
public protocol EmbeddingHead: Module {
    /// The width of the embedding: the vector that recordings are compared by.
    var embeddingWidth: Int { get }
    /// The width of what the last layer classifies.
    var outputWidth: Int { get }

    /// The embedding of recordings.
    ///
    /// - Parameters:
    ///   - frames: (B, T, D).
    ///   - lengths: Each recording's frames, at least 1.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, `embeddingWidth`).
    func embedding(_ frames: Tensor, lengths: [Int], draws: TrainingDraws?) -> Tensor

    /// What the last layer makes classes of: the embedding itself, if not said otherwise.
    ///
    /// - Parameters:
    ///   - embedding: (B, `embeddingWidth`).
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, `outputWidth`).
    func output(_ embedding: Tensor, draws: TrainingDraws?) -> Tensor
}

extension EmbeddingHead {
    /// The embedding's width.
    public var outputWidth: Int { embeddingWidth }

    /// The embedding itself.
    ///
    /// - Parameters:
    ///   - embedding: (B, `embeddingWidth`).
    ///   - draws: Unused.
    /// - Returns: The same.
    public func output(_ embedding: Tensor, draws: TrainingDraws?) -> Tensor { embedding }
}
