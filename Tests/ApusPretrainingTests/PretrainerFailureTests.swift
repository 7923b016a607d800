import ApusCorpus
import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor
import Foundation
import Testing

extension Computing {
    /// What can be wrong with a corpus, a folder or a run, each with an error that says so.
    @Suite struct PretrainerFailureTests {
        /// The error of a run that has to fail, as the sentence a person reads.
        private func failure<Failure: Error>(
            of run: TrainingRun, _ name: String = "run",
            _ adjust: (inout PretrainingConfiguration) -> Void = { _ in }
        ) throws -> Failure {
            var failure: (any Error)?
            do {
                try run.train(name, adjust)
            } catch {
                failure = error
            }
            return try #require(failure as? Failure, "found \(String(describing: failure))")
        }

        @Test(arguments: [true, false])
        func aCorruptRecordingIsLeftOut(normalizesByCorpus: Bool) throws {
            var run = try TrainingRun()
            run.configuration.data.normalizesByCorpus = normalizesByCorpus
            try run.folder.write("this is no sound", "5.wav")
            let outcome = try run.train("run")
            #expect(outcome.summary.problemCount == 1)
            #expect(outcome.steps == Array(1...20))
            #expect(outcome.warnings.count == 1)
            #expect(outcome.warnings.first?.contains("voice-5") == true)
            let model = try PretrainedModel(contentsOf: run.path("run/model.safetensors"))
            #expect(model.card.trainingData.recordings == 23)

            // A continued run leaves out the same recording and ends with the same bits.
            try run.copy("run", killedAfterCheckpoint: 10, as: "stopped")
            #expect(try run.train("stopped").summary.problemCount == 1)
            #expect(
                try run.bytes("stopped/model.safetensors") == run.bytes("run/model.safetensors"))
        }

        /// A file that ends before its header says shows only where its samples are read.
        @Test(arguments: [true, false])
        func aTruncatedRecordingIsLeftOut(normalizesByCorpus: Bool) throws {
            var run = try TrainingRun()
            run.configuration.data.normalizesByCorpus = normalizesByCorpus
            let whole = try run.bytes("5.wav")
            try run.folder.write(whole.prefix(whole.count / 2), "5.wav")
            let outcome = try run.train("run")
            #expect(outcome.summary.problemCount == 1)
            #expect(outcome.steps == Array(1...20))
            #expect(outcome.warnings.count == 1)
            #expect(outcome.warnings.first?.contains("5.wav: truncated") == true)
        }

        @Test(arguments: [true, false])
        func onlyCorruptRecordingsAreAnError(normalizesByCorpus: Bool) throws {
            var run = try TrainingRun(recordings: 4)
            run.configuration.data.normalizesByCorpus = normalizesByCorpus
            for number in 0..<4 { try run.folder.write("no sound", "\(number).wav") }
            let error: CorpusError = try failure(of: run)
            guard case .noUsableCuts = error else {
                Issue.record("found \(error)")
                return
            }
            #expect(error.description.contains("voice-0"))
            #expect(error.description.contains("0.wav"))
        }

