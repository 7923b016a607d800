import ApusPretraining
import ApusReport

// What a table of probes says beside its figures.
extension ProbeRun {
    /// The conditions of a probe on recordings.
    ///
    /// - Parameters:
    ///   - models: The models.
    ///   - data: The recordings.
    ///   - folds: Which of them were learned from, chosen on and measured on.
    /// - Returns: What was measured on, from which seeds, and how intervals were made.
    func conditions(
        _ models: [(name: String, model: PretrainedModel)], _ data: ProbeData,
        _ folds: [ProbeFold]
    ) -> Results.Conditions {
        let tested = Set(folds.flatMap(\.test).map { data.labels[$0] })
        return conditions(
            models, folds, classCount: tested.count,
            intervals: intervals(models, foldCount: folds.count),
            warnings: data.warnings.map(\.description))
    }

    /// The conditions of a run whose intervals are made in one way.
    func conditions(
        _ models: [(name: String, model: PretrainedModel)], _ folds: [ProbeFold],
        classCount: Int, intervals: String, warnings: [String]
    ) -> Results.Conditions {
        var measured: [Results.Conditions.Count] = [
            .init("test recordings", folds.reduce(0) { $0 + $1.test.count }),
            .init(options.label.className.plural, classCount),
        ]
        if folds.count > 1 { measured.append(.init("\(options.group)s", folds.count)) }
        return Results.Conditions(
            measured: measured, seed: options.seed, trainings: .init(models),
            intervals: intervals, warnings: warnings)
    }

    private func intervals(
        _ models: [(name: String, model: PretrainedModel)], foldCount: Int
    ) -> String {
        func bootstrap(_ drawn: String, _ resamples: Int) -> String {
            "a bootstrap over \(drawn) (\(resamples) resamples)"
        }
        let utterances = options.utterances
        let hasSubsets = !utterances.labelledPerClass.isEmpty && utterances.seedCount > 1
        var methods: [String] = []
        if hasSubsets {
            methods.append("Student's t over \(utterances.seedCount) subsets of few labels")
        }
        if utterances.usesAllLabels || !hasSubsets {
            methods.append(bootstrap("test recordings", utterances.resamples))
        }
        if let frames = options.frames {
            methods.append(bootstrap("whole test recordings for frames", frames.resamples))
        }
        if options.weightedSum.isOn {
            let sweep = options.weightedSum
            methods.append(
                (sweep.seedCount > 1
                    ? "Student's t over \(sweep.seedCount) seeds"
                    : bootstrap("test recordings", sweep.resamples)) + " for the weighted sum")
        }
        if options.verification.impostors != .none {
            methods.append(
                bootstrap(
                    "\(options.label.className.plural) for pairs", options.verification.resamples))
        }
        if options.perceptron.isOn {
            methods.append(
                bootstrap("test recordings for perceptrons", options.perceptron.resamples))
        }
        if options.openSet.strangerShare > 0 {
            methods.append("Student's t over \(options.openSet.seedCount) draws of strangers")
        }
        return methods.joined(separator: ", ") + Self.ofTrainings(models)
    }

    /// What takes the place of other intervals where a system was trained several times.
    static func ofTrainings(_ models: [(name: String, model: PretrainedModel)]) -> String {
        Set(models.map(\.name)).count < models.count
            ? "; Student's t over trainings where a system has several" : ""
    }
}

extension [Results.Conditions.Training] {
    /// The seeds of models; what was imported was trained elsewhere and has none.
    init(_ models: [(name: String, model: PretrainedModel)]) {
        self = Results.Conditions.Training.all(
            of: models.filter { $0.model.card.objective.kind != .imported }
                .map { ($0.name, $0.model.card.seed) })
    }
}
