import ApusPretraining
import ApusSignal
import ArgumentParser
import Foundation

/// `apus import`: a model that others published, as a model.safetensors.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Bring a published model into a model.safetensors.",
        discussion: """
            Examples: apus import hubert-base-ls960 -o hubert.safetensors
                      apus import resemblyzer/pretrained.pt -o ge2e.safetensors

            SOURCE is a folder of transformers (config.json, model.safetensors or \
            pytorch_model.bin, preprocessor_config.json) with wav2vec 2.0, HuBERT, WavLM or \
            data2vec-audio, or a checkpoint of CPC_audio, s3prl (TERA, Mockingjay, APC) or \
            Resemblyzer. Nothing in a checkpoint is executed: it may hold tensors and plain \
            values, and all else is an error that names it.

            Every command but pretrain takes the model that comes out.
            """)

    @Argument(help: "A folder of transformers, or a checkpoint of PyTorch.")
    var source: String
    @Option(name: [.short, .customLong("output")], help: "The model.safetensors to write.")
    var output: String
    @OptionGroup var engine: EngineOptions

    func validate() throws {
        guard output.hasSuffix(".safetensors") else {
            throw ValidationError("\(output) should end in .safetensors.")
        }
    }

    func run() throws {
        try engine.start()
        let imported = try ModelImport(contentsOf: source)
        let (model, encoder) = (imported.model, imported.model.encoder)
        try writeAtomically(model.contents().encoded(), to: output)
        let rate = model.card.frontEnd.frameRate / Double(encoder.stride)
        print("\(output): \(imported.origin)")
        print("parameters  \(encoder.parameterCount)")
        print(
            "layers      \(encoder.layerNames[0]) ... \(encoder.layerNames[encoder.layerNames.count - 1]), "
                + "\(encoder.layerWidths[encoder.layerWidths.count - 1]) numbers a frame")
        print("frame rate  \(String(format: "%g", rate)) Hz")
        for note in imported.notes { print("note        \(note)") }
    }
}
