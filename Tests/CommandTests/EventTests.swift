import ApusReport
import Foundation
import TestSupport
import Testing

extension Commands {
    /// Tags, groups and events through the built command.
    @Suite struct EventTests {
        /// A manifest of tones: each recording has two at known times, and a kit.
        private func manifest(
            _ folder: TemporaryFolder, _ part: String, count: Int,
            change: (String) -> String = { $0 }
        ) throws -> String {
            var lines = ""
            for take in 0..<count {
                let onset = 0.3 + 0.05 * Double(take % 6)
                let samples = (0..<32_000).map { index -> Float in
                    let time = Double(index) / 16_000
                    var value = 0.003 * sin(Double((index * 7919 + take * 104_729) % 6007))
                    if time >= onset, time < onset + 0.6 { value += 0.2 * sin(1900 * time) }
                    if take % 2 == 0, time >= 1.2, time < 1.7 { value += 0.2 * sin(15_700 * time) }
                    return Float(value)
                }
                _ = try folder.write(WAV.floats(samples), "\(part)-\(take).wav")
                let high = take % 2 == 0
                let events =
                    "{\"onset\": \(onset), \"offset\": \(onset + 0.6), \"label\": \"low\"}"
                    + (high ? ", {\"onset\": 1.2, \"offset\": 1.7, \"label\": \"high\"}" : "")
                lines += change(
                    "{\"id\": \"\(part)-\(take)\", \"audio_filepath\": \"\(part)-\(take).wav\", "
                        + "\"duration\": 2, \"labels\": [\(high ? "\"high\"" : "")], "
                        + "\"kit\": \"\(take % 3)\", \"events\": [\(events)]}")
                lines += "\n"
            }
            return try folder.write(lines, part + ".jsonl")
        }

        private let small = [
            "--threads", "1", "--set", "events.trainingFrames=1500", "--set", "tags.resamples=100",
        ]

        @Test func eventsAreLearnedAndDetected() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let parts = try ["train", "dev", "test"].map {
                try manifest(folder, $0, count: $0 == "train" ? 8 : 4)
            }
            let output = folder.path + "/events"
            let probe = try BuiltCommand.run(
                [
                    "probe", "CPC=" + models.cpc, "--label", "events", "--train", parts[0], "--dev",
                    parts[1], "--test", parts[2], "-o", output,
                ] + small)
            try #require(probe.status == 0, "\(probe.error)")
            for text in [
                "event F1", "segment F1", "PSDS", "log-mel", "CPC", "MFCC", "random projection",
                "Chance level: event F1", "The channel alone has no row", "CPC − untrained CPC",
            ] {
                #expect(probe.output.contains(text), "\(text)")
            }
            let detector = output + "/detector.safetensors"
            let table = try BuiltCommand.run(["detect", detector, folder.path + "/test-0.wav"])
            #expect(table.status == 0, "\(table.error)")
            let rows = table.output.split(separator: "\n").map {
                $0.split(separator: "\t", omittingEmptySubsequences: false)
            }
            #expect(rows[0] == ["filename", "onset", "offset", "event_label", "score"])
            #expect(rows.count > 1)
            #expect(
                rows.dropFirst().allSatisfy { row in
                    guard row.count == 5, let onset = Double(row[1]), let offset = Double(row[2])
                    else { return false }
                    return onset < offset && offset <= 2 && ["low", "high"].contains(row[3])
                })
            let json = try BuiltCommand.run(
                ["detect", detector, folder.path + "/test-0.wav", "--json"])
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
            #expect((object["events"] as? [Any])?.count == rows.count - 1)
            #expect(probe.output.contains("low (4)"), "\(probe.output)")

            let page = try ReportPage(output)
            #expect(
                page.headings == [
                    "Sound events", "Each label", "Paired tests", "PSD-ROC", "How it was made",
                ])
            #expect(page.rows(of: "Each label").map { $0[0] } == ["high (2)", "low (4)"])
            let results = try Results(contentsOf: URL(fileURLWithPath: output + "/results.json"))
            let chart = try page.chart("psd-roc.svg")
            #expect(
                chart.has("Effective false alarms an hour", "True positives, mean over labels (%)"))
            let scores = results.rows.filter { $0.metric == "PSDS" }
            #expect(scores.count == 5 && chart.curves.count == 5)
            for row in scores {
                #expect(chart.has(row.system + String(format: " (%.3f)", row.value)))
            }
            let markdown = try String(contentsOfFile: output + "/results.md", encoding: .utf8)
            for part in [
                "- Protocol: One logistic regression a label on single frames",
                "- Measured on: 4 test recordings, 6 events, 2 labels; trials of a figure: 6.",
                "- Seeds: 1 for all draws; CPC trained with 1; seeds of a figure: 1.",
                "- Intervals: 95 %, a bootstrap over test recordings (1000 resamples).",
            ] { #expect(markdown.contains(part), "\(part)") }

            let broken = try folder.write("not audio", "broken.wav")
            let failed = try BuiltCommand.run(["detect", detector, broken])
            #expect(failed.status == 65)
            #expect(failed.error.contains("broken.wav"))
        }

        @Test func eventsAreProbedByGroups() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let all = try manifest(folder, "all", count: 9)
            let output = folder.path + "/events"
            let probe = try BuiltCommand.run(
                [
                    "probe", "CPC=" + models.cpc, "--label", "events", "--folds", all, "--group",
                    "kit", "-o", output,
                ] + small)
            try #require(probe.status == 0, "\(probe.error)")
            #expect(probe.output.unwrapped.contains("bootstrap over 3 kits"))
            #expect(probe.output.contains("low (9)"))
            let results = try String(contentsOfFile: output + "/results.json", encoding: .utf8)
            #expect(results.contains("3 kits, each measured on once"))
            let found = try BuiltCommand.run([
                "detect", output + "/detector.safetensors", folder.path + "/all-0.wav",
            ])
            #expect(found.status == 0, "\(found.error)")
        }

        @Test func tagsAndGroupsAreProbed() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let all = try manifest(folder, "all", count: 12)
            let output = folder.path + "/tags"
            let probe = try BuiltCommand.run(
                [
                    "probe", "CPC=" + models.cpc, "--label", "tags", "--folds", all, "--group",
                    "kit", "-o", output,
                ] + small)
            try #require(probe.status == 0, "\(probe.error)")
            for text in ["mean average precision", "area under ROC", "d-prime", "high (6)"] {
                #expect(probe.output.contains(text), "\(text)")
            }
            let results = try String(contentsOfFile: output + "/results.json", encoding: .utf8)
            #expect(results.contains("\"classes\""))
            #expect(results.contains("3 kits"))
            let page = try ReportPage(output)
            #expect(
                page.headings == [
                    "Audio tagging", "Each tag", "Paired tests",
                    "Receiver operating characteristic",
                    "Reliability", "How it was made",
                ])
            #expect(page.rows(of: "Each tag").map { $0[0] } == ["high (6)"])
            #expect(page.rows(of: "Paired tests").map { $0[0] }.contains("CPC − untrained CPC"))
            let chart = try page.chart("receiver-operating-characteristic.svg")
            #expect(chart.has("False alarms (%)", "Hits (%)", "CPC", "chance"))
            #expect(chart.curves.count == 6 + 1)
            let reliability = try page.chart("reliability.svg")
            #expect(reliability.has("Share with the tag (%)", "calibrated"))
            #expect(probe.output.contains("12 test recordings, 1 tags, 3 kits"))
        }

        @Test func whatCantBeUsedIsNamed() throws {
            let models = try TrainedModels.shared
            let folder = try TemporaryFolder()
            let good = try manifest(folder, "good", count: 6)
            let backward = try manifest(folder, "backward", count: 6) {
                $0.replacingOccurrences(of: "\"onset\": 1.2", with: "\"onset\": 1.9")
            }
            let untimed = try manifest(folder, "untimed", count: 6) {
                $0.replacingOccurrences(of: "\"events\"", with: "\"other\"")
            }
            func probe(_ arguments: [String]) throws -> BuiltCommand.Outcome {
                try BuiltCommand.run(
                    ["probe", models.cpc, "-o", folder.path + "/out"] + arguments + small)
            }
            func events(_ train: String) throws -> BuiltCommand.Outcome {
                try probe(
                    ["--label", "events", "--train", train, "--dev", good, "--test", good])
            }
            let cases: [(BuiltCommand.Outcome, Int32, String)] = [
                (try events(backward), 65, "event 2 is from 1.9 to 1.7 s"),
                (try events(untimed), 65, "no key 'events'"),
                (try probe(["--label", "events", "--folds", good]), 65, "name no fold"),
                (try probe(["--folds", good, "--group", "site"]), 65, "name no site"),
                (try probe(["--label", "tags", "--folds", good]), 65, "name no fold"),
                (
                    try probe(
                        ["--train", good, "--dev", good, "--test", good, "--group", "kit"]), 64,
                    "--group belongs to --folds"
                ),
                (
                    try BuiltCommand.run(["detect", models.cpc, voice]), 65,
                    "apus probe --label events"
                ),
                (try BuiltCommand.run(["detect", "absent.safetensors", voice]), 66, "absent"),
            ]
            for (outcome, status, text) in cases {
                #expect(outcome.status == status, "\(outcome.error)")
                #expect(outcome.error.contains(text), "\(outcome.error)")
            }
        }
    }
}
