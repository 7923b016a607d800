import ApusReport
import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite struct Enrolment {
        @Test func speakersAreEnrolledAddedAndIdentified() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let speakers = folder.path + "/speakers.safetensors"
            let train = models.manifests + "/train.jsonl"
            let dev = models.manifests + "/dev.jsonl"
            let lines = try String(contentsOfFile: train, encoding: .utf8).split(separator: "\n")
            let first = try #require(lines.first.flatMap(Self.speaker))
            func part(_ name: String, _ holds: (String) -> Bool) throws -> String {
                let own = lines.filter { Self.speaker($0).map(holds) ?? false }
                // Relative paths are those of the manifests' folder.
                let path = models.manifests + "/" + name
                try (own.joined(separator: "\n") + "\n").write(
                    toFile: path, atomically: true, encoding: .utf8)
                return path
            }
            let others = try part("enrol-others.jsonl") { $0 != first }
            let own = try part("enrol-first.jsonl") { $0 == first }
            let begun = try BuiltCommand.run([
                "enroll", models.masked, others, "--dev", dev, "--false-alarm", "0.1, 0.3", "-o",
                speakers,
            ])
            #expect(begun.status == 0, "\(begun.error)")
            #expect(begun.output.contains("10 % of false alarms: threshold"))
            #expect(begun.output.contains("of strangers)"))
            let added = try BuiltCommand.run([
                "enroll", models.masked, own, "--add", "-o", speakers,
            ])
            #expect(added.status == 0, "\(added.error)")
            #expect(added.error.contains("thresholds are gone"))
            #expect(added.output.contains("\(lines.count) recordings"))
            let test = models.manifests + "/test.jsonl"
            let without = try BuiltCommand.run([
                "identify", speakers, test, "--false-alarm", "0.1",
            ])
            #expect(without.status == 64)
            let again = try BuiltCommand.run([
                "enroll", models.masked, own, "--add", "--dev", dev, "-o", speakers,
            ])
            #expect(again.status == 0, "\(again.error)")
            let found = try BuiltCommand.run([
                "identify", speakers, test, "--false-alarm", "0.1", "--json",
            ])
            #expect(found.status == 0, "\(found.error)")
            #expect(found.output.contains("\"threshold\":"))
            #expect(found.error.contains("recordings of enrolled speakers:"))
            let clip = try BuiltCommand.run(["identify", speakers, voice, "--top", "2"])
            #expect(clip.output.split(separator: "\t").count == 4)
        }

        @Test func whatCannotBeEnrolledIsNamed() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let train = models.manifests + "/train.jsonl"
            let speakers = folder.path + "/speakers.safetensors"
            let enroll = ["enroll", models.cpc, train, "-o", speakers]
            let nobody = try folder.write("{\"audio_filepath\":\"\(voice)\"}\n", "nobody.jsonl")
            let cases: [([String], Int32, String)] = [
                (enroll + ["--add"], 66, "speakers.safetensors"),
                (enroll + ["--set", "scorng=plda"], 64, "did you mean 'scoring'"),
                (enroll + ["--set", "pooling=frames"], 64, "pooling"),
                (enroll + ["--set", "discriminantCount=99"], 65, "LDA"),
                (enroll + ["--false-alarm", "2"], 64, "--false-alarm"),
                (["enroll", models.cpc, nobody, "-o", speakers], 65, "none has a speaker"),
                (["enroll", "absent.safetensors", train, "-o", speakers], 66, "absent"),
                (["identify", models.cpc, voice], 65, "holds no speakers"),
                (["identify", "absent.safetensors", voice], 66, "absent"),
            ]
            for (arguments, status, word) in cases {
                let outcome = try BuiltCommand.run(arguments)
                #expect(outcome.status == status, "\(word): \(outcome.error)")
                #expect(outcome.error.contains(word), "\(outcome.error)")
            }
            #expect(try BuiltCommand.run(enroll).status == 0)
            let other = try BuiltCommand.run([
                "enroll", models.masked, train, "--add", "-o", speakers,
            ])
            #expect(other.status == 65)
            #expect(other.error.contains("another model"))
        }

        private static func speaker(_ line: Substring) -> String? {
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8))
            return (object as? [String: Any])?["speaker"] as? String
        }

        @Test func strangersAreMeasuredBesideBaselines() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let run = folder.path + "/run"
            let outcome = try BuiltCommand.run([
                "probe", "CPC=" + models.cpc, "--train", models.manifests + "/train.jsonl", "--dev",
                models.manifests + "/dev.jsonl", "--test", models.manifests + "/test.jsonl",
                "--threads",
                "1", "--no-frames", "--set", "utterances.labelledPerClass=[]", "--set",
                "openSet.strangerShare=0.5", "--set", "openSet.enrolledPerClass=2", "-o", run,
            ])
            #expect(outcome.status == 0, "\(outcome.error)")
            let results = try Results(contentsOf: URL(fileURLWithPath: run + "/results.json"))
            for metric in ["identification rate at 5 %", "false alarms at 5 %"] {
                let rows = results.rows.filter { $0.metric == metric }
                #expect(rows.map(\.system) == results.systemNames)
                #expect(rows.allSatisfy { $0.seeds == 5 && $0.low != nil && ($0.trials ?? 0) > 0 })
            }
            #expect(results.protocol.contains("Open set: 0.5 of the speakers are strangers"))
            #expect(
                results.conditions?.intervals.contains("Student's t over 5 draws of strangers")
                    == true)
            let page = folder.path + "/report.html"
            #expect(try BuiltCommand.run(["report", run, "-o", page]).status == 0)
            let text = try String(contentsOfFile: page, encoding: .utf8)
            #expect(
                text.contains("Open-set identification") && text.contains("Strangers accepted (%)"))

            let refused = try BuiltCommand.run([
                "probe", models.cpc, "--folds", models.manifests + "/train.jsonl", "--no-frames",
                "--set", "openSet.strangerShare=0.5", "-o", run,
            ])
            #expect(refused.status == 64 || refused.status == 65)
            #expect(refused.error.contains("openSet.strangerShare"), "\(refused.error)")
        }
    }
}
