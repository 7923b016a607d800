import ApusCorpus
import ApusMetrics
import ApusSignal
import ApusTensor

/// The recordings of a run of detection probes, and what is done with one system.
struct DetectionTask {
    /// All recordings.
    let cuts: [Cut]
    /// The events of each.
    let events: [[SoundEvent]]
    let labels: [String]
    /// Which recordings are learned from, chosen on and measured on, as positions in `cuts`.
    let folds: [ProbeFold]
    let options: DetectionOptions
    let seed: UInt64

    /// The recordings that are measured on, in the order of the folds.
    var tested: [Int] { folds.flatMap(\.test) }

    /// Frames of one recording, in the order in which they were drawn.
    private struct Drawn {
        var frames: [Int] = []
        /// Of each layer, a row for each frame.
        var layers: [[Float]] = []

        /// The first so many as they follow each other in time, as positions in `frames`.
        func earliest(_ count: Int) -> [Int] {
            Array(frames.indices.prefix(count)).sorted { frames[$0] < frames[$1] }
        }
    }

    /// What was chosen in one fold.
    private struct Choice {
        var layer: Int
        var inverseRegularization: Double
        var regression: LogisticRegression
    }

    func run(
        _ source: any RepresentationSource, _ system: ProbeRun.ProbedSystem, frontEnd: FrontEnd
    ) throws -> DetectionReport.System {
        let seconds = frameSeconds(of: source, frontEnd)
        let choices = try choose(source, seconds)
        let probabilities = try probabilities(source, choices)
        var decoders: [EventDecoder] = []
        var score = 0.0
        var found: [[SoundEvent]] = []
        var points = [[[SoundEvent]]](repeating: [], count: options.thresholds.count)
        var lengths: [Double] = []
        for (fold, known) in zip(folds, probabilities) {
            let (decoder, developmentScore) = try chooseDecoder(known, fold.development, seconds)
            decoders.append(decoder)
            score += developmentScore / Double(folds.count)
            for position in fold.test {
                let own = known[position] ?? []
                found.append(decode(own, decoder, seconds))
                for (index, threshold) in options.thresholds.enumerated() {
                    let decoder = EventDecoder(
                        thresholds: labels.map { _ in threshold },
                        medianFrames: decoder.medianFrames)
                    points[index].append(decode(own, decoder, seconds))
                }
                lengths.append(Double(own.count / labels.count) * seconds)
            }
        }
        let reference = tested.map { events[$0] }
        let chosen = choices[0]
        return DetectionReport.System(
            name: system.name, kind: system.kind, seed: system.seed,
            layer: source.layerNames[chosen.layer],
            inverseRegularization: chosen.inverseRegularization, decoder: decoders[0],
            developmentFScore: score,
            eventsByRecording: try zip(reference, found).map {
                try eventMeasures(
                    references: [$0], estimates: [$1], tolerance: options.tolerance)
            },
            segmentsByRecording: try zip(reference, found).map {
                try segmentMeasures(
                    references: [$0], estimates: [$1], segment: options.segment)
            },
            polyphonicCounts: try PolyphonicDetectionScore().counts(
                references: reference, operatingPoints: points, seconds: lengths),
            lengths: lengths, regression: chosen.regression)
    }

    private func decode(
        _ probabilities: [Float], _ decoder: EventDecoder, _ seconds: Double
    ) -> [SoundEvent] {
        decoder(
            probabilities, labels: labels, frameSeconds: seconds,
            duration: Double(probabilities.count / labels.count) * seconds
        ).map(\.event)
    }

    /// Of each fold the layer and C with the highest mean average precision on development frames.
    private func choose(
        _ source: any RepresentationSource, _ seconds: Double
    ) throws -> [Choice] {
        let drawn = try drawnFrames(source)
        return try folds.map { fold in
            let (trainQuota, heldQuota) = quotas(of: fold)
            let isPresent = presence(drawn, fold.train, trainQuota, seconds)
            let isHeldPresent = presence(drawn, fold.development, heldQuota, seconds)
            var best: (choice: Choice, score: Double)?
            for (layer, width) in source.layerWidths.enumerated() {
                let problem = TagRegressionProblem(
                    rows: rows(drawn, fold.train, trainQuota, layer, width), width: width,
                    isPresent: isPresent, tagCount: labels.count, isBalanced: false)
                let standardized = problem.scaling.tensor(
                    rows(drawn, fold.development, heldQuota, layer, width))
                var fit: TagRegressionProblem.Fit?
                for penalty in options.inverseRegularizations.sorted() {
                    let next = problem.fit(
                        inverseRegularization: penalty, stopping: options.stopping,
                        startingFrom: fit)
                    fit = next
                    let measures = try taggingMeasures(
                        scores: next.classifier.tagProbabilities(standardized: standardized),
                        isPresent: isHeldPresent, labelCount: labels.count)
                    let precision = macroMean(\.averagePrecision, of: measures)
                    let score = precision.isNaN ? 0 : precision
                    if best.map({ score > $0.score }) ?? true {
                        let choice = Choice(
                            layer: layer, inverseRegularization: penalty,
                            regression: next.classifier)
                        best = (choice, score)
                    }
                }
            }
            guard let best else {
                preconditionFailure("a representation has layers, a grid values")
            }
            return best.choice
        }
    }

