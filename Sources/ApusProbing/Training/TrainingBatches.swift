import ApusCorpus
import ApusPretraining
import ApusSignal

/// The batches of a classifier's training.
struct TrainingBatches {
    let sampler: LengthBucketedSampler
    /// The class of each recording by its id.
    let targets: [String: Int]
    private let cuts: [Cut]
    private let store: FeatureStore
    private let workers: Int

    /// - Parameters:
    ///   - recordings: The recordings.
    ///   - configuration: The run's.
    ///   - evaluation: Where features of evaluation come from; the same where training has no others.
    /// - Throws: `PretrainingError.nothingToTrainOn` where no recording is long enough,
    ///   `ProbingError.cannotFit` where none of a class is.
    init(
        _ recordings: LabelledRecordings, _ configuration: ClassifierConfiguration,
        evaluation: FeatureStore
    ) throws {
        let frontEnd = evaluation.frontEnd
        let augmenter =
            configuration.augmentation.isOn
            ? try Augmenter(
                configuration.augmentation, seed: configuration.seed,
                sampleRate: frontEnd.sampleRate) : nil
        store =
            augmenter == nil && frontEnd.dither == 0
            ? evaluation
            : try FeatureStore(
                frontEnd: frontEnd, cacheByteLimit: configuration.data.cacheMegabytes << 20,
                purpose: .training(seed: configuration.seed, augmenter: augmenter))
        let train = recordings.data.train
        var usable: (cuts: [Cut], frames: [Int]) = ([], [])
        let candidates = recordings.labelled.map { train.cuts[$0] }
        for (cut, length) in zip(candidates, store.lengths(of: candidates)) {
            if case .success(let length) = length {
                usable.cuts.append(cut)
                usable.frames.append(length.plannedFrameCount)
            }
        }
        cuts = usable.cuts
        do {
            sampler = try LengthBucketedSampler(
                ids: cuts.map(\.id), frameCounts: usable.frames,
                options: configuration.samplerOptions(frontEnd))
        } catch CorpusError.noUsableCuts(let reason) {
            throw PretrainingError.nothingToTrainOn(
                path: configuration.data.train, reason: reason)
        }
        let numbers = try recordings.classes.numbers(of: train.labels, part: train.name)
        targets = Dictionary(
            uniqueKeysWithValues: recordings.labelled.map { (train.cuts[$0].id, numbers[$0]) })
        workers = configuration.data.workers
        let skipped = Set(sampler.skippedIndices)
        let trained = Set(
            cuts.indices.filter { !skipped.contains($0) }.map { targets[cuts[$0].id] })
        let names = recordings.classes.names
        if let empty = names.indices.first(where: { !trained.contains($0) }) {
            throw ProbingError.cannotFit(
                what: "a classifier",
                reason:
                    "\(configuration.label.className) '\(names[empty])' has no training recording "
                    + "of data.minimumFrames, \(configuration.data.minimumFrames)")
        }
    }

    /// Makes the batches from a position on.
    func loader(from start: SamplerState) -> BatchLoader {
        BatchLoader(cuts: cuts, store: store, sampler: sampler, from: start, workers: workers)
    }
}
