import Foundation
import TestSupport
import Testing

extension Commands {
    /// Several processes of the built command, and what becomes of the others where one is lost.
    @Suite struct Launch {
        private func arguments(_ run: String, processes: Int = 2, steps: Int = 20) throws
            -> [String]
        {
            [
                "launch", "--processes", "\(processes)", "--grace", "20", "--", "pretrain", "-o",
                run,
                "--set", "training.steps=\(steps)", "--set", "threads=1",
                "--set", "training.checkpointEvery=5", "--set", "distributed.timeout=10",
                "--set", "data.manifest=\(try TrainedModels.shared.manifests)/train.jsonl",
            ] + TrainedModels.small
        }

        private func lines(_ run: String) -> Int {
            let text = try? String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
            return text?.split(separator: "\n").count ?? 0
        }

        /// The processes that a launcher has started, by rank.
        private func processes(of launcher: Int32) throws -> [Int: Int32] {
            var found: [Int: Int32] = [:]
            for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
                guard let process = Int32(name),
                    let stat = try? String(
                        contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
                    let end = stat.lastIndex(of: ")"),
                    stat[end...].split(separator: " ").dropFirst(2).first == "\(launcher)",
                    let environment = try? Data(
                        contentsOf: URL(fileURLWithPath: "/proc/\(process)/environ"))
                else { continue }
                for variable in environment.split(separator: 0) {
                    let text = String(decoding: variable, as: UTF8.self)
                    if text.hasPrefix("RANK="), let rank = Int(text.dropFirst(5)) {
                        found[rank] = process
                    }
                }
            }
            return found
        }

        /// Starts a long run, and waits until it is under way.
        private func start(_ run: String) throws -> (running: Running, ranks: [Int: Int32]) {
            // A run that continues has lines already.
            let wanted = lines(run) + 12
            let running = try BuiltCommand.start(arguments(run, steps: 100_000))
            let end = Date(timeIntervalSinceNow: 120)
            while lines(run) < wanted, running.process.isRunning, Date() < end { usleep(20_000) }
            let ranks = try processes(of: running.process.processIdentifier)
            guard ranks.count == 2, lines(run) >= wanted else {
                running.process.terminate()
                let outcome = try running.wait(seconds: 60)
                Issue.record("not under way, \(lines(run)) of \(wanted) steps: \(outcome.error)")
                throw CancellationError()
            }
            return (running, ranks)
        }

        /// Continues a run that was cut off: it begins at its last checkpoint.
        private func expectContinuation(_ run: String) throws {
            let (running, ranks) = try start(run)
            kill(try #require(ranks[1]), SIGTERM)
            let outcome = try running.wait()
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(outcome.error.contains("[0] continuing from"))
            #expect(outcome.output.contains("[0] \(run): stopped after step"))
            // One line of results, by rank 0 alone.
            #expect(!outcome.output.contains("[1]"))
        }

        @Test func twoProcessesTrainOneModel() throws {
            let folder = try TemporaryFolder()
            let run = folder.path + "/two"
            let outcome = try BuiltCommand.run(arguments(run))
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(outcome.output.contains("[0] \(run)/model.safetensors: 20 steps"))
            #expect(lines(run) == 20)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: run)
                    .count { $0.hasPrefix("events.out") } == 1)
        }

        @Test(arguments: [0, 1]) func aKilledProcessEndsAll(rank: Int) throws {
            let folder = try TemporaryFolder()
            let run = folder.path + "/killed"
            let (running, ranks) = try start(run)
            kill(try #require(ranks[rank]), SIGKILL)
            let outcome = try running.wait(seconds: 60)
            // The first failure is the kill itself.
            #expect(outcome.status == 128 + SIGKILL)
            let lost = outcome.error.split(separator: "\n").first {
                $0.hasPrefix("[\(1 - rank)] error:")
            }
            #expect(lost?.contains("rank \(rank) on ") == true, "\(outcome.error)")
            try expectContinuation(run)
        }

        @Test(arguments: [0, 1]) func aPausedProcessEndsAll(rank: Int) throws {
            let folder = try TemporaryFolder()
            let run = folder.path + "/paused"
            let (running, ranks) = try start(run)
            kill(try #require(ranks[rank]), SIGSTOP)
            let outcome = try running.wait(seconds: 90)
            #expect(outcome.status == 69, "\(outcome.error)")
            #expect(outcome.error.contains("rank \(rank) on "), "\(outcome.error)")
            try expectContinuation(run)
        }

        @Test func signalsArePassedOn() throws {
            let folder = try TemporaryFolder()
            let run = folder.path + "/stopped"
            let (running, _) = try start(run)
            kill(running.process.processIdentifier, SIGTERM)
            let outcome = try running.wait(seconds: 60)
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(outcome.output.contains("stopped after step"))
        }

        @Test func aBadOptionEndsAll() throws {
            let folder = try TemporaryFolder()
            let outcome = try BuiltCommand.run(
                try arguments(folder.path + "/bad") + ["--set", "training.nonsense=1"])
            #expect(outcome.status == 64)
            #expect(outcome.error.contains("training.nonsense"))
        }

        @Test(arguments: [
            ["launch", "--processes", "2"], ["launch", "--processes", "0", "--", "pretrain"],
            ["launch", "--processes", "2", "--", "info"],
            ["launch", "--processes", "2", "--port", "0", "--", "pretrain"],
        ])
        func badUse(arguments: [String]) throws {
            #expect(try BuiltCommand.run(arguments).status == 64)
        }

        @Test func halfAPlaceIsAUsageError() throws {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: try #require(BuiltCommand.path))
            process.arguments =
                ["pretrain", "-o", NSTemporaryDirectory() + "apus-no-run"] + [
                    "--set", "data.manifest=\(try TrainedModels.shared.manifests)/train.jsonl",
                ]
            process.environment = ProcessInfo.processInfo.environment.merging(["RANK": "1"]) { $1 }
            let outcome = try Running(process).wait()
            #expect(outcome.status == 64)
            #expect(outcome.error.contains("WORLD_SIZE"))
        }
    }
}
