import ApusCorpus
import ApusSignal
import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite struct Shards {
        /// The sample voices as shards, packed once.
        private static let packed = Result { () -> TemporaryFolder in
            let folder = try TemporaryFolder()
            let outcome = try BuiltCommand.run([
                "pack", TrainedModels.shared.manifests + "/all.jsonl", "-o", folder.path + "/s",
                "--shard-recordings", "10", "--shuffle", "1",
            ])
            try #require(outcome.status == 0, "\(outcome.error)")
            return folder
        }
        private var shards: String { get throws { try Self.packed.get().path + "/s" } }

        /// A manifest with every clip of the voices many times.
        private func longManifest(in folder: TemporaryFolder, times: Int) throws -> String {
            let cuts = try Manifest(contentsOf: TrainedModels.shared.manifests + "/all.jsonl").cuts
            let path = folder.path + "/long.jsonl"
            try Manifest(
                path: path,
                cuts: (0..<times).flatMap { time in
                    cuts.map { cut in
                        var cut = cut
                        cut.id = "\(time)/\(cut.id)"
                        return cut
                    }
                }
            ).write()
            return path
        }

        private func shardCount(_ folder: String) -> Int {
            ((try? names(folder)) ?? []).count { $0.hasPrefix("apus-") }
        }

        private func bytes(_ path: String) throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: path))
        }

        private func names(_ folder: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        }

        @Test func aKilledPackEndsWithTheBytesOfOneLeftAlone() throws {
            let folder = try TemporaryFolder()
            let manifest = try longManifest(in: folder, times: 12)
            func arguments(_ name: String) -> [String] {
                [
                    "pack", manifest, "-o", "\(folder.path)/\(name)", "--shard-recordings", "16",
                    "--audio", "flac",
                ]
            }
            #expect(try BuiltCommand.run(arguments("alone")).status == 0)
            var kills = 0
            for count in [3, 11, 12, 30] {
                let running = try BuiltCommand.start(arguments("killed"))
                while running.process.isRunning, shardCount(folder.path + "/killed") < count {
                    usleep(2000)
                }
                if running.process.isRunning { kills += 1 }
                kill(running.process.processIdentifier, SIGKILL)
                _ = try running.wait()
            }
            #expect(kills > 1)
            let last = try BuiltCommand.run(arguments("killed"))
            #expect(last.status == 0, "\(last.error)")
            let all = try names(folder.path + "/alone")
            #expect(all.count == 50)
            #expect(try names(folder.path + "/killed") == all)
            for name in all {
                #expect(
                    try bytes("\(folder.path)/killed/\(name)")
                        == bytes("\(folder.path)/alone/\(name)"), "\(name)")
            }
        }

        /// A disk that is full at the third shard, as a file may grow to 200 KiB there.
        @Test func aFullDiskEndsPackingAndWhatIsWholeIsKept() throws {
            let folder = try TemporaryFolder()
            let short = try folder.write(WAV.tone(300, seconds: 1), "short.wav")
            let long = try folder.write(WAV.tone(500, seconds: 20), "long.wav")
            let manifest = folder.path + "/all.jsonl"
            try Manifest(
                path: manifest,
                cuts: [("a", short), ("b", short), ("c", long), ("d", short)].map {
                    Cut(id: $0.0, audioPath: $0.1)
                }
            ).write()
            func arguments(_ name: String) -> [String] {
                ["pack", manifest, "-o", "\(folder.path)/\(name)", "--shard-recordings", "1"]
            }
            #expect(try BuiltCommand.run(arguments("alone")).status == 0)
            let apus = try #require(BuiltCommand.path)
            let full = Process()
            full.executableURL = URL(fileURLWithPath: "/bin/bash")
            full.arguments =
                [
                    "-c", "trap '' XFSZ; ulimit -f 200; exec \"$@\"", "bash", apus,
                ] + arguments("full")
            let outcome = try Running(full).wait()
            #expect(outcome.status == 73, "\(outcome.error)")
            #expect(outcome.error.contains("apus-000002.tar"), "\(outcome.error)")
            #expect(shardCount(folder.path + "/full") == 2)
            func changed() throws -> [Date?] {
                try (0...1).map {
                    let path = "\(folder.path)/full/apus-00000\($0).tar"
                    return try FileManager.default.attributesOfItem(atPath: path)[.modificationDate]
                        as? Date
                }
            }
            let before = try changed()
            #expect(try BuiltCommand.run(arguments("full")).status == 0)
            #expect(try changed() == before)
            #expect(try names(folder.path + "/full") == names(folder.path + "/alone"))
            for name in try names(folder.path + "/alone") {
                #expect(
                    try bytes("\(folder.path)/full/\(name)")
                        == bytes("\(folder.path)/alone/\(name)"), "\(name)")
            }
        }

        @Test func aBadRecordingIsLeftOutWithExitCode65() throws {
            let folder = try TemporaryFolder()
            let text = try folder.write("no sound", "text.wav")
            let manifest = try folder.write(
                """
                {"audio_filepath": "\(text)", "id": "text"}
                {"audio_filepath": "\(voice)", "id": "voice"}

                """, "m.jsonl")
            let arguments = ["pack", manifest, "-o", folder.path + "/s"]
            for _ in 0..<2 {
                let outcome = try BuiltCommand.run(arguments)
                #expect(outcome.status == 65)
                #expect(outcome.error.contains("1 of 2 recordings could not be used"))
            }
            #expect(try Manifest(contentsOf: folder.path + "/s").cuts.map(\.id) == ["voice"])
            let other = try BuiltCommand.run(arguments + ["--audio", "flac"])
            #expect(other.status == 65 && other.error.contains("--overwrite"))
            #expect(
                try BuiltCommand.run(arguments + ["--audio", "flac", "--overwrite"]).status == 65)
            #expect(
                try BuiltCommand.run(["pack", "none.jsonl", "-o", folder.path + "/n"]).status == 66)
            #expect(
                try BuiltCommand.run(["pack", manifest, "-o", "/proc/none"]).status == 73)
            #expect(
                try BuiltCommand.run(arguments + ["--shard-bytes", "many"]).status == 64)
        }

        @Test func embeddingsOfShardsAreThoseOfTheManifest() throws {
            let folder = try TemporaryFolder()
            let model = try TrainedModels.shared.cpc
            let manifest = try TrainedModels.shared.manifests + "/all.jsonl"
            for (input, output) in [(manifest, "m.npz"), (try shards, "s.npz")] {
                let outcome = try BuiltCommand.run(
                    ["embed", model, input, "-o", folder.path + "/" + output, "--no-cache"])
                #expect(outcome.status == 0, "\(outcome.error)")
            }
            let first = try shards + "/apus-000000.tar"
            let file = try BuiltCommand.run(
                ["embed", model, "-", "-o", folder.path + "/f.npz", "--no-cache"], input: first)
            #expect(file.status == 0, "\(file.error)")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            let apus = try #require(BuiltCommand.path)
            process.arguments = [
                "-c",
                "cat '\(first)' | '\(apus)' embed '\(model)' - -o '\(folder.path)/p.npz' --no-cache",
            ]
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            let all = try NumPyArchive(contentsOf: folder.path + "/m.npz")
            for (name, count) in [("s.npz", 64), ("f.npz", 10), ("p.npz", 10)] {
                let found = try NumPyArchive(contentsOf: folder.path + "/" + name)
                #expect(found.names.count == count)
                for key in found.names {
                    // A stream's recordings are encoded in parts, alone.
                    let (own, other) = (try found.read(key).values, try all.read(key).values)
                    #expect(own.count == other.count)
                    let most = zip(own, other).map { abs($0 - $1) }.max() ?? 1
                    #expect(most < 1e-5, "\(name) \(key)")
                }
            }
        }

        @Test func featuresOfShardsAreThoseOfTheManifest() throws {
            let folder = try TemporaryFolder()
            let manifest = try TrainedModels.shared.manifests + "/all.jsonl"
            let first = try shards + "/apus-000000.tar"
            for (input, output) in [
                (manifest, "m.ark"), (try shards, "s.ark"), (first, "one.ark"),
                (try shards + "/apus-{000000..000001}.tar", "two.ark"),
            ] {
                let outcome = try BuiltCommand.run(
                    ["features", input, "-o", folder.path + "/" + output])
                #expect(outcome.status == 0, "\(outcome.error)")
            }
            let stream = ["features", "-", "-o", folder.path + "/f.ark"]
            #expect(try BuiltCommand.run(stream, input: first).status == 0)
            let again = try BuiltCommand.run(stream, input: first)
            #expect(again.status == 0 && again.output.isEmpty, "\(again.output)")
            let all = try KaldiScript(contentsOf: folder.path + "/m.scp")
            for (name, count) in [("s", 64), ("one", 10), ("two", 20), ("f", 10)] {
                let found = try KaldiScript(contentsOf: "\(folder.path)/\(name).scp")
                #expect(found.entries.count == count)
                for entry in found.entries {
                    #expect(try found.read(entry.key) == all.read(entry.key), "\(name)")
                }
            }
            #expect(try BuiltCommand.run(stream + ["--shard", "1/2"], input: first).status == 64)
            // A stream that ends too early is an error with its place.
            let cut = try folder.write(Data(bytes(first).prefix(100_000)), "cut.tar")
            let outcome = try BuiltCommand.run(
                ["features", "-", "-o", folder.path + "/cut.ark"], input: cut)
            #expect(outcome.status == 65)
            #expect(outcome.error.contains("standard input: at byte "), "\(outcome.error)")
            #expect(
                try BuiltCommand.run(["features", cut, "-o", folder.path + "/c.ark"]).error
                    .contains("cut.tar: at byte "))
        }

        // MARK: - Training

        private func training(_ data: String, _ run: String, _ more: [String] = []) -> [String] {
            [
                "pretrain", "-o", run, "--set", "training.steps=120", "--set",
                "training.checkpointEvery=3", "--set", "data.manifest=\(data)", "--set",
                "training.logEvery=1",
            ] + more + TrainedModels.small
        }

        private func losses(_ run: String) throws -> [String] {
            try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
                .split(separator: "\n").map { line in
                    let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
                    let fields = try #require(object as? [String: Any])
                    return "\(fields["loss"] ?? "") \(fields["epoch"] ?? "")"
                }
        }

        @Test func aKilledTrainingOnShardsEndsWithTheBitsOfOneLeftAlone() throws {
            let folder = try TemporaryFolder()
            let more = ["--set", "data.shardsTogether=2"]
            let (alone, killed) = (folder.path + "/alone", folder.path + "/killed")
            #expect(try BuiltCommand.run(training(shards, alone, more)).status == 0)
            var kills = 0
            for count in [5, 40, 41, 90] {
                let running = try BuiltCommand.start(training(shards, killed, more))
                while running.process.isRunning, ((try? losses(killed)) ?? []).count < count {
                    usleep(2000)
                }
                if running.process.isRunning { kills += 1 }
                kill(running.process.processIdentifier, SIGKILL)
                _ = try running.wait()
            }
            #expect(kills > 1)
            let last = try BuiltCommand.run(training(shards, killed, more))
            #expect(last.status == 0, "\(last.error)")
            #expect(
                try bytes(killed + "/model.safetensors") == bytes(alone + "/model.safetensors"))
            #expect(try losses(killed) == losses(alone))
        }

        @Test func overRecordingsShardsAreTheManifest() throws {
            let folder = try TemporaryFolder()
            let index = try Manifest(contentsOf: shards).cuts
            let originals = Dictionary(
                uniqueKeysWithValues: try Manifest(
                    contentsOf: TrainedModels.shared.manifests + "/all.jsonl"
                ).cuts.map { ($0.id, $0) })
            let manifest = folder.path + "/same.jsonl"
            try Manifest(path: manifest, cuts: try index.map { try #require(originals[$0.id]) })
                .write()
            let steps = ["--set", "training.steps=12"]
            for (data, run, more) in [
                (manifest, "m", []), (try shards, "s", ["--set", "data.shuffle=recordings"]),
                (try shards, "o", []),
            ] {
                let outcome = try BuiltCommand.run(
                    training(data, "\(folder.path)/\(run)", more + steps))
                #expect(outcome.status == 0, "\(outcome.error)")
            }
            #expect(try losses(folder.path + "/m") == losses(folder.path + "/s"))
            #expect(try losses(folder.path + "/m") != losses(folder.path + "/o"))
        }

        @Test func theSampleOfTheStatisticsIsDrawnAndKept() throws {
            let folder = try TemporaryFolder()
            let outcome = try BuiltCommand.run(
                training(
                    try shards, folder.path + "/run",
                    [
                        "--set", "data.statisticsRecordings=7", "--set", "data.lengths=durations",
                        "--set", "training.steps=4",
                    ]))
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(outcome.error.contains("measuring the features of 7 of 64 recordings"))
            let kept = try String(
                contentsOfFile: folder.path + "/run/statistics.json", encoding: .utf8)
            #expect(kept.contains(#""sample":{"of":64,"recordings":7,"seed":1}"#))
        }

        // MARK: - Checking

        @Test func checkFindsLeaksBadFilesAndChangedShards() throws {
            let folder = try TemporaryFolder()
            let manifests = try TrainedModels.shared.manifests
            let good = try BuiltCommand.run(
                ["check"] + ["train", "dev", "test"].map { "\(manifests)/\($0).jsonl" } + [
                    "--decode"
                ])
            #expect(good.status == 0, "\(good.error)")
            #expect(good.output.contains("train.jsonl: 32 recordings, 0.0"))
            #expect(good.output.contains("8 speakers (8 of them before)"))
            let leak = try BuiltCommand.run([
                "check", manifests + "/train.jsonl", manifests + "/all.jsonl", "--json",
            ])
            #expect(leak.status == 65)
            struct Report: Decodable {
                var recordings: Int
                var repeated: [RecordingProblem]
            }
            let reports = try JSONDecoder().decode([Report].self, from: Data(leak.output.utf8))
            #expect(reports.map(\.recordings) == [32, 64])
            #expect(reports.map(\.repeated.count) == [0, 32])
            // The same bytes under another name.
            let copies = folder.path + "/copies"
            try FileManager.default.createDirectory(
                atPath: copies, withIntermediateDirectories: true)
            let lines = try (1...2).map { number in
                let path = "\(copies)/\(number).ogg"
                try FileManager.default.copyItem(atPath: voice, toPath: path)
                return #"{"audio_filepath": "\#(path)"}"#
            }
            let manifest = try folder.write(lines.joined(separator: "\n"), "copies.jsonl")
            #expect(try BuiltCommand.run(["check", manifest]).status == 0)
            let found = try BuiltCommand.run(["check", manifest, "--hashes"])
            #expect(found.status == 65 && found.error.contains("is recording 1 of"))

            #expect(try BuiltCommand.run(["check", shards, "--hashes"]).status == 0)
            let changed = folder.path + "/changed"
            try FileManager.default.copyItem(atPath: shards, toPath: changed)
            let handle = try #require(
                FileHandle(forUpdatingAtPath: changed + "/apus-000001.tar"))
            try handle.seek(toOffset: 700)
            try handle.write(contentsOf: Data([1, 2, 3]))
            let damage = try BuiltCommand.run(["check", changed, "--hashes"])
            #expect(damage.status == 65)
            #expect(
                damage.error.contains("apus-000001.tar: its bytes are not those that were packed"))
            try handle.truncate(atOffset: 2048)
            let cut = try BuiltCommand.run(["check", changed])
            #expect(cut.status == 65 && cut.error.contains("bytes expected, found 2048"))
            #expect(try BuiltCommand.run(["check", "none.jsonl"]).status == 66)
        }

        // MARK: - Other tools

        /// Python's webdataset reads what was packed, where `PYTHON` has it.
        @Test(.enabled(if: hasWebDataset)) func webdatasetReadsShards() throws {
            let process = Process()
            let pipe = Pipe()
            process.executableURL = URL(fileURLWithPath: Self.python ?? "")
            process.arguments = [
                "-c",
                """
                import io, json, sys, webdataset, soundfile
                count = 0
                for sample in webdataset.WebDataset(sys.argv[1], shardshuffle=False):
                    line = json.loads(sample["json"])
                    kind = [k for k in sample if k in ("ogg", "wav", "flac", "opus")]
                    samples, rate = soundfile.read(io.BytesIO(sample[kind[0]]))
                    assert line["audio_filepath"] == sample["__key__"] + "." + kind[0]
                    assert abs(len(samples) / rate - line["duration"]) < 1e-6
                    count += 1
                print(count)
                """, try shards + "/apus-{000000..000006}.tar",
            ]
            process.standardOutput = pipe
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
            #expect(String(decoding: output, as: UTF8.self) == "64\n")
        }

        private static let python = ProcessInfo.processInfo.environment["PYTHON"]
        private static let hasWebDataset: Bool = {
            guard let python else { return false }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: python)
            process.arguments = ["-c", "import webdataset, soundfile"]
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { return false }
            process.waitUntilExit()
            return process.terminationStatus == 0
        }()
    }
}
