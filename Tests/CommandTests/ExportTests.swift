import ApusSignal
import Foundation
import Testing

extension Commands {
    @Suite struct Exports {
        @Test func aModelIsExported() throws {
            let models = try TrainedModels.shared
            let path = models.folder.path + "/cpc.onnx"
            let outcome = try BuiltCommand.run(["export", models.cpc, "-o", path])
            #expect(outcome.status == 0, "\(outcome.error)")
            for part in [
                "samples, (recordings, samples) at 16000 Hz", "gives       convolution, context",
                "mean and standard deviation of context",
            ] { #expect(outcome.output.contains(part), "\(outcome.output)") }
        }

        @Test(
            .enabled(
                if: (try? PythonPackages.run("import numpy, onnxruntime", [])) == 0,
                "no python3 with numpy and onnxruntime (PYTHON names another)"))
        func onnxruntimeGivesWhatEmbedWrites() throws {
            let models = try TrainedModels.shared
            let (path, array) = (
                models.folder.path + "/masked.onnx", models.folder.path + "/masked-onnx.npy"
            )
            let exported = try BuiltCommand.run(["export", models.masked, "-o", path])
            #expect(exported.status == 0, "\(exported.error)")
            let sound = models.folder.path + "/noise.wav"
            var generator = SystemRandomNumberGenerator()
            let samples = (0..<20000).map { _ in Float.random(in: -0.2...0.2, using: &generator) }
            try Waveform(samples: samples, sampleRate: 16000).write(to: sound)
            let embedded = try BuiltCommand.run(["embed", models.masked, sound, "-o", array])
            #expect(embedded.status == 0, "\(embedded.error)")
            let program = """
                import sys, wave
                import numpy, onnxruntime
                with wave.open(sys.argv[1]) as file:
                    assert file.getsampwidth() == 2 and file.getnchannels() == 1
                    rate, data = file.getframerate(), file.readframes(file.getnframes())
                session = onnxruntime.InferenceSession(sys.argv[2])
                meta = session.get_modelmeta().custom_metadata_map
                assert int(meta["sample_rate"]) == rate and meta["frame_rate"] == "100.0", meta
                samples = numpy.frombuffer(data, "<i2").astype("f4") / 32768
                vector, = session.run(["recording"], {"samples": samples[None]})
                wanted = numpy.load(sys.argv[3])
                assert vector[0].shape == wanted.shape, vector.shape
                assert abs(vector[0] - wanted).max() < 1e-4 * abs(wanted).max()
                """
            #expect(try PythonPackages.run(program, [sound, path, array]) == 0)
        }

        @Test func whatCannotBeExportedIsSaid() throws {
            let models = try TrainedModels.shared
            let path = models.folder.path + "/none.onnx"
            func fails(_ arguments: [String], _ status: Int32, _ part: String) throws {
                let outcome = try BuiltCommand.run(["export"] + arguments)
                #expect(outcome.status == status, "\(outcome.error)")
                #expect(outcome.error.contains(part), "\(outcome.error)")
                #expect(!FileManager.default.fileExists(atPath: path))
            }
            try fails([models.cpc, "-o", path, "--layer", "top"], 65, "no layer is named 'top'")
            try fails([models.cpc, "-o", "model.pt"], 64, "should end in .onnx")
            try fails([voice, "-o", path], 65, "not a whole safetensors file")
            try fails([models.folder.path + "/no.safetensors", "-o", path], 66, "no such file")
            try fails([models.cpc, "-o", models.folder.path + "/no/a.onnx"], 73, "no/a.onnx")
        }

        @Test(
            .enabled(
                if: (try? PythonPackages.run("import numpy, torch", [])) == 0,
                "no python3 with numpy and torch (PYTHON names another)"))
        func aModelHasTheInterfaceOfHEAR() throws {
            let models = try TrainedModels.shared
            let program = """
                import os, sys
                os.environ["APUS"] = sys.argv[3]
                sys.path.insert(0, sys.argv[1])
                import apus_hear, torch
                model = apus_hear.load_model(sys.argv[2])
                assert model.sample_rate == 16000
                audio = 0.1 * torch.randn(3, 24000, generator=torch.Generator().manual_seed(1))
                frames, times = apus_hear.get_timestamp_embeddings(audio, model)
                width = model.timestamp_embedding_size
                assert frames.shape[0] == 3 and frames.shape[2] == width == 32, frames.shape
                assert times.shape == frames.shape[:2]
                assert torch.allclose(times[:, 1:] - times[:, :-1], torch.tensor(40.0))
                scenes = apus_hear.get_scene_embeddings(audio, model)
                assert scenes.shape == (3, model.scene_embedding_size)
                alone = apus_hear.get_scene_embeddings(audio[1:2], model)
                assert torch.allclose(scenes[1], alone[0], atol=1e-5)
                """
            #expect(
                try PythonPackages.run(
                    program,
                    [
                        BuiltCommand.package + "/samples/python", models.cpc,
                        try #require(BuiltCommand.path),
                    ]) == 0)
        }
    }
}
