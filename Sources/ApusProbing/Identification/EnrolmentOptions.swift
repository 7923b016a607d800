import ApusCorpus

/// How speakers are enrolled.
public struct EnrolmentOptions: Codable, Hashable, Sendable {
    /// A model's layer by its name, `all` for all of them; empty for the last.
    public var layer = ""
    /// How a model's frames become a vector.
    public var pooling = Pooling.meanAndStandardDeviation
    /// Whether each value's deviation is divided out beside the mean.
    public var standardizes = false
    /// How vectors are compared.
    public var scoring = VerificationScoring.cosine
    /// The directions of LDA; 0 for no LDA.
    public var discriminantCount = 0
    /// How many recordings are read at a time.
    public var workers = 2

    /// The cosine of mean-subtracted vectors by the last layer.
    public init() {}

    /// Refuses what can't be used.
    ///
    /// - Throws: `ProbingError.badOption` with the option's name.
    public func validate() throws {
        for (holds, option, expected, found) in [
            (pooling != .frames, "pooling", "anything but frames", pooling.rawValue),
            (discriminantCount >= 0, "discriminantCount", "0 or more", "\(discriminantCount)"),
            (workers > 0, "workers", "at least 1", "\(workers)"),
        ] where !holds {
            throw ProbingError.badOption(option: option, expected: expected, found: found)
        }
    }
}

/// Vectors of recordings whose speakers are known.
struct LabelledVectors {
    /// The speaker of each row.
    private(set) var speakers: [String] = []
    /// N x D values.
    private(set) var values: [Float] = []

    /// Makes the vectors of a manifest's recordings.
    ///
    /// - Parameters:
    ///   - manifest: The recordings; those without a speaker are passed over.
    ///   - embedder: What makes vectors.
    ///   - problem: Called with each recording that can't be used.
    /// - Throws: `ProbingError.nothingLeft` where no recording can be used.
    init(
        _ manifest: Manifest, by embedder: RecordingEmbedder, _ problem: (CorpusError) -> Void
    ) throws {
        let cuts = manifest.cuts.filter { $0.speaker != nil }
        for (cut, result) in zip(cuts, embedder.vectors(of: cuts)) {
            switch result {
            case .success(let vector):
                speakers.append(cut.speaker ?? "")
                values += vector
            case .failure(let error): problem(error)
            }
        }
        guard !speakers.isEmpty else {
            throw ProbingError.nothingLeft(
                path: manifest.path,
                reason: cuts.isEmpty
                    ? "none has a speaker" : "none of \(cuts.count) recordings can be read")
        }
    }
}
