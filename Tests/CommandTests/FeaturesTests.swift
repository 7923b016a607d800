import ApusCorpus
import ApusSignal
import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite struct Features {
        @Test func anArrayHoldsWhatTheLibraryComputes() throws {
            let folder = try TemporaryFolder()
            let path = folder.path + "/clip.npy"
            let outcome = try BuiltCommand.run(["features", voice, "-o", path])
            #expect(outcome.status == 0, "\(outcome.error)")
            let array = try NumPyFile.read(path)
            let expected = try FeatureExtractor(.kaldi)(
                Waveform(contentsOf: voice, sampleRate: 16_000))
            #expect(array.shape == [expected.frameCount, 80])
            #expect(array.values == expected.values)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
        }

        @Test func aPictureIsAPNG() throws {
            let folder = try TemporaryFolder()
            let path = folder.path + "/clip.png"
            #expect(try BuiltCommand.run(["features", voice, "-o", path]).status == 0)
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(data.starts(with: [0x89, 0x50, 0x4E, 0x47]))
            #expect(data.count > 5000)
        }

        @Test(arguments: ["npy", "png"])
        func aFolderGivesAFileEach(format: String) throws {
            let folder = try TemporaryFolder()
            let arguments = [
                "features", sample("voices/en-gb"), "--set", "melBandCount=40", "--format", format,
                "-o", folder.path + "/out",
            ]
            let outcome = try BuiltCommand.run(arguments)
            #expect(outcome.status == 0)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/out")
            #expect(names.filter { $0.hasSuffix(format) }.count == 8)
            #expect(names.count == 10)
            let index = try FeatureIndex(contentsOf: folder.path + "/out/index.jsonl")
            #expect(index.entries.map(\.cut.audioPath) == index.entries.map(\.cut.id))
            #expect(index.entries.map(\.featuresPath) == (1...8).map { "0\($0).\(format)" })
            #expect(index.entries.allSatisfy { $0.featureCount == 40 })
            let again = try BuiltCommand.run(arguments)
            #expect(again.status == 0)
            #expect(again.output.isEmpty)
            #expect(again.error.contains("8 of 8 recordings"), "\(again.error)")
        }

        @Test func archivesHoldWhatTheLibraryComputes() throws {
            let clips = try Clips(count: 5)
            for output in ["clips.ark", "clips.npz"] {
                let outcome = try clips.features(["clips.jsonl", "-o", output])
                #expect(outcome.status == 0, "\(outcome.error)")
            }
            // The archive in a folder is the same.
            #expect(try clips.features(["clips.jsonl", "-o", "f/", "--format", "ark"]).status == 0)
            let store = try FeatureStore(frontEnd: .kaldi)
            let arrays = try NumPyArchive(contentsOf: clips.path("clips.npz"))
            let script = try KaldiScript(contentsOf: clips.path("clips.scp"))
            #expect(arrays.names == clips.cuts.map(\.id))
            #expect(script.entries.map(\.key) == clips.cuts.map(\.id))
            for cut in clips.cuts {
                let expected = try store.features(of: cut)
                #expect(try arrays.read(cut.id).values == expected.values)
                #expect(try script.read(cut.id) == .matrix(expected))
            }
            #expect(try clips.content("f/features.ark") == clips.content("clips.ark"))
            for name in [
                "clips.ark.index.jsonl", "clips.npz.front-end.json", "f/features.ark.index.jsonl",
            ] {
                #expect(FileManager.default.fileExists(atPath: clips.path(name)), "\(name)")
            }
        }

        @Test(arguments: [1, 2, 8])
        func recordingsComeInTheOrderOfTheInput(workers: Int) throws {
            let clips = try Clips(count: 40)
            #expect(
                try clips.features([
                    "clips.jsonl", "-o", "out.ark", "--workers", "\(workers)",
                ]).status == 0)
            let archive = try KaldiArchiveReader(path: clips.path("out.ark"))
            var keys: [String] = []
            while let (key, _) = try archive.next() { keys.append(key) }
            #expect(keys == clips.cuts.map(\.id))
            let index = try FeatureIndex(contentsOf: clips.path("out.ark.index.jsonl"))
            #expect(index.entries.map(\.cut.id) == keys)
        }

        @Test(arguments: ["out.ark", "out.npz", "out"])
        func aRunThatWasKilledGoesOn(output: String) throws {
            let clips = try Clips(count: output == "out" ? 500 : 1200, oneFile: true)
            let arguments = [clips.path("clips.jsonl"), "-o", output]
            // Each in a folder of its own, so that every path that is written is the same.
            let whole = try TemporaryFolder()
            #expect(try BuiltCommand.run(["features"] + arguments, in: whole.path).status == 0)
            let killed = try TemporaryFolder()
            let running = try BuiltCommand.start(["features"] + arguments, in: killed.path)
            let index =
                killed.path + (output == "out" ? "/out/index.jsonl" : "/\(output).index.jsonl")
            while running.process.isRunning, try size(of: index) == 0 { usleep(500) }
            kill(running.process.processIdentifier, SIGKILL)
            #expect(try running.wait().status == SIGKILL)
            let listed = try FeatureIndex(contentsOf: index).entries.count
            #expect((1..<clips.cuts.count).contains(listed))
            #expect(!FileManager.default.fileExists(atPath: killed.path + "/out.npz"))

            let outcome = try BuiltCommand.run(["features"] + arguments, in: killed.path)
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(outcome.error.contains("\(listed) of \(clips.cuts.count) recordings"))
            let names = try FileManager.default.subpathsOfDirectory(atPath: killed.path)
            #expect(names.count >= 3)
            for name in names where !name.hasSuffix(".tmp") && name != "out" {
                #expect(
                    FileManager.default.contentsEqual(
                        atPath: killed.path + "/" + name, andPath: whole.path + "/" + name),
                    "\(name)")
            }
        }

        @Test func whatIsThereIsNotMixedWithOtherFeatures() throws {
            let clips = try Clips(count: 3)
            for output in ["out", "out.ark", "out.npz"] {
                #expect(try clips.features(["clips.jsonl", "-o", output]).status == 0)
                let other = ["clips.jsonl", "-o", output, "--set", "melBandCount=40"]
                let refused = try clips.features(other)
                #expect(refused.status == 65)
                #expect(refused.error.contains("melBandCount: 80, here 40"), "\(refused.error)")
                #expect(refused.error.contains("--overwrite"), "\(refused.error)")
                let anew = try clips.features(other + ["--overwrite"])
                #expect(anew.status == 0, "\(anew.error)")
                #expect(try clips.features(other).error.contains("3 of 3 recordings"))
            }
            #expect(
                try NumPyArchive(contentsOf: clips.path("out.npz")).read("clip-0").shape[1] == 40)
        }

        @Test func keysHaveNoBlanks() throws {
            let clips = try Clips(count: 3, ids: ["a b", "a_b", "süß\ttab"])
            #expect(try clips.features(["clips.jsonl", "-o", "out.ark"]).status == 0)
            let script = try KaldiScript(contentsOf: clips.path("out.scp"))
            #expect(script.entries.map(\.key) == ["a_b", "a_b~2", "süß_tab"])
            let index = try FeatureIndex(contentsOf: clips.path("out.ark.index.jsonl"))
            #expect(index.entries.map(\.cut.id) == ["a b", "a_b", "süß\ttab"])
            #expect(index.entries.map(\.key) == ["a_b", "a_b~2", "süß_tab"])
            let again = try clips.features(["clips.jsonl", "clips.jsonl", "-o", "out.ark"])
            #expect(again.error.contains("3 of 3 recordings"), "\(again.error)")
        }

        @Test func anUnknownOptionNamesTheNearest() throws {
            let outcome = try BuiltCommand.run(["features", "--explain", "--set", "melBandCont=40"])
            #expect(outcome.status == 64)
            #expect(outcome.error.contains("'melBandCont'"))
            #expect(outcome.error.contains("'melBandCount'"))
            let explained = try BuiltCommand.run(["features", "--explain"])
            #expect(explained.output.contains("preEmphasis: 0.97"))
        }

        @Test func badUsageIsExitCode64() throws {
            let folder = try TemporaryFolder()
            for arguments in [
                [voice], ["-o", "x.npy"], [voice, voice, "-o", "x.npy"],
                [voice, "-o", "x.ark", "--format", "npz"], [voice, "-o", "x", "--workers", "-1"],
                [voice, "-o", "x", "--format", "mat"],
            ] {
                let outcome = try BuiltCommand.run(["features"] + arguments, in: folder.path)
                #expect(outcome.status == 64, "\(arguments): \(outcome.error)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        }

        @Test(arguments: ["out", "out.ark", "out.npz"])
        func oneBadFileLeavesTheOthers(output: String) throws {
            let clips = try Clips(count: 6)
            let arguments = ["clips.jsonl", "-o", output]
            let good = try Data(contentsOf: URL(fileURLWithPath: clips.cuts[2].audioPath))
            try Data("text".utf8).write(to: URL(fileURLWithPath: clips.cuts[2].audioPath))
            for _ in 0..<2 {
                let outcome = try clips.features(arguments)
                #expect(outcome.status == 65)
                #expect(outcome.error.contains(clips.cuts[2].audioPath))
                #expect(outcome.error.contains("1 of 6"), "\(outcome.error)")
            }
            let index = clips.path(output == "out" ? "out/index.jsonl" : "\(output).index.jsonl")
            #expect(
                try FeatureIndex(contentsOf: index).entries.map(\.cut.id)
                    == [0, 1, 3, 4, 5].map { clips.cuts[$0].id })
            // Once it is repaired it follows the others.
            try good.write(to: URL(fileURLWithPath: clips.cuts[2].audioPath))
            #expect(try clips.features(arguments).status == 0)
            #expect(try FeatureIndex(contentsOf: index).entries.last?.cut.id == clips.cuts[2].id)
        }

        @Test func ofNothingNothingIsLeft() throws {
            let clips = try Clips(count: 1)
            try Data("text".utf8).write(to: URL(fileURLWithPath: clips.cuts[0].audioPath))
            for output in ["out.ark", "out.npz"] {
                #expect(try clips.features(["clips.jsonl", "-o", output]).status == 65)
            }
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: clips.path("")).sorted()
                    == ["audio", "clips.jsonl"])
        }

        @Test(arguments: ["out", "out.ark", "out.npz"])
        func aFullDiskLosesNothing(output: String) throws {
            let clips = try Clips(count: 40, oneFile: true)
            let arguments = [clips.path("clips.jsonl"), "-o", output]
            let whole = try TemporaryFolder()
            #expect(try BuiltCommand.run(["features"] + arguments, in: whole.path).status == 0)
            let folder = try TemporaryFolder()
            let apus = try #require(BuiltCommand.path)
            // A file may grow to so many KiB here, as on a disk with so much left; one recording's
            // features have 31.
            let limit = output == "out" ? 16 : 200
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
            process.arguments = [
                "-c",
                "trap '' XFSZ; ulimit -f \(limit); exec \(apus) features \(arguments.joined(separator: " "))",
            ]
            let outcome = try Running(process).wait()
            #expect(outcome.status == 73, "\(outcome.error)")
            #expect(outcome.error.contains("cannot be written"), "\(outcome.error)")
            #expect(outcome.error.contains("goes on from there"), "\(outcome.error)")
            if output == "out.ark" {
                // What was written can be read as it is.
                let script = try KaldiScript(contentsOf: folder.path + "/out.scp")
                #expect(script.entries.count == 6)
                for (key, location) in script.entries {
                    let place = KaldiLocation(
                        path: folder.path + "/" + location.path, offset: location.offset)
                    #expect(try place.read(key: key).features?.frameCount == 98)
                }
            }
            let again = try BuiltCommand.run(["features"] + arguments, in: folder.path)
            #expect(again.status == 0, "\(again.error)")
            if output != "out" { #expect(again.error.contains("6 of 40"), "\(again.error)") }
            for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path)
            where name != "out" {
                #expect(
                    FileManager.default.contentsEqual(
                        atPath: folder.path + "/" + name, andPath: whole.path + "/" + name),
                    "\(name)")
            }
        }

        @Test(
            .enabled(
                if: (try? PythonPackages.run("import numpy, kaldiio", [])) == 0,
                "no python3 with numpy and kaldiio (PYTHON names another)"))
        func pythonOpensWhatIsWritten() throws {
            let clips = try Clips(count: 5)
            for output in ["out", "out.npz", "out.ark"] {
                #expect(try clips.features(["clips.jsonl", "-o", output]).status == 0)
            }
            let program = """
                import json, os, sys
                import kaldiio, numpy
                os.chdir(sys.argv[1])
                ids = [json.loads(line)["id"] for line in open("clips.jsonl")]
                arrays = numpy.load("out.npz")
                script = kaldiio.load_scp("out.scp")
                archive = dict(kaldiio.load_ark("out.ark"))
                assert arrays.files == list(script) == list(archive) == ids, arrays.files
                lines = [json.loads(line) for line in open("out/index.jsonl")]
                assert [line["id"] for line in lines] == ids
                for line in lines:
                    a = numpy.load("out/" + line["features_filepath"])
                    assert a.dtype == numpy.float32
                    assert a.shape == (line["frame_count"], line["feature_count"])
                    for other in (arrays, script, archive):
                        b = other[line["id"]]
                        assert b.dtype == numpy.float32 and numpy.array_equal(a, b)
                try:
                    import kaldi_native_io
                except ImportError:
                    sys.exit()
                with kaldi_native_io.SequentialFloatMatrixReader("scp:out.scp") as reader:
                    read = {key: numpy.array(value) for key, value in reader}
                assert all(numpy.array_equal(read[key], archive[key]) for key in ids)
                """
            #expect(try PythonPackages.run(program, [clips.path("")]) == 0)
        }
    }
}

