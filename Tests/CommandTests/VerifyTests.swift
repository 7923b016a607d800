import ApusReport
import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite struct Verification {
        /// What `apus trials` lists of a manifest.
        private static func trials(
            of manifest: String, in folder: TemporaryFolder, _ options: [String] = []
        ) throws -> (path: String, output: String) {
            let path = folder.path + "/\((manifest as NSString).lastPathComponent).txt"
            let outcome = try BuiltCommand.run(["trials", manifest, "-o", path] + options)
            try #require(outcome.status == 0, "\(outcome.error)")
            return (path, outcome.output)
        }

        private static let made = Result { () throws -> TemporaryFolder in
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let test = try trials(
                of: models.manifests + "/test.jsonl", in: folder, ["--format", "voxceleb"]
            ).path
            let dev = try trials(of: models.manifests + "/dev.jsonl", in: folder).path
            let outcome = try BuiltCommand.run([
                "verify", "CPC=" + models.cpc, "masked=" + models.masked, "--trials", test,
                "--manifest", models.manifests + "/test.jsonl", "--dev-trials", dev,
                "--manifest", models.manifests + "/dev.jsonl", "--cohort",
                models.manifests + "/train.jsonl", "--set", "resamples=20", "--compare",
                "CPC=MFCC statistics", "--threads", "1", "-o", folder.path + "/run",
            ])
            try #require(outcome.status == 0, "\(outcome.error)")
            try outcome.output.write(
                toFile: folder.path + "/table.txt", atomically: true, encoding: .utf8)
            try outcome.error.write(
                toFile: folder.path + "/messages.txt", atomically: true, encoding: .utf8)
            return folder
        }

        private static var run: TemporaryFolder { get throws { try made.get() } }

        @Test func systemsStandBesideBaselines() throws {
            let folder = try Self.run
            let results = try Results(
                contentsOf: URL(fileURLWithPath: folder.path + "/run/results.json"))
            #expect(results.task == "speaker-verification")
            #expect(
                results.systemNames == [
                    "log-mel statistics", "MFCC statistics", "random projection", "channel only",
                    "untrained CPC", "CPC", "untrained masked", "masked", "fusion",
                ])
            for row in results.rows { #expect(row.value >= 0 && row.value.isFinite) }
            let logMel = try #require(results.rows.first)
            // Synthetic voices: far from chance by their mean spectrum alone.
            #expect(logMel.value < 0.25 && logMel.low != nil)
            let messages = try String(
                contentsOfFile: folder.path + "/messages.txt", encoding: .utf8)
            #expect(messages.contains("test.jsonl.txt: 120 trials, each line '1 first second'"))
            #expect(messages.contains("dev.jsonl.txt: 120 trials, each line 'first second target'"))
            #expect(results.rows.allSatisfy { $0.seeds == 1 && $0.trials == 120 })
            let markdown = try String(
                contentsOfFile: folder.path + "/run/results.md", encoding: .utf8)
            for part in [
                "- Protocol: 120 trials", "16 recordings, 8 speakers; trials of a figure: 120.",
                "- Seeds: 1 for all draws; CPC trained with 1; masked trained with 1;",
                "- Intervals: 95 %, a bootstrap over speakers (20 resamples).",
            ] { #expect(markdown.contains(part), "\(part)") }
            let table = try String(contentsOfFile: folder.path + "/table.txt", encoding: .utf8)
            for text in [
                "CPC − log-mel statistics", "masked − untrained masked", "fusion − ",
                "CPC − MFCC statistics", "120 test trials", "p (Holm)",
            ] {
                #expect(table.contains(text), "\(text)")
            }
        }

        @Test func aReportHasCurvesAndReliability() throws {
            let run = try Self.run.path + "/run"
            let page = try ReportPage(run)
            #expect(
                page.headings == [
                    "Speaker verification", "Paired tests", "Detection error tradeoff",
                    "Receiver operating characteristic", "Reliability", "Scores",
                    "How it was made",
                ])
            #expect(page.figures.count == 3 + 9)
            let curves = try page.chart("receiver-operating-characteristic.svg")
            #expect(curves.has("False acceptances (%)", "True acceptances (%)", "fusion", "chance"))
            // Logarithmic: from half of one of 112 non-targets on.
            #expect(curves.has("1", "10", "100") && !curves.has("0.1"))
            #expect(curves.curves.count == 9 + 1)
            let tradeoff = try page.chart("detection-error-tradeoff.svg")
            #expect(tradeoff.has("False alarms (%)", "Misses (%)", "equal rates"))

            struct Details: Decodable {
                struct System: Decodable {
                    struct Reliability: Decodable {
                        struct Bin: Decodable {
                            var count: Int
                            var accuracy: Double
                        }
                        var bins: [Bin]
                        var expectedCalibrationError: Double
                    }
                    var name: String
                    var reliability: Reliability
                }
                var systems: [System]
                var targets: Int
            }
            let details = try JSONDecoder().decode(
                Details.self,
                from: Data(contentsOf: URL(fileURLWithPath: run + "/verification.json")))
            let reliability = try page.chart("reliability.svg")
            #expect(reliability.has("Probability (%)", "Share that are targets (%)", "calibrated"))
            #expect(reliability.curves.count == 4 + 1)
            for system in details.systems {
                let found = system.reliability
                #expect(found.bins.reduce(0) { $0 + $1.count } == 120)
                let targets = found.bins.reduce(0) { $0 + Double($1.count) * $1.accuracy }
                #expect(abs(targets - Double(details.targets)) < 1e-9)
                let name = String(
                    format: "%@ (%.1f %%)", system.name, 100 * found.expectedCalibrationError)
                let isShown = ["log-mel statistics", "CPC", "masked", "fusion"]
                    .contains(system.name)
                #expect(reliability.has(name) == isShown, "\(name)")
            }
        }

        @Test func trialsAreListed() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let manifest = models.manifests + "/test.jsonl"
            let all = try Self.trials(of: manifest, in: folder)
            let lines = try String(contentsOfFile: all.path, encoding: .utf8)
                .split(separator: "\n")
            let targets = lines.count { $0.hasSuffix(" target") }
            #expect(lines.count == 120 && targets > 0)
            #expect(
                all.output == "\(all.path): \(targets) targets, \(120 - targets) impostors\n")
            let drawn = try Self.trials(of: manifest, in: folder, ["--limit", "5", "--seed", "3"])
            #expect(drawn.output.hasSuffix(": 5 targets, 5 impostors\n"))
            for (arguments, status, message) in [
                (["--impostors", "sameLanguage"], Int32(65), "impostors (sameLanguage)"),
                (["--limit", "0"], 64, "--limit is 0"),
                (["--impostors", "some"], 64, "sameLanguage"),
            ] {
                let outcome = try BuiltCommand.run(
                    ["trials", manifest, "-o", folder.path + "/no.txt"] + arguments)
                #expect(outcome.status == status && outcome.error.contains(message))
            }
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/no.txt"))
        }

        @Test func twoRecordingsAreComparedWithAndWithoutCalibration() throws {
            let models = try TrainedModels.shared
            let folder = try Self.run
            let other = sample("voices/de-m3/01.ogg")
            let bare = try BuiltCommand.run(["verify", models.cpc, voice, other])
            #expect(bare.status == 0, "\(bare.error)")
            #expect(bare.output.contains("cosine") && bare.output.contains("no calibration"))
            #expect(!bare.output.contains("same speaker:"))

            let file = folder.path + "/run/verifier.safetensors"
            var answers = 0
            for model in [models.cpc, models.masked] {
                let arguments = ["verify", model, voice, other, "--calibration", file]
                let outcome = try BuiltCommand.run(arguments)
                // The file is that of the model that was best on dev.
                guard outcome.status == 0 else {
                    #expect(outcome.status == 65)
                    #expect(outcome.error.contains("made with another model"))
                    continue
                }
                answers += 1
                for part in [
                    "probability of one speaker", "threshold", "120 trials", "dev.jsonl.txt",
                ] {
                    #expect(outcome.output.contains(part), "\(outcome.output)")
                }
                let json = try BuiltCommand.run(arguments + ["--json", "--prior", "0.01"])
                let verdict = try #require(
                    try JSONSerialization.jsonObject(with: Data(json.output.utf8))
                        as? [String: Any])
                let ratio = try #require(verdict["logLikelihoodRatio"] as? Double)
                let probability = try #require(verdict["probability"] as? Double)
                #expect(abs(log(probability / (1 - probability)) - ratio - log(0.01 / 0.99)) < 1e-6)
                let score = try #require(verdict["score"] as? Double)
                let threshold = try #require(verdict["threshold"] as? Double)
                #expect((score >= threshold) == (verdict["isSame"] as? Bool))

                let own = try BuiltCommand.run(["verify", model, voice, voice])
                #expect(own.status == 0 && own.error.contains("compared with itself"))
            }
            #expect(answers == 1)
        }

        @Test func storedEmbeddingsNeedNoAudio() throws {
            let folder = try TemporaryFolder()
            let vectors = try folder.write(
                [("a", "1, 0"), ("b", "1, 0.1"), ("c", "0, 1"), ("d", "0.2, 1")].map {
                    "{\"id\": \"\($0)\", \"embedding\": [\($1)]}\n"
                }.joined(), "vectors.jsonl")
            let trials = try folder.write(
                "a b target\nc d target\na c nontarget\nb d nontarget\n", "trials.txt")
            let outcome = try BuiltCommand.run([
                "verify", "mine=" + vectors, "--trials", trials, "-o", folder.path + "/run",
            ])
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(outcome.error.contains("no mean is subtracted"))
            let results = try Results(
                contentsOf: URL(fileURLWithPath: folder.path + "/run/results.json"))
            #expect(results.systemNames == ["mine"])
            let markdown = try String(
                contentsOfFile: folder.path + "/run/results.md", encoding: .utf8)
            #expect(markdown.contains("\n- Warning: no cohort, no training part"))
            // Without speakers there are no intervals, and without calibration no reliability.
            #expect(!markdown.contains("Intervals: 95 %"))
            #expect(results.conditions?.intervals == "none")
            #expect(try !ReportPage(folder.path + "/run").headings.contains("Reliability"))
            #expect(results.rows[0].value == 0)
        }

        @Test func badInputIsNamed() throws {
            let folder = try TemporaryFolder()
            let vectors = try folder.write(
                "{\"id\": \"a\", \"embedding\": [1, 0]}\n{\"id\": \"b\", \"embedding\": [0, 1]}\n",
                "v.jsonl")
            let broken = try folder.write(
                "{\"id\": \"a\", \"embedding\": [1, \"NaN\"]}\n"
                    + "{\"id\": \"b\", \"embedding\": [0, 1]}\n", "nan.jsonl")
            let python = try folder.write(
                "{\"id\": \"a\", \"embedding\": [1, NaN]}\n", "python.jsonl")
            let large = try folder.write(
                "{\"id\": \"a\", \"embedding\": [1, 1e39]}\n", "large.jsonl")
            let usable = "a a target\na b nontarget\n"
            let cases: [(vectors: String, trials: String, status: Int32, word: String)] = [
                (vectors, "", 65, "nothing of the kind trials"),
                (vectors, "a b target\na b\n", 65, "trials.txt:2: expected"),
                (vectors, "a b target\nb a target\n", 65, "of which 2 are targets"),
                (vectors, "a b target\na x nontarget\ny z target\n", 65, "3 of the 5 recordings"),
                (vectors, "a b target\nb a nontarget\n", 65, "both target and non-target"),
                (broken, usable, 65, "'a' is not finite"),
                (
                    python, usable, 65,
                    "python.jsonl:1: expected finite numbers for \"embedding\", found NaN"
                ),
                (large, usable, 65, "large.jsonl:1: expected {\"id\""),
                (folder.path + "/absent.npy", usable, 66, "absent.npy"),
            ]
            for (vectors, text, status, word) in cases {
                let trials = try folder.write(text, "trials.txt")
                let outcome = try BuiltCommand.run([
                    "verify", vectors, "--trials", trials, "-o", folder.path + "/run",
                ])
                #expect(outcome.status == status, "\(word): \(outcome.error)")
                #expect(outcome.error.contains(word), "\(outcome.error)")
            }
            let trials = try folder.write(usable, "trials.txt")
            let own = try BuiltCommand.run([
                "verify", vectors, "--trials", trials, "-o", folder.path + "/run",
            ])
            #expect(own.status == 0, "\(own.error)")
            #expect(own.error.contains("compare a recording with itself"))
            for (arguments, status) in [
                (
                    [
                        "verify", vectors, "--trials", trials, "-o", folder.path, "--compare",
                        "a=b",
                    ], 64
                ), (["verify", vectors, "--trials", trials, "-o", "/x", "--compare", "a"], 64),
                (["verify", vectors, voice], 64), (["verify", vectors, "--trials", trials], 64),
                (
                    ["verify", vectors, "--trials", folder.path + "/absent", "-o", folder.path], 66
                ),
                (
                    [
                        "verify", vectors, "--trials", trials, "-o", folder.path, "--set",
                        "scoring=plda",
                    ], 64
                ),
                (["verify", vectors, "--trials", trials, "-o", "/x", "--set", "scorng=plda"], 64),
                (["verify", "absent.safetensors", voice, voice], 66),
            ] as [([String], Int32)] {
                let outcome = try BuiltCommand.run(arguments)
                #expect(outcome.status == status, "\(arguments): \(outcome.error)")
            }
        }
    }
}
