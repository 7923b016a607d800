import ApusCorpus

/// What verification is run on.
public struct VerificationInputs: Sendable {
    /// The trials that figures are measured on.
    public var test: TrialList
    /// The trials that layer and calibration are chosen on; nil for none.
    public var development: TrialList?
    /// The manifests that have the recordings of the trials.
    public var manifests: [Manifest]
    /// The recordings whose mean is subtracted and that scores are normalised by; nil for none.
    public var cohort: Manifest?
    /// The labelled recordings that LDA and PLDA are fitted to; nil for none.
    public var training: Manifest?

    /// Inputs.
    ///
    /// - Parameters:
    ///   - test: The trials that figures are measured on.
    ///   - development: The trials that layer and calibration are chosen on; nil for none.
    ///   - manifests: The manifests that have the recordings of the trials.
    ///   - cohort: The recordings whose mean is subtracted and that scores are normalised by.
    ///   - training: The labelled recordings that LDA and PLDA are fitted to.
    public init(
        test: TrialList, development: TrialList? = nil, manifests: [Manifest],
        cohort: Manifest? = nil, training: Manifest? = nil
    ) {
        self.test = test
        self.development = development
        self.manifests = manifests
        self.cohort = cohort
        self.training = training
    }
}

/// The trials and recordings of a run, resolved: every part as rows of one list of recordings.
struct VerificationData {
    /// Trials between rows.
    struct Trials {
        let path: String
        let first: [Int32]
        let second: [Int32]
        let isTarget: [Bool]

        var targetCount: Int { isTarget.count(where: \.self) }
    }

    /// All recordings that some part has, each once.
    let cuts: [Cut]
    let warnings: [String]
    let test: Trials
    let development: Trials?
    /// The rows of the cohort.
    let cohort: [Int]
    /// The rows of the labelled recordings.
    let training: [Int]
    /// Their speakers.
    let trainingLabels: [String]
    /// The path of what the mean is taken of, and its rows; nil where nothing is subtracted.
    let meanSource: (path: String, rows: [Int])?

    /// The number of each row's speaker among those of the test trials, 0 for others; nil where some
    /// recording of a test trial has none.
    let speakers: [Int32]?
    let speakerCount: Int

