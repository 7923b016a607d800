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
            train: Self.withoutEmptyLabels(Manifest(contentsOf: configuration.data.train)),
            development: Self.withoutEmptyLabels(development),
            test: Self.withoutEmptyLabels(
                hasTest ? Manifest(contentsOf: configuration.data.test) : development),
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
        warnings =
            data.warnings.map(\.description).filter { hasTest || !$0.hasPrefix(testName) }
            + Self.warnings(
                ofLabels: labelled.map { data.train.labels[$0] },
                className: configuration.label.className, perClass: count)
    }

    /// An empty label is none.
    private static func withoutEmptyLabels(_ manifest: Manifest) -> Manifest {
        func named(_ text: String?) -> String? {
            text.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
        }
        var manifest = manifest
        for index in manifest.cuts.indices {
            manifest.cuts[index].speaker = named(manifest.cuts[index].speaker)
            manifest.cuts[index].language = named(manifest.cuts[index].language)
            manifest.cuts[index].labels.removeAll { named($0) == nil }
        }
        return manifest
    }

    /// What is odd about labels: names that differ in nothing but case or Unicode form, and classes of
    /// one example.
    ///
    /// - Parameters:
    ///   - labels: The labels of the training recordings.
    ///   - className: What a class is, in a word.
    ///   - perClass: The examples that each class was to have; 0 for all.
    /// - Returns: Sentences.
    static func warnings(ofLabels labels: [String], className: String, perClass: Int) -> [String] {
        var found: [String] = []
        // Swift compares canonically: names of two Unicode forms are one class already.
        let spellings = Dictionary(grouping: Set(labels.map { Array($0.unicodeScalars) })) {
            String(String.UnicodeScalarView($0))
        }
        let twice = spellings.filter { $0.value.count > 1 }.keys.sorted()
        if !twice.isEmpty {
            found.append(
                "written in two Unicode forms and taken as one \(className): "
                    + twice.prefix(8).joined(separator: ", "))
        }
        let names = Set(labels)
        let folded = Dictionary(grouping: names) {
            $0.precomposedStringWithCompatibilityMapping.lowercased()
        }
        let alike = folded.values.filter { $0.count > 1 }.map { $0.sorted() }
            .sorted { $0[0] < $1[0] }
        if !alike.isEmpty {
            found.append(
                "different \(className.plural) by case or Unicode form alone: "
                    + alike.prefix(8).map { $0.joined(separator: " / ") }
                    .joined(separator: ", "))
        }
        let counts = Dictionary(grouping: labels, by: { $0 }).mapValues(\.count)
        let single = counts.filter { $0.value == 1 }.keys.sorted()
        if !single.isEmpty, perClass != 1 {
            found.append(
                "\(single.count) \(className.plural) have one training recording alone: "
                    + single.prefix(8).joined(separator: ", ") + (single.count > 8 ? ", ..." : ""))
        }
        return found
    }
}
