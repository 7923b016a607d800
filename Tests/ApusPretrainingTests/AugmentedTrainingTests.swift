import ApusCorpus
import ApusPretraining
import Foundation
import Testing

extension Computing {
    /// Training with augmentation: the same seed gives the same bits, interrupted or not.
    @Suite struct AugmentedTrainingTests {
        /// A run with every augmentation on, and dither; noises and a room are made for it.
        private func run(_ kind: ObjectiveKind = .cpc) throws -> TrainingRun {
            var run = try TrainingRun(kind)
            for (number, name) in ["hiss", "hum", "room"].enumerated() {
                try run.folder.writeWAV(
                    name + ".wav", voice(100 + number, sampleCount: number == 2 ? 900 : 5000))
            }
            func line(_ name: String) -> String {
                "{\"audio_filepath\":\"\(name).wav\",\"id\":\"\(name)\"}\n"
            }
            var options = AugmentationOptions()
            options.noise.manifest = try run.folder.write(
                line("hiss") + line("hum"), "noises.jsonl")
            options.reverberation.manifest = try run.folder.write(line("room"), "rooms.jsonl")
            options.speed.probability = 0.7
            options.reverberation.probability = 0.5
            options.noise.probability = 0.7
            options.gain.probability = 0.7
            options.clipping.probability = 0.3
            options.telephone.probability = 0.3
            options.bandDrop.probability = 0.5
            options.chunkDrop.probability = 0.5
            options.specAugment.probability = 0.7
            options.specAugment.timeWarp = 4
            options.specAugment.maximumFrequencyMask = 3
            run.configuration.augmentation = options
            run.configuration.frontEnd.dither = 1
            return run
        }

        private func expectSame(_ run: TrainingRun, _ name: String, _ other: String) throws {
            #expect(try run.trace(name) == run.trace(other))
            let one = try PretrainedModel(contentsOf: run.path(name + "/model.safetensors"))
            let two = try PretrainedModel(contentsOf: run.path(other + "/model.safetensors"))
            #expect(one.objective.weights() == two.objective.weights())
        }

        @Test(arguments: ObjectiveKind.allCases)
        func aStoppedRunEndsAsAnUndisturbedOne(kind: ObjectiveKind) throws {
            let run = try run(kind)
            let whole = try run.train("whole")
            #expect(whole.warnings.isEmpty && whole.steps == Array(1...20))
            // Neither memory nor workers decide anything, nor when the run was stopped.
            try run.copy("whole", killedAfterCheckpoint: 10, as: "stopped")
            let continued = try run.train("stopped") {
                $0.data.workers = 1
                $0.data.cacheMegabytes = 0
                $0.augmentation.cacheMegabytes = 0
            }
            #expect(continued.warnings.isEmpty && continued.steps == Array(11...20))
            try expectSame(run, "stopped", "whole")
            try run.train("again") { $0.data.workers = 3 }
            try expectSame(run, "again", "whole")
            try run.train("seed") { $0.seed = 2 }
            #expect(try run.losses("seed") != run.losses("whole"))
        }

        /// Each kind by itself moves the losses, and off it leaves them as they were.
        @Test func everyKindIsHeard() throws {
            var run = try run()
            let all = run.configuration.augmentation
            run.configuration.augmentation = AugmentationOptions()
            run.configuration.frontEnd.dither = 0
            run.configuration.training.steps = 3
            try run.train("off")
            let off = try run.losses("off")
            typealias Kind = (String, (inout PretrainingConfiguration) -> Void)
            let kinds: [Kind] = [
                ("speed", { $0.augmentation.speed = all.speed }),
                ("reverberation", { $0.augmentation.reverberation = all.reverberation }),
                ("noise", { $0.augmentation.noise = all.noise }),
                ("gain", { $0.augmentation.gain = all.gain }),
                ("clipping", { $0.augmentation.clipping = all.clipping }),
                ("telephone", { $0.augmentation.telephone = all.telephone }),
                ("bandDrop", { $0.augmentation.bandDrop = all.bandDrop }),
                ("chunkDrop", { $0.augmentation.chunkDrop = all.chunkDrop }),
                ("specAugment", { $0.augmentation.specAugment = all.specAugment }),
                ("dither", { $0.frontEnd.dither = 1 }),
            ]
            for (name, turnOn) in kinds {
                try run.train(name, turnOn)
                #expect(try run.losses(name) != off, "\(name)")
            }
            let quiet: (inout PretrainingConfiguration) -> Void = {
                $0.augmentation = all
                $0.augmentation.speed.probability = 0
                $0.augmentation.reverberation.probability = 0
                $0.augmentation.noise.probability = 0
                $0.augmentation.gain.probability = 0
                $0.augmentation.clipping.probability = 0
                $0.augmentation.telephone.probability = 0
                $0.augmentation.bandDrop.probability = 0
                $0.augmentation.chunkDrop.probability = 0
                $0.augmentation.specAugment.probability = 0
            }
            try run.train("quiet", quiet)
            #expect(try run.losses("quiet") == off)
        }

