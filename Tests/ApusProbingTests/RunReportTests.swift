import ApusPretraining
import ApusProbing
import ApusReport
import Foundation
import TestSupport
import Testing

/// What the page says of pretraining runs, from folders written here.
@Suite struct RunReportTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A run's folder with some lines of figures.
    private func run(
        _ name: String, _ lines: [String],
        _ adjust: (inout PretrainingConfiguration) -> Void = { _ in }
    ) throws -> String {
        var configuration = PretrainingConfiguration()
        adjust(&configuration)
        let path = folder.path + "/" + name
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try ConfigurationFile.text(of: configuration).write(
            toFile: path + "/config.yaml", atomically: true, encoding: .utf8)
        try lines.map { $0 + "\n" }.joined().write(
            toFile: path + "/metrics.jsonl", atomically: true, encoding: .utf8)
        return path
    }

    private func sections(_ folders: String...) throws -> [String: Report.Section] {
        let page = try RunReport(folders: folders).page(title: "Runs")
        return Dictionary(uniqueKeysWithValues: page.sections.map { ($0.heading, $0) })
    }

    /// The charts of a section by their titles.
    private func charts(_ section: Report.Section?) throws -> [String: String] {
        let section = try #require(section)
        func document(_ figure: Report.Figure) -> String? {
            if case .svg(let svg) = figure.picture { svg } else { nil }
        }
        let drawings = section.content.flatMap { content -> [String] in
            switch content {
            case .chart(let figure): return [figure].compactMap(document)
            case .figures(let figures): return figures.compactMap(document)
            default: return []
            }
        }
        return Dictionary(
            uniqueKeysWithValues: drawings.map { svg in
                let title = svg.components(separatedBy: "<title>").dropFirst().first ?? ""
                return (title.components(separatedBy: "</title>")[0], svg)
            })
    }

    private func pairs(_ section: Report.Section?) throws -> [String] {
        try #require(section).content.flatMap { content -> [String] in
            guard case .keyValues(let pairs) = content else { return [] }
            return pairs.map { "\($0.key) = \($0.value)" }
        }
    }

    private func dashedCount(_ svg: String) -> Int {
        // One in the legend, one in the plot.
        svg.components(separatedBy: "stroke-dasharray").count - 1
    }

    private static let cpc = [
        #"{"step":1,"loss":3.1,"learningRate":0.001,"gradientNorm":2.5}"#,
        #"{"step":2,"loss":2.5,"learningRate":0.002,"gradientNorm":1.5,"chanceLoss":3,"#
            + #""informationBound":0.5,"accuracy/step-1":0.5,"accuracy/step-10":0.1,"#
            + #""accuracy/step-2":0.4,"effectiveRank/context":4,"effectiveRank/convolution":8,"#
            + #""featureDeviation/context":0.2,"waitingShare":0.01,"audioHoursPerHour":700,"#
            + #""trainingSeconds":2,"secondsWaited":0.02,"validation/loss":2.7,"#
            + #""warnings":["the layer context collapses"]}"#,
        #"{"step":3,"loss":null,"learningRate":0.001,"gradientNorm":null,"skippedSteps":1,"#
            + #""skipped":["clip <a>","clip b"]}"#,
        #"{"step":4,"loss":2.1,"learningRate":0.0,"gradientNorm":1.1,"validation/loss":2.4,"#
            + #""chanceLoss":3,"informationBound":0.9,"trainingSeconds":4,"secondsWaited":0.04,"#
            + #""audioHoursPerHour":700}"#,
        #"{"step":5,"loss":2.0,"validation/loss":2.3995}"#,
        #"{"step":6,"lo"#,
    ]

    @Test func aRunShowsWhatItHas() throws {
        let path = try run("cpc", Self.cpc) {
            $0.training.earlyStopping.minimumImprovement = 0.01
        }
        let sections = try sections(path)
        let training = try #require(sections["Training without labels"])
        let loss = try #require(charts(training)["Loss, cpc"])
        for name in ["cpc, training", "cpc, held out", ">chance<"] { #expect(loss.contains(name)) }
        #expect(dashedCount(loss) == 2)
        // A ring around the best validation.
        #expect(loss.components(separatedBy: "fill=\"none\" stroke=\"#d55e00\"").count == 3)
        let summary = try pairs(training)
        #expect(summary.contains("cpc: best on held-out recordings = 2.4 after step 4"))
        #expect(summary.contains("cpc: skipped steps = 1"))
        #expect(summary.contains("cpc: log(N + 1) - L at the end = 0.90 nats"))

        let health = sections["Health of cpc"]
        let charts = try charts(health)
        #expect(
            Set(charts.keys) == [
                "Effective rank", "Feature deviation", "Accuracy of the contrast",
                "What a context tells of the future", "Gradient norm", "Learning rate",
                "Throughput", "Time beside the training", "Skipped steps",
            ])
        #expect(charts["Effective rank"]?.contains(">convolution<") == true)
        #expect(charts["What a context tells of the future"]?.contains(">log(N + 1)<") == true)
        let contrast = try #require(charts["Accuracy of the contrast"])
        let names = ["1 frame ahead", "2 frames ahead", "10 frames ahead"]
        let places = names.compactMap { contrast.range(of: $0)?.lowerBound }
        #expect(places.count == 3 && places == places.sorted())
        #expect(
            try pairs(health) == [
                "step 2 = the layer context collapses", "step 3 = skipped: clip <a>, clip b",
            ])
        let html = try RunReport(folders: [path]).page(title: "Runs").html()
        #expect(html.contains("clip &lt;a&gt;") && !html.contains("clip <a>"))
    }

    @Test func codesAndMasks() throws {
        let line =
            #"{"step":1,"loss":2,"chanceLoss":4.6,"codeEntropy":3.9,"accuracy":0.2,"#
            + #""majorityShare":0.1,"codePerplexity":50,"deadCodes":3,"maskedShare/min":0.3,"#
            + #""maskedShare/mean":0.4,"maskedShare/max":0.5,"validation/accuracy":0.1}"#
        let path = try run("units", [line]) { $0.objective.kind = .maskedPrediction }
        let sections = try sections(path)
        let loss = try #require(
            charts(sections["Training without labels"])["Loss, maskedPrediction"])
        #expect(dashedCount(loss) == 4)
        #expect(loss.contains("the codes&#39; shares alone"))
        let health = try charts(sections["Health of units"])
        #expect(Set(health.keys) == ["Accuracy of the codes", "Codes", "Masked share"])
        #expect(health["Accuracy of the codes"]?.contains(">held out<") == true)
        #expect(try pairs(sections["Health of units"]).isEmpty)
    }

    /// Runs of a kind share a chart, and a line of chance where it is the same.
    @Test func runsBesideEachOther() throws {
        func lines(_ chance: Double) -> [String] {
            (1...3).map { #"{"step":\#($0),"loss":2,"chanceLoss":\#(chance)}"# }
        }
        let (one, two, three) = (
            try run("one", lines(3)), try run("two", lines(3)), try run("three", lines(4))
        )
        let same = try #require(charts(sections(one, two)["Training without labels"])["Loss, cpc"])
        #expect(dashedCount(same) == 2 && same.contains(">chance<") && same.contains(">one<"))
        let other = try #require(
            charts(sections(one, three)["Training without labels"])["Loss, cpc"])
        #expect(dashedCount(other) == 4 && other.contains(">three, chance<"))
        // Nothing but losses: no health to show.
        #expect(try sections(one)["Health of one"] == nil)
    }

    @Test func aFolderWithoutARunIsRefused() throws {
        #expect(throws: PretrainingError.missingFile(path: folder.path + "/absent")) {
            try RunReport(folders: [folder.path + "/absent"]).page(title: "")
        }
        #expect(throws: ReportError.self) {
            try RunReport(folders: [folder.path]).page(title: "")
        }
    }
}
