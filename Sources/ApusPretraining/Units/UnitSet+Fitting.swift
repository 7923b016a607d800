// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusCorpus
import ApusNN
import ApusSignal
import ApusTensor

extension UnitSet {
    /// What is met on the way to units.
    public enum FittingEvent: Sendable {
        /// A recording without frames, which is left out.
        case leftOut(CorpusError)
        /// So many of the recordings are read or left out, and have so many frames.
        case read(recordings: Int, frames: Int)
    }

    /// Units of MFCCs, found on recordings.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - frontEnd: What makes log-mels of them, as the training will.
    ///   - options: How the centroids are found.
    ///   - frameLimit: So many frames are enough.
    ///   - report: Called with what is met.
    /// - Returns: The units.
    /// - Throws: `PretrainingError.notUnits` for features that there are no MFCCs of,
    ///   `PretrainingError.tooFewFrames` where the recordings have too few,
    ///   `SignalError` for a front end that can't be used.
    public static func cepstra(
        of cuts: [Cut], frontEnd: FrontEnd, options: KMeans.Options, frameLimit: Int = 400_000,
        report: (FittingEvent) -> Void = { _ in }
    ) throws -> UnitSet {
        let cepstra = CepstralFrames(melBandCount: frontEnd.melBandCount)
        if let problem = cepstra.adapt(to: frontEnd) {
            throw PretrainingError.notUnits(path: "units of cepstra", reason: problem)
        }
        return try fit(
            cuts, source: .cepstra, layer: 0, frontEnd: frontEnd, width: CepstralFrames.width,
            model: nil, options: options, frameLimit: frameLimit, report: report
        ) { features in
            let T = features.shape[1]
            return cepstra(features, lengths: [T], places: Array(0..<T))
        }
    }

    /// Units of a hidden state of a model, found on recordings.
    ///
    /// - Parameters:
    ///   - layer: The hidden state's number, from 0.
    ///   - model: The model.
    ///   - cuts: The recordings.
    ///   - options: How the centroids are found.
    ///   - frameLimit: So many frames are enough.
    ///   - report: Called with what is met.
    /// - Returns: The units.
    /// - Throws: `PretrainingError.notUnits` where the model has no such layer,
    ///   `PretrainingError.tooFewFrames` where the recordings have too few frames.
    public static func layer(
        _ layer: Int, of model: PretrainedModel, cuts: [Cut], options: KMeans.Options,
        frameLimit: Int = 400_000, report: (FittingEvent) -> Void = { _ in }
    ) throws -> UnitSet {
        let encoder = model.encoder
        guard encoder.layerWidths.indices.contains(layer) else {
            throw PretrainingError.notUnits(
                path: model.path, reason: "its encoder has no layer \(layer)")
        }
        return try fit(
            cuts, source: .layer, layer: layer, frontEnd: model.card.frontEnd,
            width: encoder.layerWidths[layer], model: model, options: options,
            frameLimit: frameLimit, report: report
        ) { features in
            let T = features.shape[1]
            return UnitTargets.frames(
                of: encoder, layer: layer, features: features, lengths: [T],
                places: Array(stride(from: 0, to: T, by: encoder.stride)))
        }
    }

    /// Recordings enter in a drawn order, whole, until there are frames enough.
    private static func fit(
        _ cuts: [Cut], source: Source, layer: Int, frontEnd: FrontEnd, width: Int,
        model: PretrainedModel?, options: KMeans.Options, frameLimit: Int,
        report: (FittingEvent) -> Void, _ frames: (Tensor) -> Tensor
    ) throws -> UnitSet {
        let store = try FeatureStore(frontEnd: frontEnd, cacheByteLimit: 0)
        var order = Array(cuts.indices)
        var generator = SeededGenerator(seed: options.seed, stream: "units")
        generator.shuffle(&order)
        var values: [Float] = []
        for (place, index) in order.enumerated() where values.count < frameLimit * width {
            let cut = cuts[index]
            do throws(CorpusError) {
                let matrix = try store.features(of: cut)
                guard matrix.frameCount > 0 else {
                    throw .badRecording(
                        id: cut.id, path: cut.audioPath, reason: "shorter than a frame")
                }
                let own = frames(
                    Tensor(matrix.values, shape: [1, matrix.frameCount, matrix.featureCount])
                ).floats
                // Samples of absurd size overflow in a model.
                guard own.allSatisfy(\.isFinite) else {
                    throw .badRecording(
                        id: cut.id, path: cut.audioPath, reason: "its frames aren't finite numbers")
                }
                values += own
            } catch {
                report(.leftOut(error))
            }
            report(.read(recordings: place + 1, frames: values.count / width))
        }
        let clusters = try KMeans(fitting: values, width: width, options)
        let count = values.count / width
        let usage = CodeUsage(clusters.labels(of: values), codeCount: clusters.clusterCount)
        let card = Card(
            source: source, layer: layer, frontEnd: frontEnd, options: options, frameCount: count,
            meanSquaredDistance: clusters.inertia(of: values) / Double(count),
            usedCount: clusters.clusterCount - usage.deadCount, perplexity: usage.perplexity)
        return UnitSet(card: card, clusters: clusters, model: model)
    }
}
