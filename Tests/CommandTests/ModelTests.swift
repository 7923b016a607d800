import ApusReport
import ApusSignal
import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite struct Models {
        @Test func infoShowsTheCard() throws {
            let models = try TrainedModels.shared
            let text = try BuiltCommand.run(["info", models.cpc])
            #expect(text.status == 0)
            for part in [
                "cpc", "convolution (32), context (32)", "25 Hz", "20 steps", "32 recordings",
            ] {
                #expect(text.output.contains(part), "\(text.output)")
            }
            let json = try BuiltCommand.run(["info", models.masked, "--json"])
            let card =
                try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
            #expect(card?["step"] as? Int == 5)
        }

        @Test(arguments: ["cpc", "masked"])
        func aRecordingHasItsEmbeddingWhateverSharesTheBatch(kind: String) throws {
            let models = try TrainedModels.shared
            let model = kind == "cpc" ? models.cpc : models.masked
            let folder = try TemporaryFolder()
            let alone = try BuiltCommand.run([
                "embed", model, voice, "-o", folder.path + "/one.npy", "--threads", "1",
            ])
            #expect(alone.status == 0, "\(alone.error)")
            let together = try BuiltCommand.run([
                "embed", model, sample("voices"), "-o", folder.path + "/all.npy", "--threads", "1",
            ])
            #expect(together.status == 0, "\(together.error)")
            let one = try NumPyFile.read(folder.path + "/one.npy")
            let all = try NumPyFile.read(folder.path + "/all.npy")
            let ids = try String(contentsOfFile: folder.path + "/all.npy.ids.txt", encoding: .utf8)
                .split(separator: "\n").map(String.init)
            #expect(one.shape == [64])
            #expect(all.shape == [64, 64])
            let row = try #require(ids.firstIndex(of: voice))
            let differences = zip(one.values, all.values[row * 64..<(row + 1) * 64])
                .map { abs($0 - $1) }
            #expect((differences.max() ?? .infinity) < 1e-5)
            #expect(one.values.contains { abs($0) > 0.01 })
        }

        @Test func framesAndLinesComeOut() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let frames = try BuiltCommand.run([
                "embed", models.cpc, voice, "--pooling", "frames", "--layer", "convolution", "-o",
                folder.path + "/frames.npy",
            ])
            #expect(frames.status == 0, "\(frames.error)")
            let array = try NumPyFile.read(folder.path + "/frames.npy")
            #expect(array.shape.count == 2 && array.shape[0] > 20 && array.shape[1] == 32)
            let lines = try BuiltCommand.run([
                "embed", models.cpc, sample("voices/en-gb"), "-o", folder.path + "/lines.jsonl",
            ])
            #expect(lines.status == 0)
            let text = try String(contentsOfFile: folder.path + "/lines.jsonl", encoding: .utf8)
            let objects = try text.split(separator: "\n").map {
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            }
            #expect(objects.count == 8)
            #expect(objects.allSatisfy { ($0?["embedding"] as? [Double])?.count == 64 })
        }

        @Test func aProbeHasAllBaselines() throws {
            let models = try TrainedModels.shared
            let results = try Results(
                contentsOf: URL(fileURLWithPath: models.folder.path + "/probe/results.json"))
            let systems = Set(results.rows.map(\.system))
            #expect(
                systems == [
                    "log-mel statistics", "MFCC statistics", "random projection", "channel only",
                    "untrained CPC", "CPC", "untrained masked", "masked",
                ])
            for system in ["log-mel statistics", "CPC"] {
                let own = results.rows.filter { $0.system == system }
                #expect(
                    own.filter { $0.metric == nil }.map(\.labelledPerClass)
                        == [.count(1), .count(5), .all])
                #expect(own.compactMap(\.metric) == ["frame accuracy", "balanced frame accuracy"])
                #expect(own.allSatisfy { (0...1).contains($0.value) })
            }
        }

        @Test func aClassifierNamesTheSpeakers() throws {
            let models = try TrainedModels.shared
            let outcome = try BuiltCommand.run([
                "classify", models.classifier, sample("voices/en-gb"), sample("voices/de-m3"),
                "--json", "--threads", "1",
            ])
            #expect(outcome.status == 0, "\(outcome.error)")
            var right = 0
            let lines = outcome.output.split(separator: "\n")
            for line in lines {
                let object =
                    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                let id = try #require(object?["id"] as? String)
                let scores = try #require(object?["scores"] as? [[String: Any]])
                let label = try #require(scores.first?["label"] as? String)
                if id.contains("/\(label)/") { right += 1 }
                #expect(scores.count == 3)
            }
            #expect(lines.count == 16)
            // Half of these clips are in the training part; chance is one in eight.
            #expect(right >= 10)
        }

        @Test func aReportOpensOffline() throws {
            let models = try TrainedModels.shared
            let page = models.folder.path + "/report.html"
            let outcome = try BuiltCommand.run([
                "report", models.folder.path + "/probe", models.folder.path + "/cpc",
                models.folder.path + "/masked", "-o", page,
            ])
            #expect(outcome.status == 0, "\(outcome.error)")
            let html = try String(contentsOfFile: page, encoding: .utf8)
            for part in [
                "<svg", "data:image/png;base64,", "log-mel statistics", "sv-croak", "Chance",
            ] {
                #expect(html.contains(part), "\(part)")
            }
            for attribute in ["src=\"http", "href=\"http", "@import", "url(http"] {
                #expect(!html.contains(attribute), "\(attribute)")
            }
        }

        @Test func aReportOfAProbeHasItsSections() throws {
            let run = try TrainedModels.shared.folder.path + "/probe"
            let results = try Results(contentsOf: URL(fileURLWithPath: run + "/results.json"))
            let page = try ReportPage(run)
            #expect(
                page.headings == [
                    "Speaker identification", "Paired tests", "Few labels", "Confusions",
                    "Each speaker", "Reliability", "Maps of the test recordings",
                    "One clip of each speaker",
                    "How it was made",
                ])
            let few = try page.chart("few-labels.svg")
            #expect(few.has("1", "5", "all", "labelled recordings per speaker", "Accuracy (%)"))
            #expect(few.has("CPC", "untrained masked", "channel only"))
            // Eight systems with one label, five labels and all.
            #expect(few.curves == Array(repeating: 3, count: 8) && few.marks == 24)

            let best = try #require(results.classes?.first?.system)
            let confusions = try page.chart("confusions-\(best.lowercased()).svg")
            // Each cell says its count: 'A as B: count of row'.
            let cells = confusions.texts.filter { $0.contains(" as ") && $0.contains(": ") }
            let counts = cells.compactMap { cell in
                (cell.components(separatedBy: ": ").last?.split(separator: " ").first)
                    .flatMap { Int($0) }
            }
            #expect(cells.count == 8 * 8 && counts.reduce(0, +) == 16)
            let right = zip(cells, counts).reduce(0) { sum, cell in
                let names = cell.0.components(separatedBy: ": ")[0].components(separatedBy: " as ")
                return names[0] == names[1] ? sum + cell.1 : sum
            }
            let accuracy = try #require(
                results.rows.first {
                    $0.system == best && $0.metric == nil && $0.labelledPerClass == .all
                })
            #expect(abs(accuracy.value - Double(right) / 16) < 1e-12)
            // Each class has two test recordings, so that the mean recall is the accuracy.
            let classes = page.rows(of: "Each speaker")
            #expect(classes.count == 8 && classes.allSatisfy { $0[0].hasSuffix(" (2)") })
            let recalls = classes.compactMap { Double($0[1]) }
            #expect(abs(recalls.reduce(0, +) / 8 - 100 * accuracy.value) < 0.1)

            let reliability = try page.chart("reliability.svg")
            #expect(reliability.has("Probability (%)", "Share that is right (%)", "calibrated"))
            // Log-mel statistics, both models and the diagonal.
            #expect(reliability.curves.count == 4)
        }

        @Test func everyTableFileSaysWhereItIsFrom() throws {
            let run = try TrainedModels.shared.folder.path + "/probe"
            for ending in ["md", "txt", "tex"] {
                let text = try String(contentsOfFile: run + "/results.\(ending)", encoding: .utf8)
                    .replacing("\n%  ", with: "").replacing("\n ", with: "")
                for part in [
                    "Protocol: Multinomial logistic regression", "layer and C chosen on 16 dev",
                    "Measured on: 16 test recordings, 8 speakers; trials of a figure: 16 (accuracy)",
                    "Seeds: 1 for all draws; CPC trained with 1; masked trained with 1; seeds of a "
                        + "figure: 2 (accuracy with 1 per speaker, accuracy with 5 per speaker), 1 (",
                    "Intervals: 95 %, Student's t over 2 subsets of few labels, a bootstrap over test",
                    "Chance level: 12.5 %.",
                ] { #expect(text.contains(part), "\(ending): \(part)") }
            }
        }

        @Test func figuresThatCannotBeWrittenAreNamed() throws {
            let run = try TrainedModels.shared.folder.path + "/probe"
            let folder = try TemporaryFolder()
            let file = try folder.write("", "file")
            let outcome = try BuiltCommand.run([
                "report", run, "-o", folder.path + "/r.html", "--figures", file + "/figures",
            ])
            #expect(outcome.status == 73)
            #expect(outcome.error.contains("file/figures: cannot"), "\(outcome.error)")
            // Known before the page is written.
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/r.html"))
        }

        @Test(
            .enabled(
                if: PythonPackages.areHere,
                "no python3 with numpy and safetensors (PYTHON names another)"))
        func pythonOpensWhatIsWritten() throws {
            let models = try TrainedModels.shared
            let array = models.folder.path + "/python.npy"
            #expect(try BuiltCommand.run(["embed", models.cpc, voice, "-o", array]).status == 0)
            let program = """
                import json, sys, numpy
                from safetensors import safe_open
                a = numpy.load(sys.argv[1])
                assert a.shape == (64,) and a.dtype == numpy.float32 and numpy.isfinite(a).all()
                with safe_open(sys.argv[2], "numpy") as f:
                    card = json.loads(f.metadata()["apus"])
                    assert card["objective"]["kind"] == "cpc", card
                    assert f.get_tensor("encoder.context.weight_hh_l0").shape == (96, 32)
                """
            #expect(try PythonPackages.run(program, [array, models.cpc]) == 0)
        }
    }
}

/// The interpreter that checks our files, where there is one.
enum PythonPackages {
    static let areHere = (try? run("import numpy, safetensors", [])) == 0

    static func run(_ program: String, _ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let python = ProcessInfo.processInfo.environment["PYTHON"] ?? "python3"
        process.arguments = [python, "-c", program] + arguments
        let running = try Running(process)
        return try running.wait().status
    }
}
