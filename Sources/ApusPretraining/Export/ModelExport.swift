import ApusSignal
import Foundation

/// A model in ONNX's form, front end included, for runtimes that know nothing of Apus.
///
///     let export = try ModelExport(model, input: .samples)
///     try writeAtomically(export.contents(), to: "model.onnx")
///
/// The graph reads recordings of one length, without padding, and gives every hidden state of the
/// encoder under the layer's name, the `features` that it reads, and `recording`, the mean and the
/// standard deviation over the frames of one layer, as `apus embed` writes them. Batches and lengths are
/// free; recordings of different lengths go one after the other.
public struct ModelExport {
    /// What the graph begins with.
    public enum Input: String, Sendable, CaseIterable {
        /// `samples`, (B, N), at the model's rate, full scale 1.
        case samples
        /// `features`, (B, T, D), of the model's front end.
        case features
    }

    /// The model.
    public let model: PretrainedModel
    /// What the graph begins with.
    public let input: Input
    /// The layer whose frames `recording` is made of.
    public let embeddingLayer: String

    /// A model to export.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - input: What the graph begins with.
    ///   - embeddingLayer: The layer of the embedding; `nil` for the last.
    /// - Throws: `PretrainingError.notExportable` where the model has no such layer, or an encoder that
    ///   doesn't say what it does in ONNX's operators.
    public init(
        _ model: PretrainedModel, input: Input = .samples, embeddingLayer: String? = nil
    ) throws {
        let names = model.encoder.layerNames
        let layer = embeddingLayer ?? names[names.count - 1]
        guard names.contains(layer) else {
            throw PretrainingError.notExportable(
                path: model.path,
                reason: "no layer is named '\(layer)'; there are \(names.joined(separator: ", "))")
        }
        guard model.encoder is any ONNXExportable else {
            throw PretrainingError.notExportable(
                path: model.path,
                reason: "\(type(of: model.encoder)) has no form in ONNX's operators")
        }
        self.model = model
        self.input = input
        self.embeddingLayer = layer
    }

    /// The file.
    ///
    /// - Returns: The bytes of a `.onnx` file.
    /// - Throws: `PretrainingError.notExportable` for a model of 2 GiB or more, which one file of this
    ///   form can't hold.
    public func contents() throws -> Data {
        guard let encoder = model.encoder as? any ONNXExportable else {
            preconditionFailure("checked as the export was made")
        }
        guard 4 * encoder.parameterCount < 1 << 31 - 1 << 24 else {
            throw PretrainingError.notExportable(
                path: model.path,
                reason: "its weights take \(4 * encoder.parameterCount) bytes, and a file of ONNX "
                    + "ends at 2 GiB")
        }
        let frontEnd = model.card.frontEnd
        let graph = ONNXGraph(name: "apus")
        let features =
            switch input {
            case .samples:
                graph.features(
                    of: graph.input("samples", shape: [.named("batch"), .named("samples")]),
                    frontEnd)
            case .features:
                graph.input(
                    "features",
                    shape: [.named("batch"), .named("frames"), .fixed(frontEnd.featureCount)])
            }
        if input == .samples {
            graph.output(
                features, name: "features",
                shape: [.named("batch"), .named("frames"), .fixed(frontEnd.featureCount)])
        }
        let states = encoder.hiddenStates(of: features, in: graph)
        for (index, name) in encoder.layerNames.enumerated() {
            graph.output(
                states[index], name: name,
                shape: [
                    .named("batch"), .named("encoded_frames"), .fixed(encoder.layerWidths[index]),
                ])
            if name == embeddingLayer {
                graph.output(
                    embedding(of: states[index], in: graph), name: "recording",
                    shape: [.named("batch"), .fixed(2 * encoder.layerWidths[index])])
            }
        }
        return try graph.modelFile(
            description: "An encoder of Apus: \(model.card.objective.kind.rawValue).",
            metadata: try metadata(frameRate: frontEnd.frameRate / Double(encoder.stride)))
    }

    /// Means and standard deviations over frames: (B, 2D).
    private func embedding(
        of frames: ONNXGraph.Value, in graph: ONNXGraph
    ) -> ONNXGraph.Value {
        let means = graph.mean(frames, axis: 1)
        let centred = graph.subtract(frames, means)
        let deviations = graph.apply(
            "Sqrt", graph.mean(graph.multiply(centred, centred), axis: 1))
        let floored = graph.larger(
            deviations, graph.number(Double(FeatureStatistics.smallestStandardDeviation)))
        return graph.apply(
            "Squeeze", graph.concatenated([means, floored], axis: 2), graph.integers([1]))
    }

    private func metadata(frameRate: Double) throws -> [(String, String)] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [
            ("sample_rate", "\(model.card.frontEnd.sampleRate)"),
            ("frame_rate", "\(frameRate)"),
            ("embedding_layer", embeddingLayer),
            ("apus_card", String(decoding: try encoder.encode(model.card), as: UTF8.self)),
        ]
    }
}
