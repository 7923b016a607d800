import ApusCorpus
import ApusMetrics
import ApusPretraining
import ApusReport

extension ClassifierTrainer {
    /// What a system answered on the recordings that figures are measured on.
    struct Answers {
        var system: String
        /// The class of each recording, as a position in the run's classes.
        var predictions: [Int]
    }

    /// What stands beside the network: linear probes on the same labelled recordings, with layer and C chosen
    /// on the same development part.
    ///
    /// - Parameters:
    ///   - model: The model whose untrained encoder is one of the systems.
    ///   - recordings: The recordings.
    /// - Returns: The answers of the baselines on log-mels and of the untrained encoder; none where the run
    ///   goes without them, or where one can't be computed, with a warning.
    func baselines(
        of model: PretrainedModel, _ recordings: LabelledRecordings
    ) -> [Answers] {
        guard configuration.baselines else { return [] }
        do {
            return try probedBaselines(of: model, recordings)
        } catch {
            // Hours of training shall not be lost for what stands beside them.
            report(.warning("no baselines stand beside the network: \(error)"))
            return []
        }
    }

    private func probedBaselines(
        of model: PretrainedModel, _ recordings: LabelledRecordings
    ) throws -> [Answers] {
        var options = ProbeOptions()
        options.label = configuration.label
        (options.workers, options.cacheMegabytes) = (
            configuration.data.workers, configuration.data.cacheMegabytes
        )
        options.frames = nil
        options.utterances.labelledPerClass = []
        let run = try ProbeRun(options, cache: cache) { [report] event in
            guard case .progress(let done, let total, let work) = event else { return }
            report(.progress(done: done, total: total, work: work, detail: ""))
        }
        var data = recordings.data
        data.train.keep(recordings.labelled)
        let fold = ProbeFold(data)
        let key = run.resultsKey(of: data, folds: [fold])
        let models = [(name: "encoder", model: model)]
        return try run.forEachSystem(models, run.stores(for: models)) { source, system in
            system.kind == .trained
                ? nil : try run.knownOrProbed(key, source, system, data, folds: [fold], nil)
        }.compactMap { system, found in
            guard let outcome = found?.utterances.last else { return nil }
            return Answers(
                system: system.name,
                predictions: try recordings.classes.numbers(
                    of: outcome.testPredictions.map { outcome.classes[$0] }, part: system.name))
        }
    }

    /// Paired tests of the network against what it must beat.
    ///
    /// - Parameters:
    ///   - network: The network's answers.
    ///   - baselines: Those of what stands beside it.
    ///   - targets: The classes.
    ///   - labelled: How many labels they learned from.
    /// - Returns: The comparisons; `nil` for none.
    /// - Throws: `MetricsError`.
    func comparisons(
        _ network: Answers, _ baselines: [Answers], targets: [Int],
        labelled: Results.LabelledPerClass
    ) throws -> [Results.Comparison]? {
        guard targets.count > 1 else { return nil }
        let compared = baselines.filter {
            $0.system == FeatureBaseline.logMelStatistics.name
                || $0.system.hasPrefix(ProbeRun.untrainedPrefix)
        }
        func hits(_ answers: Answers) -> [Bool] { zip(answers.predictions, targets).map(==) }
        return Results.adjusted(
            try compared.map {
                try Results.Comparison(
                    AnswersInPairs(
                        first: hits(network), second: hits($0),
                        units: TestUnits(count: targets.count)),
                    network.system, minus: $0.system, labelledPerClass: labelled,
                    resamples: configuration.training.resamples, seed: bootstrapSeed)
            })
    }
}
