import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor
import Foundation
import TestSupport
import Testing

extension Computing {
    /// Model files: what is written comes back, and what is no model is refused.
    @Suite struct ModelFileTests {
        private let folder: TemporaryFolder

        init() throws { folder = try TemporaryFolder() }

        private func card(_ kind: ObjectiveKind) -> ModelCard {
            var frontEnd = FrontEnd.kaldi
            frontEnd.melBandCount = 8
            frontEnd.normalization = .corpus(
                FeatureStatistics(
                    mean: (0..<8).map { 0.1 * Float($0) },
                    standardDeviation: (0..<8).map { 1 / Float($0 + 3) }))
            return ModelCard(
                objective: smallObjective(kind), frontEnd: frontEnd, seed: .max, step: 7,
                trainingData: ModelCard.TrainingData(
                    manifest: "a \"quoted\" ünïcode.jsonl", manifestHash: "0123", recordings: 3,
                    seconds: 0.1))
        }

        /// Writes a file with a model's weights and card, either of them changed.
        private func write(
            _ kind: ObjectiveKind = .cpc, _ name: String = "model.safetensors",
            file adjustFile: (inout Safetensors) throws -> Void = { _ in },
            card adjustCard: (inout ModelCard) -> Void = { _ in }
        ) throws -> String {
            let model = PretrainedModel(untrained: card(kind), path: "memory")
            redraw(model.objective)
            var file = try model.contents()
            var card = self.card(kind)
            adjustCard(&card)
            file.metadata["apus"] = String(
                decoding: try JSONEncoder().encode(card), as: UTF8.self)
            try adjustFile(&file)
            return try folder.write(file.encoded(), name)
        }

        @Test(arguments: ObjectiveKind.allCases)
        func aModelComesBackAsItWas(kind: ObjectiveKind) throws {
            let original = PretrainedModel(untrained: card(kind), path: "memory")
            redraw(original.objective)
            let model = try PretrainedModel(contentsOf: write(kind))
            #expect(model.card == card(kind))
            #expect(model.path == folder.path + "/model.safetensors")
            #expect(model.objective.weights() == original.objective.weights())
            let features = batch(lengths: [20, 9], melBandCount: 8)
            let found = model.encoder(features, lengths: [20, 9], draws: nil)
            let expected = original.encoder(features, lengths: [20, 9], draws: nil)
            #expect(found.lengths == expected.lengths)
            #expect(found.layers.map(\.floats) == expected.layers.map(\.floats))
            // Written again, the file has the same bytes.
            let again = try folder.write(model.contents().encoded(), "again.safetensors")
            let third = try PretrainedModel(contentsOf: again).contents().encoded()
            #expect(try third == Data(contentsOf: URL(fileURLWithPath: again)))
        }

        @Test(arguments: ObjectiveKind.allCases)
        func theUntrainedModelHasTheRunsInitialWeights(kind: ObjectiveKind) throws {
            let run = try TrainingRun(kind, recordings: 6)
            try run.train("run") {
                $0.training.steps = 3
                $0.seed = 11
            }
            let model = try PretrainedModel(contentsOf: run.path("run/model.safetensors"))
            #expect(model.card.step == 3 && model.card.seed == 11)
            #expect(model.card.objective == run.configuration.objective)
            #expect(model.card.trainingData.recordings == 6)
            let seconds = run.sampleCounts.reduce(0) { $0 + Double($1) / 16000 }
            #expect(abs(model.card.trainingData.seconds - seconds) < 1e-9)
            #expect(model.card.trainingData.manifest == run.configuration.data.manifest)
            #expect(
                try model.card.trainingData.manifestHash
                    == ModelCard.TrainingData.hash(ofFile: run.configuration.data.manifest))

