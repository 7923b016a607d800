import ApusCorpus
import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor
import Foundation

/// An encoder with a head and the layer that tells classes apart.
final class ClassifierNetwork: Module {
    let model: PretrainedModel
    let head: any EmbeddingHead
    let loss: ClassificationLoss
    /// The shares of the layers, where several are summed.
    private let featurizer: LayerWeights?
    /// The layers that are used.
    private let layers: [Int]
    /// Whether training moves the encoder.
    let trainsEncoder: Bool

    /// A network with an untrained head.
    ///
    /// - Parameters:
    ///   - model: The encoder's model.
    ///   - layer: A layer's name, `last`, or `weightedSum`.
    ///   - head: What makes one vector of a recording's frames.
    ///   - loss: What the last layer is trained by.
    ///   - classCount: The number of classes.
    ///   - trainsEncoder: Whether training moves the encoder.
    ///   - seed: What the initial weights depend on.
    /// - Throws: `ProbingError.noSuchLayer`.
    init(
        _ model: PretrainedModel, layer: String, head: HeadConfiguration, loss: LossConfiguration,
        classCount: Int, trainsEncoder: Bool, seed: Seed
    ) throws {
        layers = try model.layers(named: layer)
        featurizer =
            layer == ClassifierConfiguration.Encoder.weightedSum
            ? LayerWeights(layerCount: layers.count) : nil
        let seed = seed.derived("classifier")
        self.head = head.makeHead(
            inputWidth: model.encoder.layerWidths[layers[0]], seed: seed.derived("head"))
        self.loss = ClassificationLoss(
            loss.kind, inputWidth: self.head.outputWidth, classCount: classCount,
            margin: loss.margin, scale: loss.scale, seed: seed.derived("loss"))
        self.model = model
        self.trainsEncoder = trainsEncoder
    }

    /// The parameters that are the labels' alone.
    var ownParameters: [(name: String, tensor: Tensor)] {
        (featurizer?.namedParameters(under: "featurizer") ?? [])
            + head.namedParameters(under: "head") + loss.namedParameters(under: "loss")
    }

    /// The parameters of the model.
    var modelParameters: [(name: String, tensor: Tensor)] {
        model.objective.namedParameters(under: "model")
    }

    var namedParameters: [(name: String, tensor: Tensor)] { ownParameters + modelParameters }
    var namedBuffers: [(name: String, tensor: Tensor)] {
        head.namedBuffers(under: "head") + model.objective.namedBuffers(under: "model")
    }

    /// What training moves: all that a checkpoint holds.
    var trained: any Module {
        let ownBuffers = head.namedBuffers(under: "head")
        return trainsEncoder ? self : TrainedPart(ownParameters, ownBuffers)
    }

    /// The shares of the layers by their names, where several are summed.
    var shares: [(layer: String, share: Float)] {
        guard let featurizer else { return [] }
        return zip(layers, featurizer.shares).map { (model.encoder.layerNames[$0], $1) }
    }

    /// The shares of the layers by their positions, where several are summed.
    var layerShares: [(layer: Int, share: Float)] {
        featurizer.map { zip(layers, $0.shares).map { ($0, $1) } } ?? []
    }

    /// The head's embedding of some frames in a row, in evaluation.
    ///
    /// - Parameter states: T x D frames of each of the encoder's layers.
    /// - Returns: `head.embeddingWidth` values.
    func embedding(of states: [FeatureMatrix]) -> [Float] {
        withoutGradients {
            let used = layers.map { layer in
                let frames = states[layer]
                return Tensor(
                    frames.values, shape: [1, frames.frameCount, frames.featureCount])
            }
            let frames = featurizer?(used) ?? used[0]
            return head.embedding(frames, lengths: [frames.shape[1]], draws: nil).floats
        }
    }

    /// The frames that the head reads.
    private func frames(
        _ features: Tensor, _ lengths: [Int], _ draws: TrainingDraws?
    ) -> (frames: Tensor, lengths: [Int]) {
        let isMoved = trainsEncoder && draws != nil
        let states =
            isMoved
            ? model.encoder(features, lengths: lengths, draws: draws)
            : withoutGradients { model.encoder(features, lengths: lengths, draws: nil) }
        let used = layers.map { states.layers[$0] }
        return (featurizer?(used) ?? used[0], states.lengths)
    }

    /// The loss of a batch against its classes.
    ///
    /// - Parameters:
    ///   - features: (B, T, M).
    ///   - lengths: Each recording's frames.
    ///   - targets: Each recording's class.
    ///   - draws: The training step's draws.
    /// - Returns: A tensor of rank 0, in nats.
    func trainingLoss(
        _ features: Tensor, lengths: [Int], targets: [Int], draws: TrainingDraws
    ) -> Tensor {
        let (frames, lengths) = frames(features, lengths, draws)
        let embedding = head.embedding(frames, lengths: lengths, draws: draws)
        return loss(head.output(embedding, draws: draws), targets: targets)
    }