    /// Each recording gives at most its even share of the frames of a part.
    private func quotas(of fold: ProbeFold) -> (train: Int, development: Int) {
        (
            max(1, options.trainingFrames / max(1, fold.train.count)),
            max(1, options.developmentFrames / max(1, fold.development.count))
        )
    }

    /// One pass over all recordings that some fold learns from or chooses on.
    private func drawnFrames(_ source: any RepresentationSource) throws -> [Drawn] {
        var limits = [Int](repeating: 0, count: cuts.count)
        for fold in folds {
            let quotas = quotas(of: fold)
            for position in fold.train { limits[position] = max(limits[position], quotas.train) }
            for position in fold.development {
                limits[position] = max(limits[position], quotas.development)
            }
        }
        var drawn = [Drawn](repeating: Drawn(), count: cuts.count)
        try forEachRecording(of: cuts.indices.filter { limits[$0] > 0 }, source) { place, layers in
            let count = layers[0].frameCount
            var frames = Array(0..<count)
            var generator = SeededGenerator(seed: seed, stream: "events/" + cuts[place].id)
            let limit = min(limits[place], count)
            for position in 0..<limit {
                frames.swapAt(position, position + generator.integer(below: count - position))
            }
            let kept = Array(frames.prefix(limit))
            drawn[place] = Drawn(
                frames: kept,
                layers: layers.map { matrix in
                    let width = matrix.featureCount
                    return kept.flatMap { matrix.values[$0 * width..<($0 + 1) * width] }
                })
        }
        return drawn
    }

    private func rows(
        _ drawn: [Drawn], _ part: [Int], _ quota: Int, _ layer: Int, _ width: Int
    ) -> [Float] {
        part.flatMap { position in
            drawn[position].earliest(quota).flatMap {
                drawn[position].layers[layer][$0 * width..<($0 + 1) * width]
            }
        }
    }

    /// Frames x labels, whether a frame's middle lies in an event.
    private func presence(
        _ drawn: [Drawn], _ part: [Int], _ quota: Int, _ seconds: Double
    ) -> [Bool] {
        part.flatMap { position in
            drawn[position].earliest(quota).flatMap { place in
                let middle = (Double(drawn[position].frames[place]) + 0.5) * seconds
                let heard = Set(
                    events[position].filter { $0.onset <= middle && middle < $0.offset }
                        .map(\.label))
                return labels.map(heard.contains)
            }
        }
    }

    /// Of each fold what its regressions say of all frames that it chooses or is measured on: one more
    /// pass over these recordings.
    private func probabilities(
        _ source: any RepresentationSource, _ choices: [Choice]
    ) throws -> [[Int: [Float]]] {
        var foldsOf = [Int: [Int]]()
        for (number, fold) in folds.enumerated() {
            for position in fold.development + fold.test {
                foldsOf[position, default: []].append(number)
            }
        }
        var found = [[Int: [Float]]](repeating: [:], count: folds.count)
        try forEachRecording(of: foldsOf.keys.sorted(), source) { place, layers in
            for number in foldsOf[place] ?? [] {
                let choice = choices[number]
                found[number][place] = choice.regression.tagProbabilities(
                    for: layers[choice.layer].values)
            }
        }
        return found
    }

    private func forEachRecording(
        of positions: [Int], _ source: any RepresentationSource,
        _ body: (_ position: Int, _ layers: [FeatureMatrix]) throws -> Void
    ) throws {
        let own = positions.map { cuts[$0] }
        try source.forEachRecording(of: own) { index, result in
            switch result {
            case .success(let layers): try body(positions[index], layers)
            case .failure(let problem):
                throw ProbingError.badEvents(id: own[index].id, reason: problem.description)
            }
        }
    }

    /// The median filter, and for it each label's threshold, with the highest event-based F1 score.
    private func chooseDecoder(
        _ probabilities: [Int: [Float]], _ part: [Int], _ seconds: Double
    ) throws -> (EventDecoder, Double) {
        let reference = part.map { events[$0] }
        var best: (decoder: EventDecoder, score: Double)?
        for length in options.medianSeconds.sorted() {
            let median = 2 * Int((length / seconds / 2).rounded()) + 1
            var thresholds = [Double](repeating: 0.5, count: labels.count)
            var scores = [Double](repeating: -1, count: labels.count)
            for threshold in options.thresholds.sorted() {
                let decoder = EventDecoder(
                    thresholds: labels.map { _ in threshold }, medianFrames: median)
                // A label's score doesn't depend on the others' thresholds.
                let measures = try eventMeasures(
                    references: reference,
                    estimates: part.map { decode(probabilities[$0] ?? [], decoder, seconds) },
                    tolerance: options.tolerance)
                for (label, name) in labels.enumerated() {
                    let score = measures.byLabel[name]?.fScore ?? 0
                    if score > scores[label] {
                        (scores[label], thresholds[label]) = (score, threshold)
                    }
                }
            }
            let decoder = EventDecoder(thresholds: thresholds, medianFrames: median)
            let score = try eventMeasures(
                references: reference,
                estimates: part.map { decode(probabilities[$0] ?? [], decoder, seconds) },
                tolerance: options.tolerance
            ).overall.fScore
            if best.map({ score > $0.score }) ?? true { best = (decoder, score) }
        }
        guard let best else { preconditionFailure("a grid has values") }
        return best
    }
}
