import ApusNN
import Foundation
import TestSupport
import Testing

extension Commands {
    /// Units of MFCCs, a model that predicts them, units of its layer, and a model that predicts those.
    @Suite struct Units {
        private let folder: TemporaryFolder

        init() throws { folder = try TemporaryFolder() }

        private func path(_ name: String) -> String { folder.path + "/" + name }

        private func run(_ arguments: [String]) throws -> BuiltCommand.Outcome {
            let outcome = try BuiltCommand.run(arguments)
            try #require(outcome.status == 0, "\(arguments): \(outcome.error)")
            return outcome
        }

        /// The settings that the last line of the output names.
        private func settings(_ outcome: BuiltCommand.Outcome) throws -> [String] {
            let last = try #require(outcome.output.split(separator: "\n").last)
            try #require(last.hasPrefix("train with  --set "))
            return last.split(separator: " ").dropFirst(2).map(String.init)
        }

        private static let small =
            ["training.steps=4", "threads=1", "precision=float32", "data.mode=padded"].flatMap {
                ["--set", $0]
            }
            + [
                "transformer.layerCount=2", "transformer.width=32", "transformer.headCount=2",
                "transformer.feedForwardWidth=64",
            ].flatMap { ["--set", "objective.maskedPrediction.encoder." + $0] }

        @Test func unitsAreFoundPredictedAndFoundAgain() throws {
            let manifest = try TrainedModels.shared.manifests + "/train.jsonl"
            let find = ["units", manifest, "--clusters", "12", "--steps", "20", "--threads", "1"]
            let cepstra = try run(find + ["-o", path("cepstra.safetensors")])
            for part in ["12 units of MFCCs, 39 numbers each", "of 32 recordings", "of 12"] {
                #expect(cepstra.output.contains(part), "\(cepstra.output)")
            }
            #expect(cepstra.error.contains("32/32 recordings"))
            let again = try run(find + ["-o", path("again.safetensors")])
            #expect(again.status == 0)
            func bytes(_ name: String) throws -> Data {
                try Data(contentsOf: URL(fileURLWithPath: path(name)))
            }
            #expect(try bytes("again.safetensors") == bytes("cepstra.safetensors"))
            _ = try run(find + ["-o", path("other.safetensors"), "--seed", "2"])
            #expect(try bytes("other.safetensors") != bytes("cepstra.safetensors"))

            let pretrain = ["pretrain", "--set", "data.manifest=\(manifest)"] + Self.small
            _ = try run(pretrain + settings(cepstra) + ["-o", path("first")])
            let model = path("first/model.safetensors")
            let layer = try run(
                find + [
                    "--model", model, "--layer", "layer-1", "--frames", "500", "-o",
                    path("layer.safetensors"),
                ])
            #expect(layer.output.contains("12 units of layer layer-1, 32 numbers each"))
            #expect(!layer.output.contains("of 32 recordings"), "500 frames are enough")
            _ = try run(pretrain + settings(layer) + ["-o", path("second")])
            let second = try Safetensors(contentsOf: path("second/model.safetensors"))
            #expect(second.tensors["targets.centroids"]?.shape == [12, 32])
            let log = try String(contentsOfFile: path("second/metrics.jsonl"), encoding: .utf8)
            #expect(log.contains("\"codePerplexity\":"))
            let page = path("report.html")
            _ = try run(["report", path("first"), path("second"), "-o", page])
            let html = try String(contentsOfFile: page, encoding: .utf8)
            for part in ["Loss, maskedPrediction", "Accuracy of the codes", "Health of second"] {
                #expect(html.contains(part), "\(part)")
            }
        }

        @Test func whatIsWrongIsSaid() throws {
            func refusal(_ status: Int32, _ arguments: [String]) throws -> String {
                let outcome = try BuiltCommand.run(
                    ["units", "-o", path("none.safetensors"), "--threads", "1"] + arguments)
                #expect(outcome.status == status, "\(arguments): \(outcome.error)")
                #expect(!FileManager.default.fileExists(atPath: path("none.safetensors")))
                return outcome.error
            }
            let cpc = try TrainedModels.shared.cpc
            #expect(
                try refusal(65, [voice, "--model", cpc, "--layer", "nonsense"])
                    .contains("no layer 'nonsense'; there are convolution, context"))
            #expect(
                try refusal(65, [voice, "--clusters", "100000"]).contains("for 100000 centroids"))
            #expect(try refusal(66, [path("absent.wav")]).contains("no such file"))
            #expect(try refusal(66, [voice, "--model", path("absent")]).contains("absent"))
            #expect(try refusal(65, [voice, "--set", "deltaOrder=1"]).contains("cepstra"))
            for arguments in [
                ["--clusters", "1"], ["--frames", "0"], ["--steps", "0"], ["--batch", "0"],
                ["--layer", "context"], ["--model", cpc, "--set", "melBandCount=40"],
            ] {
                _ = try refusal(64, [voice] + arguments)
            }
            let outcome = try BuiltCommand.run([
                "units", voice, "--clusters", "4", "--threads", "1", "-o",
                path("absent/units.safetensors"),
            ])
            #expect(outcome.status == 73, "\(outcome.error)")
        }

        @Test func unreadableRecordingsAreNamedAndLeftOut() throws {
            let noise = try folder.write("no sound", "noise.wav")
            let outcome = try BuiltCommand.run([
                "units", voice, noise, "--clusters", "4", "--threads", "1", "-o",
                path("units.safetensors"),
            ])
            #expect(outcome.status == 65)
            #expect(outcome.error.contains("warning: \(noise)"))
            #expect(outcome.error.contains("1 of 2 recordings could not be used"))
            #expect(outcome.output.contains("of 1 recordings"))
            #expect(FileManager.default.fileExists(atPath: path("units.safetensors")))
        }
    }
}
