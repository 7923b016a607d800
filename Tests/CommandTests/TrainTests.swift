import ApusCorpus
import ApusReport
import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite struct Training {
        /// What trains a small head on the sample voices.
        private static func arguments(_ models: TrainedModels, _ run: String) -> [String] {
            [
                "train", models.cpc, "--train", models.manifests + "/train.jsonl", "--dev",
                models.manifests + "/dev.jsonl", "--test", models.manifests + "/test.jsonl",
                "--set", "threads=1", "--set", "training.epochs=0", "--set", "training.steps=40",
                "--set", "training.validateEvery=10", "--set", "optimizer.rate=1e-2", "--set",
                "training.resamples=50", "--set", "head.kind=xVector", "--set", "head.width=16",
                "-o", run,
            ]
        }

        private static let made = Result { () throws -> TemporaryFolder in
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let outcome = try BuiltCommand.run(arguments(models, folder.path + "/run"))
            try #require(outcome.status == 0, "\(outcome.error)")
            try outcome.output.write(
                toFile: folder.path + "/table.txt", atomically: true, encoding: .utf8)
            return folder
        }

        private static var run: TemporaryFolder { get throws { try made.get() } }

        @Test func figuresAreWritten() throws {
            let folder = try Self.run
            let results = try Results(
                contentsOf: URL(fileURLWithPath: folder.path + "/run/results.json"))
            #expect(results.task == "speaker-identification")
            #expect(
                results.systemNames == [
                    "xVector, frozen encoder", "log-mel statistics", "MFCC statistics",
                    "random projection", "channel only", "untrained encoder",
                ])
            #expect(results.rows[0].low != nil && results.rows[0].trials != nil)
            let table = try String(contentsOfFile: folder.path + "/table.txt", encoding: .utf8)
            #expect(table.contains("balanced accuracy"))
            #expect(table.contains("chosen on the development part"))
            #expect(table.contains("Chance level") && table.contains("Paired tests"))
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/run")
            for name in [
                "config.yaml", "inputs.json", "provenance.json", "metrics.jsonl", "checkpoints",
                "classifier.safetensors", "results.md", "results.txt", "results.tex",
                "predictions.tsv",
            ] { #expect(files.contains(name), "\(name)") }
        }

        @Test func aReportHasItsSections() throws {
            let run = try Self.run.path + "/run"
            let results = try Results(contentsOf: URL(fileURLWithPath: run + "/results.json"))
            let page = try ReportPage(run)
            #expect(
                page.headings == [
                    "Speaker identification", "Training", "Confusions", "Each speaker",
                    "Reliability", "How it was made",
                ])
            #expect(
                page.figures == [
                    "training-loss-on-the-labels.svg",
                    "training-accuracy-on-the-development-part.svg",
                    "confusions-xvector-frozen-encoder.svg", "reliability.svg",
                ])
            let accuracy = try page.chart("training-accuracy-on-the-development-part.svg")
            // Validations at 10, 20, 30 and 40 steps; a ring is a path too.
            #expect(accuracy.marks == 4 && accuracy.curves.first == 4)
            #expect(accuracy.has("step", "Accuracy (%)", "development part"))
            let confusions = try page.chart("confusions-xvector-frozen-encoder.svg")
            #expect(confusions.texts.count { $0.contains(" as ") && $0.contains(" of ") } == 8 * 8)
            let classes = page.rows(of: "Each speaker")
            #expect(classes.count == 8)
            let recalls = classes.compactMap { Double($0[1]) }
            #expect(abs(recalls.reduce(0, +) / 8 - 100 * results.rows[0].value) < 0.1)
            #expect(try page.chart("reliability.svg").has("Share that is right (%)", "calibrated"))

            let text = try String(contentsOfFile: run + "/results.md", encoding: .utf8)
            for part in [
                "- Protocol: xVector head", "- Measured on: 16 test recordings, 8 speakers;",
                "- Seeds: 1 for all draws; seeds of a figure: 1.", "(50 resamples)",
                "- Chance level: 12.5 %.",
            ] { #expect(text.contains(part), "\(part)") }
        }

        @Test func theClassifierServesOtherCommands() throws {
            let classifier = try Self.run.path + "/run/classifier.safetensors"
            let named = try BuiltCommand.run(["classify", classifier, voice, "--json"])
            #expect(named.status == 0, "\(named.error)")
            #expect(named.output.contains("\"probability\""))
            let folder = try TemporaryFolder()
            let clips = sample("voices/en-gb")
            let vectors = folder.path + "/vectors.jsonl"
            let embedded = try BuiltCommand.run(["embed", classifier, clips, "-o", vectors])
            #expect(embedded.status == 0, "\(embedded.error)")
            #expect(embedded.output.hasSuffix(" x 16\n"))
            // Of windows too, and of the encoder as its training left it.
            let rows = folder.path + "/rows.npz"
            let windows = try BuiltCommand.run([
                "embed", classifier, clips, "--window", "0.4", "-o", rows,
            ])
            #expect(windows.output.hasSuffix(" x 16\n"), "\(windows.error)")
            let layer = try BuiltCommand.run([
                "embed", classifier, clips, "--layer", "context", "-o", folder.path + "/layer.npy",
            ])
            #expect(layer.output.hasSuffix(" x 64\n"), "\(layer.error)")
            // Its embeddings can be compared by their cosines.
            let manifests = try TrainedModels.shared.manifests
            let speakers = folder.path + "/speakers.safetensors"
            let enrolled = try BuiltCommand.run([
                "enroll", classifier, manifests + "/train.jsonl", "-o", speakers,
            ])
            #expect(enrolled.status == 0, "\(enrolled.error)")
            // So do trials, beside the untrained encoder, and pairs by what was calibrated on them.
            var trials: [String: String] = [:]
            for part in ["dev", "test"] {
                trials[part] = folder.path + "/\(part).txt"
                let listed = try BuiltCommand.run([
                    "trials", "\(manifests)/\(part).jsonl", "-o", trials[part] ?? "",
                ])
                #expect(listed.status == 0, "\(listed.error)")
            }
            let verified = try BuiltCommand.run([
                "verify", "head=" + classifier, "--trials", trials["test"] ?? "", "--manifest",
                manifests + "/test.jsonl", "--dev-trials", trials["dev"] ?? "", "--manifest",
                manifests + "/dev.jsonl", "--set", "resamples=0", "-o", folder.path + "/verify",
            ])
            #expect(verified.status == 0, "\(verified.error)")
            let results = try Results(
                contentsOf: URL(fileURLWithPath: folder.path + "/verify/results.json"))
            #expect(results.systemNames.suffix(2) == ["untrained head", "head"])
            let scores = try String(
                contentsOfFile: folder.path + "/verify/scores.tsv", encoding: .utf8
            ).split(separator: "\n").map { $0.split(separator: "\t") }
            let column = try #require(scores[0].firstIndex(of: "head"))
            let paths = try Manifest(contentsOf: manifests + "/test.jsonl").cuts.map {
                ($0.id, $0.audioPath)
            }
            let path = Dictionary(uniqueKeysWithValues: paths)
            let pair = try BuiltCommand.run([
                "verify", classifier, path[String(scores[1][0])] ?? "",
                path[String(scores[1][1])] ?? "", "--calibration",
                folder.path + "/verify/verifier.safetensors", "--json",
            ])
            #expect(pair.status == 0, "\(pair.error)")
            let verdict = try JSONSerialization.jsonObject(with: Data(pair.output.utf8))
            let score = try #require((verdict as? [String: Any])?["score"] as? Double)
            let expected = try #require(Double(scores[1][column]))
            #expect(abs(score - expected) < 1e-4)
            for (arguments, word) in [
                (["embed", classifier, voice, "--pooling", "frames", "-o", vectors], "frames"),
                (["probe", classifier], "--train"),
            ] {
                let outcome = try BuiltCommand.run(
                    arguments + (arguments[0] == "probe" ? ["-o", folder.path] : []))
                #expect(outcome.status == 64)
                #expect(outcome.error.contains(word), "\(outcome.error)")
            }
            let info = try BuiltCommand.run(["info", classifier])
            #expect(info.status == 65)
            #expect(info.error.contains("it is a classifier"))
        }

        @Test func twoRunsAreCompared() throws {
            let models = try TrainedModels.shared
            let run = try Self.run.path + "/run"
            let folder = try TemporaryFolder()
            let test = models.manifests + "/test.jsonl"
            let probe = folder.path + "/probe"
            let probed = try BuiltCommand.run([
                "probe", "CPC=" + models.cpc, "--train", models.manifests + "/train.jsonl", "--dev",
                models.manifests + "/dev.jsonl", "--test", test, "--set",
                "utterances.labelledPerClass=[]", "--set", "frames=null", "--compare",
                "channel only=MFCC statistics", "--threads", "1", "-o", probe,
            ])
            try #require(probed.status == 0, "\(probed.error)")
            #expect(probed.output.contains("channel only − MFCC statistics"))
            #expect(probed.output.contains("3 comparisons; Holm"))
            let page = folder.path + "/report.html"
            #expect(try BuiltCommand.run(["report", probe, "-o", page]).status == 0)
            #expect(
                try String(contentsOfFile: page, encoding: .utf8)
                    .contains("CPC − log-mel statistics"))
            let compared = try BuiltCommand.run(["compare", run, probe + ":log-mel statistics"])
            #expect(compared.status == 0, "\(compared.error)")
            #expect(compared.output.contains("run − log-mel statistics"))
            #expect(compared.output.contains("McNemar's test"))
            let json = try BuiltCommand.run([
                "compare", run, probe, "--json", "--manifest", test, "--group", "speaker",
            ])
            #expect(json.status == 0, "\(json.error)")
            let results = try JSONDecoder().decode(Results.self, from: Data(json.output.utf8))
            #expect(results.systemNames == ["run", "CPC"])
            #expect(results.comparisons?.first?.drawn.unit == "speakers")
            for (arguments, status, word) in [
                ([run, probe + ":TERA"], 65, "no system 'TERA'; there are log-mel statistics"),
                ([run, folder.path], 65, "holds neither predictions.tsv"),
                ([run, "absent"], 66, "absent"), ([run], 64, "<second>"),
                ([run, probe, "--group", "speaker"], 64, "belong together"),
                (
                    [
                        run, probe, "--group", "speaker", "--manifest",
                        models.manifests + "/dev.jsonl",
                    ], 65, "it has no recording"
                ),
            ] as [([String], Int32, String)] {
                let outcome = try BuiltCommand.run(["compare"] + arguments)
                #expect(outcome.status == status, "\(word): \(outcome.error)")
                #expect(outcome.error.contains(word), "\(outcome.error)")
            }
        }

        @Test func theSameCommandContinuesAndEndsAlike() throws {
            let folder = try TemporaryFolder()
            let arguments = Self.arguments(try TrainedModels.shared, folder.path + "/run")
            let process = try BuiltCommand.start(
                arguments + ["--set", "training.checkpointEvery=3"])
            let checkpoint = folder.path + "/run/checkpoints/step-00000003"
            let end = Date(timeIntervalSinceNow: 120)
            while !FileManager.default.fileExists(atPath: checkpoint), Date() < end { usleep(500) }
            kill(process.process.processIdentifier, SIGKILL)
            _ = try process.wait()
            let outcome = try BuiltCommand.run(arguments + ["--set", "training.checkpointEvery=3"])
            #expect(outcome.status == 0, "\(outcome.error)")
            let own = try Data(
                contentsOf: URL(fileURLWithPath: folder.path + "/run/classifier.safetensors"))
            let whole = try Data(
                contentsOf: URL(
                    fileURLWithPath: Self.run.path + "/run/classifier.safetensors"))
            #expect(own == whole)
        }

        @Test func whatCannotBeRunIsNamed() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let whole = Self.arguments(models, folder.path + "/run")
            let other = Self.arguments(models, try Self.run.path + "/run")
            let empty = try folder.write("", "empty.jsonl")
            let cases: [([String], Int32, String)] = [
                (whole + ["--set", "head.kinds=linear"], 64, "did you mean 'head.kind'"),
                (whole + ["--set", "encoder.rate=-1"], 64, "encoder.rate"),
                (whole + ["--label", "tags"], 64, "expected speaker, soundClass or language"),
                (whole + ["--label", "events"], 64, "expected speaker, soundClass or language"),
                (whole + ["--set", "encoder.layer=layer-9"], 65, "no layer 'layer-9'"),
                (whole + ["--dev", empty], 65, "no recording can be used"),
                (whole + ["--train", "absent.jsonl"], 66, "absent.jsonl"),
                (whole + ["--label", "language"], 65, "at least two classes"),
                (["train", "absent.safetensors"] + whole.dropFirst(2), 66, "absent.safetensors"),
                (other + ["--set", "loss.scale=20"], 65, "another configuration"),
                (["train", models.cpc], 64, "-o RUN"),
                (["train", models.cpc, "-o", folder.path + "/run"], 64, "data.train"),
            ]
            for (arguments, status, word) in cases {
                let outcome = try BuiltCommand.run(arguments)
                #expect(outcome.status == status, "\(word): \(outcome.error)")
                #expect(outcome.error.contains(word), "\(outcome.error)")
                try? FileManager.default.removeItem(atPath: folder.path + "/run")
            }
            let defaults = try BuiltCommand.run(["train", "--print-defaults"])
            #expect(defaults.output.contains("labelledPerClass: 0"))
        }
    }
}
