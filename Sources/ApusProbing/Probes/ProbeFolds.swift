import ApusCorpus
import ApusMetrics

/// Which recordings are learned from, chosen on and measured on, once or fold by fold.
struct ProbeFold: Equatable {
    /// Positions in `ProbeData.cuts`.
    var train: [Int]
    var development: [Int]
    var test: [Int]

    init(train: [Int], development: [Int], test: [Int]) {
        (self.train, self.development, self.test) = (train, development, test)
    }

    /// The three parts of the data as they are.
    init(_ data: ProbeData) {
        let ranges = data.ranges
        self.init(
            train: Array(ranges[0]), development: Array(ranges[1]), test: Array(ranges[2]))
    }

    /// The key of a published cross-validation's folds.
    static let officialKey = "fold"

    /// A fold for each group of recordings.
    ///
    /// The group is measured on, others are chosen on and the rest is learned from. What is measured on
    /// takes no part in any choice.
    ///
    /// Of published folds the next one is chosen on. Of other groups those that follow, until they have
    /// a fifth of what is left; one whose loss would leave a class without a recording to learn from is
    /// passed over.
    ///
    /// - Parameters:
    ///   - groups: The group of each recording, of at least three.
    ///   - labels: The classes of each recording.
    ///   - key: What groups are, such as `fold` or `kit`.
    /// - Returns: The folds, in the order of the groups.
    static func all(groups: [String], labels: [[String]], key: String) -> [ProbeFold] {
        let names = orderedGroups(groups)
        let members = Dictionary(grouping: groups.indices, by: { groups[$0] })
        func positions(_ chosen: [String]) -> [Int] {
            chosen.flatMap { members[$0] ?? [] }.sorted()
        }
        return names.indices.map { index in
            let others = Array(names[(index + 1)...] + names[..<index])
            var development: [String] = []
            if key == officialKey {
                development = [others[0]]
            } else {
                let rest = positions(others)
                var left = labelCounts(rest.map { labels[$0] })
                var chosen = 0
                for name in others where chosen * 5 < rest.count {
                    let own = positions([name])
                    let counts = labelCounts(own.map { labels[$0] })
                    guard counts.allSatisfy({ left[$0.key, default: 0] > $0.value }) else {
                        continue
                    }
                    for (label, count) in counts { left[label, default: 0] -= count }
                    development.append(name)
                    chosen += own.count
                }
            }
            return ProbeFold(
                train: positions(others.filter { !development.contains($0) }),
                development: positions(development), test: positions([names[index]]))
        }
    }

    /// The folds of data whose groups are known to suffice.
    static func all(of data: ProbeData, key: String) -> [ProbeFold] {
        all(
            groups: data.cuts.map { $0.text(of: key) ?? "" }, labels: data.labelSets, key: key)
    }

    /// The group of each recording.
    ///
    /// - Parameters:
    ///   - manifest: The recordings.
    ///   - key: The key by whose values they are grouped.
    /// - Returns: The groups, of at least three.
    /// - Throws: `ProbingError.nothingLeft` where recordings name fewer, or one names none.
    static func groups(of manifest: Manifest, key: String) throws -> [String] {
        let groups = manifest.cuts.compactMap { $0.text(of: key) }
        let without = manifest.cuts.count - groups.count
        let count = Set(groups).count
        guard without == 0, count >= 3 else {
            throw ProbingError.nothingLeft(
                path: manifest.path,
                reason: without > 0
                    ? "\(without) of \(manifest.cuts.count) recordings name no \(key)"
                    : "it names \(count) \(key)s, expected at least 3")
        }
        return groups
    }

    /// Refuses folds in which nothing can be chosen.
    ///
    /// - Throws: `ProbingError.nothingLeft` with the first group that leaves none to choose on.
    static func requireChoices(
        _ folds: [ProbeFold], groups: [String], key: String, path: String
    ) throws {
        for fold in folds where fold.development.isEmpty || fold.train.isEmpty {
            throw ProbingError.nothingLeft(
                path: path,
                reason:
                    "with \(key) '\(groups[fold.test[0]])' to measure on, no other \(key) can be chosen "
                    + "on: each is needed to learn a class from")
        }
    }

