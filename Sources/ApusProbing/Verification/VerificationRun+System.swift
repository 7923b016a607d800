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

    /// One measurement of a system's scores.
    private struct Measurement {
        var metric: String
        /// Whether scores are brought to log-likelihood ratios first.
        var isCalibrated = false
        var value: (DetectionTrials) -> Double
    }

    private func measurements(isCalibrated: Bool) -> [Measurement] {
        var all = [
            Measurement(metric: VerificationMetric.equalErrorRate) { $0.equalErrorRate().rate },
            Measurement(metric: VerificationMetric.convexHullEqualErrorRate) {
                $0.convexHullEqualErrorRate()
            },
        ]
        for cost in options.costs {
            all.append(
                Measurement(
                    metric: VerificationMetric.minimumDetectionCost(prior: cost.targetPrior)
                ) { $0.minimumDetectionCost(cost).cost })
            guard isCalibrated else { continue }
            all.append(
                Measurement(
                    metric: VerificationMetric.actualDetectionCost(prior: cost.targetPrior),
                    isCalibrated: true
                ) { $0.actualDetectionCost(cost) })
        }
        if isCalibrated {
            all.append(
                Measurement(metric: VerificationMetric.cost, isCalibrated: true) {
                    $0.logLikelihoodRatioCost()
                })
        }
        all.append(
            Measurement(metric: VerificationMetric.minimumCost) {
                $0.minimumLogLikelihoodRatioCost()
            })
        return all
    }

    /// A system's figures on the test trials.
    struct Figures {
        var rows: [Results.Row]
        /// The measurements over draws of speakers, by metric; the same draws for every system.
        var replicates: [String: BootstrapReplicates]
    }

    /// Measures a system on the test trials.
    ///
    /// - Parameters:
    ///   - system: The system.
    ///   - data: Trials and recordings.
    /// - Returns: A row for each measurement, and what comparisons need.
    /// - Throws: `MetricsError` for scores that aren't finite.
    func figures(
        of system: VerificationReport.System, _ data: VerificationData
    ) throws -> Figures {
        let raw = try DetectionTrials(scores: system.scores, isTarget: data.test.isTarget)
        let calibrated = try system.calibration.map { calibration in
            try DetectionTrials(
                scores: calibration.logLikelihoodRatios(systems: [system.scores]),
                isTarget: data.test.isTarget)
        }
        let all = measurements(isCalibrated: calibrated != nil)
        // Speakers so few that every other resample lacks a kind of trials have no interval.
        let replicates =
            (try? replicates([raw, calibrated].compactMap(\.self), all, system, data)) ?? [:]
        return Figures(
            rows: all.enumerated().map { index, measurement in
                let trials = measurement.isCalibrated ? calibrated ?? raw : raw
                let interval = try? replicates[measurement.metric]?.interval()
                return Results.Row(
                    system: system.name, labelledPerClass: nil,
                    metric: index == 0 ? nil : measurement.metric, value: measurement.value(trials),
                    low: interval?.low, high: interval?.high, seeds: 1, trials: trials.count)
            }, replicates: replicates)
    }

    private func replicates(
        _ scorings: [DetectionTrials], _ measurements: [Measurement],
        _ system: VerificationReport.System, _ data: VerificationData
    ) throws -> [String: BootstrapReplicates] {
        guard let speakers = data.speakers, options.resamples > 0 else { return [:] }
        let kinds = [
            measurements.filter { !$0.isCalibrated }, measurements.filter(\.isCalibrated),
        ]
        var done = 0
        let found = try speakerBootstrap(
            scorings, enrolmentSpeakers: data.test.first.map { speakers[Int($0)] },
            testSpeakers: data.test.second.map { speakers[Int($0)] },
            speakerCount: data.speakerCount, resamples: options.resamples, seed: options.seed
        ) { scoring, drawn in
            if scoring == 0 {
                report(
                    .progress(
                        done: min(done, options.resamples), total: options.resamples,
                        work: "\(system.name): intervals"))
                done += 1
            }
            return kinds[scoring].map { $0.value(drawn) }
        }
        return Dictionary(
            uniqueKeysWithValues: zip(kinds, found).flatMap { zip($0.map(\.metric), $1) })
    }

    /// Paired tests of systems by the equal error rate and the lowest cost at the first prior.
    ///
    /// - Parameters:
    ///   - systems: The systems.
    ///   - figures: The figures of each.
    ///   - data: Trials and recordings.
    /// - Returns: The comparisons; none where speakers are unknown or too few to be drawn.
    func comparisons(
        _ systems: [VerificationReport.System], _ figures: [Figures], _ data: VerificationData
    ) -> [Results.Comparison]? {
        let compared = ComparedSystems(
            entries: systems.map { system in
                ComparedSystems.Entry(
                    name: system.name, role: .init(system.kind),
                    developmentScore: system.developmentRate.map { -$0 })
            })
        let metrics =
            [VerificationMetric.equalErrorRate]
            + options.targetPriors.prefix(1).map(VerificationMetric.minimumDetectionCost)
        let pairs = compared.pairs(asked: options.comparisons)
        return Results.adjusted(
            pairs.flatMap { pair in
                metrics.compactMap { metric -> Results.Comparison? in
                    guard let first = figures[pair.first].replicates[metric],
                        let second = figures[pair.second].replicates[metric],
                        let bootstrap = try? PairedBootstrap(first: first, second: second)
                    else { return nil }
                    return Results.Comparison(
                        systems[pair.first].name, minus: systems[pair.second].name, metric: metric,
                        bootstrap, trials: data.test.isTarget.count,
                        drawn: .init("speakers", count: data.speakerCount))
                }
            })
    }
}
