import ApusCorpus
import ApusSignal
import Foundation

/// The recordings of a run: which are usable, their features, and how they share batches.
final class TrainingRecordings {
    /// Where features come from, normalized as the model will want them.
    let store: FeatureStore
    /// The recordings without a known problem.
    let cuts: any CutList
    /// The order of batches.
    let sampler: LengthBucketedSampler
    /// Why recordings are left out, by their ids.
    private(set) var problems: [String: String] = [:]

    /// A hash of which recordings are used and how long they are, where processes have to agree on it.
    let fingerprint: String?
    /// The number of recordings that are long enough, and their length (s).
    private let used: (count: Int, seconds: Double)
    /// The manifest's hash as the run's folder keeps it.
    private let keptHash: String?
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
        _ candidates: RecordingTable, configuration: PretrainingConfiguration,
        augmenter: Augmenter?, folder: RunFolder, shared: SharedRun,
        report: @escaping (Pretrainer.Event) -> Void
    ) throws {
        self.report = report
        keptHash = folder.keptManifestHash()
        var problems: [String: String] = [:]
        func leaveOut(_ id: String, _ reason: String) {
            problems[id] = reason
            report(.warning("\(id) is left out: \(reason)"))
        }
        for problem in candidates.problems { leaveOut(problem.id, problem.reason) }
        var frontEnd = configuration.frontEnd
        if configuration.data.normalizesByCorpus {
            let measured = try shared.fromFirst {
                if let kept = folder.measuredCorpus() { return kept }
                let measured = try Self.measure(
                    candidates, frontEnd: frontEnd, configuration: configuration, report: report)
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

        let lengths = try TrainingLengths(
            of: candidates, without: problems, store: store,
            trustsDurations: configuration.data.trustsDurations(ofRecordings: candidates.count),
            minimumFrames: configuration.data.minimumFrames)
        for problem in lengths.problems { leaveOut(problem.id, problem.reason) }
        if lengths.usable.isEmpty, let first = lengths.problems.first {
            throw CorpusError.noUsableCuts(
                reason: "every recording is bad; the first: \(first.reason)")
        }
        let table = candidates.selecting(lengths.usable)
        cuts = table.cuts
        used = (lengths.usedCount, lengths.usedSeconds)
        fingerprint = shared.processes.map { _ in
            var hash = SHA256()
            table.cropStreams.withUnsafeBytes { hash.update($0) }
            lengths.plannedFrameCounts.withUnsafeBytes { hash.update($0) }
            return hash.finalize()
        }
        do {
            let inShards = configuration.data.shuffle.goesByShards ? table.shards : nil
            sampler = try LengthBucketedSampler(
                cropStreams: table.cropStreams, frameCounts: lengths.plannedFrameCounts,
                speakers: table.speakers.flatMap(Self.numbered), shards: inShards,
                shardsTogether: configuration.data.shardsTogether,
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

    /// What the model card says of the recordings that are trained on.
    func summary(manifest: String) throws -> ModelCard.TrainingData {
        ModelCard.TrainingData(
            manifest: manifest, manifestHash: try keptHash ?? manifestHash(of: manifest),
            recordings: used.count, seconds: used.seconds)
    }

    /// Numbers for speakers in the order of their first recordings, and for each recording of nobody known
    /// one of its own; nil where nobody is known.
    private static func numbered(_ speakers: [UInt32]) -> [UInt32]? {
        guard let largest = speakers.lazy.filter({ $0 != RecordingTable.noSpeaker }).max() else {
            return nil
        }
        var numbers = [UInt32?](repeating: nil, count: Int(largest) + 1)
        var next: UInt32 = 0
        return speakers.map { speaker in
            if speaker != RecordingTable.noSpeaker {
                if let known = numbers[Int(speaker)] { return known }
                numbers[Int(speaker)] = next
            }
            next += 1
            return next - 1
        }
    }

    /// The mean and deviation of the recordings themselves, without dither and augmentation, as they
    /// are met when the model is used: of all, or of as many as the configuration says, drawn by the seed.
    private static func measure(
        _ candidates: RecordingTable, frontEnd: FrontEnd,
        configuration: PretrainingConfiguration, report: (Pretrainer.Event) -> Void
    ) throws -> RunFolder.MeasuredCorpus {
        // A recording is normalized before its frames are stacked.
        var unstacked = frontEnd
        unstacked.stacking = FrameStacking()
        let store = try FeatureStore(frontEnd: unstacked, cacheByteLimit: 0)
        let count = configuration.data.measuredCount(ofRecordings: candidates.count)
        var cuts = candidates.cuts
        var sample: RunFolder.MeasuredCorpus.Sample?
        if count < candidates.count {
            cuts = SelectedCuts(
                drawn(count, of: candidates.count, seed: configuration.seed), of: cuts)
            sample = .init(recordings: count, of: candidates.count, seed: configuration.seed)
            report(
                .message(
                    "measuring the features of \(count) of \(candidates.count) recordings, drawn by "
                        + "the seed (data.statisticsRecordings)"))
        } else {
            report(.message("measuring the features of \(count) recordings"))
        }
        let (statistics, problems) = try store.statistics(
            of: cuts, workers: ProcessInfo.processInfo.activeProcessorCount)
        return RunFolder.MeasuredCorpus(
            statistics: statistics, problems: problems, sample: sample)
    }

    /// Different numbers below a bound, ascending.
    ///
    /// Bentley and Floyd, A Sample of Brilliance, Communications of the ACM 30(9), 1987, algorithm F2.
    private static func drawn(_ count: Int, of bound: Int, seed: UInt64) -> [UInt32] {
        var generator = SeededGenerator(seed: seed, stream: "statistics")
        var chosen: Set<UInt32> = []
        for last in (bound - count)..<bound {
            let number = UInt32(generator.integer(below: last + 1))
            if !chosen.insert(number).inserted { chosen.insert(UInt32(last)) }
        }
        return chosen.sorted()
    }
}
