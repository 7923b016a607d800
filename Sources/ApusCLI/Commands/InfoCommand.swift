import ApusPretraining
import ApusProbing
import ArgumentParser
import Foundation

/// `apus info`: what a model file says of itself.
struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Show a model's card: architecture, front end, training.",
        discussion: """
            Example: apus info runs/cpc/model.safetensors
            """)

    @Argument(help: "A model.safetensors.")
    var model: String
    @Flag(help: "Print the card as JSON.")
    var json = false

    func run() throws {
        let model = try PretrainedModel(contentsOf: self.model)
        let card = model.card
        if json {
            return try printJSON(card)
        }
        let encoder = model.encoder
        let layers = zip(encoder.layerNames, encoder.layerWidths).map { "\($0) (\($1))" }
        let rate = card.frontEnd.frameRate / Double(encoder.stride)
        print("objective   \(card.objective.kind.rawValue)")
        print(
            "parameters  \(encoder.parameterCount) in the encoder, \(model.objective.parameterCount) in all"
        )
        print("layers      \(layers.joined(separator: ", "))")
        print("frame rate  \(String(format: "%g", rate)) Hz")
        if card.objective.kind == .imported {
            print(
                "trained     by others: \(card.trainingData.manifest) "
                    + "(\(card.trainingData.manifestHash)), Apus \(card.version)")
            return describeFrontEnd(card)
        }
        print("trained     \(card.step) steps, seed \(card.seed), Apus \(card.version)")
        print(
            "data        \(card.trainingData.recordings) recordings, "
                + String(format: "%.1f min", card.trainingData.seconds / 60)
                + ", \(card.trainingData.manifest) (\(card.trainingData.manifestHash))")
        if let origin = card.origin {
            print(
                "begun from  \(origin.path) (\(origin.hash)), \(origin.step) steps on "
                    + "\(origin.trainingData.recordings) recordings, \(origin.trainingData.manifest)"
            )
        }
        describeFrontEnd(card)
    }

    private func describeFrontEnd(_ card: ModelCard) {
        let frontEnd = card.frontEnd
        let features =
            frontEnd.kind == .waveform
            ? "samples, \(frontEnd.frameLength) a frame"
            : "\(frontEnd.melBandCount) mel bands, "
                + "\(frontEnd.frameLength) every \(frontEnd.frameShift)"
        print("front end   \(frontEnd.sampleRate) Hz, \(features); all of it: --json")
    }
}
