import ApusCorpus
import ApusNN
import ApusPretraining
import ApusTensor
import Foundation
import Testing

extension Computing {
    /// Accumulation, averages, limits, stopping: what they do, and that they continue exactly.
    @Suite struct TrainingLoopTests {
        @Test(arguments: PretrainingConfiguration.Optimizer.Kind.allCases)
        func aKilledRunEndsAsAnUndisturbedOne(
            kind: PretrainingConfiguration.Optimizer.Kind
        ) throws {
            var run = try TrainingRun(.maskedReconstruction)
            run.turnEverythingOn()
            run.configuration.optimizer.kind = kind
            try run.train("whole")
            #expect(try run.trace("whole").filter { $0["validation/loss"] != nil }.count == 5)
            for step in [5, 15] {
                try run.copy("whole", killedAfterCheckpoint: step, as: "killed-\(step)")
                let outcome = try run.train("killed-\(step)")
                #expect(outcome.steps == Array(step + 1...20))
                // So few steps may leave the loss near chance; nothing else is to be warned of.
                #expect(outcome.warnings.allSatisfy { $0.contains("is still that of chance") })
                try run.expectSame("killed-\(step)", "whole")
            }
        }

        @Test func aStoppedRunContinuesAndEndsAsAnUndisturbedOne() throws {
            var run = try TrainingRun()
            run.turnEverythingOn()
            run.configuration.training.keptCheckpoints = 2
            #expect(try run.train("whole").summary.end == .steps)
            for step in [3, 10, 18] {
                let outcome = try run.train("stopped", stoppingAfter: step)
                #expect(outcome.steps.last == step && outcome.summary.steps == step)
                #expect(outcome.summary.end == nil)
                #expect(
                    !FileManager.default.fileExists(atPath: run.path("stopped/model.safetensors")))
                let name = String(format: "step-%08d", step)
                #expect(try run.checkpoints("stopped").last == name)
            }
            #expect(try run.train("stopped").steps == [19, 20])
            try run.expectSame("stopped", "whole")
        }

        /// A stop that is asked for before the first step changes nothing.
        @Test func aRunThatIsStoppedAtOnceHasDoneNothing() throws {
            let run = try TrainingRun(recordings: 4)
            let pretrainer = try Pretrainer(run.configuration, folder: run.path("run"))
            pretrainer.stopRequest.stop()
            let summary = try pretrainer.run()
            #expect(summary.end == nil && summary.steps == 0)
            #expect(try run.checkpoints("run").isEmpty)
        }

        /// One step of SGD on the gradients of two batches, each by half, done here by hand.
        @Test func accumulatedGradientsAreTheMean() throws {
            var run = try TrainingRun()
            run.configuration.data.normalizesByCorpus = false
            run.configuration.training.steps = 1
            run.configuration.training.accumulation = 2
            run.configuration.optimizer.kind = .sgd
            run.configuration.optimizer.decay = .constant
            run.configuration.optimizer.warmUp = 0
            run.configuration.optimizer.momentum = 0
            try run.train("run")

            let configuration = run.configuration
            let seed = Seed(configuration.seed)
            let store = try FeatureStore(
                frontEnd: configuration.frontEnd,
                purpose: .training(seed: configuration.seed))
            let cuts = try Manifest(contentsOf: configuration.data.manifest).cuts
            let sampler = try LengthBucketedSampler(
                ids: cuts.map(\.id),
                frameCounts: try store.frameCounts(of: cuts).map { try $0.get() },
                options: SamplerOptions(
                    framesPerBatch: 400, cropFrames: 60, minimumFrames: 20, seed: 1))
            let objective = configuration.objective.makeObjective(melBandCount: 8, seed: seed)
            var losses: [Double] = []
            for (part, plan) in sampler.batches(epoch: 0).prefix(2).enumerated() {
                let batch = store.batch(for: plan, of: cuts).batch
                let loss = objective.loss(
                    features: Tensor(
                        batch.features, shape: [batch.count, batch.frameCount, 8]),
                    lengths: batch.lengths, seed: seed.derived(1).derived(part)
                ).value
                losses.append(Double(loss.item))
                (loss * 0.5).backward()
            }
            let norm = clipGradients(of: objective.parameters, toNorm: 1)
            SGD(objective.namedParameters, momentum: 0, weightDecay: 0.01).step(rate: 1e-3)
            let model = try PretrainedModel(contentsOf: run.path("run/model.safetensors"))
            #expect(model.objective.weights() == objective.weights())
            let line = try run.trace("run")[0]
            #expect(abs(try #require(line["loss"]) - (losses[0] + losses[1]) / 2) < 1e-12)
            #expect(abs(try #require(line["gradientNorm"]) - norm) < 1e-12)
        }

