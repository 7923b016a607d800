/// The features of B recordings or crops, padded to the longest: what crosses to the training task.
public struct FeatureBatch: Hashable, Sendable {
    /// The epoch that the batch belongs to, counted from 0.
    public var epoch: Int
    /// The position of the batch in its epoch, counted from 0.
    public var index: Int
    /// A seed of this batch's own, for what is drawn on it: masks, negatives, dropout.
    public var seed: UInt64
    /// The ids of the B cuts.
    public var ids: [String]
    /// The place of each item among those of the plan, of which a bad recording or another process's
    /// leaves a gap.
    public var rows: [Int]
    /// Who speaks in each of the B cuts, nil where that isn't known.
    public var speakers: [String?]
    /// The features, B x T x D row-major; zero after each item's length.
    public var features: [Float]
    /// The number of frames of each of the B items.
    public var lengths: [Int]
    /// T, the number of frames that the items are padded to.
    public var frameCount: Int
    /// D, the number of features a frame.
    public var featureCount: Int

    /// Makes a batch from its parts.
    ///
    /// - Parameters:
    ///   - epoch: The epoch, counted from 0.
    ///   - index: The position of the batch in its epoch.
    ///   - seed: A seed of this batch's own.
    ///   - ids: The ids of the B cuts.
    ///   - rows: The place of each item among those of the plan; one after the other, if not said
    ///     otherwise.
    ///   - speakers: Who speaks in each; nil where nobody is known.
    ///   - features: The features, B x T x D row-major.
    ///   - lengths: The number of frames of each item, at most T.
    ///   - frameCount: T, the number of frames that the items are padded to.
    ///   - featureCount: D, the number of features a frame.
    public init(
        epoch: Int = 0, index: Int = 0, seed: UInt64 = 0, ids: [String], rows: [Int]? = nil,
        speakers: [String?]? = nil, features: [Float], lengths: [Int], frameCount: Int,
        featureCount: Int
    ) {
        precondition(ids.count == lengths.count, "each item has an id and a length")
        precondition(rows?.count ?? ids.count == ids.count, "each item has a place")
        precondition(speakers?.count ?? ids.count == ids.count, "each item has a speaker or none")
        precondition(
            features.count == ids.count * frameCount * featureCount, "the features are B x T x D")
        precondition(lengths.allSatisfy { $0 <= frameCount }, "no item is longer than T")
        self.epoch = epoch
        self.index = index
        self.seed = seed
        self.ids = ids
        self.rows = rows ?? Array(ids.indices)
        self.speakers = speakers ?? ids.map { _ in nil }
        self.features = features
        self.lengths = lengths
        self.frameCount = frameCount
        self.featureCount = featureCount
    }

    /// B, the number of items.
    public var count: Int { ids.count }

    /// A number for each item, the same for the same speaker; nil where no speaker is known.
    public var groups: [Int]? { speakerNumbers(of: speakers) }
}

/// A cut whose features could not be made, and why.
public struct RecordingProblem: Hashable, Sendable, Codable {
    /// The id of the cut.
    public var id: String
    /// The reason in words.
    public var reason: String

    /// Makes an entry.
    ///
    /// - Parameters:
    ///   - id: The id of the cut.
    ///   - reason: The reason in words.
    public init(id: String, reason: String) {
        self.id = id
        self.reason = reason
    }
}
