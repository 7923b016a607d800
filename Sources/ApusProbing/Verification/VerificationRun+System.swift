import ApusMetrics
import ApusReport

/// The measurements of verification by their names in results.
public enum VerificationMetric {
    /// The equal error rate on the interpolated ROC curve.
    public static let equalErrorRate = "equal error rate"
    /// The equal error rate on the convex hull of the ROC curve.
    public static let convexHullEqualErrorRate = "ROCCH equal error rate"
    /// The cost of log-likelihood ratios, in bits.
    public static let cost = "Cllr"
    /// The same after the best calibration.
    public static let minimumCost = "min Cllr"

    /// The lowest detection cost at a prior.
    ///
    /// - Parameter prior: The prior.
    /// - Returns: The name.
    public static func minimumDetectionCost(prior: Double) -> String { "minDCF \(prior)" }

    /// The detection cost of Bayes' threshold at a prior.
    ///
    /// - Parameter prior: The prior.
    /// - Returns: The name.
    public static func actualDetectionCost(prior: Double) -> String { "actual DCF \(prior)" }

    /// What knowing nothing reaches.
    static func chance(of options: VerificationOptions) -> [String: Double] {
        var chance = [equalErrorRate: 0.5, convexHullEqualErrorRate: 0.5, cost: 1, minimumCost: 1]
        for prior in options.targetPriors {
            chance[minimumDetectionCost(prior: prior)] = 1
            chance[actualDetectionCost(prior: prior)] = 1
        }
        return chance
    }
}

extension VerificationRun {
    private typealias Vectors = VerificationVectors

    /// Chooses on development trials and scores the test trials.
    ///
    /// - Parameters:
    ///   - vectors: The system's vectors.
    ///   - name: The system's name.
    ///   - kind: What it is.
    ///   - data: Trials and recordings.
    /// - Returns: What the system found.
    /// - Throws: `ProbingError`, `MetricsError`.
    func evaluate(
        _ vectors: VerificationVectors, _ name: String, _ kind: VerificationReport.Kind,
        _ data: VerificationData
    ) throws -> VerificationReport.System {
        var best: (choice: Vectors.Choice, rate: Double?, scores: [Float])?
        let choices = try vectors.choices(options, canChoose: data.development != nil)
        for (index, choice) in choices.enumerated() {
            guard let development = data.development else {
                best = (choice, nil, [])
                break
            }
            let backend = try backend(vectors, choice, data)
            let scores = try scores(of: development, backend, vectors, choice, data)
            let rate = try DetectionTrials(scores: scores, isTarget: development.isTarget)
                .equalErrorRate().rate
            if rate < best?.rate ?? .infinity { best = (choice, rate, scores) }
            report(
                .progress(done: index + 1, total: choices.count, work: "\(name): choosing"))
        }
        guard let best else { preconditionFailure("a system has layers") }
        let choice = best.choice
        let backend = try backend(vectors, choice, data)
        let scores = try scores(of: data.test, backend, vectors, choice, data)
        let calibration = try data.development.map { development in
            try ScoreCalibration(
                scores: best.scores, isTarget: development.isTarget,
                targetPrior: options.calibrationPrior)
        }
        let isNormalized = options.normalization != .none
        let layer = vectors.layers[choice.layer].name
        return VerificationReport.System(
            name: name, kind: kind,
            procedure: words(choice, layer, vectors), scores: scores,
            developmentScores: best.scores, calibration: calibration,
            developmentRate: best.rate, tradeoff: try tradeoff(scores, data.test),
            chosen: VerificationReport.Chosen(
                layer: layer, pooling: choice.pooling, backend: backend,
                cohort: isNormalized ? vectors.rows(choice, of: data.cohort) : [],
                cohortTop: options.normalization == .adaptive ? options.cohortTop : nil))
    }

    private func words(
        _ choice: VerificationVectors.Choice, _ layer: String, _ vectors: VerificationVectors
    ) -> String {
        let pooling = choice.pooling == .mean ? "mean" : "mean and deviation"
        return (vectors.hasDeviations ? "\(pooling) of \(layer)" : layer)
            + (choice.standardizes ? ", deviation divided out" : "")
    }