        /// The statistics that a model normalises by are those of the recordings themselves.
        @Test func statisticsAreThoseOfTheRecordings() throws {
            let run = try run()
            try run.train("all") { $0.training.steps = 1 }
            try run.train("none") {
                $0.training.steps = 1
                $0.augmentation = AugmentationOptions()
            }
            #expect(try run.bytes("all/statistics.json") == run.bytes("none/statistics.json"))
            let all = try PretrainedModel(contentsOf: run.path("all/model.safetensors"))
            let none = try PretrainedModel(contentsOf: run.path("none/model.safetensors"))
            // Durations and numbers of recordings too, though crops are planned shorter.
            #expect(all.card.trainingData == none.card.trainingData)
        }

        @Test func aMissingNoiseEndsTheRunBeforeItBegins() throws {
            let run = try run()
            try FileManager.default.removeItem(atPath: run.path("hum.wav"))
            let error = try #require(throws: CorpusError.self) { try run.train("run") }
            #expect(error.description.hasPrefix("hum: \(run.path("hum.wav")): "))
            #expect(error.description.contains("a noise of \(run.path("noises.jsonl"))"))
            #expect(!FileManager.default.fileExists(atPath: run.path("run")))
        }

        /// A run goes on with the noises that it began with.
        @Test func changedNoisesAreRefused() throws {
            let run = try run()
            try run.train("run") { $0.training.steps = 2 }
            try run.folder.write(
                "{\"audio_filepath\":\"hiss.wav\",\"id\":\"hiss\"}\n", "noises.jsonl")
            let error = try #require(throws: PretrainingError.self) {
                try run.train("run") { $0.training.steps = 2 }
            }
            #expect(error.description.contains("noises.jsonl has changed since the run began"))
        }

        @Test func optionsAreSetAndRefusedByName() throws {
            let configuration = try ConfigurationFile.resolve(
                PretrainingConfiguration(),
                settings: [
                    "data.manifest=m.jsonl", "augmentation.speed.probability=0.5",
                    "augmentation.speed.factors=[0.8, 1.2]",
                    "augmentation.telephone.laws=[aLaw]", "augmentation.clipping.measure=level",
                    "augmentation.specAugment.maskValue=mean",
                ])
            #expect(configuration.augmentation.speed.factors == [0.8, 1.2])
            #expect(configuration.augmentation.telephone.laws == [.aLaw])
            #expect(configuration.augmentation.clipping.measure == .level)
            #expect(configuration.augmentation.specAugment.maskValue == .mean)
            try configuration.validate(source: "here")

            #expect(
                throws: PretrainingError.unknownKey(
                    key: "augmentation.noise.probabilty",
                    nearest: "augmentation.noise.probability", source: "--set")
            ) {
                try ConfigurationFile.resolve(
                    PretrainingConfiguration(), settings: ["augmentation.noise.probabilty=1"])
            }
            var bad = configuration
            bad.augmentation.gain.probability = -0.5
            #expect(
                throws: PretrainingError.badValue(
                    key: "augmentation.gain.probability",
                    reason: "is -0.5, expected a probability, 0 to 1", source: "here")
            ) { try bad.validate(source: "here") }
            bad = configuration
            bad.augmentation.bandDrop.probability = 0.5
            bad.augmentation.bandDrop.maximumFrequency = 9000
            let error = try #require(throws: PretrainingError.self) {
                try bad.validate(source: "here")
            }
            #expect(
                error.description.hasPrefix(
                    "here: augmentation.bandDrop.maximumFrequency: is 9000.0"))
        }
    }
}
