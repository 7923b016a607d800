import ApusSignal
import Foundation
import TestSupport
import Testing

extension Commands {
    /// `apus embed`, `apus search` and `apus cache`.
    @Suite struct Embed {
        private let folder: TemporaryFolder
        private let models: TrainedModels

        init() throws {
            folder = try TemporaryFolder()
            models = try TrainedModels.shared
        }

        private func path(_ name: String) -> String { folder.path + "/" + name }

        /// Runs in the test's folder, with a cache of its own.
        private func start(_ arguments: [String]) throws -> Running {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: try #require(BuiltCommand.path))
            process.arguments = arguments
            process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
            var environment = ProcessInfo.processInfo.environment
            environment["XDG_CACHE_HOME"] = path("cache")
            process.environment = environment
            return try Running(process)
        }

        private func run(_ arguments: [String]) throws -> BuiltCommand.Outcome {
            try start(arguments).wait()
        }

        private func embed(_ arguments: [String]) throws -> BuiltCommand.Outcome {
            try run(["embed", models.cpc] + arguments)
        }

        private func data(_ name: String) throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: path(name)))
        }

        private func lines(_ name: String) throws -> [String] {
            try String(contentsOfFile: path(name), encoding: .utf8)
                .split(separator: "\n").map(String.init)
        }

        private func exists(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: path(name))
        }

        /// Clips of 0.3 s and more.
        private func clips(_ count: Int) throws -> [String] {
            try (0..<count).map { index in
                try folder.write(
                    WAV.tone(150 + 20 * Double(index), seconds: 0.3 + 0.1 * Double(index % 7)),
                    "clip-\(index).wav")
            }
        }

        @Test(
            .enabled(
                if: (try? PythonPackages.run(
                    "import numpy, safetensors, kaldi_native_io", [])) == 0,
                "no python3 with numpy, safetensors and kaldi_native_io (PYTHON names another)"))
        func pythonReadsEveryFormat() throws {
            let clips = try clips(5)
            let outputs = ["a.npy", "a.npz", "a.safetensors", "a.ark", "a.jsonl", "a.csv", "a"]
            for output in outputs {
                let outcome = try embed(clips + ["-o", output])
                #expect(outcome.status == 0, "\(outcome.error)")
                #expect(outcome.output == "\(output): 5 x 64\n")
                let windows = try embed(
                    clips + ["-o", "w" + output, "--window", "0.2", "--hop", "0.08"])
                #expect(windows.status == 0, "\(windows.error)")
            }
            let program = """
                import csv, json, os, sys
                import kaldi_native_io, numpy
                from safetensors import safe_open
                os.chdir(sys.argv[1])
                ids = open("a.npy.ids.txt").read().splitlines()
                assert [os.path.basename(i) for i in ids] == [f"clip-{i}.wav" for i in range(5)], ids
                rows = numpy.load("a.npy")
                assert rows.shape == (5, 64) and rows.dtype == numpy.float32
                keys = [f"clip-{i}" for i in range(5)]
                def same(found):
                    assert numpy.array_equal(numpy.array(found, numpy.float32), rows)
                arrays = numpy.load("a.npz")
                assert arrays.files == keys and arrays["clip-0"].shape == (64,)
                same([arrays[k] for k in keys])
                with safe_open("a.safetensors", "numpy") as f:
                    assert json.loads(f.metadata()["ids"]) == ids
                    same(f.get_tensor("embeddings"))
                with kaldi_native_io.SequentialFloatVectorReader("scp:a.scp") as reader:
                    read = {k: numpy.array(v) for k, v in reader}
                assert list(read) == keys
                same(list(read.values()))
                lines = [json.loads(l) for l in open("a.jsonl")]
                assert [l["id"] for l in lines] == ids
                same([l["embedding"] for l in lines])
                table = list(csv.reader(open("a.csv")))
                assert table[0] == ["id"] + [str(i) for i in range(64)]
                assert [r[0] for r in table[1:]] == ids
                same([r[1:] for r in table[1:]])
                same([numpy.load(f"a/clip-{i}.wav.embedding.npy") for i in range(5)])

                rows = numpy.load("wa.npy")
                ids = open("wa.npy.ids.txt").read().splitlines()
                assert len(rows) == len(ids) == len(set(ids)) > 15
                assert ids[1].endswith("clip-0.wav@0.080-0.280"), ids[1]
                lines = [json.loads(l) for l in open("wa.jsonl")]
                assert [l["id"] for l in lines] == ids
                same([l["embedding"] for l in lines])
                table = list(csv.reader(open("wa.csv")))[1:]
                same([r[3:] for r in table])
                with kaldi_native_io.SequentialFloatMatrixReader("ark:wa.ark") as reader:
                    same(numpy.concatenate([numpy.array(v) for k, v in reader]))
                arrays = numpy.load("wa.npz")
                same(numpy.concatenate([arrays[k] for k in keys]))
                with safe_open("wa.safetensors", "numpy") as f:
                    same(f.get_tensor("embeddings"))
                parts = [numpy.load(f"wa/clip-{i}.wav.embedding.npy") for i in range(5)]
                same(numpy.concatenate(parts))
                times = json.load(open("wa/clip-0.wav.timestamps.json"))
                assert len(times) == len(parts[0]) and times[:2] == [100, 180], times
                """
            #expect(try PythonPackages.run(program, [folder.path]) == 0)
        }

        @Test(arguments: ["out.npy", "out.ark", "out.jsonl", "out"])
        func aKilledRunGoesOn(output: String) throws {
            let clips = try clips(400)
            let list = ["--no-cache", "-o", output]
            let running = try start(["embed", models.cpc] + clips + list)
            let index = output == "out" ? "out/index.jsonl" : output + ".unfinished.jsonl"
            // The first recordings are listed after two seconds at the latest.
            let end = Date(timeIntervalSinceNow: 60)
            while (try? data(index).count) ?? 0 < 2000, running.process.isRunning, Date() < end {
                usleep(2000)
            }
            kill(running.process.processIdentifier, SIGKILL)
            let killed = try running.wait().status == SIGKILL
            let listed = killed ? try lines(index).count - 1 : 400
            #expect(listed > 0)
            let after = try embed(clips + list)
            #expect(after.status == 0, "\(after.error)")
            #expect(after.output == "\(output): 400 x 64\n")
            if killed {
                #expect(after.error.contains("recordings were embedded before"))
            }
            let whole = "w" + output
            #expect(try embed(clips + ["--no-cache", "-o", whole]).status == 0)
            if output == "out" {
                let name = "clip-399.wav.embedding.npy"
                let (one, other) = (
                    try NumPyFile.read(path("out/" + name)),
                    try NumPyFile.read(path("wout/" + name))
                )
                #expect(zip(one.values, other.values).allSatisfy { abs($0 - $1) < 1e-5 })
            } else if output == "out.npy" {
                let (one, other) = (
                    try NumPyFile.read(path(output)), try NumPyFile.read(path(whole))
                )
                #expect(one.shape == [400, 64])
                #expect(zip(one.values, other.values).allSatisfy { abs($0 - $1) < 1e-5 })
                #expect(try data(output + ".ids.txt") == data(whole + ".ids.txt"))
            } else {
                #expect(try data(output).count > 100_000)
            }
            #expect(!exists(output + ".unfinished"))
        }

        @Test func shardsAreTheWhole() throws {
            let clips = try clips(7)
            #expect(try embed(clips + ["-o", "all.jsonl"]).status == 0)
            for shard in 1...3 {
                let outcome = try embed(
                    clips + ["-o", "part-\(shard).jsonl", "--shard", "\(shard)/3"])
                #expect(outcome.status == 0, "\(outcome.error)")
            }
            #expect(try (1...3).map { try lines("part-\($0).jsonl").count } == [2, 2, 3])
            func ids(_ name: String) throws -> [String] {
                try lines(name).map { String($0.prefix { $0 != "[" }) }
            }
            #expect(try (1...3).flatMap { try ids("part-\($0).jsonl") } == ids("all.jsonl"))
            for wrong in ["0/3", "4/3", "1", "a/b", "1/0"] {
                #expect(try embed(clips + ["-o", "x.npy", "--shard", wrong]).status == 64)
            }
        }

        @Test func inputsOfEveryKind() throws {
            let clips = try clips(3)
            try FileManager.default.createDirectory(
                atPath: path("kaldi"), withIntermediateDirectories: true)
            _ = try folder.write("utt-b \(clips[1])\nutt-a \(clips[0])\n", "kaldi/wav.scp")
            for (inputs, count) in [
                ([path("kaldi")], 2), ([path("kaldi/wav.scp")], 2), ([path("clip-*.wav")], 3),
                (["clip-[02].wav"], 2), ([clips[0], "kaldi"], 3),
            ] {
                let outcome = try embed(inputs + ["-o", "o.npz", "--overwrite"])
                #expect(outcome.status == 0, "\(outcome.error)")
                #expect(outcome.output == "o.npz: \(count) x 64\n")
            }
            #expect(try embed([path("none-*.wav"), "-o", "o.npz"]).status == 66)
            let raw = folder.path + "/a.raw"
            try Data(count: 16_000).write(to: URL(fileURLWithPath: raw))
            let samples = try embed([raw, "--raw", "s16le:16000:1", "-o", "raw.npy"])
            #expect(samples.output == "raw.npy: 1 x 64\n", "\(samples.error)")
            // A stream, and the same from its file.
            for (input, output) in [("-", "stream.npy"), (clips[0], "file.npy")] {
                let process = try BuiltCommand.start(
                    ["embed", models.cpc, input, "-o", path(output)],
                    input: input == "-" ? clips[0] : nil)
                let outcome = try process.wait()
                #expect(outcome.status == 0, "\(outcome.error)")
            }
            let (stream, file) = (
                try NumPyFile.read(path("stream.npy")), try NumPyFile.read(path("file.npy"))
            )
            #expect(stream.shape == [64])
            #expect(zip(stream.values, file.values).allSatisfy { abs($0 - $1) < 1e-5 })
        }

        @Test(arguments: [SIGINT, SIGTERM])
        func aListIsFollowed(signal: Int32) throws {
            let clips = try clips(4)
            let list = try folder.write(clips[0] + "\n\nabsent.wav\n" + clips[1], "list.txt")
            for output in ["out", "out.jsonl"] {
                let running = try start([
                    "embed", models.cpc, "--follow", list, "-o", output,
                ])
                func wait(for count: Int) throws {
                    let end = Date(timeIntervalSinceNow: 60)
                    let index = output == "out" ? "out/index.jsonl" : "out.jsonl.unfinished.jsonl"
                    while ((try? lines(index).count) ?? 0) < count + 1, running.process.isRunning,
                        Date() < end
                    { usleep(5000) }
                }
                try wait(for: 1)
                let file = try #require(FileHandle(forWritingAtPath: list))
                try file.seekToEnd()
                // The last line was not whole.
                if output == "out" {
                    try file.write(contentsOf: Data("\n\(clips[2])\n".utf8))
                }
                try wait(for: 3)
                kill(running.process.processIdentifier, signal)
                let outcome = try running.wait(seconds: 60)
                #expect(outcome.status == 65, "\(outcome.error)")
                #expect(outcome.error.contains("absent.wav"))
                #expect(outcome.output == "\(output): 3 x 64\n")
            }
            #expect(exists("out/clip-2.wav.embedding.npy"))
            #expect(try lines("out.jsonl").count == 3)
        }

        @Test func oneBadRecordingAndAFullDisk() throws {
            let clips = try clips(30)
            let bad = try folder.write("no audio", "bad.wav")
            let outcome = try embed([clips[0], bad, clips[1], "-o", "out.csv"])
            #expect(outcome.status == 65)
            #expect(outcome.error.contains("bad.wav") && outcome.error.contains("1 of 3"))
            #expect(try lines("out.csv").count == 3)
            // 4 KB a file: the rows don't fit.
            let shell = Process()
            shell.executableURL = URL(fileURLWithPath: "/bin/sh")
            let apus = try #require(BuiltCommand.path)
            shell.arguments = [
                "-c",
                "trap '' XFSZ; ulimit -f 8; exec \(apus) embed \(models.cpc) "
                    + clips.joined(separator: " ") + " --no-cache -o \(path("full.npy"))",
            ]
            let full = try Running(shell).wait()
            #expect(full.status == 73, "\(full.error)")
            #expect(full.error.contains("full.npy") && full.error.contains("too large"))
            #expect(full.error.contains("the same command goes on from there"))
            #expect(!exists("full.npy"))
            let after = try embed(clips + ["--no-cache", "-o", "full.npy"])
            #expect(after.output == "full.npy: 30 x 64\n", "\(after.error)")
        }

        @Test func theCacheIsUsedAndShown() throws {
            let clips = try clips(3)
            #expect(try embed(clips + ["-o", "a.npy"]).status == 0)
            #expect(try run(["cache"]).output.contains("3 entries"))
            #expect(try embed(clips + ["-o", "b.npy"]).status == 0)
            #expect(try data("a.npy") == data("b.npy"))
            // Another pooling of another layer reads the same entries.
            let mean = try embed(
                clips + ["-o", "c.npy", "--pooling", "mean", "--layer", "convolution"])
            #expect(mean.output == "c.npy: 3 x 32\n")
            #expect(try run(["cache"]).output.contains("3 entries"))
            #expect(try run(["cache", "--prune", "1B"]).output.contains("removed 3 entries"))
            #expect(try embed(clips + ["-o", "d.npy", "--no-cache"]).status == 0)
            #expect(
                try run(["cache", "--limit", "5MB"]).output.contains("0 entries, 0 bytes of 5.0 MB")
            )
            #expect(try run(["cache", "--limit", "much"]).status == 64)
            // Two at once share it.
            let both = try (0..<2).map { index in
                try start(["embed", models.cpc] + clips + ["-o", "e\(index).npy"])
            }
            for running in both { #expect(try running.wait().status == 0) }
            #expect(try data("e0.npy") == data("a.npy"))
            #expect(try data("e1.npy") == data("a.npy"))
            #expect(try run(["cache", "--json"]).output.contains("\"entries\" : 3"))
        }

        @Test func whatIsAlikeIsFound() throws {
            let voices = sample("voices")
            #expect(
                try embed([voices, "-o", "index.npy", "--normalize", "l2"]).status == 0)
            let found = try run(["search", models.cpc, "index.npy", voice, "--top", "2"])
            #expect(found.status == 0, "\(found.error)")
            let lines = found.output.split(separator: "\n")
            #expect(lines.count == 3 && lines[0] == voice)
            #expect(lines[1].hasPrefix("  1.0000  ") && lines[1].hasSuffix(voice))
            let all = try run(["search", "index.npy", "index.npy", "--top", "1", "--json"])
            #expect(all.output.split(separator: "\n").count == 64)
            let first =
                try JSONSerialization.jsonObject(
                    with: Data(all.output.split(separator: "\n")[5].utf8)) as? [String: Any]
            let neighbour = (first?["neighbours"] as? [[String: Any]])?.first
            #expect(neighbour?["id"] as? String == first?["query"] as? String)
            let outliers = try run(["search", "index.npy", "--outliers", "3"])
            #expect(outliers.output.split(separator: "\n").count == 3)
            // The same clip twice, under another name.
            try FileManager.default.copyItem(atPath: voice, toPath: path("copy.ogg"))
            #expect(try embed([voices, path("copy.ogg"), "-o", "twice.ark"]).status == 0)
            let pairs = try run(["search", "twice.ark", "--duplicates", "0.999999"])
            #expect(pairs.output.split(separator: "\n").count == 1)
            #expect(pairs.output.contains("copy"))
            // What doesn't fit is said.
            let other = try run(["search", models.masked, "index.npy", voice])
            #expect(other.status == 65 && other.error.contains("made by another model"))
            #expect(try run(["search", "index.npy", voice]).status == 64)
            #expect(try run(["search", "index.npy"]).status == 64)
            #expect(try run(["search", "absent.npy", "--outliers", "1"]).status == 66)
        }

        @Test func vectorsAreWhitenedByAFile() throws {
            let clips = try clips(12)
            let fitted = try embed(
                clips + ["-o", "white.npy", "--fit-whitening", "whitening.safetensors"])
            #expect(fitted.status == 0, "\(fitted.error)")
            let again = try embed(
                clips + ["-o", "again.npy", "--whiten", "whitening.safetensors"])
            #expect(again.status == 0, "\(again.error)")
            let (one, other) = (
                try NumPyFile.read(path("white.npy")), try NumPyFile.read(path("again.npy"))
            )
            #expect(one.shape == other.shape && one.shape[1] <= 11)
            #expect(zip(one.values, other.values).allSatisfy { abs($0 - $1) < 1e-4 })
            #expect(
                try embed([voice, "-o", "x.npy", "--whiten", models.cpc]).error
                    .contains("holds no whitening"))
            #expect(
                try embed(clips + ["-o", "folder", "--fit-whitening", "w.safetensors"]).status == 64
            )
        }
    }
}
