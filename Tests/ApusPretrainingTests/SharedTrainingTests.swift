import ApusNN
import ApusPretraining
import ApusTensor
import Foundation
import TestSupport
import Testing

extension TrainingRun {
    /// Trains in a folder `name` by several processes, here threads that meet as processes do.
    ///
    /// `stopping` is the process that is asked to stop, and after which step it is.
    @discardableResult
    func train(
        _ name: String, processes count: Int,
        _ adjust: (inout PretrainingConfiguration) -> Void = { _ in },
        stopping: (rank: Int, step: Int)? = nil
    ) throws -> [Pretrainer.Summary] {
        var configuration = configuration
        adjust(&configuration)
        let (final, folder) = (configuration, path(name))
        return try inProcesses(count) { group in
            let stop = Stopper()
            let pretrainer = try Pretrainer(final, folder: folder, processes: group) { event in
                // Rank 0 reports, and whoever is asked to stop is asked at that time.
                if case .progress(let now) = event, now.step == stopping?.step { stop.reached() }
            }
            stop.ask = { pretrainer.stopRequest.stop() }
            if let stopping, stopping.rank == group.place.rank, stopping.rank != 0 {
                // It reports nothing: asked at the beginning, it stops after the first step.
                pretrainer.stopRequest.stop()
            }
            return try pretrainer.run()
        }.map { try $0.get() }
    }

    private final class Stopper {
        var ask: () -> Void = {}
        func reached() { ask() }
    }
}

extension Computing {
    /// Several processes that share each batch train the model of one.
    @Suite struct SharedTrainingTests {
        /// The largest difference between two runs' losses, relative to them.
        private func difference(_ run: TrainingRun, _ name: String, _ other: String) throws
            -> Double
        {
            let (losses, others) = (try run.losses(name), try run.losses(other))
            #expect(losses.count == others.count)
            return zip(losses, others).map { abs($0 - $1) / abs($1) }.max() ?? .infinity
        }

        private func makeRun(_ kind: ObjectiveKind) throws -> TrainingRun {
            var run = try TrainingRun(kind)
            run.configuration.threads = 1
            run.configuration.training.steps = 50
            run.configuration.distributed.gathersNegatives = true
            return run
        }

        @Test(arguments: ObjectiveKind.allCases, [2, 3])
        func severalProcessesEqualOne(kind: ObjectiveKind, count: Int) throws {
            let run = try makeRun(kind)
            try run.train("one")
            try run.train("several", processes: count)
            let found = try difference(run, "several", "one")
            print("difference", kind.rawValue, count, found)
            #expect(found < 1e-6)
        }

        /// Dither, augmentation, accumulation, validation, averages, health and sources of negatives.
        @Test(arguments: [CPC.NegativeSource.otherRecordings, .mixed, .batch, .sameRecording])
        func everyOptionEquals(negatives: CPC.NegativeSource) throws {
            var run = try makeRun(.cpc)
            run.turnEverythingOn()
            run.configuration.frontEnd.dither = 0.01
            run.configuration.augmentation.specAugment.probability = 0.5
            run.configuration.augmentation.gain.probability = 0.5
            run.configuration.objective.cpc.negatives = negatives
            run.configuration.objective.cpc.isBidirectional = negatives == .mixed
            if negatives == .batch {
                run.configuration.objective.cpc.drawing = .perFrame
                run.configuration.data.mode = .padded
            }
            try run.train("one")
            let summaries = try run.train("two", processes: 2)
            #expect(try difference(run, "two", "one") < 1e-6)
            #expect(summaries[0].loss == summaries[1].loss)
            for (figures, others) in zip(try run.trace("two"), try run.trace("one")) {
                #expect(figures["validation/loss"] != nil || others["validation/loss"] == nil)
                for name in ["validation/loss", "gradientNorm", "featureDeviation/context"] {
                    if let other = others[name] {
                        #expect(abs((figures[name] ?? .nan) - other) < 1e-4 * abs(other), "\(name)")
                    }
                }
            }
        }

        @Test func maskedContrastEquals() throws {
            var run = try makeRun(.maskedPrediction)
            run.configuration.objective.maskedPrediction.contrastive.weight = 0.5
            run.configuration.objective.maskedPrediction.contrastive.negatives = .mixed
            try run.train("one")
            try run.train("two", processes: 2)
            #expect(try difference(run, "two", "one") < 1e-6)
        }

        /// Quantised objectives pick codes: equal as long as no two are as likely.
        @Test func quantisedFramesEqual() throws {
            var run = try makeRun(.autoregressivePrediction)
            run.configuration.objective.autoregressivePrediction.isQuantized = true
            run.configuration.objective.autoregressivePrediction.codeCount = 16
            try run.train("one")
            try run.train("two", processes: 2)
            #expect(try difference(run, "two", "one") < 1e-6)
        }

