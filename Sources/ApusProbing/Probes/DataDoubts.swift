import ApusCorpus

/// What speaks against figures before they are measured: leaks, choices made on what is measured on, classes
/// that are one condition or one example, names that look like one.
struct DataDoubts {
    /// Keys that say under which condition a recording was made.
    static let conditions = ["device", "site", "room", "session", "package"]

    /// What was found.
    private(set) var warnings: [ProbeWarning] = []
    private let cuts: [Cut]
    private let classes: [[String]]
    private let folds: [ProbeFold]

    /// Looks at recordings, once nothing is dropped any more.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - classes: The classes of each.
    ///   - className: What a class is, in a word.
    ///   - folds: Which recordings are learned from, chosen on and measured on.
    ///   - key: The key of the groups; `nil` where the parts are given.
    ///   - toldOfSingles: Whether a class with one recording to learn from is worth a word: not where one was
    ///     asked for.
    ///   - workers: How many files are read at a time.
    init(
        cuts: [Cut], classes: [[String]], className: String, folds: [ProbeFold], key: String?,
        toldOfSingles: Bool = true, workers: Int
    ) {
        (self.cuts, self.classes, self.folds) = (cuts, classes, folds)
        let spellings = LabelSpellings(classes.joined())
        if spellings != LabelSpellings([]) {
            warnings.append(.spellings(spellings, className: className))
        }
        if toldOfSingles { warnOfSingles(className) }
        let other = key == ProbeFold.officialKey ? nil : key
        for condition in Self.conditions + [other].compactMap(\.self) { warnOfCondition(condition) }
        if key == nil { warnOfSharedRecordings() }
        warnOfLeaks(areParts: key == nil, workers: workers)
    }

    private mutating func warnOfSingles(_ className: String) {
        var single: Set<String> = []
        for fold in folds {
            let counts = Dictionary(
                fold.train.flatMap { classes[$0] }.map { ($0, 1) }, uniquingKeysWith: +)
            single.formUnion(counts.filter { $0.value == 1 }.keys)
        }
        if !single.isEmpty {
            warnings.append(.singleExamples(single.sorted(), className: className))
        }
    }

    private mutating func warnOfCondition(_ key: String) {
        let values = cuts.map { $0.text(of: key) }
        guard Set(values.compactMap(\.self)).count > 1 else { return }
        let pairs = zip(classes, values).flatMap { classes, value in classes.map { ($0, value) } }
        let bound = Dictionary(grouping: pairs, by: \.0)
            .filter {
                $0.value.count > 1 && $0.value[0].1 != nil && Set($0.value.map(\.1)).count == 1
            }
            .keys.sorted()
        if !bound.isEmpty { warnings.append(.oneCondition(key: key, classes: bound)) }
    }

    /// Of given parts: what one has of another.
    private mutating func warnOfSharedRecordings() {
        for fold in folds {
            let known = Set(fold.train.map { Place(cuts[$0]) })
            for (name, part) in [
                ("development part", fold.development), ("test part", fold.test),
            ] {
                let count = part.count { known.contains(Place(cuts[$0])) }
                if count > 0 { warnings.append(.sharedWithTraining(part: name, count: count)) }
            }
            let chosenOn = Set(fold.development.map { Place(cuts[$0]) })
            let count = fold.test.count { chosenOn.contains(Place(cuts[$0])) }
            if count > 0 { warnings.append(.chosenOnTest(count: count, total: fold.test.count)) }
        }
    }

    private mutating func warnOfLeaks(areParts: Bool, workers: Int) {
        let leaks = RecordingLeaks(cuts, workers: workers)
        var (ofSource, ofAudio): ([String], [String]) = ([], [])
        for fold in folds {
            let others = fold.train + fold.development
            // Of given parts these have a warning of their own.
            let named = areParts ? Set(others.map { Place(cuts[$0]) }) : []
            let test = fold.test.filter { !named.contains(Place(cuts[$0])) }
            let found = leaks.find(test, in: others)
            ofAudio += found.sameAudio.map { cuts[$0].id }
            ofSource += found.sameSource.map { cuts[$0].id }
        }
        if let first = ofAudio.first {
            warnings.append(.sharedAudio(count: ofAudio.count, first: first))
        }
        if let first = ofSource.first {
            warnings.append(.sharedSource(count: ofSource.count, first: first))
        }
    }

    /// Where a recording lies.
    private struct Place: Hashable {
        var path: String
        var offset: Double
        var channel: Int?
        init(_ cut: Cut) { (path, offset, channel) = (cut.audioPath, cut.offset, cut.channel) }
    }
}
