import ApusCorpus
import ApusMetrics
import ApusSignal
import ApusTensor

/// The recordings of a run of detection probes, and what is done with one system.
struct DetectionTask {
    /// All recordings: to learn from, to choose on, to measure on.
    let cuts: [Cut]
    /// The events of each.
    let events: [[SoundEvent]]
    let labels: [String]
    /// Where the second and the third part begin.
    let starts: [Int]
    let options: DetectionOptions
    let seed: UInt64

    /// Frames of a part, the same for each layer.
    private struct Frames {
        var layers: [[Float]]
        var isPresent: [Bool] = []
    }

    func run(
        _ source: any RepresentationSource, _ system: ProbeRun.ProbedSystem, frontEnd: FrontEnd
    ) throws -> DetectionReport.System {
        let seconds = frameSeconds(of: source, frontEnd)
        let (layer, penalty, regression) = try choose(source, seconds)
        var probabilities = [[Float]](repeating: [], count: cuts.count)
        let later = Array(cuts[starts[0]...])
        try source.forEachRecording(of: later) { index, result in
            let frames = try Self.layers(result, later[index])[layer]
            probabilities[starts[0] + index] = regression.tagProbabilities(for: frames.values)
        }
        let development = starts[0]..<starts[1]
        let (decoder, score) = try chooseDecoder(probabilities, development, seconds)
        let test = starts[1]..<cuts.count
        let reference = Array(events[test])
        let found = test.map { decode(probabilities[$0], decoder, seconds) }
        let points = options.thresholds.map { threshold in
            let decoder = EventDecoder(
                thresholds: labels.map { _ in threshold }, medianFrames: decoder.medianFrames)
            return test.map { decode(probabilities[$0], decoder, seconds) }
        }
        return DetectionReport.System(
            name: system.name, kind: system.kind, layer: source.layerNames[layer],
            inverseRegularization: penalty, decoder: decoder, developmentFScore: score,
            eventsByRecording: try zip(reference, found).map {
                try eventMeasures(
                    references: [$0], estimates: [$1], tolerance: options.tolerance)
            },
            segmentsByRecording: try zip(reference, found).map {
                try segmentMeasures(
                    references: [$0], estimates: [$1], segment: options.segment)
            },
            polyphonicCounts: try PolyphonicDetectionScore().counts(
                references: reference, operatingPoints: points,
                seconds: test.map { Double(probabilities[$0].count / labels.count) * seconds }),
            regression: regression)
    }

    private static func layers(
        _ result: Result<[FeatureMatrix], CorpusError>, _ cut: Cut
    ) throws -> [FeatureMatrix] {
        switch result {
        case .success(let layers): return layers
        case .failure(let problem):
            throw ProbingError.badEvents(id: cut.id, reason: problem.description)
        }
    }

    private func decode(
        _ probabilities: [Float], _ decoder: EventDecoder, _ seconds: Double
    ) -> [SoundEvent] {
        decoder(
            probabilities, labels: labels, frameSeconds: seconds,
            duration: Double(probabilities.count / labels.count) * seconds
        ).map(\.event)
    }

    /// The layer and C with the highest mean average precision on development frames.
    private func choose(
        _ source: any RepresentationSource, _ seconds: Double
    ) throws -> (layer: Int, inverseRegularization: Double, regression: LogisticRegression) {
        var train = try frames(source, 0..<starts[0], options.trainingFrames, seconds)
        var held = try frames(
            source, starts[0]..<starts[1], options.developmentFrames, seconds)
        var best: (layer: Int, penalty: Double, regression: LogisticRegression, score: Double)?
        for (layer, width) in source.layerWidths.enumerated() {
            var (rows, heldRows): ([Float], [Float]) = ([], [])
            swap(&rows, &train.layers[layer])
            swap(&heldRows, &held.layers[layer])
            let problem = TagRegressionProblem(
                rows: rows, width: width, isPresent: train.isPresent, tagCount: labels.count,
                isBalanced: false)
            let standardized = problem.scaling.tensor(heldRows)
            var fit: TagRegressionProblem.Fit?
            for penalty in options.inverseRegularizations.sorted() {
                let next = problem.fit(
                    inverseRegularization: penalty, stopping: options.stopping, startingFrom: fit)
                fit = next
                let measures = try taggingMeasures(
                    scores: next.classifier.tagProbabilities(standardized: standardized),
                    isPresent: held.isPresent, labelCount: labels.count)
                let precision = macroMean(\.averagePrecision, of: measures)
                let score = precision.isNaN ? 0 : precision
                if best.map({ score > $0.score }) ?? true {
                    best = (layer, penalty, next.classifier, score)
                }
            }
        }
        guard let best else { preconditionFailure("a representation has layers, a grid values") }
        return (best.layer, best.penalty, best.regression)
    }

    private func frames(
        _ source: any RepresentationSource, _ part: Range<Int>, _ limit: Int, _ seconds: Double
    ) throws -> Frames {
        var frames = Frames(layers: source.layerNames.map { _ in [] })
        let own = Array(cuts[part])
        // Each recording gives at most its even share.
        let quota = max(1, limit / max(1, own.count))
        try source.forEachRecording(of: own) { index, result in
            let layers = try Self.layers(result, own[index])
            let count = layers[0].frameCount
            var drawn = Array(0..<count)
            if count > quota {
                var generator = SeededGenerator(seed: seed, stream: "events/" + own[index].id)
                for position in 0..<quota {
                    drawn.swapAt(position, position + generator.integer(below: count - position))
                }
                drawn = drawn.prefix(quota).sorted()
            }
            for (layer, matrix) in layers.enumerated() {
                let width = matrix.featureCount
                for frame in drawn {
                    frames.layers[layer] += matrix.values[frame * width..<(frame + 1) * width]
                }
            }
            for frame in drawn {
                let middle = (Double(frame) + 0.5) * seconds
                let heard = Set(
                    events[part.lowerBound + index]
                        .filter { $0.onset <= middle && middle < $0.offset }.map(\.label))
                frames.isPresent += labels.map(heard.contains)
            }
        }
        return frames
    }

    /// The median filter, and for it each label's threshold, with the highest event-based F1 score.
    private func chooseDecoder(
        _ probabilities: [[Float]], _ part: Range<Int>, _ seconds: Double
    ) throws -> (EventDecoder, Double) {
        let reference = Array(events[part])
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
                    estimates: part.map { decode(probabilities[$0], decoder, seconds) },
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
                estimates: part.map { decode(probabilities[$0], decoder, seconds) },
                tolerance: options.tolerance
            ).overall.fScore
            if best.map({ score > $0.score }) ?? true { best = (decoder, score) }
        }
        guard let best else { preconditionFailure("a grid has values") }
        return best
    }
}
