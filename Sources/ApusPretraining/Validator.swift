import ApusCorpus
import ApusNN
import ApusSignal
import ApusTensor

/// Measures an objective on held-out recordings.
///
/// Batches, crops and draws are the same each time, and nothing is augmented or dropped, so that
/// two losses differ by the weights alone.
final class Validator {
    private let cuts: [Cut]
    private let plans: [BatchPlan]
    private let store: FeatureStore
    private let seed: Seed
    private let precision: Precision
    private let shared: SharedRun
    private let report: (Pretrainer.Event) -> Void
    private var problems: Set<String> = []

    /// Opens the held-out recordings.
    ///
    /// - Parameters:
    ///   - candidates: The recordings.
    ///   - frontEnd: That of the training recordings, normalisation included.
    ///   - configuration: The run's.
    ///   - shared: The processes that train together, each of which takes some of the batches.
    ///   - report: Gets to know which recordings are left out.
    /// - Throws: `PretrainingError.nothingToValidateOn` where none of them is usable.
    init(
        _ candidates: [Cut], frontEnd: FrontEnd, configuration: PretrainingConfiguration,
        shared: SharedRun, report: @escaping (Pretrainer.Event) -> Void
    ) throws {
        (self.shared, self.report) = (shared, report)
        store = try FeatureStore(
            frontEnd: frontEnd, cacheByteLimit: configuration.data.cacheMegabytes << 20)
        seed = Seed(configuration.seed).derived("validation")
        precision = configuration.precision
        var measured: [(cut: Cut, frameCount: Int)] = []
        var problems: Set<String> = []
        for (cut, result) in zip(candidates, store.frameCounts(of: candidates)) {
            switch result {
            case .success(let count): measured.append((cut, count))
            case .failure(let error):
                problems.insert(cut.id)
                report(.warning("\(cut.id) is not validated on: \(error)"))
            }
        }
        self.problems = problems
        cuts = measured.map(\.cut)
        do {
            plans = try LengthBucketedSampler(
                ids: cuts.map(\.id), frameCounts: measured.map(\.frameCount),
                options: configuration.samplerOptions
            ).batches(epoch: 0)
        } catch CorpusError.noUsableCuts(let reason) {
            let path = configuration.data.validationManifest
            throw PretrainingError.nothingToValidateOn(
                path: path.isEmpty ? configuration.data.manifest : path, reason: reason)
        }
    }

    /// The loss and the objective's figures, each the mean over the held-out frames.
    ///
    /// - Parameter objective: What is measured, with the weights that it has.
    /// - Returns: `validation/loss`, then `validation/NAME` for each figure.
    /// - Throws: `ProcessError.lost`.
    func figures(of objective: any Objective) throws -> [(name: String, value: Double)] {
        var means = WeightedFigures()
        var found: [RecordingProblem] = []
        for (index, plan) in plans.enumerated() where shared.share.takes(index) {
            let (batch, bad) = store.batch(for: plan, of: cuts)
            found += bad
            if batch.count == 0 { continue }
            let features = Tensor(
                batch.features, shape: [batch.count, batch.frameCount, batch.featureCount])
            withoutGradients {
                Dropout.withoutAny {
                    let result = withPrecision(precision) {
                        objective.loss(
                            features: features, lengths: batch.lengths,
                            part: BatchPart(rows: batch.rows, groups: batch.groups),
                            seed: seed.derived(index))
                    }
                    means.add(
                        [("loss", Double(result.value.item))] + result.figures(),
                        weight: Double(batch.lengths.reduce(0, +)))
                }
            }
        }
        for problem in try shared.all(found) where problems.insert(problem.id).inserted {
            report(.warning("\(problem.id) is not validated on: \(problem.reason)"))
        }
        return try shared.merged(means).means.map { ("validation/" + $0.name, $0.value) }
    }
}

/// Means of figures, each over the batches that have it.
struct WeightedFigures: Codable {
    private struct Sum: Codable {
        var value = 0.0
        var weight = 0.0
    }
    private var names: [String] = []
    private var sums: [String: Sum] = [:]

    /// No figures.
    init() {}

    /// Adds a batch's figures.
    mutating func add(_ figures: [(name: String, value: Double)], weight: Double = 1) {
        for (name, value) in figures {
            if sums[name] == nil { names.append(name) }
            sums[name, default: Sum()].value += weight * value
            sums[name, default: Sum()].weight += weight
        }
    }

    /// Adds what others have summed up.
    mutating func add(_ other: WeightedFigures) {
        for name in other.names {
            if sums[name] == nil { names.append(name) }
            sums[name, default: Sum()].value += other.sums[name]?.value ?? 0
            sums[name, default: Sum()].weight += other.sums[name]?.weight ?? 0
        }
    }

    /// The means, in the order in which their names first came.
    var means: [(name: String, value: Double)] {
        names.compactMap { name in sums[name].map { (name, $0.value / $0.weight) } }
    }
}