    /// What the network makes of a recording.
    struct Output {
        var embedding: [Float]
        var logits: [Float]

        /// The softmax of the logits.
        var probabilities: [Double] {
            let largest = logits.max() ?? 0
            let odds = logits.map { exp(Double($0 - largest)) }
            let sum = odds.reduce(0, +)
            return odds.map { $0 / sum }
        }
    }

    /// Visits what the network makes of recordings, in padded batches, in evaluation and in 32 bits.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - store: Where features come from.
    ///   - workers: How many recordings are read at a time.
    ///   - body: Called once for each recording, with its position in `cuts`.
    /// - Throws: What `body` throws.
    func forEachRecording(
        of cuts: [Cut], store: FeatureStore, workers: Int,
        _ body: (_ index: Int, _ output: Result<Output, CorpusError>) throws -> Void
    ) rethrows {
        var lengths: [(index: Int, frames: Int)] = []
        for (index, count) in store.frameCounts(of: cuts, workers: workers).enumerated() {
            switch count {
            case .success(let frames): lengths.append((index, frames))
            case .failure(let problem): try body(index, .failure(problem))
            }
        }
        lengths.sort { ($0.frames, $0.index) < ($1.frames, $1.index) }
        var rest = lengths[...]
        while let longest = rest.last {
            // The longest first: the largest batch comes first, and memory suffices for the rest.
            let count = max(
                1, min(8192 / longest.frames, (1 << 23) / longest.frames / longest.frames))
            let block = Array(rest.suffix(count))
            rest = rest.dropLast(count)
            let made = store.features(of: block.map { cuts[$0.index] }, workers: workers)
            var usable: [(index: Int, features: FeatureMatrix)] = []
            for (place, result) in zip(block, made) {
                switch result {
                case .success(let features): usable.append((place.index, features))
                case .failure(let problem): try body(place.index, .failure(problem))
                }
            }
            for (index, output) in zip(usable.map(\.index), outputs(usable.map(\.features))) {
                try body(index, .success(output))
            }
        }
    }

    /// What the network makes of one batch.
    ///
    /// - Parameter recordings: T x M features of each recording.
    /// - Returns: An output for each recording.
    func outputs(_ recordings: [FeatureMatrix]) -> [Output] {
        guard let bandCount = recordings.first?.featureCount else { return [] }
        let lengths = recordings.map(\.frameCount)
        let longest = lengths.max() ?? 0
        let padded = recordings.flatMap {
            $0.values + [Float](repeating: 0, count: (longest - $0.frameCount) * bandCount)
        }
        return withoutGradients {
            let features = Tensor(padded, shape: [recordings.count, longest, bandCount])
            let (frames, lengths) = frames(features, lengths, nil)
            let embeddings = head.embedding(frames, lengths: lengths, draws: nil)
            let logits = loss.logits(head.output(embeddings, draws: nil))
            let (values, scores) = (embeddings.floats, logits.floats)
            let (width, classes) = (head.embeddingWidth, logits.shape[1])
            return recordings.indices.map { row in
                Output(
                    embedding: Array(values[row * width..<(row + 1) * width]),
                    logits: Array(scores[row * classes..<(row + 1) * classes]))
            }
        }
    }
}

/// Some of a network's parameters and buffers.
private final class TrainedPart: Module {
    let namedParameters: [(name: String, tensor: Tensor)]
    let namedBuffers: [(name: String, tensor: Tensor)]

    init(
        _ parameters: [(name: String, tensor: Tensor)], _ buffers: [(name: String, tensor: Tensor)]
    ) {
        (namedParameters, namedBuffers) = (parameters, buffers)
    }
}

extension PretrainedModel {
    /// The positions of the layers that a name stands for.
    fileprivate func layers(named name: String) throws -> [Int] {
        let (names, widths) = (encoder.layerNames, encoder.layerWidths)
        switch name {
        case ClassifierConfiguration.Encoder.weightedSum:
            return names.indices.filter { widths[$0] == widths.last }
        case ClassifierConfiguration.Encoder.last: return [names.count - 1]
        default:
            guard let index = names.firstIndex(of: name) else {
                throw ProbingError.noSuchLayer(
                    path: path, layer: name,
                    layers: names + [
                        ClassifierConfiguration.Encoder.last,
                        ClassifierConfiguration.Encoder.weightedSum,
                    ])
            }
            return [index]
        }
    }
}
