import ApusCorpus
import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite struct Prepare {
        @Test func splitsShareNoRecording() throws {
            let folder = try TrainedModels.shared.manifests
            let parts = try ["train", "dev", "test"].map {
                try Manifest(contentsOf: "\(folder)/\($0).jsonl")
            }
            let all = try Manifest(contentsOf: folder + "/all.jsonl")
            #expect(parts.allSatisfy { $0.speakers.count == 8 })
            #expect(parts.flatMap { $0.cuts.map(\.id) }.sorted() == all.cuts.map(\.id).sorted())
            #expect(all.cuts.count == 64)
        }

        @Test func oneBadFileIsNamedAndTheOthersAreUsed() throws {
            let folder = try TemporaryFolder()
            for (index, hertz) in [200.0, 300, 400].enumerated() {
                _ = try folder.write(WAV.tone(hertz, seconds: 0.5), "\(index).wav")
            }
            _ = try folder.write("this is text", "broken.wav")
            let outcome = try BuiltCommand.run([
                "prepare", "folder", folder.path, "-o", folder.path + "/out",
            ])
            #expect(outcome.status == 65)
            #expect(outcome.error.contains("broken.wav"))
            #expect(outcome.output.contains("left out (unreadable): 1"))
            #expect(try Manifest(contentsOf: folder.path + "/out/all.jsonl").cuts.count == 3)
        }

        @Test func nothingToPrepareIsSaid() throws {
            let folder = try TemporaryFolder()
            let empty = try BuiltCommand.run([
                "prepare", "folder", folder.path, "-o", folder.path + "/out",
            ])
            #expect(empty.status == 65)
            #expect(empty.error.contains(folder.path))
            let missing = try BuiltCommand.run([
                "prepare", "folder", folder.path + "/absent", "-o", folder.path + "/out",
            ])
            #expect(missing.status == 66)
            let list = try BuiltCommand.run(["prepare", "--list"])
            #expect(list.status == 0)
            #expect(list.output.contains("klettres"))
        }
    }
}
