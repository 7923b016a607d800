import ApusCorpus

/// What recordings are told apart by.
public enum LabelSource: String, Codable, Hashable, Sendable, CaseIterable {
    /// Who speaks.
    case speaker
    /// The sound class of a recording that has exactly one.
    case soundClass
    /// The language that is spoken.
    case language
    /// All sound classes of a recording, which may be several or none.
    case tags
    /// Sounds with their times.
    case events

    /// The label of a recording.
    ///
    /// - Parameter cut: The recording.
    /// - Returns: The label, or nil where the recording has none; tags as one text, and none for
    ///   sounds with times.
    public func label(of cut: Cut) -> String? {
        switch self {
        case .speaker: cut.speaker
        case .soundClass: cut.labels.count == 1 ? cut.labels[0] : nil
        case .language: cut.language
        case .tags: cut.labels.sorted().joined(separator: ", ")
        case .events: nil
        }
    }

    /// The classes of a recording.
    ///
    /// - Parameter cut: The recording.
    /// - Returns: The one label or all tags.
    public func labels(of cut: Cut) -> [String] {
        self == .tags ? Set(cut.labels).sorted() : [label(of: cut)].compactMap(\.self)
    }

    /// The name of the task in results.
    public var task: String {
        switch self {
        case .speaker: "speaker-identification"
        case .soundClass: "event-classification"
        case .language: "language-identification"
        case .tags: "audio-tagging"
        case .events: "event-detection"
        }
    }

    /// What a class is, in a word.
    public var className: String {
        switch self {
        case .speaker: "speaker"
        case .soundClass: "sound class"
        case .language: "language"
        case .tags: "tag"
        case .events: "label"
        }
    }
}

/// Everything that decides the outcome of a run of probes beside models and data.
public struct ProbeOptions: Codable, Hashable, Sendable {
    /// What recordings are told apart by.
    public var label = LabelSource.speaker
    /// How a recording's frames become the vector of the probes on recordings: `meanAndStandardDeviation` or
    /// `dynamics`.
    public var pooling = Pooling.meanAndStandardDeviation
    /// Probes on one vector for each recording.
    public var utterances = UtteranceProbe.Options()
    /// Probes that tell each tag from its absence, in place of those above.
    public var tags = TaggingProbe.Options()
    /// Detection of sounds with their times, in place of those above.
    public var events = DetectionOptions()
    /// The key by whose values recordings are grouped where each group is once the test part.
    public var group = ProbeFold.officialKey
    /// Probes on single frames; `nil` for none.
    public var frames: FrameProbe.Options? = FrameProbe.Options()
    /// SUPERB's protocol beside them; off unless it is asked for.
    public var weightedSum = WeightedSumProbe.Options()
    /// HEAR's protocol beside them; off unless it is asked for.
    public var perceptron = PerceptronProbe.Options()
    /// Verification, a pair of recordings at a time; off unless impostors are named.
    public var verification = VerificationProbe.Options()
    /// Identification among enrolled classes and strangers; off unless there are strangers.
    public var openSet = OpenSetProbe.Options()
    /// Systems that are compared beside those that always are.
    public var comparisons: [SystemPair] = []
    /// What all draws depend on: few-label subsets, frames, bootstraps.
    public var seed: UInt64 = 1
    /// How many recordings are read at a time.
    public var workers = 2
    /// The memory for the features of each front end (MiB).
    public var cacheMegabytes = 512

    /// The defaults.
    public init() {}

