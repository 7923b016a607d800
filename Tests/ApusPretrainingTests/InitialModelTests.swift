import ApusCorpus
import ApusNN
import ApusPretraining
import Foundation
import Testing

extension Computing {
    /// Training a model on, on other recordings.
    @Suite struct InitialModelTests {
        /// A trained model, and a run that takes it up.
        private func runs() throws -> (run: TrainingRun, first: PretrainedModel) {
            var run = try TrainingRun()
            run.configuration.optimizer.rate = 1e-2
            try run.train("first")
            let model = try PretrainedModel(contentsOf: run.path("first/model.safetensors"))
            var next = PretrainingConfiguration.continuing(model)
            (next.threads, next.precision) = (run.configuration.threads, .float32)
            (next.data, next.training) = (run.configuration.data, run.configuration.training)
            next.data.normalizesByCorpus = false
            run.configuration = next
            return (run, model)
        }

        @Test func trainingBeginsWithTheModelsWeights() throws {
            let (run, first) = try runs()
            // Steps too small to change a weight.
            try run.train("second") {
                $0.optimizer.kind = .sgd
                $0.optimizer.rate = 1e-30
            }
            let second = try PretrainedModel(contentsOf: run.path("second/model.safetensors"))
            #expect(second.objective.weights() == first.objective.weights())
            #expect(second.card.frontEnd == first.card.frontEnd)
            let untrained = try run.losses("first")[0]
            #expect(try run.losses("second").allSatisfy { $0 < untrained - 0.2 })

            let origin = try #require(second.card.origin)
            #expect(origin.path == first.path && origin.step == 20)
            #expect(origin.hash == (try ModelCard.TrainingData.hash(ofFile: first.path)))
            #expect(origin.trainingData == first.card.trainingData)
            #expect(first.card.origin == nil)
        }

        @Test func aKilledRunEndsAsAnUndisturbedOne() throws {
            var (run, _) = try runs()
            run.configuration.training.averaging.decay = 0.9
            try run.train("whole")
            try run.copy("whole", killedAfterCheckpoint: 5, as: "killed")
            #expect(try run.train("killed").steps == Array(6...20))
            try run.expectSame("killed", "whole")
        }

        @Test func theNormalisationCanBeMeasuredAnew() throws {
            let (run, first) = try runs()
            let quiet = try Manifest(contentsOf: run.configuration.data.manifest).cuts.prefix(12)
            let half = Manifest(path: run.path("half.jsonl"), cuts: Array(quiet))
            try half.write()
            for measures in [false, true] {
                try run.train("\(measures)") {
                    $0.data.manifest = half.path
                    $0.data.normalizesByCorpus = measures
                    $0.training.steps = 1
                }
                let model = try PretrainedModel(
                    contentsOf: run.path("\(measures)/model.safetensors"))
                #expect((model.card.frontEnd == first.card.frontEnd) == !measures)
            }
        }

        @Test func whatDoesNotFitIsRefused() throws {
            let (run, first) = try runs()
            #expect {
                try run.train("front-end") { $0.frontEnd.lowFrequency += 20 }
            } throws: { error in
                guard case PretrainingError.otherFrontEnd(first.path, let differences) = error
                else { return false }
                return differences.count == 1
            }
            #expect {
                try run.train("weights") { $0.objective.cpc.predictionSteps += 1 }
            } throws: { error in
                guard case NNError.weightsDoNotFit(first.path, _) = error else { return false }
                return true
            }
            #expect(throws: NNError.self) {
                try run.train("missing") { $0.initialModel = run.path("none.safetensors") }
            }
            // The model is part of what a run is.
            try run.train("second")
            try Data(contentsOf: URL(fileURLWithPath: run.path("second/model.safetensors")))
                .write(to: URL(fileURLWithPath: first.path))
            #expect {
                try run.train("second")
            } throws: { error in
                guard case PretrainingError.otherConfiguration(_, let differences) = error
                else { return false }
                return differences.contains { $0.contains("has changed since the run began") }
            }
        }
    }
}
