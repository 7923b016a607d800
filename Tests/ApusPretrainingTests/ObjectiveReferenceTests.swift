import ApusNN
import ApusPretraining
import ApusTensor
import Testing

extension Computing {
    /// Losses and gradients against PyTorch's in 64 bits, which pads nothing.
    @Suite struct ObjectiveReferenceTests {
        let reference: Reference
        private let tolerance = 2e-5

        init() throws { reference = try Reference() }

        private func compare(
            _ module: any Module, with name: String, _ loss: () -> ObjectiveLoss
        ) throws {
            let result = loss()
            #expect(relativeError([result.value.item], try reference.values("\(name).loss")) < 1e-5)
            let found = try gradients(of: module) { loss().value }
            #expect(found.count == module.namedParameters.count)
            for (parameter, values) in found {
                let expected = try reference.values("\(name).gradient.\(parameter)")
                let error = relativeError(values, expected)
                #expect(error < tolerance, "\(name): \(parameter)")
            }
        }

        @Test(
            arguments: [CPC.NegativeSource.otherRecordings, .sameRecording, .batch],
            ["equal", "mixed"])
        func cpc(source: CPC.NegativeSource, lengths: String) throws {
            let model = makeCPC(source)
            try model.load(reference.weights("cpc"), from: "reference")
            let name = "cpc.\(source.rawValue).\(lengths)"
            let lengths = try reference.integers("\(name).lengths")
            let negatives = try reference.integers("\(name).negatives")
            let features = try reference.tensor("cpc.features")
            // What lies beyond a recording's end is zero, as batches have it.
            let mask = frameMask(lengths: lengths, frameCount: features.shape[1])
            let padded = mask.map { features * $0 } ?? features
            func loss() -> ObjectiveLoss {
                let states = model.encoder(padded, lengths: lengths, draws: nil)
                return model.contrast(
                    encoded: states.layers[0], context: states.layers[1], lengths: states.lengths,
                    negatives: [negatives])
            }
            try compare(model, with: name, loss)

            let figures = Dictionary(uniqueKeysWithValues: loss().figures())
            let accuracies = try reference.values("\(name).accuracies")
            for (index, expected) in accuracies.enumerated() {
                let found = try #require(figures["accuracy/step-\(index + 1)"])
                #expect(abs(found - Double(expected)) < 1e-6)
            }
            #expect(figures["accuracy/step-\(accuracies.count + 1)"] == nil)
        }

        @Test(arguments: ["equal", "mixed"])
        func maskedReconstruction(lengths: String) throws {
            let model = makeMaskedReconstruction()
            try model.load(reference.weights("masked"), from: "reference")
            let name = "masked.\(lengths)"
            let lengths = try reference.integers("\(name).lengths")
            let features = try reference.tensor("\(name).features")
            let altered = MaskedReconstruction.Alteration(
                features: try reference.values("\(name).altered"),
                mask: try reference.values("\(name).mask"))
            func loss() -> ObjectiveLoss {
                model.reconstruct(
                    features: features, lengths: lengths, altered: altered, draws: nil)
            }
            try compare(model, with: name, loss)
            let figures = Dictionary(uniqueKeysWithValues: loss().figures())
            let share = try reference.values("\(name).maskedShare")[0]
            #expect(abs(try #require(figures["maskedShare"]) - Double(share)) < 1e-6)
        }

        /// s3prl's model on copied weights: every hidden state, the loss and all gradients.
        @Test func mockingjayOfS3prl() throws {
            let reference = try Reference("s3prl")
            let model = makeMaskedReconstruction()
            try model.load(reference.weights("s3prl"), from: "s3prl")
            let lengths = try reference.integers("s3prl.lengths")
            let altered = MaskedReconstruction.Alteration(
                features: try reference.values("s3prl.altered"),
                mask: try reference.values("s3prl.mask"))
            let states = model.encoder(
                try reference.tensor("s3prl.altered"), lengths: lengths, draws: nil)
            #expect(states.layers.count == 2)
            for (layer, state) in states.layers.enumerated() {
                for (recording, length) in lengths.enumerated() {
                    let own = state.sliced(recording..<recording + 1, dimension: 0)
                        .sliced(0..<length, dimension: 1).floats
                    let expected = try reference.values("s3prl.state.\(layer).\(recording)")
                    #expect(relativeError(own, expected) < 1e-5)
                }
            }
            let features = try reference.tensor("s3prl.features")
            func loss() -> Tensor {
                model.reconstruct(
                    features: features, lengths: lengths, altered: altered, draws: nil
                ).value
            }
            #expect(relativeError([loss().item], try reference.values("s3prl.loss")) < 1e-5)
            for (name, values) in try gradients(of: model, loss) {
                let expected = try reference.values("s3prl.gradient.\(name)")
                #expect(relativeError(values, expected) < tolerance, "\(name)")
            }
        }
    }
}