    private static func labelCounts(_ labels: [[String]]) -> [String: Int] {
        Dictionary(labels.joined().map { ($0, 1) }, uniquingKeysWith: +)
    }
}

extension ProbeData {
    /// The data of a cross-validation: the first fold's parts, which together are all of it.
    ///
    /// - Parameters:
    ///   - manifest: The recordings.
    ///   - label: What they are told apart by.
    ///   - key: The key by whose values they are grouped.
    /// - Throws: `ProbingError.nothingLeft` where recordings name fewer than three groups, or one
    ///   names none, or no group can be chosen on.
    init(folds manifest: Manifest, label: LabelSource, key: String) throws {
        _ = try ProbeFold.groups(of: manifest, key: key)
        var cuts = manifest.cuts
        var lonely: [String] = []
        if key != ProbeFold.officialKey, label != .tags {
            let pairs = cuts.compactMap { cut in
                label.label(of: cut).map { ($0, cut.text(of: key)) }
            }
            lonely = Dictionary(grouping: pairs, by: \.0)
                .filter { Set($0.value.map(\.1)).count == 1 }.keys.sorted()
            cuts.removeAll { label.label(of: $0).map(lonely.contains) ?? false }
        }
        guard Set(cuts.map { $0.text(of: key) }).count >= 3 else {
            throw ProbingError.nothingLeft(
                path: manifest.path,
                reason:
                    "without the classes of one \(key) only (\(lonely.joined(separator: ", "))) "
                    + "it has fewer than 3 \(key)s")
        }
        let groups = cuts.map { $0.text(of: key) ?? "" }
        let folds = ProbeFold.all(groups: groups, labels: cuts.map(label.labels), key: key)
        try ProbeFold.requireChoices(folds, groups: groups, key: key, path: manifest.path)
        func part(_ positions: [Int]) -> Manifest {
            Manifest(path: manifest.path, cuts: positions.map { cuts[$0] })
        }
        try self.init(
            train: part(folds[0].train), development: part(folds[0].development),
            test: part(folds[0].test), label: label)
        if !lonely.isEmpty { warn(.classesInOneGroup(key: key, classes: lonely)) }
    }
}

/// Groups in their order: numbers by their value, before other names.
private func orderedGroups(_ groups: [String]) -> [String] {
    Set(groups).sorted { a, b in
        switch (Int(a), Int(b)) {
        case (let a?, let b?): a < b
        case (_?, nil): true
        case (nil, _?): false
        case (nil, nil): a < b
        }
    }
}

extension UtteranceProbe.Outcome {
    /// The outcome of a cross-validation from those of its folds.
    ///
    /// A draw's accuracy is the share of all test recordings that its folds together got right.
    ///
    /// - Parameters:
    ///   - folds: The outcome of each fold.
    ///   - interval: The interval of the draws' accuracies, or of whether the first draw's predictions
    ///     are right.
    /// - Throws: `ProbingError.tooFewClasses` where folds have different classes; what `interval`
    ///   throws.
    init(
        folds: [UtteranceProbe.Outcome],
        interval: (_ accuracies: [Double]) throws -> (
            ConfidenceInterval, UtteranceProbe.IntervalMethod
        )
    ) throws {
        self = folds[0]
        guard folds.count > 1 else { return }
        for fold in folds where fold.classes != classes {
            throw ProbingError.tooFewClasses(
                path: "one fold's training part", classes: fold.classes,
                reason: "another's has \(classes.count)")
        }
        testPredictions = folds.flatMap(\.testPredictions)
        testConfidences = folds.flatMap(\.testConfidences)
        let total = Double(testPredictions.count)
        let accuracies = selections.indices.map { draw in
            folds.reduce(0) {
                $0 + $1.selections[draw].testAccuracy * Double($1.testPredictions.count)
            } / total
        }
        for (draw, accuracy) in accuracies.enumerated() { selections[draw].testAccuracy = accuracy }
        (accuracy, intervalMethod) = try interval(accuracies)
    }
}
