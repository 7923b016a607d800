import ApusSignal
import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite struct Imports {
        private static let references =
            BuiltCommand.package + "/Tests/ApusPretrainingTests/References"

        private func importing(
            _ source: String, to folder: TemporaryFolder
        ) throws -> (model: String, outcome: BuiltCommand.Outcome) {
            let model = folder.path + "/model.safetensors"
            let outcome = try BuiltCommand.run([
                "import", Self.references + "/" + source, "-o", model, "--threads", "1",
            ])
            return (model, outcome)
        }

        @Test func aFolderOfTransformersBecomesAModel() throws {
            let folder = try TemporaryFolder()
            let (model, outcome) = try importing("published/wavlm-large", to: folder)
            #expect(outcome.status == 0, "\(outcome.error)")
            for part in ["WavLM of transformers", "layer-0 ... layer-2, 16 numbers", "800 Hz"] {
                #expect(outcome.output.contains(part), "\(outcome.output)")
            }
            let info = try BuiltCommand.run(["info", model])
            #expect(info.status == 0, "\(info.error)")
            for part in ["imported", "by others: WavLM", "samples, 1 samples a frame"] {
                #expect(info.output.contains(part), "\(info.output)")
            }
            let alone = try BuiltCommand.run([
                "embed", model, voice, "-o", folder.path + "/one.npy", "--threads", "1",
            ])
            #expect(alone.status == 0, "\(alone.error)")
            let together = try BuiltCommand.run([
                "embed", model, sample("voices/en-gb"), "-o", folder.path + "/all.npy",
                "--threads", "1",
            ])
            #expect(together.status == 0, "\(together.error)")
            let one = try NumPyFile.read(folder.path + "/one.npy")
            let all = try NumPyFile.read(folder.path + "/all.npy")
            let ids = try String(
                contentsOfFile: folder.path + "/all.npy.ids.txt", encoding: .utf8
            ).split(separator: "\n").map(String.init)
            #expect(one.shape == [32] && all.shape == [8, 32])
            if let row = ids.firstIndex(of: voice) {
                let differences = zip(one.values, all.values[row * 32..<(row + 1) * 32])
                    .map { abs($0 - $1) }
                #expect((differences.max() ?? .infinity) < 1e-5)
            }
        }

        @Test(arguments: ["tera.ckpt", "apc.ckpt", "cpc.pt", "ge2e.pt"])
        func aCheckpointBecomesAModel(file: String) throws {
            let folder = try TemporaryFolder()
            let (model, outcome) = try importing("checkpoints/" + file, to: folder)
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(outcome.output.contains("left out"), "\(outcome.output)")
            let embedded = try BuiltCommand.run([
                "embed", model, voice, "-o", folder.path + "/one.npy", "--threads", "1",
                "--pooling", "mean",
            ])
            #expect(embedded.status == 0, "\(embedded.error)")
            let vector = try NumPyFile.read(folder.path + "/one.npy")
            #expect(vector.values.allSatisfy { $0.isFinite })
            #expect(vector.values.contains { abs($0) > 1e-3 })
        }

        @Test func nothingOfACheckpointIsExecuted() throws {
            let folder = try TemporaryFolder()
            let path = folder.path + "/hostile.pt"
            let mark = folder.path + "/hacked"
            var pickle = Data([0x80, 2])
            pickle.append(contentsOf: Array("cos\nsystem\n".utf8))
            let command = "touch " + mark
            pickle.append(contentsOf: [UInt8(ascii: "U"), UInt8(command.utf8.count)])
            pickle.append(contentsOf: Array(command.utf8) + [0x85] + Array("R.".utf8))
            try pickle.write(to: URL(fileURLWithPath: path))
            let outcome = try BuiltCommand.run([
                "import", path, "-o", folder.path + "/m.safetensors",
            ])
            #expect(outcome.status == 65)
            #expect(outcome.error.contains(path) && outcome.error.contains("os.system"))
            #expect(!FileManager.default.fileExists(atPath: mark))
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/m.safetensors"))
        }

        @Test(arguments: [
            (#""hidden_size": 16"#, #""hidden_size": 4611686018427387904"#, "hidden_size is"),
            (#""hidden_size": 16"#, #""hidden_size": 16777216"#, "width is 16777216"),
            (#""num_hidden_layers": 2"#, #""num_hidden_layers": 900"#, "weights, the sizes"),
            (#""conv_bias": false"#, #""conv_bias": true"#, "no tensor named"),
            (#""num_attention_heads": 2"#, #""num_attention_heads": 0"#, "headCount is 0"),
            (#""hidden_act": "gelu""#, #""hidden_act": "relu""#, "hidden_act is relu"),
            (#""model_type": "hubert""#, #""model_type": "bert""#, "model_type is bert"),
            (#""layer_norm_eps": 1e-05"#, #""layer_norm_eps": "x""#, "layer_norm_eps is no number"),
            ("{", "[", "it is no JSON object"),
        ])
        func aConfigurationThatDoesNotFit(old: String, new: String, words: String) throws {
            let folder = try TemporaryFolder()
            let source = Self.references + "/published/hubert-base"
            for name in ["model.safetensors", "preprocessor_config.json"] {
                try FileManager.default.copyItem(
                    atPath: "\(source)/\(name)", toPath: folder.path + "/" + name)
            }
            let config = try String(contentsOfFile: source + "/config.json", encoding: .utf8)
            #expect(config.contains(old))
            try config.replacingOccurrences(of: old, with: new)
                .write(toFile: folder.path + "/config.json", atomically: true, encoding: .utf8)
            let outcome = try BuiltCommand.run([
                "import", folder.path, "-o", folder.path + "/out.safetensors",
            ])
            #expect(outcome.status == 65, "\(outcome.error)")
            #expect(outcome.error.contains(words), "\(outcome.error)")
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/out.safetensors"))
        }

        @Test func pretrainingAnImportedEncoderIsRefused() throws {
            let folder = try TemporaryFolder()
            let path = folder.path + "/run.yaml"
            try "data:\n  manifest: none.jsonl\nobjective:\n  kind: imported\n".write(
                toFile: path, atomically: true, encoding: .utf8)
            let outcome = try BuiltCommand.run(["pretrain", path, "-o", folder.path + "/run"])
            #expect(outcome.status == 64, "\(outcome.error)")
            #expect(outcome.error.contains("objective.kind"), "\(outcome.error)")
        }
    }
}
