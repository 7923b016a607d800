import ApusReport
import Foundation
import TestSupport
import Testing

@Suite struct ResultsTests {
    private let results = Results(
        task: "speaker-identification", protocol: "test part, 5 seeds", metric: "accuracy",
        rows: [
            .init(
                system: "log-mel statistics", labelledPerClass: .all, value: 0.7, low: 0.65,
                high: 0.75, seeds: 5, trials: 1500),
            .init(system: "log-mel statistics", labelledPerClass: .count(5), value: 0.61),
            .init(
                system: "CPC | large", labelledPerClass: .count(5), value: 0.8, low: 0.75,
                high: 0.846),
            .init(
                system: "CPC | large", labelledPerClass: nil, metric: "equal error rate",
                value: 0.05),
            .init(
                system: "log-mel statistics", labelledPerClass: nil, metric: "equal error rate",
                value: 0.2),
        ],
        chance: ["accuracy": 0.1])

    @Test func resultsComeBackFromTheirFile() throws {
        try withTemporaryFolder { path in
            let folder = URL(fileURLWithPath: path)
            let url = folder.appendingPathComponent("results.json")
            try results.write(to: url)
            #expect(try Results(contentsOf: url) == results)
        }
    }

    @Test func theDocumentedFormIsRead() throws {
        let json = """
            {"task": "speaker-identification", "protocol": "p", "metric": "accuracy", "rows": [
              {"system": "log-mel statistics", "labelled_per_class": 5, "value": 0.61,
               "low": 0.58, "high": 0.64, "seeds": 5, "trials": 1500, "rate": 0.1},
              {"system": "log-mel statistics", "labelled_per_class": "all", "value": 1},
              {"system": "log-mel statistics", "labelled_per_class": null, "value": null}]}
            """
        let read = try JSONDecoder().decode(Results.self, from: Data(json.utf8))
        #expect(read.rows.map(\.labelledPerClass) == [.count(5), .all, nil])
        #expect(
            read.rows[0]
                == .init(
                    system: "log-mel statistics", labelledPerClass: .count(5), value: 0.61,
                    low: 0.58, high: 0.64, seeds: 5, trials: 1500))
        #expect(read.rows[2].value.isNaN)
        #expect(read.chance == nil)
    }

    @Test func theFileHasTheDocumentedKeys() throws {
        let data = try JSONEncoder().encode(results)
        let object = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(object["protocol"] as? String == "test part, 5 seeds")
        let rows = try #require(object["rows"] as? [[String: Any]])
        #expect(rows[0]["labelled_per_class"] as? String == "all")
        #expect(rows[1]["labelled_per_class"] as? Int == 5)
        #expect(rows[3]["labelled_per_class"] is NSNull)
        #expect(rows[3]["metric"] as? String == "equal error rate")
        #expect(rows[1]["low"] == nil && rows[1]["metric"] == nil)
    }

    @Test func aFigureThatCouldNotBeMeasuredIsNull() throws {
        var broken = results
        broken.rows = [.init(system: "a", labelledPerClass: .all, value: .nan, low: -.infinity)]
        let data = try JSONEncoder().encode(broken)
        let read = try JSONDecoder().decode(Results.self, from: data)
        #expect(read.rows[0].value.isNaN)
        #expect(read.rows[0].low == nil)
        #expect(ResultsTable(broken).markdown().contains("| a | – |"))
    }

    @Test(arguments: [
        (
            #"{"task": "t", "protocol": "p", "metric": "m", "rows": [{"system": "a"}]}"#,
            "rows.0: value is missing"
        ),
        (
            #"{"task": "t", "protocol": "p", "metric": "m", "rows": [{"system": "a", "value": 1, "labelled_per_class": "some"}]}"#,
            "rows.0.labelled_per_class: expected a whole number or \"all\""
        ),
    ])
    func aWrongFileIsAnErrorThatSaysWhere(json: String, reason: String) throws {
        try withTemporaryFolder { path in
            let folder = URL(fileURLWithPath: path)
            let url = folder.appendingPathComponent("results.json")
            try Data(json.utf8).write(to: url)
            #expect(throws: ReportError.cannotRead(path: url.path, reason: reason)) {
                try Results(contentsOf: url)
            }
        }
    }

    @Test func aMissingFileIsAnErrorWithItsPath() {
        let url = URL(fileURLWithPath: "/nonexistent/results.json")
        #expect {
            try Results(contentsOf: url)
        } throws: { error in
            guard case .cannotRead(let path, _) = error as? ReportError else { return false }
            return path == url.path
        }
    }

    @Test func theMarkdownTable() {
        let expected = """
            | System | accuracy (%), 5 per speaker | accuracy (%), all labels | equal error rate (%) |
            | --- | ---: | ---: | ---: |
            | log-mel statistics | 61.0 | 70.0 (65.0–75.0) | 20.0 |
            | CPC \\| large | **80.0** (75.0–84.6) | – | **5.0** |

            - Protocol: test part, 5 seeds
            - Intervals: 95 %.
            - Chance level: accuracy 10.0 %.

            """
        #expect(ResultsTable(results, className: "speaker").markdown() == expected)
    }

    @Test func theTableInLaTeX() {
        let text = ResultsTable(results, className: "speaker").latex()
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let table = Array(lines.filter { !$0.hasPrefix("%") })
        #expect(
            table == [
                #"\begin{tabular}{lrrr}"#, #"\toprule"#,
                #"System & \multicolumn{2}{c}{accuracy (\%)} & equal error rate (\%) \\"#,
                #" & 5 per speaker & all labels &  \\"#, #"\midrule"#,
                #"log-mel statistics & 61.0 & 70.0 {\small (65.0--75.0)} & 20.0 \\"#,
                #"CPC | large & \textbf{80.0} {\small (75.0--84.6)} & -- & \textbf{5.0} \\"#,
                #"\bottomrule"#, #"\end{tabular}"#, "",
            ])
        var odd = results
        odd.rows[0].system = #"a_b & 50% \ {x}^~#$"#
        #expect(
            ResultsTable(odd).latex().contains(
                ##"a\_b \& 50\% \textbackslash{} \{x\}\textasciicircum{}\textasciitilde{}\#\$"##))
    }

    @Test func theTerminalTableIsAligned() {
        let expected = """
                                 accuracy (%)                             equal error rate (%)
            System               5 per class          all labels
            ----------------------------------------------------------------------------------
            log-mel statistics   61.0                 70.0  (65.0–75.0)   20.0
            CPC | large          80.0* (75.0–84.6)    –                   5.0*
            * best
            """
        let text = ResultsTable(results).plainText()
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let wanted = expected.split(separator: "\n")
        // Columns start at the same place in every line; their exact room is not fixed here.
        #expect(lines.count == wanted.count + 4)
        let start = lines[3].firstRange(of: "70.0").map { lines[3].distance(to: $0.lowerBound) }
        let heading = lines[1].firstRange(of: "all").map { lines[1].distance(to: $0.lowerBound) }
        #expect(start == heading)
        for (line, want) in zip(lines, wanted) {
            #expect(line.split(separator: " ") == want.split(separator: " ") || line.hasPrefix("-"))
        }
        #expect(lines.allSatisfy { !$0.hasSuffix(" ") })
        // Too wide with its intervals, it goes without.
        #expect(ResultsTable(results).plainText(widestLine: 90) == text)
        let narrow = ResultsTable(results).plainText(widestLine: 80)
        #expect(!narrow.contains("65.0") && !narrow.contains("Intervals"))
        #expect(narrow.contains("80.0*"))
    }

    @Test func thePageTableKnowsTheBestValues() {
        let table = ResultsTable(results, className: "speaker", notes: ["A note."])
            .reportTable(caption: "Caption")
        #expect(table.caption == "Caption")
        #expect(table.columns.map(\.group).suffix(2) == ["accuracy (%)", "equal error rate (%)"])
        #expect(table.rows[1].cells[0] == .init("80.0", detail: "75.0–84.6", isBest: true))
        // One system alone is not called the best; the lower error rate is the better one.
        #expect(!table.rows[0].cells[1].isBest)
        #expect(table.rows[1].cells[2].isBest && !table.rows[0].cells[2].isBest)
        #expect(table.notes.last == "A note.")
    }

    @Test func resultsWithoutRowsHaveAnEmptyTable() {
        let empty = Results(task: "t", protocol: "p", metric: "accuracy", rows: [])
        #expect(ResultsTable(empty).markdown() == "| System |\n| --- |\n\n- Protocol: p\n")
        #expect(ResultsTable(empty).plainText() == "System\n------\nProtocol: p\n")
    }

    /// What results say of their origin, the same in every form of the table.
    private var conditioned: Results {
        var conditioned = results
        conditioned.rows[3].trials = 120
        conditioned.rows[3].seeds = 1
        conditioned.conditions = Results.Conditions(
            measured: [.init("test recordings", 1500), .init("speakers", 10)], seed: 7,
            trainings: Results.Conditions.Training.all(
                of: [("CPC", 1), ("masked", 4), ("CPC", 2)]),
            intervals: "a bootstrap over test recordings (2000 resamples)",
            warnings: [
                "test: 3 of 1503 recordings have no label and are left out, 100 % | odd\nname"
            ])
        return conditioned
    }

    @Test func everyFormOfATableSaysWhereItIsFrom() throws {
        let table = ResultsTable(conditioned, className: "speaker", notes: ["A note."])
        let lines = [
            "Protocol: test part, 5 seeds",
            "Measured on: 1500 test recordings, 10 speakers; trials of a figure: 1500 (accuracy), "
                + "120 (equal error rate).",
            "Seeds: 7 for all draws; CPC trained with 1, 2; masked trained with 4; seeds of a figure: "
                + "5 (accuracy with all labels), 1 (equal error rate).",
            "Intervals: 95 %, a bootstrap over test recordings (2000 resamples).",
            "Chance level: accuracy 10.0 %.", "A note.",
            "Warning: test: 3 of 1503 recordings have no label and are left out, 100 % | odd\nname",
        ]
        #expect(table.reportTable().notes == lines)
        /// The lines below a table without their breaks and marks.
        func joined(_ text: String, after end: String, first: String, others: String) -> [String] {
            let below = text.components(separatedBy: end).last ?? ""
            return below.split(separator: "\n").reduce(into: []) { found, line in
                #expect(line.count <= 100)
                if line.hasPrefix(others), let last = found.indices.last {
                    found[last] += " " + line.dropFirst(others.count)
                } else {
                    #expect(line.hasPrefix(first))
                    found.append(String(line.dropFirst(first.count)))
                }
            }
        }
        let plain = lines.map { $0.replacing("\n", with: " ") }
        #expect(
            joined(table.plainText(), after: "* best\n", first: "", others: "  ") == plain)
        #expect(
            joined(table.markdown(), after: "|\n\n", first: "- ", others: "  ")
                == plain.map { $0.replacing("|", with: "\\|") })
        // Comments alone, which compile whatever is in them.
        #expect(
            joined(table.latex(), after: "\\end{tabular}\n", first: "% ", others: "%   ") == plain)
    }

    @Test func aNumberOfAllColumnsIsSaidOnce() {
        var alike = conditioned
        for index in alike.rows.indices {
            alike.rows[index].trials = 8
            alike.rows[index].seeds = index == 2 ? 3 : 1
        }
        let notes = ResultsTable(alike, className: "speaker").reportTable().notes
        #expect(notes[1].hasSuffix("; trials of a figure: 8."))
        // Of one column the systems differ.
        #expect(
            notes[2].hasSuffix(
                "; seeds of a figure: 1 (accuracy with all labels, equal error rate), "
                    + "1 or 3 (accuracy with 5 per speaker)."))
    }

    @Test func conditionsComeBackFromTheirFile() throws {
        try withTemporaryFolder { path in
            let url = URL(fileURLWithPath: path + "/results.json")
            try conditioned.write(to: url)
            #expect(try Results(contentsOf: url).conditions == conditioned.conditions)
        }
    }
}

extension Substring {
    fileprivate func distance(to index: Index) -> Int { distance(from: startIndex, to: index) }
}
