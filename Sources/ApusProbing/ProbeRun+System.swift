import ApusCorpus
import ApusSignal
import ApusTensor

extension ProbeRun {
    /// One system's representations of all recordings.
    private struct Extracted {
        /// Training, development and test part.
        var parts: [ProbePart]
        /// The same for single frames, where they were asked for.
        var frames: [FrameSet]?
    }

    /// Probes one system.
    ///
    /// - Parameters:
    ///   - source: What gives frames.
    ///   - name: The system's name.
    ///   - kind: What the system is.
    ///   - data: The recordings.
    ///   - frameCounts: The number of frames of each recording; `nil` for no probe on frames.
    ///   - summary: What a recording's frames become, a vector for each layer; `nil` for their mean
    ///     and standard deviation.
    /// - Returns: What the system reached.
    /// - Throws: `ProbingError`.
    func probe(
        _ source: some RepresentationSource, _ name: String, _ kind: ProbeReport.Kind,
        _ data: ProbeData, _ frameCounts: [Int]?,
        summary: (([FeatureMatrix]) -> [[Float]])? = nil
    ) throws -> ProbeReport.System {
        var extracted = try extract(
            source, name, data, options.frames == nil ? nil : frameCounts,
            summary: summary ?? { $0.map { Pooling.meanAndStandardDeviation($0).values } })
        let parts = extracted.parts
        let utterances = try UtteranceProbe(options.utterances, seed: options.seed).evaluate(
            train: parts[0], development: parts[1], test: parts[2]
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
        let verification =
            options.verification.impostors == .none
            ? nil : try verify(parts, data, hasDeviations: summary == nil)
        let layer = utterances.last?.selections.first?.layerIndex ?? 0
        return ProbeReport.System(
            name: name, kind: kind, utterances: utterances, frames: frames,
            verification: verification, testEmbeddings: parts[2].representation.layers[layer])
    }

    private func verify(
        _ parts: [ProbePart], _ data: ProbeData, hasDeviations: Bool
    ) throws -> VerificationProbe.Outcome {
        let sides = zip(parts, [data.train, data.development, data.test]).map { part, side in
            VerificationProbe.Part(
                // Of all layers together the means don't lie in one piece.
                layers: part.representation.layers
                    .filter { $0.name != EmbeddingExtractor.allLayers },
                classes: part.labels, languages: side.cuts.map(\.language))
        }
        return try VerificationProbe(options.verification, seed: options.seed).evaluate(
            train: sides[0], development: sides[1], test: sides[2], hasDeviations: hasDeviations)
    }

    /// One pass over all recordings.
    private func extract(
        _ source: some RepresentationSource, _ name: String, _ data: ProbeData,
        _ frameCounts: [Int]?, summary: ([FeatureMatrix]) -> [[Float]]
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

        var vectors = [[[Float]]](repeating: [], count: cuts.count)
        var done = 0
        try source.forEachRecording(of: cuts) { index, result in
            let layers: [FeatureMatrix]
            switch result {
            case .success(let made): layers = made
            case .failure(let problem):
                throw ProbingError.recordingLost(
                    id: cuts[index].id, reason: problem.description)
            }
            vectors[index] = summary(layers)
            if !sets.isEmpty, let part = ranges.firstIndex(where: { $0.contains(index) }) {
                let recording = index - ranges[part].lowerBound
                let frames = draws[part].frames(
                    ofRecording: recording, id: cuts[index].id, frameCount: layers[0].frameCount)
                sets[part].add(frames, of: layers, recording: recording)
            }
            done += 1
            report(.progress(done: done, total: cuts.count, work: "\(name): representations"))
        }

        let labels = [data.train.labels, data.development.labels, data.test.labels]
        let parts = ranges.indices.map { part in
            let rows = vectors[ranges[part]]
            let layers = source.layerNames.indices.map { layer in
                Representation.Layer(
                    name: source.layerNames[layer], width: rows.first?[layer].count ?? 0,
                    matrix: rows.flatMap { $0[layer] })
            }
            let all = Representation.Layer(
                name: EmbeddingExtractor.allLayers, width: layers.reduce(0) { $0 + $1.width },
                matrix: rows.flatMap { $0.flatMap(\.self) })
            return ProbePart(
                representation: Representation(
                    system: name, count: rows.count,
                    layers: layers.count > 1 ? layers + [all] : layers),
                labels: labels[part])
        }
        return Extracted(parts: parts, frames: sets.isEmpty ? nil : sets)
    }
}