    init(_ inputs: VerificationInputs, options: VerificationOptions) throws {
        var rows = RowNumbers()
        var warnings: [String] = []
        let all = inputs.manifests.flatMap(\.cuts)
        func trials(_ list: TrialList) throws -> Trials {
            let targets = list.isTarget.count(where: \.self)
            guard targets > 0, targets < list.count else {
                throw ProbingError.badTrials(
                    path: list.path,
                    reason: "\(list.count) trials, of which \(targets) are targets; error rates "
                        + "need targets and non-targets")
            }
            let numbers = try list.recordings(in: inputs.manifests).map { rows.number(of: all[$0]) }
            let resolved = Trials(
                path: list.path, first: list.first.map { numbers[Int($0)] },
                second: list.second.map { numbers[Int($0)] }, isTarget: list.isTarget)
            let repetitions = list.repetitions()
            guard repetitions.contradicting == 0 else {
                throw ProbingError.badTrials(
                    path: list.path,
                    reason: "\(repetitions.contradicting) pairs are both target and non-target, "
                        + "such as " + repetitions.contradiction.joined(separator: " and "))
            }
            if repetitions.repeated > 0 {
                warnings.append(
                    "\(list.path): \(repetitions.repeated) trials repeat another one and count "
                        + "again")
            }
            let own = zip(resolved.first, resolved.second).count { $0 == $1 }
            if own > 0 {
                warnings.append(
                    "\(list.path): \(own) trials compare a recording with itself, which any system "
                        + "gets right")
            }
            return resolved
        }
        let test = try trials(inputs.test)
        let development = try inputs.development.map(trials)
        let cohort = (inputs.cohort?.cuts ?? []).map { Int(rows.number(of: $0)) }
        let labelled = (inputs.training?.cuts ?? []).filter { $0.speaker != nil }
        if let training = inputs.training, labelled.count < training.cuts.count {
            warnings.append(
                "\(training.path): \(training.cuts.count - labelled.count) of "
                    + "\(training.cuts.count) recordings have no speaker and are left out")
        }
        let training = labelled.map { Int(rows.number(of: $0)) }
        if options.scoring == .plda || options.discriminantCount > 0, training.isEmpty {
            throw ProbingError.badOption(
                option: options.scoring == .plda ? "scoring" : "discriminantCount",
                expected: "labelled recordings to fit to (--train)", found: "none")
        }
        if options.normalization != .none, cohort.isEmpty {
            throw ProbingError.badOption(
                option: "normalization", expected: "a cohort (--cohort)", found: "none")
        }
        if options.normalization == .adaptive, options.cohortTop > cohort.count {
            throw ProbingError.badOption(
                option: "cohortTop", expected: "at most the cohort's \(cohort.count) recordings",
                found: "\(options.cohortTop)")
        }
        let tested = Set(test.first).union(test.second)
        func sides(_ trials: Trials) -> [Int] {
            Set(trials.first).union(trials.second).sorted().map(Int.init)
        }
        if let manifest = inputs.cohort {
            meanSource = (manifest.path, cohort)
        } else if let manifest = inputs.training {
            meanSource = (manifest.path, training)
        } else if let development {
            meanSource = (development.path, sides(development))
        } else {
            meanSource = nil
            warnings.append(
                "no cohort, no training part and no development trials: no mean is subtracted, "
                    + "and cosines of vectors with a common mean tell less")
        }
        for (part, members) in [("cohort", cohort), ("training part", training)] {
            let shared = members.count { tested.contains(Int32($0)) }
            if shared > 0 {
                warnings.append(
                    "\(shared) recordings of the \(part) are in the test trials too, so that "
                        + "figures come out too good")
            }
        }
        if let development {
            let shared = sides(development).count { tested.contains(Int32($0)) }
            if shared > 0 {
                warnings.append(
                    "\(shared) recordings are in development and test trials, so that figures come "
                        + "out too good")
            }
        }
        let recordings = rows.cuts
        // Of the test trials alone: the bootstrap draws these.
        let names = ClassList(labels: tested.compactMap { recordings[Int($0)].speaker })
        let numbers = recordings.map { $0.speaker.flatMap(names.number(of:)).map(Int32.init) }
        let unlabelled = tested.count { numbers[Int($0)] == nil }
        if unlabelled == 0 {
            let contradicting = test.isTarget.indices.count { trial in
                let (one, other) = (Int(test.first[trial]), Int(test.second[trial]))
                return (numbers[one] == numbers[other]) != test.isTarget[trial]
            }
            if contradicting > 0 {
                warnings.append(
                    "\(test.path): \(contradicting) trials contradict the manifest's speakers")
            }
        } else {
            warnings.append(
                "\(unlabelled) of \(tested.count) recordings have no speaker in the manifest, "
                    + "without which there are no intervals")
        }
        let doubts = VerificationDoubts(
            test, cuts: recordings,
            parts: [
                ("cohort", cohort), ("training part", training),
                ("development trials", development.map(sides) ?? []),
            ], workers: options.workers)
        speakers = unlabelled == 0 ? numbers.map { $0 ?? 0 } : nil
        speakerCount = names.names.count
        trainingLabels = labelled.compactMap(\.speaker)
        (self.test, self.development, self.cohort, self.training) =
            (test, development, cohort, training)
        (cuts, self.warnings) = (recordings, warnings + doubts.warnings)
    }

    /// The speakers of the test trials.
    var testSpeakerCount: Int? {
        speakers.map { speakers in
            Set(test.first.map { speakers[Int($0)] } + test.second.map { speakers[Int($0)] }).count
        }
    }
}

/// Numbers recordings in the order in which they are asked for.
private struct RowNumbers {
    private(set) var cuts: [Cut] = []
    private var numbers: [Cut: Int32] = [:]

    mutating func number(of cut: Cut) -> Int32 {
        if let number = numbers[cut] { return number }
        let number = Int32(cuts.count)
        cuts.append(cut)
        numbers[cut] = number
        return number
    }
}
