// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusCorpus
import ApusNN
import ApusSignal
import ApusTensor

extension UnitSet {
    /// Units of MFCCs, found on recordings.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - frontEnd: What makes log-mels of them, as the training will.
    ///   - options: How the centroids are found.
    ///   - frameLimit: So many frames are enough.
    /// - Returns: The units.
    /// - Throws: `PretrainingError.notUnits` for features that there are no MFCCs of,
    ///   `PretrainingError.tooFewFrames` where the recordings have too few,
    ///   `SignalError` for a front end that can't be used.
    public static func cepstra(
        of cuts: [Cut], frontEnd: FrontEnd, options: KMeans.Options, frameLimit: Int = 400_000
    ) throws -> UnitSet {
        let cepstra = CepstralFrames(melBandCount: frontEnd.melBandCount)
        if let problem = cepstra.adapt(to: frontEnd) {
            throw PretrainingError.notUnits(path: "units of cepstra", reason: problem)
        }
        return try fit(
            cuts, source: .cepstra, layer: 0, frontEnd: frontEnd, width: CepstralFrames.width,
            model: nil, options: options, frameLimit: frameLimit
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
    /// - Returns: The units.
    /// - Throws: `PretrainingError.notUnits` where the model has no such layer,
    ///   `PretrainingError.tooFewFrames` where the recordings have too few frames.
    public static func layer(
        _ layer: Int, of model: PretrainedModel, cuts: [Cut], options: KMeans.Options,
        frameLimit: Int = 400_000
    ) throws -> UnitSet {
        let encoder = model.encoder
        guard encoder.layerWidths.indices.contains(layer) else {
            throw PretrainingError.notUnits(
                path: model.path, reason: "its encoder has no layer \(layer)")
        }
        return try fit(
            cuts, source: .layer, layer: layer, frontEnd: model.card.frontEnd,
            width: encoder.layerWidths[layer], model: model, options: options,
            frameLimit: frameLimit
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
        _ frames: (Tensor) -> Tensor
    ) throws -> UnitSet {
        let store = try FeatureStore(frontEnd: frontEnd, cacheByteLimit: 0)
        var order = Array(cuts.indices)
        var generator = SeededGenerator(seed: options.seed, stream: "units")
        generator.shuffle(&order)
        var values: [Float] = []
        for index in order where values.count < frameLimit * width {
            // A recording that can't be read has no frames; training says why it is left out.
            guard let matrix = try? store.features(of: cuts[index]), matrix.frameCount > 0 else {
                continue
            }
            values +=
                frames(
                    Tensor(matrix.values, shape: [1, matrix.frameCount, matrix.featureCount])
                ).floats
        }
        let clusters = try KMeans(fitting: values, width: width, options)
        let count = values.count / width
        let card = Card(
            source: source, layer: layer, frontEnd: frontEnd, options: options, frameCount: count,
            meanSquaredDistance: clusters.inertia(of: values) / Double(count))
        return UnitSet(card: card, clusters: clusters, model: model)
    }
}