    private func backend(
        _ vectors: VerificationVectors, _ choice: VerificationVectors.Choice,
        _ data: VerificationData
    ) throws -> VerificationBackend {
        let width = vectors.width(of: choice)
        var scaling = FeatureScaling(
            mean: [Float](repeating: 0, count: width), scale: [Float](repeating: 1, count: width))
        if let source = data.meanSource {
            scaling = FeatureScaling(fitting: vectors.rows(choice, of: source.rows), width: width)
            if !choice.standardizes { scaling.scale = scaling.scale.map { _ in 1 } }
        }
        return try VerificationBackend(
            scaling: scaling, scoring: options.scoring,
            discriminantCount: options.discriminantCount,
            rows: vectors.rows(choice, of: data.training), labels: data.trainingLabels)
    }

    private func scores(
        of trials: VerificationData.Trials, _ backend: VerificationBackend,
        _ vectors: VerificationVectors, _ choice: VerificationVectors.Choice,
        _ data: VerificationData
    ) throws -> [Float] {
        // Only the recordings of these trials are brought into a form that gives scores.
        let recordings = Set(trials.first).union(trials.second).sorted()
        var positions = [Int32](repeating: 0, count: data.cuts.count)
        for (position, recording) in recordings.enumerated() {
            positions[Int(recording)] = Int32(position)
        }
        let scorable = backend.scorable(vectors.rows(choice, of: recordings.map(Int.init)))
        let first = trials.first.map { positions[Int($0)] }
        let second = trials.second.map { positions[Int($0)] }
        let scores = scorable.scores(first, second, workers: options.workers)
        guard options.normalization != .none else { return scores }
        let statistics = try scorable.statistics(
            against: backend.scorable(vectors.rows(choice, of: data.cohort)),
            top: options.normalization == .adaptive ? options.cohortTop : nil)
        return scores.indices.map { trial in
            symmetricNormalization(
                of: scores[trial], enrolment: statistics[Int(first[trial])],
                test: statistics[Int(second[trial])])
        }
    }

    /// A system's figures on the test trials.
    ///
    /// - Parameters:
    ///   - system: The system.
    ///   - data: Trials and recordings.
    /// - Returns: A row for each measurement.
    /// - Throws: `MetricsError` for scores that aren't finite.
    func figures(
        of system: VerificationReport.System, _ data: VerificationData
    ) throws -> [Results.Row] {
        let trials = try DetectionTrials(scores: system.scores, isTarget: data.test.isTarget)
        var measurements: [(String, DetectionTrials, (DetectionTrials) -> Double)] = [
            (VerificationMetric.equalErrorRate, trials, { $0.equalErrorRate().rate }),
            (
                VerificationMetric.convexHullEqualErrorRate, trials,
                { $0.convexHullEqualErrorRate() }
            ),
        ]
        let calibrated = try system.calibration.map { calibration in
            try DetectionTrials(
                scores: calibration.logLikelihoodRatios(systems: [system.scores]),
                isTarget: data.test.isTarget)
        }
        for cost in options.costs {
            measurements.append(
                (
                    VerificationMetric.minimumDetectionCost(prior: cost.targetPrior), trials,
                    { $0.minimumDetectionCost(cost).cost }
                ))
            if let calibrated {
                measurements.append(
                    (
                        VerificationMetric.actualDetectionCost(prior: cost.targetPrior),
                        calibrated, { $0.actualDetectionCost(cost) }
                    ))
            }
        }
        if let calibrated {
            measurements.append(
                (VerificationMetric.cost, calibrated, { $0.logLikelihoodRatioCost() }))
        }
        measurements.append(
            (VerificationMetric.minimumCost, trials, { $0.minimumLogLikelihoodRatioCost() }))
        let sides = data.speakers.map { speakers in
            (
                data.test.first.map { speakers[Int($0)] },
                data.test.second.map { speakers[Int($0)] }
            )
        }
        return measurements.enumerated().map { index, measurement in
            let (metric, trials, value) = measurement
            var interval: ConfidenceInterval?
            if let sides, options.resamples > 0 {
                // Speakers so few that every other resample lacks a kind of trials have no interval.
                interval = try? trials.bootstrapInterval(
                    enrolmentSpeakers: sides.0, testSpeakers: sides.1,
                    speakerCount: data.speakerCount, resamples: options.resamples,
                    seed: options.seed, statistic: value)
                report(
                    .progress(
                        done: index + 1, total: measurements.count,
                        work: "\(system.name): intervals"))
            }
            return Results.Row(
                system: system.name, labelledPerClass: nil,
                metric: index == 0 ? nil : metric, value: value(trials), low: interval?.low,
                high: interval?.high, seeds: 1, trials: trials.count)
        }
    }
}
