import Foundation
import TestSupport
import Testing

extension Commands {
    /// The programs of samples/programs do what their comments say.
    @Suite struct SamplePrograms {
        private func run(_ name: String, _ arguments: [String]) throws -> BuiltCommand.Outcome {
            let apus = try #require(BuiltCommand.path)
            let process = Process()
            process.executableURL = URL(
                fileURLWithPath: (apus as NSString).deletingLastPathComponent + "/" + name)
            process.arguments = arguments
            return try Running(process).wait()
        }

        @Test func featuresAreShown() throws {
            let outcome = try run("Features", [voice])
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(outcome.output.contains("frames x 80 bands"))
        }

        @Test func augmentationsAreHeardAndSeen() throws {
            let folder = try TemporaryFolder()
            let outcome = try run("Augmentations", [voice, folder.path + "/out"])
            #expect(outcome.status == 0, "\(outcome.error)")
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/out")
            #expect(names.count { $0.hasSuffix(".png") } == 10)
            #expect(names.count { $0.hasSuffix(".wav") } == 9)
        }

        @Test func aRecordingIsLikeItself() throws {
            let models = try TrainedModels.shared
            func cosine(_ other: String) throws -> Double {
                let outcome = try run("Similarity", [models.cpc, voice, other])
                #expect(outcome.status == 0, "\(outcome.error)")
                return try #require(
                    outcome.output.split(separator: " ").last.flatMap {
                        Double($0.trimmingCharacters(in: .whitespacesAndNewlines))
                    })
            }
            #expect(try abs(cosine(voice) - 1) < 1e-4)
            #expect(try cosine(sample("voices/sv-croak/01.ogg")) < 0.9999)
        }
    }
}