/// A folder with clips and `clips.jsonl`, a manifest of them in an order that is not that of names.
private struct Clips {
    private let folder: TemporaryFolder
    private(set) var cuts: [Cut] = []

    /// Clips of 0.1 s and more, or one file of 1 s of which each cut is all.
    init(count: Int, oneFile: Bool = false, ids: [String]? = nil) throws {
        folder = try TemporaryFolder()
        let root = folder.path
        try FileManager.default.createDirectory(
            atPath: root + "/audio", withIntermediateDirectories: true)
        for index in 0..<count {
            let number = oneFile ? 0 : (index * 7) % count
            let path = "\(root)/audio/\(number).wav"
            if !oneFile || index == 0 {
                let seconds = oneFile ? 1 : 0.1 + 0.05 * Double((index * 13) % 11)
                try WAV.tone(200 + 10 * Double(number), seconds: seconds)
                    .write(to: URL(fileURLWithPath: path))
            }
            cuts.append(Cut(id: ids?[index] ?? "clip-\(index)", audioPath: path))
        }
        try Manifest(path: root + "/clips.jsonl", cuts: cuts).write()
    }

    func path(_ name: String) -> String { folder.path + "/" + name }

    func content(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: path(name)))
    }

    /// Runs `apus features` in the folder.
    func features(_ arguments: [String]) throws -> BuiltCommand.Outcome {
        try BuiltCommand.run(["features"] + arguments, in: folder.path)
    }
}

private func size(of path: String) throws -> Int {
    guard FileManager.default.fileExists(atPath: path) else { return 0 }
    return try Data(contentsOf: URL(fileURLWithPath: path)).count
}
