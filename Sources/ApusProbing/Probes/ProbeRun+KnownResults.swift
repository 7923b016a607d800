import ApusCorpus
import ApusPretraining
import ApusSignal
import ApusTensor
import Foundation

/// What is kept of a system's probes, so that a run that was killed goes on, and one with a model more
/// probes that model alone.
///
/// The vectors for maps are not in it: they are computed again, of the test recordings alone.
struct KnownResult: Codable {
    var utterances: [UtteranceProbe.Outcome]
    var frames: FrameProbe.Outcome?
    var weightedSum: WeightedSumProbe.Outcome?
    var perceptron: PerceptronProbe.Outcome?
    var verification: VerificationProbe.Outcome?
    var openSet: OpenSetProbe.Outcome?
}

extension ProbeRun {
    /// A hash of all that a system's figures depend on beside the system: the program, the options, the
    /// recordings' contents and labels, and what each is used for.
    ///
    /// - Returns: SHA-256; `nil` where nothing is kept or a recording is no file that can be read.
    func resultsKey(of data: ProbeData, folds: [ProbeFold]) -> String? {
        guard let cache, let executable = Bundle.main.executablePath,
            // Whoever changes a probe shall not be shown what it found before.
            let program = cache.hashes.hash(of: executable)
        else { return nil }
        var hash = SHA256()
        hash.update("probes\n\(program) \(Engine.libtorchVersion)\n")
        var options = options
        // These decide how fast a run is and what is compared, and not what a system reaches.
        (options.workers, options.cacheMegabytes, options.comparisons) = (1, 0, [])
        hash.update(card: options)
        for fold in folds {
            hash.update("\(fold.train)\n\(fold.development)\n\(fold.test)\n")
        }
        let cuts = data.cuts
        var contents = [String?](repeating: nil, count: cuts.count)
        contents.withUnsafeMutableBufferPointer { contents in
            nonisolated(unsafe) let contents = contents
            DispatchQueue.concurrentPerform(iterations: cuts.count) {
                contents[$0] = cache.hashes.hash(of: cuts[$0].audioPath)
            }
        }
        for ((cut, label), content) in zip(zip(cuts, data.labels), contents) {
            guard let content else { return nil }
            hash.update("\(content) \(cut.offset) \(cut.duration ?? -1) \(cut.channel ?? -1)\n")
            hash.update(card: [cut.id, label, cut.primaryLanguage ?? ""])
        }
        return hash.finalize()
    }

    /// A hash of all that a system's figures depend on.
    ///
    /// - Parameters:
    ///   - key: What `resultsKey(of:folds:)` gave.
    ///   - source: What gives frames.
    ///   - system: What the system is.
    /// - Returns: SHA-256.
    private func key(
        _ key: String, _ source: any RepresentationSource, _ system: ProbedSystem
    ) -> String {
        var hash = SHA256()
        hash.update(key + "\n")
        hash.update(card: system.frontEnd)
        if let encoder = source as? RepresentationExtractor {
            hash.update("model \(encoder.fingerprint)\n")
        } else {
            hash.update("\(system.kind.rawValue) \(system.name)\n")
        }
        return hash.finalize()
    }

    /// Probes a system, or takes what an earlier run found of it.
    ///
    /// - Parameters:
    ///   - dataKey: What `resultsKey(of:folds:)` gave.
    ///   - source: What gives frames.
    ///   - system: What the system is.
    ///   - data: The recordings.
    ///   - folds: Which of them are learned from, chosen on and measured on.
    ///   - frameCounts: The number of frames of each recording; `nil` for no probe on frames.
    /// - Returns: What the system reached.
    /// - Throws: `ProbingError`.
    func knownOrProbed(
        _ dataKey: String?, _ source: any RepresentationSource, _ system: ProbedSystem,
        _ data: ProbeData, folds: [ProbeFold], _ frameCounts: [Int]?
    ) throws -> ProbeReport.System {
        guard let cache, let dataKey else {
            return try probe(source, system, data, folds: folds, frameCounts)
        }
        let key = key(dataKey, source, system)
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        if let contents = cache.contents(of: key),
            let known = try? decoder.decode(KnownResult.self, from: contents)
        {
            report(.progress(done: 1, total: 1, work: "\(system.name): known from an earlier run"))
            return try system.reached(
                known, testEmbeddings: testEmbeddings(source, system, data, folds, known))
        }
        let found = try probe(source, system, data, folds: folds, frameCounts)
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        let result = KnownResult(
            utterances: found.utterances, frames: found.frames, weightedSum: found.weightedSum,
            perceptron: found.perceptron, verification: found.verification, openSet: found.openSet)
        if let contents = try? encoder.encode(result) { cache.keep(contents, as: key) }
        return found
    }

    /// The vectors of the test recordings in the layer that the last probe chose.
    private func testEmbeddings(
        _ source: any RepresentationSource, _ system: ProbedSystem, _ data: ProbeData,
        _ folds: [ProbeFold], _ known: KnownResult
    ) throws -> Representation.Layer {
        let cuts = data.cuts
        let vectors = try vectors(
            source, system.name, of: folds.flatMap(\.test).map { cuts[$0] }, summary: system.summary
        )
        return Self.layers(of: vectors, source)[known.utterances.last?.chosenLayer ?? 0]
    }
}

extension UtteranceProbe.Outcome {
    /// The position of the layer that was chosen for the first subset.
    var chosenLayer: Int { selections.first?.layerIndex ?? 0 }
}

extension ProbeRun.ProbedSystem {
    /// What the system reached, as a report has it.
    func reached(
        _ result: KnownResult, testEmbeddings: Representation.Layer
    ) -> ProbeReport.System {
        ProbeReport.System(
            name: name, kind: kind, seed: seed, utterances: result.utterances,
            frames: result.frames, weightedSum: result.weightedSum,
            perceptron: result.perceptron, verification: result.verification,
            openSet: result.openSet,
            testEmbeddings: testEmbeddings)
    }
}
