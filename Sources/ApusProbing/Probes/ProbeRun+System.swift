import ApusCorpus
import ApusSignal
import ApusTensor

extension ProbeRun {
    /// One system's representations of all recordings.
    struct Extracted {
        /// All recordings.
        var recordings: ProbePart
        /// The same for single frames, where they were asked for.
        var frames: [FrameSet]?
    }

    /// Probes one system.
    ///
    /// - Parameters:
    ///   - source: What gives frames.
    ///   - system: What the system is.
    ///   - data: The recordings.
    ///   - folds: Which of them are learned from, chosen on and measured on.
    ///   - frameCounts: The number of frames of each recording; `nil` for no probe on frames.
    /// - Returns: What the system reached.
    /// - Throws: `ProbingError`.
    func probe(
        _ source: any RepresentationSource, _ system: ProbedSystem, _ data: ProbeData,
        folds: [ProbeFold], _ frameCounts: [Int]?
    ) throws -> ProbeReport.System {
        let name = system.name
        var extracted = try extract(
            source, name, data, options.frames == nil ? nil : frameCounts,
            summary: system.summary)
        let recordings = extracted.recordings
        let utterances = try UtteranceProbe(options.utterances, seed: options.seed).evaluate(
            recordings, folds: folds
        ) { report(.progress(done: $0, total: $1, work: "\(name): recordings")) }
        var frames: FrameProbe.Outcome?
        if let frameOptions = options.frames, var sets = extracted.frames {
            // The probe frees layers as it goes, so nothing here may hold on to them.
            extracted.frames = nil
            let test = sets.removeLast()
            let development = sets.removeLast()
            frames = try FrameProbe(frameOptions, seed: options.seed).evaluate(
                train: sets.removeLast(), development: development, test: test
            ) { report(.progress(done: $0, total: $1, work: "\(name): frames")) }
        }
        // These know parts alone: folds have none of them.
        let asksForParts =
            options.weightedSum.isOn || options.perceptron.isOn || options.openSet.strangerShare > 0
        let parts =
            asksForParts
            ? [folds[0].train, folds[0].development, folds[0].test].map(recordings.rows) : []
        var weightedSum: WeightedSumProbe.Outcome?
        if options.weightedSum.isOn {
            weightedSum = try WeightedSumProbe(options.weightedSum, seed: options.seed).evaluate(
                train: parts[0], development: parts[1], test: parts[2],
                hasDeviations: system.hasDeviations
            ) { report(.progress(done: $0, total: $1, work: "\(name): weighted sum")) }
        }
        var perceptron: PerceptronProbe.Outcome?
        if options.perceptron.isOn {
            perceptron = try PerceptronProbe(options.perceptron, seed: options.seed).evaluate(
                train: parts[0], development: parts[1], test: parts[2],
                layer: utterances.last?.chosenLayer ?? 0
            ) { report(.progress(done: $0, total: $1, work: "\(name): perceptrons")) }
        }
        let verification =
            options.verification.impostors == .none
            ? nil : try verify(recordings, data, hasDeviations: system.hasDeviations)
        var openSet: OpenSetProbe.Outcome?
        if options.openSet.strangerShare > 0 {
            openSet = try OpenSetProbe(options.openSet, seed: options.seed).evaluate(
                train: parts[0], development: parts[1], test: parts[2],
                hasDeviations: system.hasDeviations)
        }
        let tested = recordings.rows(folds.flatMap(\.test))
        return system.reached(
            KnownResult(
                utterances: utterances, frames: frames, weightedSum: weightedSum,
                perceptron: perceptron, verification: verification, openSet: openSet),
            testEmbeddings: tested.representation.layers[utterances.last?.chosenLayer ?? 0])
    }

    private func verify(
        _ recordings: ProbePart, _ data: ProbeData, hasDeviations: Bool
    ) throws -> VerificationProbe.Outcome {
        let sides = zip(data.ranges, [data.train, data.development, data.test]).map { range, side in
            let part = recordings.rows(Array(range))
            return VerificationProbe.Part(
                // Of all layers together the means don't lie in one piece.
                layers: part.representation.layers
                    .filter { $0.name != EmbeddingExtractor.allLayers },
                classes: part.labels, languages: side.cuts.map(\.primaryLanguage))
        }
        return try VerificationProbe(options.verification, seed: options.seed).evaluate(
            train: sides[0], development: sides[1], test: sides[2], hasDeviations: hasDeviations)
    }