            let untrained = model.untrained()
            #expect(untrained.card.step == 0)
            let initial = run.configuration.objective.makeObjective(
                melBandCount: 8, seed: Seed(11)
            ).weights()
            #expect(untrained.objective.weights() == initial)
            let buffers = Set(model.objective.namedBuffers.map(\.name))
            for (name, values) in model.objective.weights() {
                #expect((values == initial[name]) == buffers.contains(name), "\(name)")
            }
        }

        @Test func anotherFrontEndIsRefused() throws {
            let model = try PretrainedModel(contentsOf: write())
            try model.require(card(.cpc).frontEnd)
            var other = card(.cpc).frontEnd
            other.melBandCount = 40
            other.frameShift = 12.5
            let error = try #require(throws: PretrainingError.self) { try model.require(other) }
            guard case .otherFrontEnd(model.path, let differences) = error else {
                Issue.record("found \(error)")
                return
            }
            #expect(
                differences == ["frameShift: 10.0 ms, here 12.5 ms", "melBandCount: 8, here 40"])
            #expect(
                error.description.contains("frameShift: 10.0 ms, here 12.5 ms; melBandCount: 8"))

            other = card(.cpc).frontEnd
            other.normalization = .none
            #expect(throws: PretrainingError.self) { try model.require(other) }
        }

        // MARK: - Files that are no model

        @Test func aMissingFile() {
            let path = folder.path + "/absent.safetensors"
            #expect(throws: NNError.missingFile(path: path)) {
                try PretrainedModel(contentsOf: path)
            }
        }

        @Test(arguments: [0, 1, 7, 8, 9, 200, -4, -1])
        func aTruncatedFile(kept: Int) throws {
            let path = try write()
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            try folder.write(
                whole.prefix(kept >= 0 ? kept : whole.count + kept), "model.safetensors")
            try expectNotSafetensors(path)
        }

        @Test func filesOfOtherKinds() throws {
            try expectNotSafetensors(
                folder.write("These are the words of a text file, not a model.\n", "text"))
            try expectNotSafetensors(folder.write(Data(repeating: 0, count: 5000), "zeros"))
            try expectNotSafetensors(folder.writeWAV("sound", voice(1, sampleCount: 900)))
            try expectNotSafetensors(folder.path)
        }

        private func expectNotSafetensors(
            _ path: String, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let error = try #require(throws: NNError.self, sourceLocation: sourceLocation) {
                try PretrainedModel(contentsOf: path)
            }
            guard case .notSafetensors(path, _) = error else {
                Issue.record("found \(error)", sourceLocation: sourceLocation)
                return
            }
        }

        /// The reason for which a file is no model of Apus.
        private func refusal(_ path: String) throws -> String {
            let error = try #require(throws: PretrainingError.self) {
                try PretrainedModel(contentsOf: path)
            }
            guard case .notAModel(path, let reason) = error else {
                Issue.record("found \(error)")
                return ""
            }
            return reason
        }

        @Test func aFileWithoutACard() throws {
            let path = try write { $0.metadata = ["format": "pt"] }
            #expect(try refusal(path) == "it has no model card")
        }

        @Test(arguments: ["", "words", "{}", "[1]", "{\"version\":1}", "null"])
        func anUnreadableCard(text: String) throws {
            let path = try write { $0.metadata["apus"] = text }
            #expect(try refusal(path).hasPrefix("its model card can't be read"))
        }

        /// Options are added as Apus grows; a file from before has them as by default.
        @Test func aCardFromBeforeAnOption() throws {
            let path = try write { file in
                let text = Data((file.metadata["apus"] ?? "").utf8)
                var card = try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
                var objective = try #require(card["objective"] as? [String: Any])
                var cpc = try #require(objective["cpc"] as? [String: Any])
                #expect(cpc.removeValue(forKey: "score") != nil)
                objective["cpc"] = cpc
                #expect(objective.removeValue(forKey: "maskedPrediction") != nil)
                card["objective"] = objective
                file.metadata["apus"] = String(
                    decoding: try JSONSerialization.data(withJSONObject: card), as: UTF8.self)
            }
            let card = try PretrainedModel(contentsOf: path).card
            #expect(card.objective.cpc == self.card(.cpc).objective.cpc)
            #expect(card.objective.maskedPrediction == MaskedPrediction.Configuration())
        }

        @Test func aCardOfALaterVersion() throws {
            let path = try write {
                $0.metadata["apus"] = ($0.metadata["apus"] ?? "")
                    .replacing("\"negativeCount\":", with: "\"later\":[1],\"negativeCount\":")
                    .replacing("\"version\":\"\(apusVersion)\"", with: "\"version\":\"9.1\"")
            }
            let reason = try refusal(path)
            #expect(reason.contains("it was written by version 9.1 and has options that version"))
            #expect(reason.contains("objective.cpc.later"))
        }

        @Test func aCardThatCannotBeBuilt() throws {
            #expect(
                try refusal(write(card: { $0.objective.cpc.strides = [0] }))
                    == "objective.cpc.strides is [0], expected numbers from 1 to 8")
            #expect(
                try refusal(
                    write(card: { $0.objective.cpc.strides = [Int](repeating: 8, count: 99) }))
                    == "objective.cpc.strides has 99 numbers, expected at most 8")
            #expect(
                try refusal(
                    write(
                        .maskedReconstruction,
                        card: {
                            $0.objective.maskedReconstruction.encoder.transformer.headCount = 5
                        })
                ).contains("headCount is 5"))
            #expect(
                try refusal(write(card: { $0.frontEnd.melBandCount = 9 })).contains("statistics"))
            #expect(
                try refusal(write(card: { $0.frontEnd.sampleRate = -1 })).contains("sampleRate"))
        }

        private func expectWeightsDoNotFit(
            _ path: String, _ part: String, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let error = try #require(throws: NNError.self, sourceLocation: sourceLocation) {
                try PretrainedModel(contentsOf: path)
            }
            guard case .weightsDoNotFit(path, let reason) = error else {
                Issue.record("found \(error)", sourceLocation: sourceLocation)
                return
            }
            #expect(reason.contains(part), "\(reason)", sourceLocation: sourceLocation)
        }

        /// Sizes that no memory holds are refused before anything is made of them.
        @Test func absurdSizes() throws {
            let absurd = [1 << 16, 1 << 31, 1 << 62]
            for size in absurd {
                try expectWeightsDoNotFit(
                    write(card: { $0.objective.cpc.encoderWidth = size }), "sizes in its card")
                try expectWeightsDoNotFit(
                    write(card: { $0.objective.cpc.contextWidth = size }), "sizes in its card")
                try expectWeightsDoNotFit(
                    write(card: { $0.objective.cpc.predictionSteps = size }), "sizes in its card")
                try expectWeightsDoNotFit(
                    write(card: { card in
                        card.objective.cpc.encoderWidth = size
                        card.objective.cpc.contextWidth = size
                        card.objective.cpc.predictionSteps = size
                    }), "sizes in its card")
                try expectWeightsDoNotFit(
                    write(
                        .maskedReconstruction,
                        card: { $0.objective.maskedReconstruction.encoder.transformer.width = size }
                    ),
                    "sizes in its card")
                try expectWeightsDoNotFit(
                    write(
                        .maskedReconstruction,
                        card: {
                            $0.objective.maskedReconstruction.encoder.transformer.layerCount = size
                        }),
                    "sizes in its card")
                try expectWeightsDoNotFit(
                    write(
                        .maskedReconstruction,
                        card: {
                            $0.objective.maskedReconstruction.encoder.transformer.feedForwardWidth =
                                size
                        }
                    ), "sizes in its card")
                try expectWeightsDoNotFit(
                    write(
                        .autoregressivePrediction,
                        card: {
                            $0.objective.autoregressivePrediction.encoder.recurrent.width = size
                        }), "sizes in its card")
                try expectWeightsDoNotFit(
                    write(
                        .autoregressivePrediction,
                        card: {
                            $0.objective.autoregressivePrediction.encoder.recurrent.layerCount =
                                size
                        }), "sizes in its card")
                try expectWeightsDoNotFit(
                    write(
                        .autoregressivePrediction,
                        card: {
                            $0.objective.autoregressivePrediction.isQuantized = true
                            $0.objective.autoregressivePrediction.codeCount = size
                        }), "sizes in its card")
            }
            for size in absurd {
                for key in [
                    \NonAutoregressivePrediction.Configuration.width, \.codeCount,
                ] {
                    try expectWeightsDoNotFit(
                        write(
                            .nonAutoregressivePrediction,
                            card: {
                                $0.objective.nonAutoregressivePrediction[keyPath: key] = size
                            }), "sizes in its card")
                }
                try expectWeightsDoNotFit(
                    write(
                        .nonAutoregressivePrediction,
                        card: {
                            $0.objective.nonAutoregressivePrediction.kernelSize = size + 1
                            $0.objective.nonAutoregressivePrediction.blockCount = size / 4
                        }), "sizes in its card")
                for key in [
                    \ConformerEncoder.Configuration.width, \.layerCount, \.feedForwardWidth,
                ] {
                    try expectWeightsDoNotFit(
                        write(
                            .maskedReconstruction,
                            card: {
                                let path = \ObjectiveConfiguration.maskedReconstruction
                                $0.objective[keyPath: path].encoder.kind = .conformer
                                $0.objective[keyPath: path].encoder.conformer[keyPath: key] = size
                            }), "sizes in its card")
                }
                try expectWeightsDoNotFit(
                    write(
                        .maskedPrediction,
                        card: {
                            $0.objective.maskedPrediction.encoder.kind = .conformer
                            $0.objective.maskedPrediction.encoder.conformer.kernelSize = size + 1
                        }), "sizes in its card")
                try expectWeightsDoNotFit(
                    write(
                        .autoregressivePrediction,
                        card: {
                            $0.objective.autoregressivePrediction.encoder.recurrent.cell = .lstm
                            $0.objective.autoregressivePrediction.encoder.recurrent.width = size
                        }), "sizes in its card")
            }
            for size in absurd.suffix(2) {
                try expectWeightsDoNotFit(
                    write(
                        .maskedPrediction,
                        card: { $0.objective.maskedPrediction.randomProjection.codeCount = size }),
                    "sizes in its card")
                try expectWeightsDoNotFit(
                    write(
                        .maskedPrediction,
                        card: { $0.objective.maskedPrediction.encoder.transformer.width = size }),
                    "sizes in its card")
            }
            try expectWeightsDoNotFit(
                write(card: {
                    $0.frontEnd.melBandCount = 60_000
                    $0.frontEnd.normalization = .none
                }), "sizes in its card")
        }

        @Test func weightsOfAnotherShape() throws {
            let name = "predictors.weight"
            try expectWeightsDoNotFit(
                write { $0.tensors["encoder.context.bias_ih_l0"] = nil },
                "no tensor named encoder.context.bias_ih_l0")
            try expectWeightsDoNotFit(
                write { file in
                    let values = try #require(file.tensors[name])
                    file.tensors[name] = TensorValues(
                        shape: values.shape.reversed(), values: values.values)
                }, "predictors.weight has the shape [16, 36], expected [36, 16]")
            try expectWeightsDoNotFit(
                write { $0.tensors["extra"] = TensorValues(shape: [1], values: [0]) },
                "the tensor extra belongs to no parameter")
            // The card of one kind with the weights of the other.
            try expectWeightsDoNotFit(
                write(card: { card in
                    card.objective.kind = .maskedReconstruction
                    card.objective.maskedReconstruction.encoder.transformer.layerCount = 1
                }), "no tensor named encoder.projection.weight")
            try expectWeightsDoNotFit(
                write(card: { $0.objective.cpc.strides = [1, 2] }), "belongs to no parameter")
        }
    }
}
