import ApusCorpus

/// One system's vectors of all recordings of a run: for each layer N x D, means first.
struct VerificationVectors {
    let layers: [Representation.Layer]
    /// Whether the second half of each vector is standard deviations.
    let hasDeviations: Bool

    /// - Parameters:
    ///   - layerNames: The layers' names.
    ///   - rows: For each recording a vector for each layer.
    ///   - hasDeviations: Whether the second half of each vector is standard deviations.
    ///   - ids: The recordings' names, for the error.
    /// - Throws: `ProbingError.badEmbeddings` at a value that isn't finite.
    init(
        layerNames: [String], rows: [[[Float]]], hasDeviations: Bool, ids: [String]
    ) throws {
        for (id, layers) in zip(ids, rows) {
            for (name, row) in zip(layerNames, layers) where !row.allSatisfy(\.isFinite) {
                throw ProbingError.badEmbeddings(
                    path: id, reason: "its embedding by the layer \(name) is not finite")
            }
        }
        layers = layerNames.enumerated().map { index, name in
            Representation.Layer(
                name: name, width: rows.first?[index].count ?? 0,
                matrix: rows.flatMap { $0[index] })
        }
        self.hasDeviations = hasDeviations
    }

    /// The stored embeddings of recordings, by their ids.
    ///
    /// - Throws: `ProbingError.badEmbeddings` where some are missing.
    init(_ embeddings: StoredEmbeddings, for cuts: [Cut]) throws {
        let numbers = Dictionary(
            embeddings.ids.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let rows = cuts.map { numbers[$0.id] ?? numbers[$0.audioPath] }
        let missing = zip(cuts, rows).filter { $1 == nil }.map(\.0.id)
        guard missing.isEmpty else {
            throw ProbingError.badEmbeddings(
                path: embeddings.path,
                reason: "no embeddings of \(missing.count) of \(cuts.count) recordings: "
                    + missing.prefix(5).joined(separator: ", ")
                    + (missing.count > 5 ? ", ..." : ""))
        }
        let width = embeddings.width
        layers = [
            Representation.Layer(
                name: "embedding", width: width,
                matrix: rows.compactMap(\.self).flatMap {
                    embeddings.values[$0 * width..<($0 + 1) * width]
                })
        ]
        hasDeviations = false
    }

    /// Which values of which layer are taken.
    struct Choice {
        var layer: Int
        var pooling: Pooling
        var standardizes: Bool
    }

    /// What there is to choose from.
    ///
    /// - Parameters:
    ///   - options: What is fixed.
    ///   - canChoose: Whether there are development trials.
    /// - Returns: The choices, at least one.
    /// - Throws: `ProbingError.noSuchLayer`.
    func choices(_ options: VerificationOptions, canChoose: Bool) throws -> [Choice] {
        let names = layers.map(\.name)
        var positions = canChoose ? Array(layers.indices) : [layers.count - 1]
        if options.layer != VerificationOptions.bestLayer, layers.count > 1 {
            guard let position = names.firstIndex(of: options.layer) else {
                throw ProbingError.noSuchLayer(
                    path: "layer", layer: options.layer,
                    layers: names + [VerificationOptions.bestLayer])
            }
            positions = [position]
        }
        var poolings: [Pooling] =
            switch options.pooling {
            case .best where canChoose: [.mean, .meanAndStandardDeviation]
            case .mean: [.mean]
            case .best, .meanAndStandardDeviation: [.meanAndStandardDeviation]
            }
        if !hasDeviations { poolings = [.mean] }
        let standardizes =
            switch options.standardization {
            case .best: canChoose ? [false, true] : [false]
            case .never: [false]
            case .always: [true]
            }
        return positions.flatMap { layer in
            poolings.flatMap { pooling in
                standardizes.map {
                    Choice(layer: layer, pooling: pooling, standardizes: $0)
                }
            }
        }
    }

    /// The number of values that a choice has.
    func width(of choice: Choice) -> Int {
        let width = layers[choice.layer].width
        return hasDeviations && choice.pooling == .mean ? width / 2 : width
    }

    /// The chosen values of some recordings.
    ///
    /// - Parameters:
    ///   - choice: Which values of which layer.
    ///   - recordings: The recordings; nil for all.
    /// - Returns: Row by row.
    func rows(_ choice: Choice, of recordings: [Int]? = nil) -> [Float] {
        let layer = layers[choice.layer]
        let width = width(of: choice)
        if recordings == nil, width == layer.width { return layer.matrix }
        let count = layer.matrix.count / max(layer.width, 1)
        return (recordings ?? Array(0..<count)).flatMap {
            layer.matrix[$0 * layer.width..<$0 * layer.width + width]
        }
    }
}
