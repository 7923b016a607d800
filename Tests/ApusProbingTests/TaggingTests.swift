import ApusCorpus
import ApusMetrics
import ApusProbing
import ApusReport
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct TaggingTests {
    private struct Reference: Decodable {
        struct Fit: Decodable {
            var isBalanced: Bool
            var inverseRegularization: Double
            var weight: [Float]
            var bias: [Float]
            var probabilities: [Float]
        }
        var width: Int
        var tagCount: Int
        var rows: [Float]
        var isPresent: [Bool]
        var fits: [Fit]
    }

    @Test func regressionsAgreeWithScikitLearn() throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("References/tag_regression.json")
        let reference = try JSONDecoder().decode(Reference.self, from: Data(contentsOf: url))
        for expected in reference.fits {
            let problem = TagRegressionProblem(
                rows: reference.rows, width: reference.width, isPresent: reference.isPresent,
                tagCount: reference.tagCount, isBalanced: expected.isBalanced)
            let found = problem.fit(
                inverseRegularization: expected.inverseRegularization,
                stopping: .init(maximumIterations: 500, tolerance: 1e-7), startingFrom: nil
            ).classifier
            let probabilities = found.tagProbabilities(for: reference.rows)
            let pairs = [
                (found.weight, expected.weight), (found.bias, expected.bias),
                (probabilities, expected.probabilities),
            ]
            for (found, expected) in pairs {
                #expect(found.count == expected.count)
                #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-3 })
            }
        }
    }

    /// Recordings with one, both or none of two tones, as tags; a third tag tells nothing.
    private func manifest(
        _ folder: TemporaryFolder, _ part: String, count: Int, group: String? = nil
    ) throws -> Manifest {
        var cuts: [Cut] = []
        for take in 0..<count {
            let tags = [take % 2 == 0 ? "low" : nil, take % 3 == 0 ? "high" : nil]
                .compactMap(\.self)
            let samples = (0..<6000).map { index -> Float in
                let time = Double(index) / 16000
                var value =
                    0.01 * sin(Double((index * 7919 + take * 104_729 + 31 * part.count) % 6007))
                if tags.contains("low") { value += 0.2 * sin(2 * .pi * 300 * time) }
                if tags.contains("high") { value += 0.2 * sin(2 * .pi * 2500 * time) }
                return Float(value)
            }
            let id = "\(part)-\(take)"
            cuts.append(
                Cut(
                    id: id, audioPath: try folder.writeWAV(id + ".wav", samples),
                    duration: 0.375, labels: tags + (take % 5 < 2 ? ["idle"] : []),
                    extra: group == nil ? [:] : ["kit": .string("kit \(take / 6)")]))
        }
        return Manifest(path: folder.path + "/\(part).jsonl", cuts: cuts)
    }

    private func options() -> ProbeOptions {
        var options = ProbeOptions()
        options.label = .tags
        options.frames = nil
        options.tags.inverseRegularizations = [0.01, 1]
        options.tags.resamples = 200
        return options
    }

    @Test func tagsThatAreHeardAreTold() throws {
        let folder = try TemporaryFolder()
        let report = try ProbeRun(options()).runTagging(
            models: [(name: "cpc", model: makeModel(.cpc))],
            train: manifest(folder, "train", count: 30),
            development: manifest(folder, "dev", count: 12),
            test: manifest(folder, "test", count: 18))
        #expect(report.warnings.isEmpty)
        #expect(report.results.task == "audio-tagging")
        #expect(
            report.systems.map(\.name)
                == [
                    "log-mel statistics", "MFCC statistics", "random projection", "channel only",
                    "untrained cpc", "cpc",
                ])
        let statistics = report.systems[0].outcome
        #expect(statistics.tags == ["high", "idle", "low"])
        #expect(statistics.measures[0]?.averagePrecision == 1)
        #expect(statistics.measures[2]?.averagePrecision == 1)
        #expect(statistics.measures[2]?.positives == 9)
        let interval = statistics.meanAveragePrecision
        #expect(interval.low <= interval.estimate && interval.estimate <= interval.high)
        #expect(report.results.rows.count == 6 * 3)
        for row in report.results.rows where row.metric == "area under ROC" {
            let (low, high) = (try #require(row.low), try #require(row.high))
            #expect(low <= row.value && row.value <= high && high <= 1)
            let index = try #require(
                report.results.rows.first { $0.system == row.system && $0.metric == "d-prime" })
            // The quantiles of a rising function are that function of the quantiles.
            #expect(index.low == (high < 1 ? sensitivityIndex(areaUnderCurve: low) : nil))
            #expect(index.high == (high < 1 ? sensitivityIndex(areaUnderCurve: high) : nil))
        }
        #expect(
            report.results.conditions?.measured == [.init("test recordings", 18), .init("tags", 3)])
        let classes = try #require(report.results.classes)
        #expect(classes.count == 6 * 3)
        #expect(classes[0].label == "high")
        // An infinite d′ has no place in JSON.
        #expect(classes[0].metrics["d-prime"] == nil)
        let comparisons = try #require(report.results.comparisons)
        #expect(comparisons.map(\.second) == ["log-mel statistics", "untrained cpc"])
        let precisions = report.systems.map(\.outcome.meanAveragePrecision.estimate)
        #expect(abs(comparisons[0].difference - (precisions[5] - precisions[0])) < 1e-12)
        #expect(abs(comparisons[1].difference - (precisions[5] - precisions[4])) < 1e-12)
        #expect(comparisons.allSatisfy { $0.metric == "mean average precision" })
        #expect(comparisons.allSatisfy { $0.drawn == .init("recordings", count: 18) })

        try TaggingFolder(path: folder.path).write(report, options: options())
        let markdown = try String(contentsOfFile: folder.path + "/results.md", encoding: .utf8)
        for text in [
            "mean average precision", "high (6)", "d-prime", "area under ROC", "Paired tests",
        ] {
            #expect(markdown.contains(text), "\(text)")
        }
        let again = try Results(contentsOf: URL(fileURLWithPath: folder.path + "/results.json"))
        #expect(again.classes == report.results.classes)
    }

    @Test func tagsAreToldByCrossValidationOverGroups() throws {
        let folder = try TemporaryFolder()
        var options = options()
        options.group = "kit"
        options.tags.weighting = .balanced
        let all = try manifest(folder, "all", count: 30, group: "kit")
        let report = try ProbeRun(options)
            .runTagging(models: [(name: "cpc", model: makeModel(.cpc))], folds: all)
        #expect(report.testIDs.count == 30)
        #expect(report.systems[0].outcome.selections.count == 5)
        #expect(report.results.protocol.contains("5 kits"))
        #expect(report.results.comparisons?.first?.drawn == .init("kits", count: 5))
        #expect(report.results.protocol.contains("balanced"))
        #expect(report.systems[0].outcome.measures[2]?.areaUnderCurve == 1)
        #expect(report.results.conditions?.measured.last == .init("kits", 5))
    }

    @Test func whatCantBeTaggedIsNamed() throws {
        let folder = try TemporaryFolder()
        var silent = try manifest(folder, "silent", count: 6)
        for index in silent.cuts.indices { silent.cuts[index].labels = [] }
        let models = [(name: "cpc", model: makeModel(.cpc))]
        #expect(throws: ProbingError.self) {
            try ProbeRun(options())
                .runTagging(models: models, train: silent, development: silent, test: silent)
        }
        var bad = options()
        bad.frames = FrameProbe.Options()
        #expect(throws: ProbingError.self) {
            try ProbeRun(bad).runTagging(models: models, folds: silent)
        }
        bad.tags.inverseRegularizations = [0]
        #expect(throws: ProbingError.self) { try ProbeRun(bad) }
    }
}