        @Test func tooShortRecordingsAreNothingToTrainOn() throws {
            let run = try TrainingRun(recordings: 4, shortest: 1000)
            let error: PretrainingError = try failure(of: run) {
                $0.data.minimumFrames = 60
            }
            #expect(
                error
                    == .nothingToTrainOn(
                        path: run.path("train.jsonl"),
                        reason: "of 4 recordings none has 60 frames"))
        }

        @Test func anEmptyManifestIsNothingToTrainOn() throws {
            let run = try TrainingRun(recordings: 4)
            let manifest = try run.folder.write("\n", "empty.jsonl")
            let described = try failureDescription(of: run) { $0.data.manifest = manifest }
            #expect(
                described.contains("no usable cuts") || described.contains("nothing to train on"))
        }

        private func failureDescription(
            of run: TrainingRun, _ adjust: (inout PretrainingConfiguration) -> Void
        ) throws -> String {
            do {
                try run.train("run", adjust)
            } catch {
                return "\(error)"
            }
            Issue.record("the run ends well")
            return ""
        }

        @Test func aMissingManifestIsNamed() throws {
            let run = try TrainingRun(recordings: 4)
            let path = run.path("absent.jsonl")
            let error: CorpusError = try failure(of: run) { $0.data.manifest = path }
            guard case .unreadable(path, _) = error else {
                Issue.record("found \(error)")
                return
            }
        }

        /// Whoever runs this may write anywhere, but nobody makes a folder inside a file.
        @Test func aFolderThatCannotBeMadeIsNamed() throws {
            let run = try TrainingRun(recordings: 4)
            let error: PretrainingError = try failure(of: run, "0.wav/run")
            guard case .cannotWrite(let path, let reason) = error else {
                Issue.record("found \(error)")
                return
            }
            #expect(path == run.path("0.wav/run"))
            #expect(reason == "Not a directory")
        }

        /// Where a file of the run can't be written: a folder has its name.
        @Test func aFileThatCannotBeWrittenIsNamed() throws {
            let run = try TrainingRun(recordings: 4)
            try FileManager.default.createDirectory(
                atPath: run.path("run/model.safetensors/x"), withIntermediateDirectories: true)
            let error: SignalError = try failure(of: run) { $0.training.steps = 1 }
            #expect(error.description.contains(run.path("run/model.safetensors")))
        }

        @Test func anotherConfigurationInTheSameFolderIsRefused() throws {
            let run = try TrainingRun()
            try run.train("run")
            let model = try run.bytes("run/model.safetensors")
            let error: PretrainingError = try failure(of: run) {
                $0.training.steps = 30
                $0.objective.cpc.negativeCount = 7
            }
            #expect(
                error
                    == .otherConfiguration(
                        path: run.path("run"),
                        differences: [
                            "objective.cpc.negativeCount is 5 there, 7 here",
                            "training.steps is 20 there, 30 here",
                        ]))
            let seed: PretrainingError = try failure(of: run) { $0.seed = 9 }
            #expect(seed.description.contains("seed is 1 there, 9 here"))
            #expect(try run.bytes("run/model.safetensors") == model)
            // What decides nothing that is stored may change.
            try run.train("run") { $0.data.workers = 1 }
        }

        @Test func aDamagedConfigurationInTheFolderIsNamed() throws {
            let run = try TrainingRun()
            try run.train("run")
            try Data("seed: [1".utf8).write(
                to: URL(fileURLWithPath: run.path("run/config.yaml")))
            let error: PretrainingError = try failure(of: run)
            guard case .notYAML(let path, _) = error else {
                Issue.record("found \(error)")
                return
            }
            #expect(path == run.path("run/config.yaml"))
        }

        @Test(arguments: ObjectiveKind.allCases)
        func aRunThatDivergesEnds(kind: ObjectiveKind) throws {
            var run = try TrainingRun(kind)
            run.configuration.optimizer.rate = 1e30
            run.configuration.training.checkpointEvery = 1
            var warnings: [String] = []
            var error: (any Error)?
            do {
                try run.train("run", warnings: { warnings.append($0) })
            } catch let caught {
                error = caught
            }
            guard case .diverged(let step, 10, let recordings)? = error as? PretrainingError else {
                Issue.record("found \(String(describing: error))")
                return
            }
            #expect(recordings.allSatisfy { $0.hasPrefix("voice-") } && !recordings.isEmpty)
            #expect(warnings.count == 10)
            #expect(warnings.allSatisfy { $0.contains("is skipped: loss") })
            #expect("\(try #require(error))".contains("lower optimizer.rate"))
            // No model, but whole checkpoints of the steps before, and a log of all steps.
            #expect(!FileManager.default.fileExists(atPath: run.path("run/model.safetensors")))
            let checkpoints = try run.checkpoints("run")
            #expect(checkpoints.count == step - 1)
            for checkpoint in checkpoints {
                let path = run.path("run/checkpoints/\(checkpoint)/")
                _ = try PretrainedModel(contentsOf: path + "model.safetensors")
                _ = try Safetensors(contentsOf: path + "optimizer.safetensors")
            }
            // The first checkpoint is from before the divergence: its weights are those of one step.
            let first = try Safetensors(
                contentsOf: run.path("run/checkpoints/step-00000001/model.safetensors"))
            #expect(first.tensors.values.allSatisfy { $0.values.allSatisfy { $0.isFinite } })
            #expect(try run.trace("run").count == step)
        }

        @Test func aConfigurationThatCannotRunIsRefusedBeforeAnythingIsWritten() throws {
            let run = try TrainingRun(recordings: 2)
            let error: PretrainingError = try failure(of: run) { $0.training.logEvery = 0 }
            #expect(
                error
                    == .badValue(
                        key: "training.logEvery", reason: "is 0, expected at least 1",
                        source: "configuration"))
            #expect(!FileManager.default.fileExists(atPath: run.path("run")))
        }
    }
}
