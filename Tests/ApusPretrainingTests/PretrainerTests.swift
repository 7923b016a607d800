import ApusCorpus
import ApusNN
import ApusPretraining
import ApusTensor
import Foundation
import Testing

extension Computing {
    /// Whole runs: what is written, and that the same seed gives the same bits.
    @Suite struct PretrainerTests {
        @Test(arguments: ObjectiveKind.allCases, [Precision.float32, .bfloat16])
        func theSameSeedGivesTheSameBits(kind: ObjectiveKind, precision: Precision) throws {
            var run = try TrainingRun(kind)
            run.configuration.precision = precision
            try run.train("one")
            try run.train("two")
            #expect(try run.trace("one") == run.trace("two"))
            #expect(try run.losses("one").count == 20)
            #expect(try run.bytes("one/model.safetensors") == run.bytes("two/model.safetensors"))
            #expect(
                try run.bytes("one/checkpoints/step-00000020/optimizer.safetensors")
                    == run.bytes("two/checkpoints/step-00000020/optimizer.safetensors"))

            try run.train("three") { $0.seed = 2 }
            #expect(try run.losses("one") != run.losses("three"))
            let one = try Safetensors(contentsOf: run.path("one/model.safetensors"))
            let three = try Safetensors(contentsOf: run.path("three/model.safetensors"))
            for (name, tensor) in one.tensors where !name.contains("norm") {
                #expect(three.tensors[name] != tensor, "\(name)")
            }
        }

        /// Neither the number of workers nor the size of the cache moves a bit.
        @Test func workersAndCacheDecideNothing() throws {
            let run = try TrainingRun()
            try run.train("one")
            try run.train("two") {
                $0.data.workers = 1
                $0.data.cacheMegabytes = 0
            }
            #expect(try run.trace("one") == run.trace("two"))
            let one = try PretrainedModel(contentsOf: run.path("one/model.safetensors"))
            let two = try PretrainedModel(contentsOf: run.path("two/model.safetensors"))
            #expect(one.objective.weights() == two.objective.weights())
        }

