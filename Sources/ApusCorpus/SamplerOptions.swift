/// How recordings are cut and gathered into batches.
public struct SamplerOptions: Hashable, Sendable, Codable {
    /// What happens to items of different lengths in one batch.
    public enum Mode: String, Hashable, Sendable, Codable, CaseIterable {
        /// Every item is cropped to the batch's shortest, so that nothing is padded.
        case exactLength
        /// Items keep their lengths, and the shorter ones are padded.
        case padded
    }

    /// What happens to items of different lengths in one batch.
    public var mode: Mode
    /// The size of a batch in frames, padding counted; one item may be larger by itself.
    public var framesPerBatch: Int
    /// The longest crop in frames; nil keeps whole recordings.
    public var cropFrames: Int?
    /// The fewest frames of a usable recording; shorter ones are skipped.
    public var minimumFrames: Int
    /// How many crops are taken of each recording in an epoch.
    public var repeats: Int
    /// The seed of orders, crops and the batches' own seeds.
    public var seed: UInt64

    /// Makes options.
    ///
    /// - Parameters:
    ///   - mode: What happens to items of different lengths in one batch.
    ///   - framesPerBatch: The size of a batch in frames.
    ///   - cropFrames: The longest crop in frames; nil keeps whole recordings.
    ///   - minimumFrames: The fewest frames of a usable recording.
    ///   - repeats: How many crops are taken of each recording in an epoch.
    ///   - seed: The seed of orders, crops and the batches' own seeds.
    public init(
        mode: Mode = .exactLength, framesPerBatch: Int = 4096, cropFrames: Int? = 160,
        minimumFrames: Int = 1, repeats: Int = 1, seed: UInt64 = 0
    ) {
        self.mode = mode
        self.framesPerBatch = framesPerBatch
        self.cropFrames = cropFrames
        self.minimumFrames = minimumFrames
        self.repeats = repeats
        self.seed = seed
    }
}

/// A position in the endless sequence of batches: all that is needed to go on from there.
public struct SamplerState: Hashable, Sendable, Codable, Comparable {
    /// The epoch, counted from 0.
    public var epoch: Int
    /// The next batch of that epoch, counted from 0.
    public var batchIndex: Int

    /// Makes a position; without arguments, the start.
    ///
    /// - Parameters:
    ///   - epoch: The epoch, counted from 0.
    ///   - batchIndex: The next batch of that epoch.
    public init(epoch: Int = 0, batchIndex: Int = 0) {
        self.epoch = epoch
        self.batchIndex = batchIndex
    }

    /// Whether one position comes before another.
    ///
    /// - Parameters:
    ///   - left: A position.
    ///   - right: Another position.
    /// - Returns: Whether `left` comes first.
    public static func < (left: SamplerState, right: SamplerState) -> Bool {
        (left.epoch, left.batchIndex) < (right.epoch, right.batchIndex)
    }
}
