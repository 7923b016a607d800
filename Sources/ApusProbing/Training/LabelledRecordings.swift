import ApusCorpus
import ApusPretraining
import ApusSignal
import Foundation

/// The recordings of a classifier's training, those that can be used, and their classes.
struct LabelledRecordings {
    let data: ProbeData
    let classes: ClassList
    /// The training recordings that labels are taken of, as positions in the training part.
    let labelled: [Int]
    /// Whether there is a test part.
    let hasTest: Bool
    /// What a reader should know of the data.
    let warnings: [String]

    /// Reads the manifests, and makes all features once to learn which recordings can be used.
    ///
    /// - Parameters:
    ///   - configuration: The run's.
    ///   - store: Where features come from.
    ///   - progress: Called with the recordings done and their number.
    /// - Throws: `CorpusError` for a bad manifest, `ProbingError` where too little is left.
    init(
        _ configuration: ClassifierConfiguration, store: FeatureStore,
        progress: (_ done: Int, _ total: Int) -> Void
    ) throws {
        let development = try Manifest(contentsOf: configuration.data.development)
        let hasTest = !configuration.data.test.isEmpty
        self.hasTest = hasTest
        var data = try ProbeData(
            train: Manifest(contentsOf: configuration.data.train), development: development,
            test: hasTest ? Manifest(contentsOf: configuration.data.test) : development,
            label: configuration.label)
        let cuts = data.cuts
        var problems: [Int: RecordingProblem] = [:]
        var done = 0
        PlainFeatures(store: store, workers: configuration.data.workers)
            .forEachRecording(of: cuts) { index, result in
                switch result {
                case .success(let layers):
                    if !layers[0].values.allSatisfy(\.isFinite) {
                        problems[index] = RecordingProblem(
                            id: cuts[index].id,
                            reason: "\(cuts[index].audioPath): its features are not finite")
                    }
                case .failure(let problem):
                    problems[index] = RecordingProblem(
                        id: cuts[index].id, reason: problem.description)
                }
                done += 1
                progress(done, cuts.count)
            }
        try data.drop(problems)
        if hasTest { data.warnOfUntestedClasses() }
        let testName = data.test.name
        self.data = data
        classes = ClassList(labels: data.train.labels)
        let count = configuration.data.labelledPerClass
        labelled =
            count == 0
            ? Array(data.train.labels.indices)
            : fewLabelSubset(
                labels: data.train.labels, perClass: count, seed: configuration.seed)
        let ranges = data.ranges
        let doubts = DataDoubts(
            cuts: data.cuts, classes: data.labelSets, className: configuration.label.className,
            folds: [
                ProbeFold(
                    train: labelled, development: Array(ranges[1]),
                    test: hasTest ? Array(ranges[2]) : [])
            ], key: nil, toldOfSingles: count != 1, workers: configuration.data.workers)
        warnings =
            data.warnings.map(\.description).filter { hasTest || !$0.hasPrefix(testName) }
            + doubts.warnings.map(\.description)
    }
}