    /// One pass over all recordings.
    func extract(
        _ source: any RepresentationSource, _ name: String, _ data: ProbeData,
        _ frameCounts: [Int]?, summary: (([FeatureMatrix]) -> [[Float]])?
    ) throws -> Extracted {
        let cuts = data.cuts
        let ranges = data.ranges
        var draws: [FrameDraw] = []
        var sets: [FrameSet] = []
        if let frameOptions = options.frames, let frameCounts {
            let limits = [
                frameOptions.trainingFrames, frameOptions.developmentFrames,
                frameOptions.testFrames,
            ]
            let labels = [data.train.labels, data.development.labels, data.test.labels]
            for part in ranges.indices {
                let draw = FrameDraw(
                    frameCounts: Array(frameCounts[ranges[part]]), limit: limits[part],
                    seed: Seed(options.seed).derived("frames").value)
                draws.append(draw)
                sets.append(
                    FrameSet(
                        layerNames: source.layerNames, layerWidths: source.layerWidths,
                        labels: labels[part], capacity: draw.total))
            }
        }

        if sets.isEmpty {
            let vectors = try vectors(source, name, of: cuts, summary: summary)
            return extracted(vectors, source, name, data, sets)
        }
        var vectors = [[[Float]]](repeating: [], count: cuts.count)
        var done = 0
        let summary = summary ?? RepresentationExtractor.statistics(of:)
        try source.forEachRecording(of: cuts) { index, result in
            let layers = try received(result, of: cuts, index, name, &done)
            vectors[index] = summary(layers)
            if let part = ranges.firstIndex(where: { $0.contains(index) }) {
                let recording = index - ranges[part].lowerBound
                let frames = draws[part].frames(
                    ofRecording: recording, id: cuts[index].id, frameCount: layers[0].frameCount)
                sets[part].add(frames, of: layers, recording: recording)
            }
        }
        return extracted(vectors, source, name, data, sets)
    }

    /// The vectors of recordings.
    ///
    /// - Parameters:
    ///   - source: What gives frames.
    ///   - name: The system's name.
    ///   - cuts: The recordings.
    ///   - summary: What a recording's frames become; `nil` for their statistics.
    /// - Returns: A vector for each layer, of each recording.
    /// - Throws: `ProbingError.recordingLost`.
    func vectors(
        _ source: any RepresentationSource, _ name: String, of cuts: [Cut],
        summary: (([FeatureMatrix]) -> [[Float]])?
    ) throws -> [[[Float]]] {
        var vectors = [[[Float]]](repeating: [], count: cuts.count)
        var done = 0
        if let summary {
            try source.forEachRecording(of: cuts) { index, result in
                vectors[index] = summary(try received(result, of: cuts, index, name, &done))
            }
        } else {
            try source.forEachStatistics(of: cuts) { index, result in
                vectors[index] = try received(result, of: cuts, index, name, &done)
            }
        }
        return vectors
    }

    /// What came of a recording, which no system may lose.
    private func received<Value>(
        _ result: Result<Value, CorpusError>, of cuts: [Cut], _ index: Int, _ name: String,
        _ done: inout Int
    ) throws -> Value {
        done += 1
        report(.progress(done: done, total: cuts.count, work: "\(name): representations"))
        do {
            return try result.get()
        } catch {
            throw ProbingError.recordingLost(id: cuts[index].id, reason: error.description)
        }
    }

    /// What vectors of all recordings and sets of frames are together.
    private func extracted(
        _ vectors: [[[Float]]], _ source: any RepresentationSource, _ name: String,
        _ data: ProbeData, _ sets: [FrameSet]
    ) -> Extracted {
        let recordings = ProbePart(
            representation: Representation(
                system: name, count: vectors.count, layers: Self.layers(of: vectors, source)),
            labels: data.labels)
        return Extracted(recordings: recordings, frames: sets.isEmpty ? nil : sets)
    }

    /// The layers of vectors; several have all of them side by side as the last.
    static func layers(
        of vectors: [[[Float]]], _ source: any RepresentationSource
    ) -> [Representation.Layer] {
        let layers = source.layerNames.indices.map { layer in
            Representation.Layer(
                name: source.layerNames[layer], width: vectors.first?[layer].count ?? 0,
                matrix: vectors.flatMap { $0[layer] })
        }
        guard layers.count > 1 else { return layers }
        let all = Representation.Layer(
            name: EmbeddingExtractor.allLayers, width: layers.reduce(0) { $0 + $1.width },
            matrix: vectors.flatMap { $0.flatMap(\.self) })
        return layers + [all]
    }
}
