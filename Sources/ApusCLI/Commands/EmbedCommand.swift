import ApusCorpus
import ApusNN
import ApusPretraining
import ApusProbing
import ApusSignal
import ArgumentParser
import Foundation

extension Pooling: ExpressibleByArgument {}

/// `apus embed`: recordings as vectors.
struct EmbedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Write embeddings of recordings.",
        discussion: """
            Examples: apus embed model.safetensors clip.ogg -o clip.npy
                      apus embed model.safetensors samples/audio/voices -o voices.npy
                      apus embed model.safetensors clip.ogg --pooling frames -o clip-frames.npy
                      apus embed model.safetensors clip.ogg -o clip.jsonl

            A .npy file holds one row for each recording, in the order of the input, and
            OUT.ids.txt beside it names them; with --pooling frames it holds the frames of one
            recording. A .jsonl file holds {"id": ..., "embedding": [...]} a line. A recording has
            the same embedding alone and among others.
            """)

    @Argument(help: "A model.safetensors, or a classifier.safetensors of apus train.")
    var model: String
    @Argument(help: "Audio files, folders or .jsonl manifests.")
    var inputs: [String]
    @Option(name: [.short, .customLong("output")], help: "A .npy or .jsonl file.")
    var output: String
    @Option(help: "The layer, by its name; apus info lists them. Default: the last.")
    var layer: String?
    @Option(help: "How frames become a vector: mean, meanAndStandardDeviation or frames.")
    var pooling = Pooling.meanAndStandardDeviation
    @OptionGroup var engine: EngineOptions
    @OptionGroup(title: "Refuse a model with another front end than this")
    var frontEndOptions: FrontEndOptions

    func run() throws {
        guard ["npy", "jsonl"].contains((output as NSString).pathExtension) else {
            throw ValidationError("\(output) should end in .npy or .jsonl.")
        }
        try engine.start()
        let cuts = try Inputs.cuts(inputs)
        if pooling == .frames, cuts.count > 1 {
            throw ValidationError(
                "Frames are written for one recording at a time, not \(cuts.count).")
        }
        let file = try Safetensors(contentsOf: model)
        let (results, width) =
            TrainedClassifier.isTrainedClassifier(file)
            ? try headEmbeddings(of: cuts, file) : try layerEmbeddings(of: cuts, file)
        var failures = Failures()
        var rows: [(id: String, matrix: FeatureMatrix)] = []
        for (cut, result) in zip(cuts, results) {
            switch result {
            case .success(let matrix):
                rows.append((cut.id, matrix))
                failures.succeeded()
            case .failure(let error): failures.failed("\(error)")
            case nil: failures.failed("\(cut.id): no embedding came out")
            }
        }
        if !rows.isEmpty { try write(rows, width: width) }
        try failures.finish()
    }

    /// The embeddings by a model's layer.
    private func layerEmbeddings(
        of cuts: [Cut], _ file: Safetensors
    ) throws -> ([Result<FeatureMatrix, CorpusError>?], width: Int) {
        let model = try PretrainedModel(path: self.model, file: file)
        try requireFrontEnd(of: model)
        let extractor = try EmbeddingExtractor(
            model, layer: layer, pooling: pooling,
            workers: ProcessInfo.processInfo.activeProcessorCount)
        let progress = ProgressDisplay(total: cuts.count, unit: "recordings")
        var results = [Result<FeatureMatrix, CorpusError>?](repeating: nil, count: cuts.count)
        var done = 0
        extractor.forEachEmbedding(of: cuts) { index, embedding in
            results[index] = embedding
            done += 1
            if cuts.count > 1 { progress.update(done) }
        }
        return (results, extractor.width)
    }

    /// The embeddings by a trained classifier's head, which pools frames in its own way.
    private func headEmbeddings(
        of cuts: [Cut], _ file: Safetensors
    ) throws -> ([Result<FeatureMatrix, CorpusError>?], width: Int) {
        guard layer == nil, pooling != .frames else {
            throw ValidationError("A trained classifier's head has neither layers nor frames.")
        }
        let classifier = try TrainedClassifier(path: model, file: file)
        try requireFrontEnd(of: classifier.model)
        return (classifier.embeddings(of: cuts), classifier.embeddingWidth)
    }

    private func requireFrontEnd(of model: PretrainedModel) throws {
        guard frontEndOptions.isGiven else { return }
        var wanted = try frontEndOptions.resolve()
        // What the corpus's mean and deviation were is the model's own.
        wanted.normalization = model.card.frontEnd.normalization
        try model.require(wanted)
    }

    private func write(_ rows: [(id: String, matrix: FeatureMatrix)], width: Int) throws {
        if output.hasSuffix(".jsonl") {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
            let lines = try rows.map { row in
                String(
                    decoding: try encoder.encode(
                        Line(
                            id: row.id,
                            embedding: (0..<row.matrix.frameCount).map {
                                Array(row.matrix.values[$0 * width..<($0 + 1) * width])
                            })), as: UTF8.self) + "\n"
            }
            try writeAtomically(Data(lines.joined().utf8), to: output)
        } else if pooling == .frames || (rows.count == 1 && inputs.count == 1) {
            let matrix = rows[0].matrix
            try NumPyFile.write(
                matrix.values, shape: pooling == .frames ? [matrix.frameCount, width] : [width],
                to: output)
        } else {
            try NumPyFile.write(
                rows.flatMap(\.matrix.values), shape: [rows.count, width], to: output)
            try writeAtomically(
                Data(rows.map { $0.id + "\n" }.joined().utf8), to: output + ".ids.txt")
        }
        let frames = pooling == .frames ? "\(rows[0].matrix.frameCount) frames" : "\(rows.count)"
        print("\(output): \(frames) x \(width)")
    }

    /// A vector, or one for each frame.
    private struct Line: Encodable {
        var id: String
        var embedding: [[Float]]

        enum CodingKeys: String, CodingKey { case id, embedding }

        func encode(to encoder: any Swift.Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(id, forKey: .id)
            if embedding.count == 1 {
                try container.encode(embedding[0], forKey: .embedding)
            } else {
                try container.encode(embedding, forKey: .embedding)
            }
        }
    }
}
