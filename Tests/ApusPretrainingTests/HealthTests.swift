import ApusNN
import ApusPretraining
import ApusTensor
import Foundation
import Testing

extension Computing {
    /// What tells whether an encoder learns: figures in closed form, and warnings.
    @Suite struct HealthTests {
        @Test func spreadInClosedForm() {
            // Four frames on the axes of two dimensions, with deviations 3/√2 and 1/√2.
            let cross = FeatureHealth(
                of: Tensor([3, 0, -3, 0, 0, 1, 0, -1], shape: [4, 2]))
            #expect(abs(cross.deviation - (3 + 1) / 2.0.squareRoot() / 2) < 1e-6)
            // Eigenvalues 9 and 1: exp(-(0.9 ln 0.9 + 0.1 ln 0.1)).
            #expect(abs(cross.effectiveRank - exp(-(0.9 * log(0.9) + 0.1 * log(0.1)))) < 1e-6)

            let even = FeatureHealth(
                of: Tensor(
                    [1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1], shape: [6, 3]))
            #expect(abs(even.effectiveRank - 3) < 1e-5)
            // The mean has no part in it.
            let moved = FeatureHealth(
                of: Tensor([1, 2, 3, 4], shape: [4, 1]).matmul(Tensor([1, 2, -1], shape: [1, 3]))
                    + 100)
            #expect(abs(moved.effectiveRank - 1) < 1e-3)
            let constant = FeatureHealth(of: Tensor(ones: [5, 3]) * 7)
            #expect(constant == FeatureHealth(of: Tensor(zeros: [1, 8])))
            #expect(constant.deviation == 0 && constant.effectiveRank == 0)
        }

        /// Fewer frames than dimensions: the other product of the same matrix.
        @Test func fewFramesHaveTheSameEigenvalues() {
            let wide = Tensor(
                normal: 0, standardDeviation: 1, shape: [6, 20], seed: Seed(3))
            let twice = Tensor.concatenated([wide, wide, wide, wide], dimension: 0)
            let (few, many) = (FeatureHealth(of: wide), FeatureHealth(of: twice))
            #expect(abs(few.effectiveRank / many.effectiveRank - 1) < 1e-5)
            #expect(abs(few.deviation / many.deviation - 1) < 1e-5)
            #expect(few.effectiveRank > 4 && few.effectiveRank <= 5)
        }

        /// What lies beyond a recording's end isn't measured.
        @Test func paddingHasNoPartInIt() {
            let objective = makeMaskedReconstruction(dropout: 0.2)
            redraw(objective)
            let lengths = [9, 14, 3]
            let (short, long) = (
                FeatureHealth.layers(
                    of: objective.encoder, features: batch(lengths: lengths, melBandCount: 8),
                    lengths: lengths),
                FeatureHealth.layers(
                    of: objective.encoder,
                    features: batch(lengths: lengths, frameCount: 30, melBandCount: 8),
                    lengths: lengths)
            )
            #expect(short.map(\.name) == ["layer-1", "layer-2"])
            for (one, other) in zip(short, long) {
                #expect(abs(one.health.deviation - other.health.deviation) < 1e-5)
                #expect(abs(one.health.effectiveRank - other.health.effectiveRank) < 1e-3)
                #expect(one.health.effectiveRank > 1)
            }
        }

        @Test func figuresAreLoggedAndChangeNoBit() throws {
            let run = try TrainingRun()
            try run.train("run") { $0.training.healthEvery = 5 }
            for (index, line) in try run.trace("run").enumerated() {
                let names = ["featureDeviation/context", "effectiveRank/convolution"]
                for name in names { #expect((line[name] != nil) == ((index + 1) % 5 == 0)) }
                if let rank = line["effectiveRank/context"] { #expect((1...16).contains(rank)) }
            }
            try run.train("without") { $0.training.healthEvery = 0 }
            #expect(try run.losses("run") == run.losses("without"))
            let (one, other) = (
                try Safetensors(contentsOf: run.path("run/model.safetensors")),
                try Safetensors(contentsOf: run.path("without/model.safetensors"))
            )
            #expect(one.tensors == other.tensors)
        }

        /// Weights that a huge decay makes zero give frames that are all alike, and CPC chance.
        @Test func collapseIsWarnedOfOnce() throws {
            var run = try TrainingRun()
            run.configuration.training.healthEvery = 2
            run.configuration.optimizer.weightDecay = 1000
            run.configuration.optimizer.decay = .constant
            let outcome = try run.train("run")
            let deviations = outcome.warnings.filter {
                $0.contains("the layer context collapses: its frames deviate by")
            }
            #expect(deviations.count == 1)
            #expect(outcome.warnings.count { $0.contains("is still that of chance") } == 1)
            let words = try run.words("run", in: "warnings")
            #expect(words.values.joined().count == outcome.warnings.count)
            #expect(words.keys.allSatisfy { $0 > 2 }, "not before the warm-up is over")
            try run.copy("run", killedAfterCheckpoint: 15, as: "killed")
            #expect(try run.train("killed").warnings.isEmpty, "once in a run, continued or not")
            try run.expectSame("killed", "run")

            let healthy = try TrainingRun().train("run") {
                $0.training.steps = 150
                $0.training.checkpointEvery = 150
                $0.training.healthEvery = 50
                $0.optimizer.rate = 5e-3
            }
            // Steady tones have few directions to spread over; nothing else is to be warned of.
            #expect(healthy.warnings.allSatisfy { $0.contains("its effective rank is") })
        }
    }
}
