import ApusCorpus
import ApusSignal
import Foundation

/// The recordings of a run: which are usable, their features, and how they share batches.
final class TrainingRecordings {
    /// Where features come from, normalized as the model will want them.
    let store: FeatureStore
    /// The recordings without a known problem.
    let cuts: [Cut]
    /// The order of batches.
    let sampler: LengthBucketedSampler
    /// Why recordings are left out, by their ids.
    private(set) var problems: [String: String] = [:]

    private let lengths: [RecordingLength]
    private let report: (Pretrainer.Event) -> Void

    /// Measures recordings, and opens them.
    ///
    /// - Parameters:
    ///   - candidates: The recordings to train on.
    ///   - configuration: The run's.
    ///   - augmenter: What changes the recordings in each epoch, if anything.
    ///   - folder: Keeps what measuring found.
    ///   - shared: The processes that train together, of which the first measures.
    ///   - report: Gets to know which recordings are left out.
    /// - Throws: `CorpusError` or `PretrainingError` where nothing is left to train on.
    init(
        _ candidates: [Cut], configuration: PretrainingConfiguration, augmenter: Augmenter?,
        folder: RunFolder, shared: SharedRun, report: @escaping (Pretrainer.Event) -> Void
    ) throws {
        self.report = report
        var problems: [String: String] = [:]
        func leaveOut(_ id: String, _ reason: String) {
            problems[id] = reason
            report(.warning("\(id) is left out: \(reason)"))
        }
        var frontEnd = configuration.frontEnd
        if configuration.data.normalizesByCorpus {
            let measured = try shared.fromFirst {
                if let kept = folder.measuredCorpus() { return kept }
                report(.message("measuring the features of \(candidates.count) recordings"))
                let measured = try Self.measure(candidates, frontEnd: frontEnd)
                for problem in measured.problems { leaveOut(problem.id, problem.reason) }
                try folder.keep(measured)
                return measured
            }
            for problem in measured.problems { problems[problem.id] = problem.reason }
            frontEnd.normalization = .corpus(measured.statistics)
        }
        store = try FeatureStore(
            frontEnd: frontEnd, cacheByteLimit: configuration.data.cacheMegabytes << 20,
            purpose: .training(seed: configuration.seed, augmenter: augmenter))

        // Lengths come from the files' headers: a manifest need not give durations, and those that
        // it gives may be rounded.
        let unproblematic = candidates.filter { problems[$0.id] == nil }
        var usable: (cuts: [Cut], lengths: [RecordingLength]) = ([], [])
        for (cut, result) in zip(unproblematic, store.lengths(of: unproblematic)) {
            switch result {
            case .success(let length):
                usable.cuts.append(cut)
                usable.lengths.append(length)
            case .failure(let error): leaveOut(cut.id, error.description)
            }
        }
        if usable.cuts.isEmpty, let first = unproblematic.first {
            throw CorpusError.noUsableCuts(
                reason: "every recording is bad; the first: \(problems[first.id] ?? "")")
        }
        (cuts, lengths) = usable
        do {
            sampler = try LengthBucketedSampler(
                ids: cuts.map(\.id), frameCounts: lengths.map(\.plannedFrameCount),
                speakers: configuration.data.batchesBySpeaker
                    ? speakerNumbers(of: cuts.map(\.speaker)) : nil,
                options: configuration.samplerOptions)
        } catch CorpusError.noUsableCuts(let reason) {
            throw PretrainingError.nothingToTrainOn(
                path: configuration.data.manifest, reason: reason)
        }
        self.problems = problems
    }

    /// Takes note of recordings that turned out bad when their features were made.
    func leaveOut(_ found: [RecordingProblem]) {
        for problem in found where problems[problem.id] == nil {
            problems[problem.id] = problem.reason
            report(.warning("\(problem.id) is left out: \(problem.reason)"))
        }
    }

    /// A hash of which recordings are used and how long they are.
    var fingerprint: String {
        var hash = SHA256()
        for (cut, length) in zip(cuts, lengths) {
            hash.update("\(cut.id) \(length.plannedFrameCount)\n")
        }
        return hash.finalize()
    }

    /// What the model card says of the recordings that are trained on.
    func summary(manifest: String) throws -> ModelCard.TrainingData {
        let used = Set(cuts.indices).subtracting(sampler.skippedIndices).sorted()
        return ModelCard.TrainingData(
            manifest: manifest, manifestHash: try ModelCard.TrainingData.hash(ofFile: manifest),
            recordings: used.count,
            seconds: used.reduce(0) {
                let measured = Double(lengths[$1].frameCount) / store.frontEnd.frameRate
                return $0 + (cuts[$1].duration ?? measured)
            })
    }

    /// The mean and deviation of the recordings themselves, without dither and augmentation, as they
    /// are met when the model is used.
    private static func measure(
        _ cuts: [Cut], frontEnd: FrontEnd
    ) throws -> RunFolder.MeasuredCorpus {
        // A recording is normalized before its frames are stacked.
        var unstacked = frontEnd
        unstacked.stacking = FrameStacking()
        let store = try FeatureStore(frontEnd: unstacked, cacheByteLimit: 0)
        let (statistics, problems) = try store.statistics(
            of: cuts, workers: ProcessInfo.processInfo.activeProcessorCount)
        return RunFolder.MeasuredCorpus(statistics: statistics, problems: problems)
    }
}
