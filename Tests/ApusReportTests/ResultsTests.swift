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

            Chance level: accuracy 10.0 %.

            Ranges are 95 % confidence intervals.

            """
        #expect(ResultsTable(results, className: "speaker").markdown() == expected)
    }

    @Test func theTableInLaTeX() {
        let text = ResultsTable(results, className: "speaker").latex()
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let table = Array(lines.drop { $0.hasPrefix("%") })
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
        #expect(lines.count == wanted.count + 3)
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
        #expect(!narrow.contains("65.0") && !narrow.contains("intervals"))
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
        #expect(ResultsTable(empty).markdown() == "| System |\n| --- |\n")
        #expect(ResultsTable(empty).plainText() == "System\n------\n")
    }
}

extension Substring {
    fileprivate func distance(to index: Index) -> Int { distance(from: startIndex, to: index) }
}
