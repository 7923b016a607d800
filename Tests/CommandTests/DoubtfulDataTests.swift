import ApusCorpus
import Foundation
import TestSupport
import Testing

extension Commands {
    /// What speaks against figures is said before they are measured, by each command that measures any.
    @Suite struct DoubtfulData {
        /// The training part of the sample voices with odd names: one by another case and so with a
        /// single recording, one of blanks, one in two Unicode forms.
        private static func oddNames(_ models: TrainedModels, _ folder: TemporaryFolder) throws
            -> String
        {
            var manifest = try Manifest(contentsOf: models.manifests + "/train.jsonl")
            let name = try #require(manifest.cuts[0].speaker)
            manifest.cuts[0].speaker = name.uppercased()
            for (index, cut) in manifest.cuts.enumerated().dropFirst() where cut.speaker != name {
                manifest.cuts[index].speaker = "  "
                manifest.cuts[index + 1].speaker = "caf\u{e9}"
                manifest.cuts[index + 2].speaker = "cafe\u{301}"
                break
            }
            manifest.path = folder.path + "/odd.jsonl"
            try manifest.write()
            return manifest.path
        }

        private let names = [
            "different speakers by case or Unicode form alone: ",
            "written in two Unicode forms, taken as one name each: caf",
        ]

        private func probe(_ parts: [String], _ more: [String] = []) throws -> BuiltCommand.Outcome
        {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            return try BuiltCommand.run(
                [
                    "probe", "CPC=" + models.cpc, "--train", parts[0], "--dev", parts[1], "--test",
                    parts[2], "--threads", "1", "--no-frames", "--set",
                    "utterances.labelledPerClass=[]", "-o", folder.path + "/run",
                ] + more)
        }

        @Test func aProbeTellsOfOddNamesAndOfTestDataChosenOn() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let development = models.manifests + "/dev.jsonl"
            let outcome = try probe([try Self.oddNames(models, folder), development, development])
            #expect(outcome.status == 0, "\(outcome.error)")
            for text in names + [
                "a single recording to learn from: ", "recordings have no label and are left out",
                "test recordings are in the development part too: what is chosen is chosen on them",
            ] { #expect(outcome.error.contains(text), "\(text): \(outcome.error)") }
            #expect(!outcome.error.contains("are from a source"), "\(outcome.error)")
        }

        @Test func aTrainingTellsOfOddNamesAndOfTestDataChosenOn() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let development = models.manifests + "/dev.jsonl"
            let outcome = try BuiltCommand.run([
                "train", models.cpc, "--train", try Self.oddNames(models, folder), "--dev",
                development,
                "--test", development, "--set", "threads=1", "--set", "training.epochs=0", "--set",
                "training.steps=2", "--set", "training.resamples=10", "-o", folder.path + "/run",
            ])
            #expect(outcome.status == 0, "\(outcome.error)")
            for text in names + [
                "a single recording to learn from: ", "recordings have no label and are left out",
                "test recordings are in the development part too: what is chosen is chosen on them",
            ] { #expect(outcome.error.contains(text), "\(text): \(outcome.error)") }
        }

        @Test func enrolmentAndTrialsTellOfOddNames() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let odd = try Self.oddNames(models, folder)
            for command in [
                ["enroll", models.cpc, odd, "-o", folder.path + "/speakers.safetensors"],
                ["trials", odd, "-o", folder.path + "/trials.txt"],
            ] {
                let outcome = try BuiltCommand.run(command)
                #expect(outcome.status == 0, "\(outcome.error)")
                for text in names + ["recordings name no speaker"] {
                    #expect(outcome.error.contains(text), "\(text): \(outcome.error)")
                }
            }
        }

        @Test func eventsTellOfSharedPartsAndOddLabels() throws {
            let folder = try TemporaryFolder()
            var lines = ""
            for take in 0..<4 {
                let samples = (0..<16_000).map { index -> Float in
                    let isOn = index >= 6000 && index < 12_000
                    return Float((isOn ? 0.3 : 0.01) * sin(Double(index) * 0.1 * Double(take + 1)))
                }
                _ = try folder.write(WAV.floats(samples), "\(take).wav")
                lines +=
                    "{\"audio_filepath\": \"\(take).wav\", \"events\": [{\"onset\": 0.375, \"offset\": "
                    + "0.75, \"label\": \"\(take == 0 ? "LOW" : "low")\"}]}\n"
            }
            let manifest = try folder.write(lines, "all.jsonl")
            let outcome = try probe(
                [manifest, manifest, manifest],
                ["--label", "events", "--set", "events.trainingFrames=200"])
            for text in [
                "development part: 4 recordings are in the training part too",
                "test part: 4 recordings are in the training part too",
                "4 of 4 test recordings are in the development part too",
                "different labels by case or Unicode form alone: LOW / low",
                "1 label has a single recording to learn from: LOW",
            ] { #expect(outcome.error.contains(text), "\(text): \(outcome.error)") }
        }

        @Test func verificationTellsOfCopiesAndOfTheRoom() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            var test = try Manifest(contentsOf: models.manifests + "/test.jsonl")
            for index in test.cuts.indices {
                test.cuts[index].extra["room"] = test.cuts[index].speaker.map { .string($0) }
            }
            test.path = folder.path + "/test.jsonl"
            try test.write()
            let copy = folder.path + "/copy.ogg"
            try FileManager.default.copyItem(atPath: test.cuts[0].audioPath, toPath: copy)
            var cohort = try Manifest(contentsOf: models.manifests + "/train.jsonl")
            (cohort.cuts[0].audioPath, cohort.cuts[0].duration) = (copy, nil)
            cohort.cuts[1].extra["source"] = .string(test.cuts[1].audioPath)
            cohort.path = folder.path + "/cohort.jsonl"
            try cohort.write()
            let trials = folder.path + "/trials.txt"
            #expect(try BuiltCommand.run(["trials", test.path, "-o", trials]).status == 0)
            let outcome = try BuiltCommand.run([
                "verify", "CPC=" + models.cpc, "--trials", trials, "--manifest", test.path,
                "--cohort",
                cohort.path, "--set", "resamples=10", "--set", "baselines=false", "-o",
                folder.path + "/run",
            ])
            #expect(outcome.status == 0, "\(outcome.error)")
            for text in [
                "1 recordings of the test trials have the same bytes as one of the cohort",
                "1 recordings of the test trials are from the same source as one of the cohort",
                "every pair of one speaker is of one room, and 0 of",
            ] { #expect(outcome.error.contains(text), "\(text): \(outcome.error)") }
        }
    }
}
