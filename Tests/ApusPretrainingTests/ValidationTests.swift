import ApusCorpus
import ApusNN
import ApusPretraining
import Foundation
import Testing

extension Computing {
    /// Held-out recordings: which, what is measured on them, and when they end a run.
    @Suite struct ValidationTests {
        private func run(_ kind: ObjectiveKind = .maskedReconstruction) throws -> TrainingRun {
            var run = try TrainingRun(kind)
            run.configuration.training.validateEvery = 4
            run.configuration.data.validationShare = 0.25
            return run
        }

        private func validationLosses(_ run: TrainingRun, _ name: String) throws -> [Int: Double] {
            try run.trace(name).reduce(into: [:]) { found, line in
                if let loss = line["validation/loss"], let step = line["step"] {
                    found[Int(step)] = loss
                }
            }
        }

        @Test func aShareIsHeldOut() throws {
            let run = try run()
            try run.train("run") { $0.training.steps = 10 }
            let model = try PretrainedModel(contentsOf: run.path("run/model.safetensors"))
            #expect(model.card.trainingData.recordings == 18)
            #expect(try validationLosses(run, "run").keys.sorted() == [4, 8, 10])
            #expect(try run.trace("run").last?["validation/maskedShare"] != nil)

            // The order of the manifest decides nothing, the seed does.
            var lines = try String(
                contentsOfFile: run.configuration.data.manifest, encoding: .utf8
            ).split(separator: "\n")
            lines.reverse()
            let reversed = try run.folder.write(
                lines.map { $0 + "\n" }.joined(), "reversed.jsonl")
            let other = try run.train("reversed") {
                $0.training.steps = 1
                $0.data.manifest = reversed
            }
            #expect(other.warnings.isEmpty)
            let same = try PretrainedModel(contentsOf: run.path("reversed/model.safetensors"))
            #expect(
                abs(same.card.trainingData.seconds - model.card.trainingData.seconds) < 1e-9)
            try run.train("seed") {
                $0.training.steps = 1
                $0.seed = 2
            }
            let another = try PretrainedModel(contentsOf: run.path("seed/model.safetensors"))
            #expect(another.card.trainingData.recordings == 18)
            #expect(
                abs(another.card.trainingData.seconds - model.card.trainingData.seconds) > 1e-3)
        }

        /// Crops and draws are the same each time, without dropout: so is the loss of the same weights.
        @Test(arguments: ObjectiveKind.allCases)
        func theSameWeightsHaveTheSameLoss(kind: ObjectiveKind) throws {
            let run = try run(kind)
            try run.train("run") { $0.optimizer.rate = 1e-30 }
            let losses = try validationLosses(run, "run")
            #expect(losses.count == 5 && Set(losses.values).count == 1)
            #expect(Set(try run.losses("run")).count == 20)
            // Dropout would make it another.
            try run.train("without") {
                $0.optimizer.rate = 1e-30
                $0.objective.maskedReconstruction.encoder.transformer.dropout = 0
            }
            #expect(try validationLosses(run, "without") == losses)
        }

        /// The averaged weights are those that are validated.
        @Test func theModelIsWhatIsMeasured() throws {
            let run = try run()
            let outcome = try run.train("run") { $0.training.averaging.decay = 0.5 }
            let losses = try validationLosses(run, "run")
            let best = try #require(losses.min { $0.value < $1.value })
            let found = try #require(outcome.summary.bestValidationLoss)
            #expect(abs(found - best.value) < 1e-12)
            let model = try PretrainedModel(contentsOf: run.path("run/best.safetensors"))
            #expect(model.card.step == best.key)
            try run.train("plain")
            #expect(try validationLosses(run, "plain") != losses)
            #expect(try run.losses("plain") == run.losses("run"))
            guard best.key == 20 else { return }
            let last = try PretrainedModel(contentsOf: run.path("run/model.safetensors"))
            #expect(last.objective.weights() == model.objective.weights())
        }

        @Test func aRunThatNoLongerImprovesEnds() throws {
            var run = try run()
            run.configuration.training.earlyStopping.patience = 2
            run.configuration.training.earlyStopping.minimumImprovement = 100
            // The first validation improves on nothing, the next two on it by less than 100.
            let outcome = try run.train("run")
            #expect(outcome.summary.end == .earlyStopping && outcome.steps == Array(1...12))
            let best = try PretrainedModel(contentsOf: run.path("run/best.safetensors"))
            #expect(best.card.step == 4)
            #expect(try run.checkpoints("run").last == "step-00000012")
            let again = try run.train("run")
            #expect(again.steps.isEmpty && again.summary.end == .earlyStopping)
            #expect(again.summary.steps == 12)
            // Validations are counted across an interruption, here after the first without success.
            try run.copy("run", killedAfterCheckpoint: 10, as: "killed")
            #expect(try run.train("killed").steps == [11, 12])
            try run.expectSame("killed", "run")
            let patient = try run.train("patient") { $0.training.earlyStopping.patience = 5 }
            #expect(patient.summary.end == .steps)
        }

        @Test func anotherManifestIsValidatedOn() throws {
            var run = try run()
            run.configuration.data.validationShare = 0
            let lines = try String(
                contentsOfFile: run.configuration.data.manifest, encoding: .utf8
            ).split(separator: "\n")
            let manifest = try run.folder.write(
                lines.prefix(5).map { $0 + "\n" }.joined(), "dev.jsonl")
            run.configuration.data.validationManifest = manifest
            run.configuration.training.steps = 4
            let outcome = try run.train("run")
            #expect(
                outcome.warnings == ["5 of the 5 held-out recordings are trained on too"])
            #expect(try validationLosses(run, "run").count == 1)
            let model = try PretrainedModel(contentsOf: run.path("run/model.safetensors"))
            #expect(model.card.trainingData.recordings == 24)

            try run.folder.write(lines.prefix(4).map { $0 + "\n" }.joined(), "dev.jsonl")
            let changed = #expect(throws: PretrainingError.self) { try run.train("run") }
            #expect(changed?.description.contains("dev.jsonl has changed since") == true)
        }

        @Test func recordingsThatCannotBeValidatedOnAreToldOf() throws {
            var run = try run()
            run.configuration.data.validationShare = 0
            run.configuration.training.steps = 4
            try run.folder.write("no sound", "bad.wav")
            let bad = "{\"audio_filepath\":\"bad.wav\",\"id\":\"bad\"}\n"
            run.configuration.data.validationManifest = try run.folder.write(bad, "dev.jsonl")
            #expect(
                throws: PretrainingError.nothingToValidateOn(
                    path: run.path("dev.jsonl"), reason: "of 0 recordings none has 20 frames")
            ) { try run.train("run") }
            try run.folder.write(
                bad + "{\"audio_filepath\":\"1.wav\",\"id\":\"good\"}\n", "two.jsonl")
            let outcome = try run.train("two") {
                $0.data.validationManifest = run.path("two.jsonl")
            }
            #expect(outcome.warnings.count == 2)
            #expect(
                outcome.warnings[1].hasPrefix("bad is not validated on: ")
                    || outcome.warnings[0].hasPrefix("bad is not validated on: "))
            #expect(try validationLosses(run, "two").count == 1)
        }
    }
}
