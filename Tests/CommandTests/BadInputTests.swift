import ApusCorpus
import ApusNN
import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite struct BadInput {
        /// Runs features on one file: exit code and message.
        private func features(_ path: String) throws -> BuiltCommand.Outcome {
            let folder = try TemporaryFolder()
            return try BuiltCommand.run(["features", path, "-o", folder.path + "/out.npy"])
        }

        @Test func badAudioIsNamed() throws {
            let folder = try TemporaryFolder()
            let flac = try Data(contentsOf: URL(fileURLWithPath: sample("events/sweep/01.flac")))
            var broken = [Float](repeating: 0.1, count: 8000)
            broken[4000] = .nan
            let cases: [(path: String, status: Int32, word: String)] = [
                (folder.path + "/absent.wav", 66, "no such file"),
                (try folder.write(Data(), "empty.wav"), 65, "empty"),
                (
                    try folder.write("not audio at all, but words", "text.wav"), 65,
                    "not an audio file"
                ),
                (try folder.write(flac.prefix(flac.count / 2), "cut.flac"), 65, "truncated"),
                (try folder.write(WAV.tone(300, seconds: 0.02), "short.wav"), 65, "frame"),
                (try folder.write(WAV.floats(broken), "nan.wav"), 65, "4000"),
            ]
            for (path, status, word) in cases {
                let outcome = try features(path)
                #expect(outcome.status == status, "\(path): \(outcome.error)")
                #expect(outcome.error.contains(path), "\(outcome.error)")
                #expect(outcome.error.contains(word), "\(outcome.error)")
            }
        }

        @Test func unknownConfigurationKeysNameTheNearest() throws {
            let folder = try TemporaryFolder()
            let config = try folder.write("optimizer:\n  rte: 1e-3\n", "run.yaml")
            let file = try BuiltCommand.run(["pretrain", config, "-o", folder.path + "/run"])
            #expect(file.status == 64)
            for word in [config, "'optimizer.rte'", "'optimizer.rate'"] {
                #expect(file.error.contains(word), "\(file.error)")
            }
            let setting = try BuiltCommand.run([
                "pretrain", "--set", "training.stps=3", "-o", folder.path + "/run",
            ])
            #expect(setting.status == 64)
            #expect(setting.error.contains("'training.steps'"))
            let type = try BuiltCommand.run([
                "pretrain", "--set", "training.steps=many", "-o", folder.path + "/run",
            ])
            #expect(type.status == 64)
            #expect(type.error.contains("training.steps"))
            let manifest = try BuiltCommand.run([
                "pretrain", "--set", "data.manifest=\(folder.path)/absent.jsonl", "-o",
                folder.path + "/run",
            ])
            #expect(manifest.status == 66)
            #expect(manifest.error.contains("absent.jsonl"))
        }

        @Test func whatCannotBeWrittenIsExitCode73() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            // A path below a file can be written by nobody, not even by root.
            let below = try folder.write("x", "file") + "/out"
            for arguments in [
                ["features", voice, "-o", below + ".npy"],
                ["features", voice, "-o", below + "/clip.png"],
                ["embed", models.cpc, voice, "-o", below + ".npy"],
                ["prepare", "folder", sample("tones"), "-o", below],
                [
                    "pretrain", "-o", below, "--set",
                    "data.manifest=\(models.manifests)/train.jsonl",
                ] + TrainedModels.small,
                ["report", models.folder.path + "/cpc", "-o", below + ".html"],
                [
                    "probe", models.cpc, "--train", models.manifests + "/train.jsonl", "--dev",
                    models.manifests + "/dev.jsonl", "--test", models.manifests + "/test.jsonl",
                    "-o", below,
                ],
            ] {
                let outcome = try BuiltCommand.run(arguments)
                #expect(outcome.status == 73, "\(arguments): \(outcome.error)")
                #expect(outcome.error.contains(below), "\(outcome.error)")
                #expect(!outcome.error.contains("NSCocoaErrorDomain"), "\(outcome.error)")
            }
            let absent = folder.path + "/absent"
            let missing = try BuiltCommand.run([
                "embed", models.cpc, voice, "-o", absent + "/x.npy",
            ])
            #expect(missing.status == 73)
            #expect(missing.error.contains("absent/x.npy: cannot be written (there is no folder"))
        }

        /// No machine has this device, and nothing is done before it is missed.
        @Test func aMissingDeviceIsExitCode69() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let output = folder.path + "/out"
            for arguments in [
                [
                    "pretrain", "-o", output, "--set", "device=cuda:127", "--set",
                    "data.manifest=\(models.manifests)/train.jsonl",
                ],
                ["embed", models.cpc, voice, "-o", output + ".npy", "--device", "cuda:127"],
                ["units", voice, "--clusters", "4", "-o", output, "--device", "cuda:127"],
                ["classify", models.cpc, voice, "--device", "cuda:127"],
                [
                    "probe", models.cpc, "--train", voice, "--dev", voice, "--test", voice, "-o",
                    output, "--device", "cuda:127",
                ],
            ] {
                let outcome = try BuiltCommand.run(arguments)
                #expect(outcome.status == 69, "\(arguments): \(outcome.error)")
                #expect(
                    outcome.error.contains("device: cuda:127 needs a CUDA device"),
                    "\(outcome.error)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
            let other = try BuiltCommand.run([
                "embed", models.cpc, voice, "-o", output + ".npy", "--device", "gpu",
            ])
            #expect(other.status == 64)
        }

        @Test func aFullDiskIsExitCode73() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let apus = try #require(BuiltCommand.path)
            // A file may grow to 4 KiB here, as on a disk with so much left.
            for command in [
                "features \(voice) -o \(folder.path)/full.npy",
                "pretrain -o \(folder.path)/full --set data.manifest=\(models.manifests)/train.jsonl "
                    + "--set threads=1 --set training.steps=2",
            ] {
                let process = Process()
                process.executableURL = URL(fileURLWithPath: "/bin/bash")
                process.arguments = ["-c", "trap '' XFSZ; ulimit -f 4; exec \(apus) \(command)"]
                let outcome = try Running(process).wait()
                #expect(outcome.status == 73, "\(command): \(outcome.error)")
            }
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/full.npy"))
            #expect(
                try !FileManager.default.contentsOfDirectory(atPath: folder.path)
                    .contains { $0.hasSuffix(".tmp") })
            let lost = Process()
            lost.executableURL = URL(fileURLWithPath: "/bin/bash")
            lost.arguments = ["-c", "exec \(apus) info \(models.cpc) >/dev/full"]
            #expect(try Running(lost).wait().status == 73)
        }

        @Test func badModelsAreRefused() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let whole = try Data(contentsOf: URL(fileURLWithPath: models.cpc))
            var hostile = Data()
            withUnsafeBytes(of: UInt64(1 << 60).littleEndian) { hostile.append(contentsOf: $0) }
            hostile.append(Data("{}".utf8))
            let foreign = try Safetensors(
                tensors: ["weight": TensorValues(shape: [2], values: [1, 2])], metadata: ["a": "b"]
            ).encoded()
            let cases: [(path: String, status: Int32, word: String)] = [
                (folder.path + "/absent.safetensors", 66, "no such file"),
                (
                    try folder.write(whole.prefix(whole.count - 100), "cut.safetensors"), 65,
                    "safetensors"
                ),
                (try folder.write("a model, they said", "text.safetensors"), 65, "safetensors"),
                (try folder.write(hostile, "hostile.safetensors"), 65, "announced"),
                (try folder.write(foreign, "foreign.safetensors"), 65, "no model card"),
                (models.classifier, 65, "a classifier"),
            ]
            for (path, status, word) in cases {
                let outcome = try BuiltCommand.run([
                    "embed", path, voice, "-o", folder.path + "/out.npy",
                ])
                #expect(outcome.status == status, "\(path): \(outcome.error)")
                #expect(outcome.error.contains(path), "\(outcome.error)")
                #expect(outcome.error.contains(word), "\(outcome.error)")
            }
            let notAClassifier = try BuiltCommand.run(["classify", models.cpc, voice])
            #expect(notAClassifier.status == 65)
            #expect(notAClassifier.error.contains("apus probe"))
        }

        @Test func anotherFrontEndIsRefused() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let outcome = try BuiltCommand.run([
                "embed", models.cpc, voice, "--set", "melBandCount=40", "-o",
                folder.path + "/out.npy",
            ])
            #expect(outcome.status == 65)
            #expect(outcome.error.contains("melBandCount: 80, here 40"), "\(outcome.error)")
            let same = try BuiltCommand.run([
                "embed", models.cpc, voice, "--front-end", "kaldi", "-o", folder.path + "/out.npy",
            ])
            #expect(same.status == 0, "\(same.error)")
        }

        @Test func oneBadRecordingLeavesTheOthers() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let bad = try folder.write("text", "bad.ogg")
            let embedded = try BuiltCommand.run([
                "embed", models.cpc, voice, bad, "-o", folder.path + "/out.jsonl",
            ])
            #expect(embedded.status == 65)
            #expect(embedded.error.contains(bad))
            #expect(embedded.error.contains("1 of 2"))
            let lines = try String(contentsOfFile: folder.path + "/out.jsonl", encoding: .utf8)
            #expect(lines.split(separator: "\n").count == 1)
            let classified = try BuiltCommand.run(["classify", models.classifier, bad, voice])
            #expect(classified.status == 65)
            #expect(classified.output.contains(voice))
            #expect(classified.error.contains(bad))
        }

        @Test func aBadRecordingIsLeftOutOfTraining() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let bad = try folder.write("text", "bad.wav")
            // Written in another folder, the sample clips' paths are absolute.
            var manifest = try Manifest(contentsOf: models.manifests + "/train.jsonl")
            manifest.cuts.append(Cut(id: "the-bad-one", audioPath: bad, duration: 1))
            try manifest.write(to: folder.path + "/train.jsonl")
            let outcome = try BuiltCommand.run(
                [
                    "pretrain", "-o", folder.path + "/run", "--set", "training.steps=3", "--set",
                    "data.manifest=\(folder.path)/train.jsonl",
                ] + TrainedModels.small)
            #expect(outcome.status == 65, "\(outcome.error)")
            #expect(outcome.error.contains("the-bad-one"))
            #expect(outcome.output.contains("recordings left out: 1"), "\(outcome.output)")
            #expect(FileManager.default.fileExists(atPath: folder.path + "/run/model.safetensors"))
        }

        @Test func aBrokenManifestLineIsNumbered() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let manifest = try folder.write(
                "{\"audio_filepath\":\"\(voice)\",\"id\":\"a\"}\n{\"id\": \n", "bad.jsonl")
            let outcome = try BuiltCommand.run([
                "embed", models.cpc, manifest, "-o", folder.path + "/out.npy",
            ])
            #expect(outcome.status == 65)
            #expect(outcome.error.contains(manifest + ":2:"))
        }

        @Test func aReportOfNothingIsRefused() throws {
            let folder = try TemporaryFolder()
            let empty = try BuiltCommand.run(["report", folder.path, "-o", folder.path + "/r.html"])
            #expect(empty.status == 65)
            #expect(empty.error.contains(folder.path))
            let missing = try BuiltCommand.run([
                "report", folder.path + "/absent", "-o", folder.path + "/r.html",
            ])
            #expect(missing.status == 66)
        }
    }
}