        @Test func theAverageOfTheWeightsIsTheModel() throws {
            var run = try TrainingRun()
            run.configuration.training.averaging.decay = 0.9
            try run.train("run")
            try run.train("plain") { $0.training.averaging.decay = 0 }
            let last = "run/checkpoints/step-00000020/"
            let average = try Safetensors(contentsOf: run.path(last + "average.safetensors"))
            let moved = try Safetensors(contentsOf: run.path(last + "model.safetensors"))
            let plain = try Safetensors(contentsOf: run.path("plain/model.safetensors"))
            let model = try PretrainedModel(contentsOf: run.path("run/model.safetensors"))
            #expect(model.objective.weights() == average.tensors)
            #expect(moved.tensors == plain.tensors, "the steps don't see the average")
            #expect(average.tensors != moved.tensors)
        }

        /// The mean of those that an undisturbed run has, whatever a stop left beside them.
        @Test func theLastCheckpointsAreAveraged() throws {
            var run = try TrainingRun()
            run.configuration.training.averaging.checkpoints = 3
            run.configuration.training.keptCheckpoints = 1
            try run.train("run", stoppingAfter: 17)
            try run.train("run")
            let names = ["step-00000010", "step-00000015", "step-00000020"]
            #expect(try run.checkpoints("run") == names)
            let parts = try names.map {
                try Safetensors(contentsOf: run.path("run/checkpoints/\($0)/model.safetensors"))
            }
            let model = try Safetensors(contentsOf: run.path("run/model.safetensors"))
            #expect(Set(model.tensors.keys) == Set(parts[0].tensors.keys))
            for (name, tensor) in model.tensors {
                let values = try parts.map { try #require($0.tensors[name]).values }
                let expected = tensor.values.indices.map { index in
                    Float(values.reduce(0) { $0 + Double($1[index]) } / 3)
                }
                #expect(relativeError(tensor.values, expected) < 1e-6)
            }
        }

        @Test func epochsEndARun() throws {
            let run = try TrainingRun()
            let epochs = try run.train("run") {
                $0.training.steps = 0
                $0.training.epochs = 3
            }
            #expect(epochs.summary.end == .steps)
            let seen = try run.trace("run").compactMap { $0["epoch"] }
            #expect(Set(seen) == [0, 1, 2] && seen.count == 3 * seen.filter { $0 == 0 }.count)
            let halved = try run.train("halved") {
                $0.training.steps = 0
                $0.training.epochs = 3
                $0.training.accumulation = 2
            }
            #expect(halved.summary.steps == (seen.count + 1) / 2)
            let cut = try run.train("cut") { $0.training.epochs = 1000 }
            #expect(cut.summary.steps == 20)
            #expect(
                cut.messages.contains { $0.hasPrefix("training.steps, 20, ends the run before") })
        }

