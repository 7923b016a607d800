import ApusPretraining
import ApusSignal
import ArgumentParser
import Foundation

extension ModelExport.Input: ExpressibleByArgument {}

/// `apus export`: a model as ONNX, for runtimes that know nothing of Apus.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a model as ONNX, front end included.",
        discussion: """
            Examples: apus export model.safetensors -o model.onnx
                      apus export hubert.safetensors -o hubert.onnx --layer layer-9

            The file reads 'samples', (recordings, samples) at the model's rate with full scale 1, \
            all of one length. It gives each layer's frames under the layer's name, and \
            'recording', the vector that apus embed writes of --layer. With onnxruntime:

              session = onnxruntime.InferenceSession("model.onnx")
              vector, = session.run(["recording"], {"samples": samples[None]})

            The metadata say the sample_rate, the frame_rate and the whole model card.
            """)

    @Argument(help: "A model.safetensors.")
    var model: String
    @Option(name: [.short, .customLong("output")], help: "The model.onnx to write.")
    var output: String
    @Option(
        help: ArgumentHelp(
            "What the file reads: samples, or features.",
            discussion: "Features are those of the model's front end, as apus features writes them."
        ))
    var input = ModelExport.Input.samples
    @Option(help: "The layer of 'recording', by its name. Default: the last.")
    var layer: String?

    func validate() throws {
        guard output.hasSuffix(".onnx") else {
            throw ValidationError("\(output) should end in .onnx.")
        }
    }

    func run() throws {
        let model = try PretrainedModel(contentsOf: self.model)
        let export = try ModelExport(model, input: input, embeddingLayer: layer)
        let contents = try export.contents()
        try writeAtomically(contents, to: output)
        let encoder = model.encoder
        print("\(output): \(contents.count) bytes")
        print(
            "reads       \(input.rawValue), "
                + (input == .samples
                    ? "(recordings, samples) at \(model.card.frontEnd.sampleRate) Hz"
                    : "(recordings, frames, \(model.card.frontEnd.featureCount))"))
        print("gives       \(encoder.layerNames.joined(separator: ", "))")
        print("recording   mean and standard deviation of \(export.embeddingLayer)")
    }
}
