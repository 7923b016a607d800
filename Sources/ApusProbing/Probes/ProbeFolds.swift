import ApusCorpus
import ApusMetrics

/// Which recordings are learned from, chosen on and measured on, once or fold by fold.
struct ProbeFold {
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

    /// For each fold that the data name, the fold to measure on, the next one to choose on and the
    /// others to learn from.
    static func all(of data: ProbeData) -> [ProbeFold] {
        let folds = data.cuts.map { $0.fold ?? "" }
        let names = orderedFolds(folds)
        return names.indices.map { index in
            let (test, development) = (names[index], names[(index + 1) % names.count])
            let positions = folds.indices
            return ProbeFold(
                train: positions.filter { folds[$0] != test && folds[$0] != development },
                development: positions.filter { folds[$0] == development },
                test: positions.filter { folds[$0] == test })
        }
    }
}

extension ProbeData {
    /// The data of a cross-validation: the first fold's parts, which together are all of it.
    ///
    /// - Throws: `ProbingError.nothingLeft` where recordings name fewer than three folds, or one
    ///   names none.
    init(folds manifest: Manifest, label: LabelSource) throws {
        let without = manifest.cuts.count { $0.fold == nil }
        let names = orderedFolds(manifest.cuts.compactMap(\.fold))
        guard without == 0, names.count >= 3 else {
            throw ProbingError.nothingLeft(
                path: manifest.path,
                reason: without > 0
                    ? "\(without) of \(manifest.cuts.count) recordings name no fold"
                    : "it names \(names.count) folds, expected at least 3")
        }
        func part(_ holds: (String?) -> Bool) -> Manifest {
            Manifest(path: manifest.path, cuts: manifest.cuts.filter { holds($0.fold) })
        }
        try self.init(
            train: part { $0 != names[0] && $0 != names[1] }, development: part { $0 == names[1] },
            test: part { $0 == names[0] }, label: label)
    }
}

/// Folds in their order: numbers by their value, before other names.
private func orderedFolds(_ folds: [String]) -> [String] {
    Set(folds).sorted { a, b in
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
