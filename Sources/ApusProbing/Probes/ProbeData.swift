import ApusCorpus
import ApusSignal

/// The labelled recordings of a run of probes: those of three manifests that every system can use.
struct ProbeData {
    struct Part {
        let name: String
        let path: String
        private(set) var cuts: [Cut]
        private(set) var labels: [String]
        /// Where each recording lay in `ProbeData.cuts` before any was dropped.
        private(set) var origins: [Int] = []
        /// The number of recordings in the manifest.
        let total: Int

        mutating func number(from first: Int) { origins = Array(first..<first + cuts.count) }

        mutating func keep(_ indices: [Int]) {
            cuts = indices.map { cuts[$0] }
            labels = indices.map { labels[$0] }
            if !origins.isEmpty { origins = indices.map { origins[$0] } }
        }
    }

    var train: Part
    var development: Part
    var test: Part
    private(set) var warnings: [ProbeWarning] = []
    /// What recordings are told apart by.
    let label: LabelSource

    /// All recordings, training part first.
    var cuts: [Cut] { train.cuts + development.cuts + test.cuts }
    /// The label of each of `cuts`.
    var labels: [String] { train.labels + development.labels + test.labels }
    /// The classes of each of `cuts`: one, or all tags.
    var labelSets: [[String]] { cuts.map(label.labels) }
    /// Where each of `cuts` lay in it before any was dropped.
    var origins: [Int] { train.origins + development.origins + test.origins }
    /// Where each part lies in `cuts`.
    var ranges: [Range<Int>] {
        let (first, second) = (train.cuts.count, train.cuts.count + development.cuts.count)
        return [0..<first, first..<second, second..<second + test.cuts.count]
    }

    init(train: Manifest, development: Manifest, test: Manifest, label: LabelSource) throws {
        self.label = label
        var found: [ProbeWarning] = []
        func part(_ name: String, _ manifest: Manifest) -> Part {
            let labelled = manifest.cuts.compactMap { cut in label.label(of: cut).map { (cut, $0) }
            }
            let missing = manifest.cuts.count - labelled.count
            if missing > 0 {
                found.append(
                    .unlabelled(part: name, count: missing, total: manifest.cuts.count))
            }
            return Part(
                name: name, path: manifest.path, cuts: labelled.map(\.0),
                labels: labelled.map(\.1), total: manifest.cuts.count)
        }
        self.train = part("training part", train)
        self.development = part("development part", development)
        self.test = part("test part", test)
        warnings = found
        dropUnknownLabels()
        try check()
        let ranges = self.ranges
        self.train.number(from: ranges[0].lowerBound)
        self.development.number(from: ranges[1].lowerBound)
        self.test.number(from: ranges[2].lowerBound)
    }

    /// Leaves out recordings that some system can't use.
    ///
    /// - Parameter problems: The recordings' problems, by position in `cuts` before any was
    ///   dropped.
    /// - Throws: `ProbingError` where too few are left.
    mutating func drop(_ problems: [Int: RecordingProblem]) throws {
        guard !problems.isEmpty else { return }
        func reduce(_ part: inout Part) {
            let lost = part.origins.compactMap { problems[$0] }
            guard !lost.isEmpty else { return }
            part.keep(part.origins.indices.filter { problems[part.origins[$0]] == nil })
            warnings.append(.unusable(part: part.name, problems: lost, total: part.total))
        }
        reduce(&train)
        reduce(&development)
        reduce(&test)
        dropUnknownLabels()
        try check()
    }

    mutating func warn(_ warning: ProbeWarning) { warnings.append(warning) }

    /// Adds the warning of classes without test recordings, once nothing is dropped any more.
    mutating func warnOfUntestedClasses() {
        let untested = Set(train.cuts.flatMap(label.labels))
            .subtracting(test.cuts.flatMap(label.labels)).sorted()
        if !untested.isEmpty { warnings.append(.untestedClasses(untested)) }
    }

    private mutating func dropUnknownLabels() {
        guard label != .tags else { return }
        let known = Set(train.labels)
        func reduce(_ part: inout Part) {
            let unknown = part.labels.filter { !known.contains($0) }
            guard !unknown.isEmpty else { return }
            part.keep(part.labels.indices.filter { known.contains(part.labels[$0]) })
            warnings.append(
                .unknownLabels(
                    part: part.name,
                    counts: Dictionary(grouping: unknown, by: { $0 }).mapValues(\.count),
                    total: part.total))
        }
        reduce(&development)
        reduce(&test)
    }

    /// Refuses parts from which nothing can be learned or measured.
    private func check() throws {
        let classes = Set(train.cuts.flatMap(label.labels)).sorted()
        guard classes.count > (label == .tags ? 0 : 1) else {
            throw ProbingError.tooFewClasses(
                path: train.path, classes: classes, reason: reason(train))
        }
        for part in [development, test] where part.cuts.isEmpty {
            throw ProbingError.nothingLeft(path: part.path, reason: reason(part))
        }
    }

    private func reason(_ part: Part) -> String {
        let own = warnings.filter { warning in
            switch warning {
            case .unlabelled(let name, _, _), .unknownLabels(let name, _, _),
                .unusable(let name, _, _):
                name == part.name
            default: false
            }
        }
        return own.isEmpty
            ? "\(part.total) recordings in the manifest"
            : own.map(\.description).joined(separator: "; ")
    }
}
