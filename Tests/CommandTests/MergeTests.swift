import ApusCorpus
import ApusSignal
import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite struct Merging {
        private let folder: TemporaryFolder
        private let manifest: String
        private let model: String

        init() throws {
            folder = try TemporaryFolder()
            manifest = try TrainedModels.shared.manifests + "/train.jsonl"
            model = try TrainedModels.shared.cpc
        }

        private func run(_ arguments: [String], status: Int32 = 0) throws -> BuiltCommand.Outcome {
            let outcome = try BuiltCommand.run(arguments, in: folder.path)
            #expect(outcome.status == status, "\(arguments): \(outcome.error)")
            return outcome
        }

        private func bytes(_ name: String) throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name))
        }

        private func parts(_ ending: String) -> [String] { (1...3).map { "part-\($0)\(ending)" } }

        @Test(arguments: [
            (".npy", [String]()), (".npz", []), (".safetensors", ["--normalize", "l2"]),
            (".ark", []),
            (".jsonl", []), (".csv", []), (".csv", ["--window", "0.5"]),
            (".jsonl", ["--window", "0.5", "--hop", "0.25"]), (".npz", ["--pooling", "frames"]),
            (".npy", ["--window", "0.5"]), ("", ["--window", "0.5"]),
        ])
        func embeddingsOfPartsAreThoseOfOneRun(ending: String, options: [String]) throws {
            let more = options + ["--no-cache"]
            _ = try run(["embed", model, manifest, "-o", "whole\(ending)"] + more)
            for (index, part) in parts(ending).enumerated() {
                _ = try run(
                    ["embed", model, manifest, "-o", part, "--shard", "\(index + 1)/3"] + more)
            }
            // The manifest's order, whatever that of the parts.
            let arguments =
                ["merge"] + parts(ending).reversed()
                + ["-o", "merged\(ending)", "--manifest", manifest]
            let outcome = try run(arguments)
            #expect(outcome.output.contains("32 of 32 recordings of 3 parts"))
            if ending.isEmpty {
                let names = try FileManager.default.contentsOfDirectory(
                    atPath: folder.path + "/whole"
                ).sorted()
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: folder.path + "/merged")
                        .sorted() == names)
                for name in names where name.hasSuffix(".npy") {
                    #expect(try bytes("whole/" + name) == bytes("merged/" + name))
                }
            } else {
                #expect(try bytes("whole\(ending)") == bytes("merged\(ending)"))
                #expect(
                    try bytes("whole\(ending).index.jsonl") == bytes("merged\(ending).index.jsonl"))
                if ending == ".npy" {
                    #expect(try bytes("whole.npy.ids.txt") == bytes("merged.npy.ids.txt"))
                }
            }
            #expect(try run(arguments).output.contains(", as before"))
        }

        @Test(arguments: [".npz", ".ark", ""])
        func featuresOfPartsAreThoseOfOneRun(ending: String) throws {
            _ = try run(["features", manifest, "-o", "whole\(ending)"])
            for (index, part) in parts(ending).enumerated() {
                _ = try run(["features", manifest, "-o", part, "--shard", "\(index + 1)/3"])
            }
            let arguments =
                ["merge"] + parts(ending).reversed()
                + ["-o", "merged\(ending)", "--manifest", manifest]
            let outcome = try run(arguments)
            #expect(outcome.output.contains("32 of 32 recordings of 3 parts"))
            if ending.isEmpty {
                let index = try FeatureIndex(contentsOf: folder.path + "/whole/index.jsonl")
                let merged = try FeatureIndex(contentsOf: folder.path + "/merged/index.jsonl")
                #expect(index.entries == merged.entries)
                for entry in index.entries {
                    #expect(
                        try bytes("whole/" + entry.featuresPath)
                            == bytes("merged/" + entry.featuresPath))
                }
            } else {
                #expect(try bytes("whole\(ending)") == bytes("merged\(ending)"))
                let index = try FeatureIndex(
                    contentsOf: folder.path + "/merged\(ending).index.jsonl")
                #expect(index.entries.count == 32)
            }
            #expect(try run(arguments).output.contains(", as before"))
            // Features that are merged are features that were written: nothing is left to do.
            let again = try run(["features", manifest, "-o", "merged\(ending)"])
            #expect(again.error.contains("32 of 32 recordings were written before"))
        }

        @Test func whatIsMissingIsNamedAndListed() throws {
            for index in [1, 3] {
                _ = try run(
                    ["embed", model, manifest, "-o", "part-\(index).npz", "--shard", "\(index)/3"])
            }
            let outcome = try run(
                [
                    "merge", "part-1.npz", "part-3.npz", "-o", "merged.npz", "--manifest", manifest,
                    "--missing", "rest.jsonl",
                ], status: 65)
            #expect(outcome.output.contains("of 32 recordings of 2 parts"))
            #expect(outcome.error.contains("recordings are missing"))
            let rest = try Manifest(contentsOf: folder.path + "/rest.jsonl").cuts
            #expect(rest.count == 11)
            _ = try run(["embed", model, "rest.jsonl", "-o", "part-2.npz"])
            _ = try run(
                ["merge"] + parts(".npz") + ["-o", "all.npz", "--manifest", manifest])
            #expect(try NumPyArchive(contentsOf: folder.path + "/all.npz").names.count == 32)
        }

        @Test func otherModelsAndRepetitionsAreRefused() throws {
            _ = try run(["embed", model, manifest, "-o", "a.npz", "--shard", "1/2"])
            _ = try run([
                "embed", try TrainedModels.shared.masked, manifest, "-o", "b.npz", "--shard", "2/2",
            ])
            let mixed = try run(["merge", "a.npz", "b.npz", "-o", "m.npz"], status: 65)
            #expect(mixed.error.contains("another model or other options"))
            _ = try run(["embed", model, manifest, "-o", "c.npz"])
            #expect(
                try run(["merge", "a.npz", "c.npz", "-o", "m.npz"], status: 65).error
                    .contains("is in a.npz too"))
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/m.npz"))
            _ = try run(["merge", "a.npz", "d.npz", "-o", "m.npz"], status: 66)
            _ = try run(["merge", "a.npz", "-o", "m.ark"], status: 65)
            _ = try run(["features", manifest, "-o", "f.npz", "--shard", "1/2"])
            _ = try run(
                ["features", manifest, "-o", "g.npz", "--shard", "2/2", "--set", "melBandCount=40"])
            #expect(
                try run(["merge", "f.npz", "g.npz", "-o", "m.npz"], status: 65).error
                    .contains("another front end"))
            _ = try run(["merge", "f.npz", "a.npz", "-o", "m.npz"], status: 65)
        }
    }
}