        /// The rate follows the time where that is further than the steps; a checkpoint that says
        /// that half of it has gone stands for a clock.
        @Test func timeEndsARun() throws {
            var run = try TrainingRun()
            run.configuration.training.steps = 0
            run.configuration.training.maximumMinutes = 60
            try run.train("run", stoppingAfter: 3)
            try setTrainingSeconds(1800, run.path("run/checkpoints/step-00000003/state.json"))
            try run.train("run", stoppingAfter: 4)
            // The middle of what follows the warm-up's tenth: (1 + cos(π 4 / 9)) / 2.
            let rate = try #require(try run.trace("run").last?["learningRate"])
            #expect(abs(rate - 1e-3 * (1 + cos(Double.pi * 4 / 9)) / 2) < 1e-12)
            try setTrainingSeconds(3600, run.path("run/checkpoints/step-00000004/state.json"))
            let outcome = try run.train("run")
            #expect(outcome.steps == [5] && outcome.summary.end == .minutes)
            let again = try run.train("run")
            #expect(again.steps.isEmpty && again.summary.end == .minutes)
        }

        private func setTrainingSeconds(_ seconds: Double, _ path: String) throws {
            let url = URL(fileURLWithPath: path)
            let object = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
            var fields = try #require(object as? [String: Any])
            fields["trainingSeconds"] = seconds
            try JSONSerialization.data(withJSONObject: fields).write(to: url)
        }

        @Test func stepsAreSkippedWhereTheLossIsNotFinite() throws {
            var run = try TrainingRun()
            run.configuration.optimizer.rate = 1e30
            run.configuration.training.checkpointEvery = 1
            run.configuration.training.nonFinitePatience = 4
            func end(_ name: String) -> (step: Int, times: Int)? {
                let error = #expect(throws: PretrainingError.self) { try run.train(name) }
                guard case .diverged(let step, let times, _) = error else { return nil }
                return (step, times)
            }
            let whole = try #require(end("run"))
            #expect(whole.times == 4)
            let skipped = try run.words("run", in: "skipped")
            #expect(skipped.keys.sorted() == Array(whole.step - 3...whole.step))
            #expect(skipped.values.allSatisfy { !$0.isEmpty && $0[0].hasPrefix("voice-") })
            #expect(try run.trace("run").last?["skippedSteps"] == 4)
            // Neither the weights nor the moments have moved since the last finite step.
            for file in ["optimizer.safetensors", "model.safetensors"] {
                let before = try values(run, whole.step - 4, file)
                for step in whole.step - 3..<whole.step {
                    #expect(try values(run, step, file) == before)
                }
            }
            // Steps are counted across an interruption.
            try run.copy("run", killedAfterCheckpoint: whole.step - 2, as: "killed")
            let continued = try #require(end("killed"))
            #expect(continued.step == whole.step && continued.times == 4)
        }

        /// A file's numbers as bits: those that aren't finite are equal to themselves too.
        private func values(
            _ run: TrainingRun, _ step: Int, _ file: String
        ) throws -> [String: [UInt32]] {
            let name = String(format: "run/checkpoints/step-%08d/", step)
            return try Safetensors(contentsOf: run.path(name + file)).tensors
                .mapValues { $0.values.map(\.bitPattern) }
        }

        /// A limit on the size of files stands in for a full disk, in a process of its own.
        @Test func aFullDiskLeavesTheLastCheckpointIntact() async {
            await #expect(processExitsWith: .success) {
                let run = try TrainingRun()
                try run.train("whole")
                try run.train("run", stoppingAfter: 7)
                signal(SIGXFSZ, SIG_IGN)
                var limit = rlimit()
                let files = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
                try #require(getrlimit(files, &limit) == 0)
                limit.rlim_cur = 10_000
                try #require(setrlimit(files, &limit) == 0)
                let error = try #require(throws: PretrainingError.self) { try run.train("run") }
                #expect(
                    error
                        == .cannotWrite(
                            path: run.path("run/checkpoints/step-00000010"),
                            reason: String(cString: strerror(EFBIG))))
                #expect(try run.checkpoints("run") == ["step-00000005", "step-00000007"])
                limit.rlim_cur = limit.rlim_max
                try #require(setrlimit(files, &limit) == 0)
                let outcome = try run.train("run")
                #expect(outcome.steps == Array(8...20) && outcome.warnings.isEmpty)
                try run.expectSame("run", "whole")
            }
        }
    }
}