        /// More processes than a batch has recordings.
        @Test func aProcessMayHaveNothing() throws {
            var run = try makeRun(.cpc)
            run.configuration.data.framesPerBatch = 120
            run.configuration.training.steps = 12
            try run.train("one")
            try run.train("three", processes: 3)
            #expect(try difference(run, "three", "one") < 1e-6)
        }

        /// Without gathering, negatives come from a process's own recordings: another loss.
        @Test func negativesOfTheirOwnAreOthers() throws {
            let run = try makeRun(.cpc)
            try run.train("one") { $0.training.steps = 5 }
            try run.train("two", processes: 2) {
                $0.training.steps = 5
                $0.distributed.gathersNegatives = false
            }
            #expect(try difference(run, "two", "one") > 1e-4)
        }

        /// Continued by another number of processes, a run goes on in the same order.
        @Test(arguments: [(1, 3), (2, 1), (3, 2)])
        func continuationByAnotherNumber(first: Int, then: Int) throws {
            let run = try makeRun(.maskedReconstruction)
            try run.train("whole") { $0.training.steps = 20 }
            try run.train("half", processes: first) { $0.training.steps = 20 }
            try run.copy("half", killedAfterCheckpoint: 10, as: "continued")
            try run.train("continued", processes: then) { $0.training.steps = 20 }
            #expect(try run.losses("continued").count == 20)
            #expect(try difference(run, "continued", "whole") < 1e-6)
            let files = try FileManager.default.contentsOfDirectory(
                atPath: run.path("continued/checkpoints/step-00000020"))
            #expect(
                try files.sorted()
                    == FileManager.default.contentsOfDirectory(
                        atPath: run.path("whole/checkpoints/step-00000020")
                    ).sorted())
        }

        /// A signal to any process stops all after the same step, with one checkpoint.
        @Test(arguments: [0, 1]) func anyProcessStopsAll(rank: Int) throws {
            let run = try makeRun(.maskedReconstruction)
            let summaries = try run.train("stopped", processes: 2, stopping: (rank, 7))
            #expect(Set(summaries.map(\.steps)).count == 1)
            #expect(summaries.allSatisfy { $0.end == nil })
            let step = summaries[0].steps
            #expect(rank == 0 ? (7...8).contains(step) : step == 0)
            try run.train("stopped", processes: 2)
            try run.train("whole", processes: 2)
            #expect(try run.losses("stopped") == run.losses("whole"))
            #expect(
                try run.bytes("stopped/model.safetensors") == run.bytes("whole/model.safetensors"))
        }

        /// In halves, sums are rounded: close, and the same on every process.
        @Test func compressedGradientsTrain() throws {
            let run = try makeRun(.maskedReconstruction)
            try run.train("one")
            try run.train("two", processes: 2) { $0.distributed.compression = .bfloat16 }
            let found = try difference(run, "two", "one")
            #expect(found < 0.02)
            #expect(found > 1e-6)
        }

        /// A recording that is damaged is left out by all, and draws don't move.
        @Test(arguments: [1, 2]) func aDamagedRecordingIsLeftOutByAll(damaged: Int) throws {
            var run = try makeRun(.cpc)
            run.configuration.training.steps = 12
            run.configuration.data.normalizesByCorpus = false
            let path = run.path("\(damaged).wav")
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            try whole.prefix(whole.count / 3).write(to: URL(fileURLWithPath: path))
            let one = try run.train("one")
            let several = try run.train("several", processes: 2)
            #expect(several[0].problemCount == one.summary.problemCount)
            #expect(try difference(run, "several", "one") < 1e-6)
        }

        /// A step without a finite loss is skipped by all.
        @Test func aStepWithoutAFiniteLossIsSkippedByAll() throws {
            var run = try makeRun(.maskedReconstruction)
            run.configuration.optimizer.rate = 1e6
            run.configuration.optimizer.clipNorm = 1e30
            run.configuration.training.steps = 20
            run.configuration.training.nonFinitePatience = 100
            run.configuration.optimizer.kind = .sgd
            let summaries = try run.train("two", processes: 2)
            #expect(summaries[0].skippedSteps == summaries[1].skippedSteps)
            let skipped = try run.words("two", in: "skipped")
            #expect(skipped.count == summaries[0].skippedSteps)
        }

        @Test func anotherConfigurationIsAnError() throws {
            let run = try makeRun(.maskedReconstruction)
            let (configuration, folder) = (run.configuration, run.path("two"))
            let results = try inProcesses(2, closes: false) { group in
                var own = configuration
                own.training.steps += group.place.rank
                _ = try Pretrainer(own, folder: folder, processes: group).run()
            }
            #expect(throws: PretrainingError.self) { try results[1].get() }
            #expect(throws: ProcessError.self) { try results[0].get() }
        }
    }
}
