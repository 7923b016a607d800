import ApusCorpus
import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite struct Continuation {
        private func arguments(_ run: String, seed: Int = 1) throws -> [String] {
            // Hundreds of small steps: long enough to be killed in the middle, soon done. The many
            // checkpoints make it likely that one is being written then.
            [
                "pretrain", "-o", run, "--set", "training.steps=300", "--set",
                "training.checkpointEvery=2", "--set", "seed=\(seed)", "--set",
                "training.averaging.decay=0.99", "--set", "training.accumulation=2", "--set",
                "data.validationShare=0.2", "--set", "training.validateEvery=50", "--set",
                "data.manifest=\(try TrainedModels.shared.manifests)/train.jsonl",
            ] + TrainedModels.small
        }

        private func losses(_ run: String) throws -> [Double] {
            try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
                .split(separator: "\n").enumerated().map { index, line in
                    let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
                    let fields = try #require(object as? [String: Any])
                    #expect(fields["step"] as? Int == index + 1)
                    return try #require(fields["loss"] as? Double)
                }
        }

        /// The number of lines in a log that is being written.
        private func lines(_ run: String) -> Int {
            let text = try? String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
            return text?.split(separator: "\n").count ?? 0
        }

        private func model(_ run: String) throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: run + "/model.safetensors"))
        }

        @Test func aKilledRunEndsWithTheBitsOfOneLeftAlone() throws {
            let folder = try TemporaryFolder()
            let alone = folder.path + "/alone"
            let killed = folder.path + "/killed"
            #expect(try BuiltCommand.run(arguments(alone)).status == 0)

            var killsInTheMiddle = 0
            var generator = SystemRandomNumberGenerator()
            for _ in 0..<20 {
                let running = try BuiltCommand.start(arguments(killed))
                // At a moment nobody chose, wherever it is then: between steps or while it writes.
                let before = lines(killed)
                let line = before + Int.random(in: 1...25, using: &generator)
                while running.process.isRunning, lines(killed) < line { usleep(1000) }
                usleep(UInt32.random(in: 0...20_000, using: &generator))
                kill(running.process.processIdentifier, SIGKILL)
                _ = try running.wait()
                if lines(killed) < 300 {
                    killsInTheMiddle += 1
                    #expect(!FileManager.default.fileExists(atPath: killed + "/model.safetensors"))
                }
            }
            #expect(killsInTheMiddle > 5)
            let last = try BuiltCommand.run(arguments(killed))
            #expect(last.status == 0, "\(last.error)")
            #expect(try model(killed) == model(alone))
            #expect(try losses(killed) == losses(alone))

            let again = try BuiltCommand.run(arguments(killed))
            #expect(again.status == 0)
            #expect(again.error.contains("has all 300 steps already"))
            #expect(try model(killed) == model(alone))
        }

        @Test(arguments: [SIGTERM, SIGINT])
        func aSignalEndsTheRunAfterACheckpoint(signal: Int32) throws {
            let folder = try TemporaryFolder()
            let (alone, stopped) = (folder.path + "/alone", folder.path + "/stopped")
            func arguments(_ run: String) throws -> [String] {
                // No checkpoint but the one that the signal asks for, and the last.
                try self.arguments(run) + ["--set", "training.checkpointEvery=300"]
            }
            #expect(try BuiltCommand.run(arguments(alone)).status == 0)
            let running = try BuiltCommand.start(arguments(stopped))
            while running.process.isRunning, lines(stopped) < 20 { usleep(1000) }
            kill(running.process.processIdentifier, signal)
            let outcome = try running.wait()
            #expect(outcome.status == 0 && running.process.terminationReason == .exit)
            #expect(outcome.output.contains(": stopped after step "))
            #expect(!FileManager.default.fileExists(atPath: stopped + "/model.safetensors"))
            let step = lines(stopped)
            #expect((20..<300).contains(step))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: stopped + "/checkpoints")
                    == [String(format: "step-%08d", step)])
            let last = try BuiltCommand.run(arguments(stopped))
            #expect(last.status == 0, "\(last.error)")
            #expect(last.error.contains("continuing from"))
            #expect(try model(stopped) == model(alone))
            #expect(try losses(stopped) == losses(alone))
        }

        @Test func theSeedDecides() throws {
            let folder = try TemporaryFolder()
            for (name, seed) in [("one", 1), ("same", 1), ("other", 2)] {
                let outcome = try BuiltCommand.run(arguments("\(folder.path)/\(name)", seed: seed))
                #expect(outcome.status == 0, "\(outcome.error)")
            }
            #expect(try losses(folder.path + "/one") == losses(folder.path + "/same"))
            #expect(try model(folder.path + "/one") == model(folder.path + "/same"))
            #expect(try losses(folder.path + "/one") != losses(folder.path + "/other"))
        }

        @Test func aChangedManifestIsRefused() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            var manifest = try Manifest(contentsOf: models.manifests + "/train.jsonl")
            try manifest.write(to: folder.path + "/train.jsonl")
            let arguments =
                [
                    "pretrain", "-o", folder.path + "/run", "--set", "training.steps=3", "--set",
                    "data.manifest=\(folder.path)/train.jsonl",
                ] + TrainedModels.small
            #expect(try BuiltCommand.run(arguments).status == 0)
            #expect(try BuiltCommand.run(arguments).status == 0)
            manifest.cuts.removeLast()
            try manifest.write(to: folder.path + "/train.jsonl")
            let outcome = try BuiltCommand.run(arguments)
            #expect(outcome.status == 65)
            #expect(outcome.error.contains("train.jsonl has changed since the run began"))
        }

        @Test func anotherConfigurationIsRefused() throws {
            let models = try TrainedModels.shared
            let outcome = try BuiltCommand.run(
                [
                    "pretrain", "-o", models.folder.path + "/cpc", "--set", "training.steps=21",
                    "--set", "data.manifest=\(models.manifests)/train.jsonl",
                ] + TrainedModels.small)
            #expect(outcome.status == 65)
            #expect(outcome.error.contains("training.steps is 20 there, 21 here"))
        }
    }
}
