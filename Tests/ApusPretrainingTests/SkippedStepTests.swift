import ApusCorpus
import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor
import Foundation
import Testing

extension Computing {
    /// A recording whose features are finite but overflow in the loss costs the steps that it is in,
    /// and nothing else.
    @Suite struct SkippedStepTests {
        /// Reconstruction of powers as they are.
        private func makeRun(accumulation: Int = 1) throws -> TrainingRun {
            var run = try TrainingRun(.maskedReconstruction)
            run.configuration.frontEnd = hugePowers
            run.configuration.data.normalizesByCorpus = false
            run.configuration.data.framesPerBatch = 200
            // The default's last step has a rate of zero, which would move nothing.
            run.configuration.optimizer.decay = .constant
            run.configuration.training.steps = 3
            run.configuration.training.accumulation = accumulation
            run.configuration.training.checkpointEvery = 1
            return run
        }

        /// The batches of the first epoch.
        private func plans(_ run: TrainingRun) throws -> [(plan: BatchPlan, ids: [String])] {
            let data = run.configuration.data
            let cuts = try Manifest(contentsOf: data.manifest).cuts
            let store = try FeatureStore(frontEnd: run.configuration.frontEnd)
            let sampler = try LengthBucketedSampler(
                ids: cuts.map(\.id),
                frameCounts: try store.frameCounts(of: cuts).map { try $0.get() },
                options: SamplerOptions(
                    mode: data.mode, framesPerBatch: data.framesPerBatch,
                    cropFrames: data.cropFrames,
                    minimumFrames: data.minimumFrames, seed: run.configuration.seed))
            return sampler.batches(epoch: 0).map { plan in
                (plan, store.batch(for: plan, of: cuts).batch.ids)
            }
        }

        /// Makes a recording one of very large samples.
        private func overflow(_ id: String, in run: TrainingRun) throws {
            let number = try #require(Int(id.dropFirst("voice-".count)))
            try writeHugeTone(
                run.path("\(number).wav"), sampleCount: run.sampleCounts[number])
        }

        /// The weights after the run's steps but those left out, stepped here by hand.
        private func weights(
            _ run: TrainingRun, leavingOut left: Set<Int>
        ) throws -> [String: TensorValues] {
            let configuration = run.configuration
            let (seed, accumulation) = (
                Seed(configuration.seed), configuration.training.accumulation
            )
            let cuts = try Manifest(contentsOf: configuration.data.manifest).cuts
            let store = try FeatureStore(
                frontEnd: configuration.frontEnd, purpose: .training(seed: configuration.seed))
            let objective = configuration.objective.makeObjective(melBandCount: 257, seed: seed)
            let options = configuration.optimizer
            let optimizer = AdamW(
                objective.namedParameters, betas: (options.beta1, options.beta2),
                epsilon: options.epsilon, weightDecay: options.weightDecay)
            let schedule = LearningRateSchedule(
                peak: options.rate, warmUp: options.warmUp, decay: options.decay)
            let plans = try plans(run).map(\.plan)
            for step in 1...3 where !left.contains(step) {
                for part in 0..<accumulation {
                    let batch = store.batch(
                        for: plans[(step - 1) * accumulation + part], of: cuts
                    ).batch
                    let own = seed.derived(step)
                    let loss = objective.loss(
                        features: Tensor(
                            batch.features, shape: [batch.count, batch.frameCount, 257]),
                        lengths: batch.lengths, groups: batch.groups,
                        seed: accumulation == 1 ? own : own.derived(part)
                    ).value
                    (loss * (1 / Double(accumulation))).backward()
                }
                _ = clipGradients(of: objective.parameters, toNorm: options.clipNorm)
                optimizer.step(rate: schedule.rate(at: Double(step) / 3))
            }
            return objective.weights()
        }

        private func tensors(
            _ run: TrainingRun, _ step: Int, _ file: String
        ) throws -> [String: TensorValues] {
            try Safetensors(contentsOf: run.path("run/checkpoints/step-0000000\(step)/" + file))
                .tensors
        }

        /// With two batches a step, the gradient of the good one is dropped too.
        @Test(arguments: [1, 2])
        func oneRecordingCostsOneStep(accumulation: Int) throws {
            let run = try makeRun(accumulation: accumulation)
            // The last batch of the second step.
            let ids = try plans(run)[2 * accumulation - 1].ids
            try overflow(try #require(ids.first), in: run)
            let outcome = try run.train("run")

            #expect(outcome.summary.skippedSteps == 1 && outcome.summary.problemCount == 0)
            #expect(try run.words("run", in: "skipped").keys.sorted() == [2])
            #expect(Set(try #require(run.words("run", in: "skipped")[2])).isSuperset(of: ids))
            #expect(outcome.warnings.count == 1)
            #expect(outcome.warnings.first?.contains("step 2 is skipped") == true)
            #expect(try run.trace("run").map { $0["skippedSteps"] } == [nil, 1, nil])
            for file in ["model.safetensors", "optimizer.safetensors"] {
                let (first, second) = (try tensors(run, 1, file), try tensors(run, 2, file))
                #expect(second == first)
                #expect(try tensors(run, 3, file) != second)
            }
            let model = try PretrainedModel(contentsOf: run.path("run/model.safetensors"))
            #expect(try model.objective.weights() == weights(run, leavingOut: [2]))
            #expect(
                model.objective.weights().values.allSatisfy { $0.values.allSatisfy { $0.isFinite } }
            )

            try run.copy("run", killedAfterCheckpoint: 2, as: "killed")
            #expect(try run.train("killed").warnings.isEmpty)
            try run.expectSame("killed", "run")
        }

        @Test func onlyStepsInARowEndTheRun() throws {
            let run = try makeRun()
            let plans = try plans(run)
            for step in [1, 3] {
                try overflow(try #require(plans[step - 1].ids.first), in: run)
            }
            let apart = try run.train("run") { $0.training.nonFinitePatience = 2 }
            #expect(apart.summary.skippedSteps == 2 && apart.summary.steps == 3)

            try overflow(try #require(plans[1].ids.first), in: run)
            let error = #expect(throws: PretrainingError.self) {
                try run.train("ended") { $0.training.nonFinitePatience = 2 }
            }
            #expect(
                error == .diverged(step: 2, times: 2, recordings: plans[1].ids))
            #expect(try run.trace("ended").count == 2)
            #expect(!FileManager.default.fileExists(atPath: run.path("ended/model.safetensors")))
        }
    }
}

/// Powers without a logarithm, so that a huge sample is a huge feature: 257 bins.
let hugePowers: FrontEnd = {
    var frontEnd = FrontEnd.kaldi
    frontEnd.kind = .spectrogram
    frontEnd.log = .none
    frontEnd.waveformScale = 1
    frontEnd.outputScale = 300
    return frontEnd
}()

/// Writes a tone of samples up to 5e15: its powers reach 1e38, which is still a number.
func writeHugeTone(_ path: String, sampleCount: Int) throws {
    let samples = (0..<sampleCount).map { Float(5e15 * sin(Double.pi * Double($0) / 2)) }
    try Waveform(samples: samples, sampleRate: 16000).write(to: path, format: .wavFloat)
}
