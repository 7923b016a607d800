import ApusReport
import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct ReportTests {
    @Test func everyTextIsEscaped() throws {
        let hostile = "<script>alert(\"1\")</script> & 'x'"
        let table = ReportTable(
            caption: hostile, rowTitle: hostile,
            columns: [.init(group: hostile, title: hostile), .init(title: hostile)],
            rows: [.init(hostile, [.init(hostile, detail: hostile, isBest: true), .init("")])],
            notes: [hostile])
        let picture = try RGBImage(width: 1, height: 1).png()
        let chart = ConfusionMatrixChart(title: hostile, labels: [hostile], counts: [1])
        let report = Report(
            title: hostile, subtitle: hostile,
            sections: (0..<4).map { _ in
                .init(
                    hostile,
                    [
                        .text([hostile]), .table(table), .keyValues([.init(hostile, hostile)]),
                        .images([(hostile, picture)]),
                        .chart(.init(caption: hostile, svg: chart.svg())),
                        .figures([.init(caption: hostile, svg: chart.svg())]),
                    ])
            })
        let page = try report.html()
        #expect(!page.contains("<script"))
        #expect(
            page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;"))
        #expect(!page.contains("&amp;lt;"))
    }

    @Test func thePageRefersToNothingOutside() throws {
        let report = try sampleReport()
        let page = try report.html()
        let withoutNamespace = page.replacing("http://www.w3.org/2000/svg", with: "")
        #expect(!withoutNamespace.contains("://"))
        #expect(!page.contains("<link") && !page.contains("@import") && !page.contains("url("))
    }

    @Test func thePageHoldsItsParts() throws {
        let picture = try RGBImage(width: 2, height: 2).png()
        let page = try sampleReport().html()
        #expect(page.hasPrefix("<!DOCTYPE html>"))
        #expect(page.contains("<h1>Quick start</h1>"))
        #expect(page.contains("<p class=\"subtitle\">Voices</p>"))
        #expect(page.contains("<dt>seed</dt><dd>1</dd>"))
        #expect(page.contains("<th scope=\"colgroup\" colspan=\"2\">accuracy (%)</th>"))
        #expect(page.contains("<td class=\"inner best\">80.0<small>75.0–84.6</small></td>"))
        #expect(page.contains("data:image/png;base64,\(picture.base64EncodedString())"))
        #expect(page.contains("<figcaption>one voice</figcaption>"))
        #expect(page.contains("<p>Nothing was skipped.</p>"))
        #expect(page.components(separatedBy: "<svg ").count == 2)
        #expect(page.components(separatedBy: "<section ").count == 3)
        #expect(!page.contains("{{"))
        // Four sections or more have a list of contents.
        #expect(!page.contains("<nav"))
    }

    @Test func anEmptyReportIsAPage() throws {
        let page = try Report(title: "Nothing").html()
        #expect(page.contains("<title>Nothing</title>"))
        #expect(!page.contains("<section") && !page.contains("subtitle\""))
    }

    @Test func theFileHoldsThePage() throws {
        try withTemporaryFolder { path in
            let folder = URL(fileURLWithPath: path)
            let url = folder.appendingPathComponent("report.html")
            let report = try sampleReport()
            try report.write(to: url)
            #expect(try String(contentsOf: url, encoding: .utf8) == report.html())
            let nowhere = folder.appendingPathComponent("missing/report.html")
            #expect {
                try report.write(to: nowhere)
            } throws: { error in
                error as? ReportError
                    == .cannotWrite(path: nowhere.path, reason: "No such file or directory")
            }
        }
    }

    @Test func everyFigureIsAFile() throws {
        try withTemporaryFolder { path in
            let chart = LineChart(title: "a", xTitle: "", yTitle: "", series: []).svg()
            let picture = try RGBImage(width: 1, height: 1).png()
            let long = String(repeating: "é", count: 300)
            let report = Report(
                title: "",
                sections: [
                    .init("run/1: Reliability", [.chart(.init(caption: "", svg: chart))]),
                    .init(
                        "Maps & more",
                        [
                            .text(["None here."]),
                            .figures([
                                .init(name: "CPC", caption: "", svg: chart),
                                .init(name: "C.P.C", caption: "", svg: chart),
                                .init(name: "CPC", caption: "", svg: chart),
                                .init(name: "more", caption: "", svg: chart),
                            ]), .images([("../über", picture)]),
                        ]), .init(long, [.chart(.init(name: "...", caption: "", svg: chart))]),
                    .init("?", [.chart(.init(caption: "", svg: chart))]),
                ])
            let old = path + "/maps-more.svg"
            try "an older file".write(toFile: old, atomically: true, encoding: .utf8)
            let paths = try report.writeFigures(toFolder: path)
            let names = paths.map { ($0 as NSString).lastPathComponent }
            #expect(
                names == [
                    "run-1-reliability.svg", "maps-more-cpc.svg", "maps-more-c-p-c.svg",
                    "maps-more-cpc-2.svg", "maps-more.svg", "maps-more-über.png",
                    String(repeating: "é", count: 100) + ".svg", "figure.svg",
                ])
            #expect(try FileManager.default.contentsOfDirectory(atPath: path).count == 8)
            for path in paths where path.hasSuffix(".svg") {
                let document = try String(contentsOfFile: path, encoding: .utf8)
                #expect(document.hasPrefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg "))
                #expect(document.contains("xmlns=\"http://www.w3.org/2000/svg\""))
                #expect(elements(of: document).counts["svg"] == 1)
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: paths[5])) == picture)
            // A file where the folder should be.
            #expect {
                try report.writeFigures(toFolder: old)
            } throws: { error in
                guard case .cannotWrite(let path, let reason) = error as? SignalError else {
                    return false
                }
                return path == old + "/run-1-reliability.svg" && reason == "Not a directory"
            }
        }
    }

    private func sampleReport() throws -> Report {
        let table = ReportTable(
            rowTitle: "System",
            columns: [
                .init(group: "accuracy (%)", title: "1"), .init(group: "accuracy (%)", title: "5"),
            ],
            rows: [
                .init(
                    "CPC",
                    [.init("60.0"), .init("80.0", detail: "75.0–84.6", isBest: true)])
            ])
        let chart = LineChart(
            title: "loss", xTitle: "step", yTitle: "nats",
            series: [.init(name: "training", x: [1, 2], y: [2, 1])])
        return Report(
            title: "Quick start", subtitle: "Voices",
            sections: [
                .init(
                    "Results",
                    [
                        .keyValues([.init("seed", "1")]), .table(table),
                        .chart(.init(caption: "", svg: chart.svg())),
                    ]
                ),
                .init(
                    "Recordings",
                    [
                        .images([("one voice", try RGBImage(width: 2, height: 2).png())]),
                        .text(["Nothing was skipped."]),
                    ]),
            ])
    }
}