        @Test(arguments: ObjectiveKind.allCases)
        func aStoppedRunEndsAsAnUndisturbedOne(kind: ObjectiveKind) throws {
            let run = try TrainingRun(kind)
            try run.train("whole")
            for step in [5, 10, 15] {
                let name = "stopped-\(step)"
                try run.copy("whole", killedAfterCheckpoint: step, as: name)
                let outcome = try run.train(name)
                #expect(outcome.warnings.isEmpty)
                #expect(outcome.steps == Array(step + 1...20))
                #expect(
                    outcome.messages.contains {
                        $0.hasPrefix("continuing from")
                            && $0.hasSuffix("step-000000" + (step < 10 ? "0\(step)" : "\(step)"))
                    })
                try run.expectSame(name, "whole")
            }
        }

        /// Sums in another order have other last digits, so other threads are allowed but told of.
        @Test func anotherNumberOfThreadsIsToldOf() throws {
            let run = try TrainingRun()
            try run.train("whole")
            try run.copy("whole", killedAfterCheckpoint: 10, as: "stopped")
            let outcome = try run.train("stopped") { $0.threads = 1 }
            #expect(outcome.steps == Array(11...20))
            #expect(outcome.warnings.count == 1)
            #expect(
                outcome.warnings.first?.hasPrefix("the run so far had 2 threads, here there are 1")
                    == true)
        }

        /// Killed before its first checkpoint, a run begins again.
        @Test func aRunWithoutACheckpointBeginsAgain() throws {
            let run = try TrainingRun()
            try run.train("whole")
            try run.copy("whole", killedAfterCheckpoint: 0, as: "stopped")
            let outcome = try run.train("stopped")
            #expect(outcome.steps == Array(1...20))
            try run.expectSame("stopped", "whole")
        }

        @Test(arguments: [
            "model.safetensors", "optimizer.safetensors", "state.json",
        ])
        func aDamagedCheckpointIsPassedOver(file: String) throws {
            let run = try TrainingRun()
            try run.train("whole")
            try run.copy("whole", killedAfterCheckpoint: 15, as: "stopped")
            let path = run.path("stopped/checkpoints/step-00000015/" + file)
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: path))
            let outcome = try run.train("stopped")
            #expect(outcome.steps == Array(11...20))
            #expect(outcome.warnings.count == 1)
            #expect(outcome.warnings.first?.contains("step-00000015") == true)
            try run.expectSame("stopped", "whole")
        }

        /// Nothing of a checkpoint whose moments are another's reaches a run that begins again.
        @Test func onlyDamagedCheckpointsBeginAgain() throws {
            let run = try TrainingRun()
            try run.train("whole")
            try run.copy("whole", killedAfterCheckpoint: 5, as: "stopped")
            let path = run.path("stopped/checkpoints/step-00000005/optimizer.safetensors")
            var moments = try Safetensors(contentsOf: path)
            moments.tensors["predictors.weight.exp_avg"] = nil
            try moments.encoded().write(to: URL(fileURLWithPath: path))
            let outcome = try run.train("stopped")
            #expect(outcome.steps == Array(1...20))
            #expect(outcome.warnings.count == 1)
            try run.expectSame("stopped", "whole")
        }

        @Test func aFinishedRunStaysAsItIs() throws {
            let run = try TrainingRun()
            try run.train("whole")
            let model = try run.bytes("whole/model.safetensors")
            let metrics = try run.bytes("whole/metrics.jsonl")
            let again = try run.train("whole")
            #expect(again.steps.isEmpty && again.summary.steps == 20)
            #expect(try again.summary.loss == run.losses("whole").last)
            #expect(try run.bytes("whole/model.safetensors") == model)
            #expect(try run.bytes("whole/metrics.jsonl") == metrics)
        }

        @Test func whatARunLeaves() throws {
            var run = try TrainingRun()
            run.configuration.training.keptCheckpoints = 2
            let outcome = try run.train("run")
            #expect(outcome.steps == Array(1...20))
            #expect(outcome.summary.steps == 20 && outcome.summary.problemCount == 0)
            #expect(outcome.summary.modelPath == run.path("run/model.safetensors"))
            #expect(try outcome.summary.loss == run.losses("run").last)
            #expect(outcome.summary.trainingSeconds > 0)
            #expect((0...1).contains(outcome.summary.waitingShare))
            #expect(outcome.summary.audioHoursPerHour > 0)
            #expect(try run.checkpoints("run") == ["step-00000015", "step-00000020"])
            let files = try FileManager.default.contentsOfDirectory(atPath: run.path("run"))
            #expect(
                Set(files).isSuperset(of: [
                    "config.yaml", "provenance.json", "statistics.json", "metrics.jsonl",
                    "model.safetensors", "checkpoints",
                ]))
            #expect(files.contains { $0.hasPrefix("events.out.tfevents.") })
            #expect(!files.contains { $0.hasSuffix(".tmp") })

            let trace = try run.trace("run")
            #expect(trace.compactMap { $0["step"] } == (1...20).map(Double.init))
            for (index, figures) in trace.enumerated() {
                let isLogged = (index + 1) % 4 == 0
                #expect((figures["accuracy/step-1"] != nil) == isLogged)
                #expect((figures["informationBound"] != nil) == isLogged)
                #expect(figures["learningRate"] != nil && figures["gradientNorm"] != nil)
            }
            // A rise over a tenth of the run, then half a cosine wave down to zero.
            let rates = trace.compactMap { $0["learningRate"] }
            #expect(rates[1] == 1e-3 && rates[0] == 0.5e-3)
            #expect(abs(rates[19]) < 1e-12)
            #expect(abs(rates[10] - 0.5e-3) < 1e-12)

            let saved = try ConfigurationFile.resolve(
                PretrainingConfiguration(), file: run.path("run/config.yaml"))
            #expect(saved == run.configuration)
            let provenance = try JSONDecoder().decode(
                Provenance.self, from: run.bytes("run/provenance.json"))
            #expect(provenance.version == apusVersion && !provenance.command.isEmpty)
        }

        @Test func trainingLowersTheLoss() throws {
            var run = try TrainingRun()
            run.configuration.training.steps = 150
            run.configuration.training.checkpointEvery = 150
            run.configuration.optimizer.rate = 5e-3
            try run.train("run")
            let losses = try run.losses("run")
            let (first, last) = (losses.prefix(10), losses.suffix(10))
            #expect(last.reduce(0, +) < 0.7 * first.reduce(0, +))
        }

        /// Recordings too short to predict anything in: steps without a loss, and no harm done.
        @Test func batchesTooShortForCPCChangeNothing() throws {
            var run = try TrainingRun(recordings: 6, shortest: 700)
            run.configuration.data.minimumFrames = 1
            run.configuration.optimizer.weightDecay = 0
            let outcome = try run.train("run")
            #expect(outcome.steps == Array(1...20) && outcome.warnings.isEmpty)
            // One batch, cropped to its shortest recording of two frames.
            #expect(try run.losses("run") == [Double](repeating: 0, count: 20))
            let model = try PretrainedModel(contentsOf: run.path("run/model.safetensors"))
            #expect(model.objective.weights() == model.untrained().objective.weights())
        }

        /// Lengths come from the files: a manifest of paths alone will do, and rounded durations too.
        @Test func durationsNeedNotBeGiven() throws {
            let run = try TrainingRun()
            try run.train("given")
            let paths = (0..<24).map {
                "{\"audio_filepath\":\"\($0).wav\",\"id\":\"voice-\($0)\"}\n"
            }
            let manifest = try run.folder.write(paths.joined(), "paths.jsonl")
            let outcome = try run.train("paths") { $0.data.manifest = manifest }
            #expect(outcome.warnings.isEmpty)
            #expect(try run.losses("paths") == run.losses("given"))

            // A thousandth of a second after the end is no fault.
            let rounded = run.sampleCounts.enumerated().map {
                "{\"audio_filepath\":\"\($0).wav\",\"id\":\"voice-\($0)\",\"duration\":"
                    + "\(Double($1 + 15) / 16000)}\n"
            }
            let other = try run.folder.write(rounded.joined(), "rounded.jsonl")
            let again = try run.train("rounded") { $0.data.manifest = other }
            #expect(again.warnings.isEmpty)
            #expect(try run.losses("rounded") == run.losses("given"))
        }

        @Test func withoutNormalizationByTheCorpus() throws {
            var run = try TrainingRun()
            run.configuration.data.normalizesByCorpus = false
            run.configuration.frontEnd.normalization = .perRecording(variance: true)
            try run.train("run")
            #expect(!FileManager.default.fileExists(atPath: run.path("run/statistics.json")))
            let model = try PretrainedModel(contentsOf: run.path("run/model.safetensors"))
            #expect(model.card.frontEnd == run.configuration.frontEnd)
        }
    }
}