    /// Refuses what can't be run.
    ///
    /// - Throws: `ProbingError.badOption` with the option's name.
    public func validate() throws {
        func require(_ holds: Bool, _ option: String, _ expected: String, _ found: Any) throws {
            if !holds {
                throw ProbingError.badOption(option: option, expected: expected, found: "\(found)")
            }
        }
        func requireFit(
            _ grid: [Double], _ stopping: LogisticRegression.Stopping, _ resamples: Int,
            _ name: String
        ) throws {
            try require(
                !grid.isEmpty && grid.allSatisfy { $0 > 0 && $0.isFinite },
                "\(name).inverseRegularizations", "numbers above 0", grid)
            try require(
                stopping.maximumIterations > 0, "\(name).stopping.maximumIterations",
                "at least 1", stopping.maximumIterations)
            try require(
                stopping.tolerance > 0, "\(name).stopping.tolerance", "a number above 0",
                stopping.tolerance)
            try require(resamples > 1, "\(name).resamples", "at least 2", resamples)
        }
        try requireFit(
            utterances.inverseRegularizations, utterances.stopping, utterances.resamples,
            "utterances")
        try requireFit(
            tags.inverseRegularizations, tags.stopping, tags.resamples, "tags")
        try requireFit(events.inverseRegularizations, events.stopping, events.resamples, "events")
        try require(
            !events.thresholds.isEmpty && events.thresholds.allSatisfy { $0 > 0 && $0 < 1 },
            "events.thresholds", "numbers between 0 and 1", events.thresholds)
        try require(
            !events.medianSeconds.isEmpty && events.medianSeconds.allSatisfy { $0 >= 0 && $0 < 60 },
            "events.medianSeconds", "numbers from 0 to 60", events.medianSeconds)
        try require(events.segment > 0, "events.segment", "a number above 0", events.segment)
        let tolerance = events.tolerance
        try require(
            (tolerance.onset ?? 0) >= 0 && (tolerance.offset ?? 0) >= 0
                && tolerance.offsetShare >= 0, "events.tolerance", "numbers of 0 or more", tolerance
        )
        for (name, limit) in [
            ("trainingFrames", events.trainingFrames),
            ("developmentFrames", events.developmentFrames),
        ] {
            try require(limit > 0, "events.\(name)", "at least 1", limit)
        }
        try require(
            pooling == .meanAndStandardDeviation || pooling == .dynamics, "pooling",
            "meanAndStandardDeviation or dynamics", pooling.rawValue)
        if pooling == .dynamics {
            // These take vectors for means and deviations.
            try require(
                !weightedSum.isOn && verification.impostors == .none
                    && openSet.strangerShare == 0 && label != .tags && label != .events, "pooling",
                "meanAndStandardDeviation with a weighted sum, verification, strangers, tags or events",
                pooling.rawValue)
        }
        try require(!group.isEmpty, "group", "a key of the manifest", group)
        try require(
            utterances.labelledPerClass.allSatisfy { $0 > 0 }
                && (utterances.usesAllLabels || !utterances.labelledPerClass.isEmpty),
            "utterances.labelledPerClass", "at least one amount, each above 0",
            utterances.labelledPerClass)
        try require(
            utterances.seedCount > 0, "utterances.seedCount", "at least 1", utterances.seedCount)
        try require(
            verification.maximumRecordings > 1, "verification.maximumRecordings", "at least 2",
            verification.maximumRecordings)
        try require(
            verification.resamples > 1, "verification.resamples", "at least 2",
            verification.resamples)
        if let problem = openSet.problem() {
            throw ProbingError.badOption(
                option: "openSet.\(problem.name)", expected: problem.expected,
                found: problem.found)
        }
        if let problem = perceptron.problem() {
            throw ProbingError.badOption(
                option: "perceptron.\(problem.name)", expected: problem.expected,
                found: problem.found)
        }
        if let problem = weightedSum.problem() {
            let parts = problem.split(separator: ":", maxSplits: 1)
            throw ProbingError.badOption(
                option: "weightedSum.\(parts[0])", expected: "a value that can be used",
                found: problem)
        }
        try require(workers > 0, "workers", "at least 1", workers)
        try require(cacheMegabytes >= 0, "cacheMegabytes", "0 or more", cacheMegabytes)
        guard let frames else { return }
        try requireFit(
            frames.inverseRegularizations, frames.stopping, frames.resamples, "frames")
        for (name, limit) in [
            ("trainingFrames", frames.trainingFrames),
            ("developmentFrames", frames.developmentFrames), ("testFrames", frames.testFrames),
        ] {
            try require(limit > 0, "frames.\(name)", "at least 1", limit)
        }
    }
}
