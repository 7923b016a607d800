import ApusCorpus
import ApusMetrics
import ApusProbing
import ApusReport
import Foundation
import TestSupport
import Testing

/// Recordings of speakers as vectors, the same each time.
private struct Voices {
    static let width = 8
    var ids: [String] = []
    var values: [Float] = []
    var cuts: [Cut] = []

    /// Adds recordings of some speakers; `noise` is how far they lie from their speaker's vector.
    mutating func add(
        _ part: String, speakers: Range<Int>, takes: Int, noise: Float = 0.6,
        hasSpeakers: Bool = true
    ) {
        for speaker in speakers {
            var own = SeededGenerator(seed: 3, stream: "speaker", speaker)
            let center = (0..<Self.width).map { _ in normal(&own) }
            for take in 0..<takes {
                var generator = SeededGenerator(seed: 4, stream: part, speaker, take)
                let id = "\(part)-\(speaker)-\(take)"
                ids.append(id)
                values += center.map { 5 + $0 + noise * normal(&generator) }
                cuts.append(
                    Cut(
                        id: id, audioPath: "/\(part)/\(speaker)/\(take).wav",
                        speaker: hasSpeakers ? "speaker \(speaker)" : nil))
            }
        }
    }

    private func normal(_ generator: inout SeededGenerator) -> Float {
        Float((0..<12).reduce(-6.0) { sum, _ in sum + generator.unitInterval() })
    }

    func row(_ id: String) -> [Double] {
        let index = ids.firstIndex(of: id) ?? 0
        return values[index * Self.width..<(index + 1) * Self.width].map(Double.init)
    }

    func manifest(_ part: String) -> Manifest {
        Manifest(path: part + ".jsonl", cuts: cuts.filter { $0.id.hasPrefix(part + "-") })
    }

    /// All pairs of a part's recordings.
    func trials(_ part: String) -> TrialList {
        let own = cuts.filter { $0.id.hasPrefix(part + "-") }
        var (first, second, isTarget): ([Int32], [Int32], [Bool]) = ([], [], [])
        for one in own.indices {
            for other in own.indices where other > one {
                first.append(Int32(one))
                second.append(Int32(other))
                isTarget.append(
                    own[one].audioPath.split(separator: "/")[1]
                        == own[other].audioPath.split(separator: "/")[1])
            }
        }
        return TrialList(
            path: part + "-trials.txt", names: own.map(\.id), first: first, second: second,
            isTarget: isTarget)
    }

    var source: VerificationRun.Source {
        get throws {
            .embeddings(
                name: "vectors",
                embeddings: try StoredEmbeddings(path: "vectors.npy", ids: ids, values: values))
        }
    }

    static func four() -> Voices {
        var voices = Voices()
        voices.add("train", speakers: 0..<20, takes: 4)
        voices.add("cohort", speakers: 20..<40, takes: 1)
        voices.add("dev", speakers: 40..<50, takes: 3)
        voices.add("test", speakers: 50..<62, takes: 3)
        return voices
    }

    func inputs(development: Bool = true, cohort: Bool = true) -> VerificationInputs {
        VerificationInputs(
            test: trials("test"), development: development ? trials("dev") : nil,
            manifests: [manifest("test"), manifest("dev")],
            cohort: cohort ? manifest("cohort") : nil, training: manifest("train"))
    }
}

private func cosine(_ a: [Double], _ b: [Double]) -> Double {
    func dot(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
}

@Suite(.serialized) struct VerificationRunTests {
    private func options(_ change: (inout VerificationOptions) -> Void = { _ in })
        -> VerificationOptions
    {
        var options = VerificationOptions()
        options.resamples = 20
        options.standardization = .never
        change(&options)
        return options
    }

    /// The cosines with the cohort's mean taken off.
    private func centred(_ voices: Voices) -> (String) -> [Double] {
        let cohort = voices.manifest("cohort").cuts.map { voices.row($0.id) }
        let mean = (0..<Voices.width).map { column in
            cohort.reduce(0) { $0 + $1[column] } / Double(cohort.count)
        }
        return { id in zip(voices.row(id), mean).map { $0 - $1 } }
    }

    @Test func cosinesAreThoseOfCentredVectors() throws {
        let voices = Voices.four()
        let inputs = voices.inputs()
        let report = try VerificationRun(options()).run([try voices.source], on: inputs)
        #expect(report.warnings == [])
        let system = try #require(report.systems.first)
        let vector = centred(voices)
        for trial in stride(from: 0, to: inputs.test.count, by: 7) {
            let expected = cosine(
                vector(inputs.test.names[Int(inputs.test.first[trial])]),
                vector(inputs.test.names[Int(inputs.test.second[trial])]))
            #expect(abs(Double(system.scores[trial]) - expected) < 1e-5)
        }
        let trials = try DetectionTrials(scores: system.scores, isTarget: inputs.test.isTarget)
        let row = try #require(report.results.rows.first)
        #expect(row.value == trials.equalErrorRate().rate)
        let (low, high) = (try #require(row.low), try #require(row.high))
        #expect(low <= row.value && row.value <= high && low < high)
        #expect(row.value < 0.25 && row.trials == 630)
        #expect(
            report.results.rows.map { $0.metric ?? report.results.metric } == [
                "equal error rate", "ROCCH equal error rate", "minDCF 0.01", "actual DCF 0.01",
                "minDCF 0.05", "actual DCF 0.05", "minDCF 0.5", "actual DCF 0.5", "Cllr",
                "min Cllr",
            ])
        // Calibration is that of the development scores.
        let calibration = try ScoreCalibration(
            scores: system.developmentScores, isTarget: voices.trials("dev").isTarget)
        #expect(system.calibration == calibration)
        #expect(report.targets == 36 && report.nonTargets == 594)
    }

    @Test(arguments: [VerificationOptions.Normalization.symmetric, .adaptive])
    func scoresAreNormalisedByTheCohort(kind: VerificationOptions.Normalization) throws {
        let voices = Voices.four()
        let inputs = voices.inputs()
        let chosen = options {
            $0.normalization = kind
            $0.cohortTop = 6
        }
        let scores = try VerificationRun(chosen).run([try voices.source], on: inputs).systems[0]
            .scores
        let vector = centred(voices)
        func statistics(_ id: String) throws -> CohortStatistics {
            try CohortStatistics(
                scores: voices.manifest("cohort").cuts.map {
                    Float(cosine(vector(id), vector($0.id)))
                }, top: kind == .adaptive ? 6 : nil)
        }
        for trial in [0, 5, 100, 629] {
            let first = inputs.test.names[Int(inputs.test.first[trial])]
            let second = inputs.test.names[Int(inputs.test.second[trial])]
            let expected = symmetricNormalization(
                of: Float(cosine(vector(first), vector(second))),
                enrolment: try statistics(first), test: try statistics(second))
            #expect(abs(scores[trial] - expected) < 1e-3)
        }
    }

    @Test func discriminantsAndFusionRun() throws {
        let voices = Voices.four()
        let plda = options {
            $0.scoring = .plda
            $0.discriminantCount = 6
        }
        let report = try VerificationRun(plda).run([try voices.source], on: voices.inputs())
        #expect(report.results.rows[0].value < 0.25)
        // Unlike cosines, these scores are log-likelihood ratios before calibration too.
        let calibration = try #require(report.systems[0].calibration)
        #expect(abs(calibration.weights[0] - 1) < 0.5)

        // A second system that knows half of the values.
        let half = try StoredEmbeddings(
            path: "half.npy", ids: voices.ids,
            values: voices.ids.flatMap { voices.row($0).prefix(4).map(Float.init) })
        let both = try VerificationRun(options()).run(
            [try voices.source, .embeddings(name: "half", embeddings: half)],
            on: voices.inputs())
        #expect(both.results.systemNames == ["vectors", "half", "fusion"])
        let fused = both.systems[2]
        let expected = try ScoreCalibration(
            systems: both.systems[..<2].map(\.developmentScores),
            isTarget: voices.trials("dev").isTarget)
        #expect(
            fused.scores
                == (try expected.logLikelihoodRatios(systems: both.systems[..<2].map(\.scores))))
        let costs = both.results.rows.filter { $0.metric == VerificationMetric.cost }
        #expect(costs.count == 3)
    }

    /// The same draws of speakers for both systems, by the tested bootstrap of any statistic.
    @Test func systemsArePairedOverSpeakers() throws {
        let voices = Voices.four()
        let inputs = voices.inputs()
        func half(_ name: String, _ width: Int) throws -> VerificationRun.Source {
            .embeddings(
                name: name,
                embeddings: try StoredEmbeddings(
                    path: name, ids: voices.ids,
                    values: voices.ids.flatMap { voices.row($0).prefix(width).map(Float.init) }))
        }
        let chosen = options { $0.comparisons = [SystemPair(first: "two", second: "three")] }
        let report = try VerificationRun(chosen).run(
            [try half("two", 2), try voices.source, try half("three", 3)], on: inputs)
        let comparisons = try #require(report.results.comparisons)
        #expect(
            comparisons.map { "\($0.first) - \($0.second)" }.prefix(4) == [
                "vectors - three", "vectors - three", "fusion - vectors", "fusion - vectors",
            ])
        #expect(
            comparisons.map(\.metric)
                == (0..<3).flatMap { _ in ["equal error rate", "minDCF 0.01"] })
        let names = inputs.test.names
        let numbers = names.map { Int($0.split(separator: "-")[1]) ?? 0 }.map { $0 - 50 }
        for comparison in comparisons where comparison.metric == "minDCF 0.01" {
            let trials = try [comparison.first, comparison.second].map { name in
                let system = try #require(report.systems.first { $0.name == name })
                return try DetectionTrials(scores: system.scores, isTarget: inputs.test.isTarget)
            }
            let expected = try pairedBootstrap(
                count: 12, resamples: chosen.resamples, seed: chosen.seed
            ) { drawn in
                let costs = trials.map { trials in
                    trials.weighted { trial in
                        let (one, other) = (
                            numbers[Int(inputs.test.first[trial])],
                            numbers[Int(inputs.test.second[trial])]
                        )
                        let count = drawn.count { $0 == one }
                        return Double(one == other ? count : count * drawn.count { $0 == other })
                    }.minimumDetectionCost(DetectionCost(targetPrior: 0.01)).cost
                }
                return costs[0].isNaN ? nil : costs[0] - costs[1]
            }
            #expect(comparison.difference == expected.difference.estimate)
            #expect(comparison.low == expected.difference.low)
            #expect(comparison.high == expected.difference.high)
            #expect(comparison.probability == expected.probability)
            #expect(comparison.trials == 630 && comparison.drawn == .init("speakers", count: 12))
        }
        let rates = comparisons.filter { $0.metric == "equal error rate" }
        #expect(rates.map(\.adjusted) == holmAdjusted(rates.map(\.probability)))
        let folder = try TemporaryFolder()
        let run = VerificationFolder(path: folder.path + "/run")
        try run.write(report, inputs: inputs, options: chosen, models: [:])
        for file in ["results.md", "results.txt", "results.tex"] {
            let text = try String(contentsOfFile: run.path + "/" + file, encoding: .utf8).unwrapped
            #expect(text.contains("630 test trials"))
            #expect(text.contains("bootstrap over 12 speakers"))
            #expect(text.contains("p (Holm)"))
        }
        #expect(
            try Results(contentsOf: URL(fileURLWithPath: run.path + "/results.json")).comparisons
                == comparisons)
        let page = try RunReport(folders: [run.path]).page(title: "Verification").html()
        #expect(page.contains("Paired tests") && page.contains("fusion − vectors"))
        #expect(
            message(
                inputs, options { $0.comparisons = [SystemPair(first: "a", second: "b")] },
                try voices.source
            ).contains("'a' in a=b"))
    }

    @Test func withoutDevelopmentTrialsNothingIsCalibrated() throws {
        var voices = Voices()
        voices.add("test", speakers: 0..<6, takes: 3, hasSpeakers: false)
        let inputs = VerificationInputs(
            test: voices.trials("test"), manifests: [voices.manifest("test")])
        let report = try VerificationRun(options()).run([try voices.source], on: inputs)
        #expect(report.systems[0].calibration == nil)
        #expect(!report.results.rows.contains { $0.metric == VerificationMetric.cost })
        #expect(report.results.rows.allSatisfy { $0.low == nil })
        #expect(report.warnings.count == 2)
        #expect(report.warnings.contains { $0.contains("no mean is subtracted") })
        #expect(report.warnings.contains { $0.contains("no speaker in the manifest") })
        #expect(report.results.protocol.contains("No development trials"))
    }

    @Test func aRunIsWrittenAndReported() throws {
        let folder = try TemporaryFolder()
        let voices = Voices.four()
        let inputs = voices.inputs()
        let report = try VerificationRun(options()).run([try voices.source], on: inputs)
        let run = VerificationFolder(path: folder.path + "/run")
        try run.write(report, inputs: inputs, options: options(), models: [:])
        #expect(run.isPresent)
        #expect(
            try Results(contentsOf: URL(fileURLWithPath: run.path + "/results.json"))
                == report.results)
        let lines = try String(contentsOfFile: run.path + "/scores.tsv", encoding: .utf8)
            .split(separator: "\n")
        #expect(lines[0] == "first\tsecond\tkind\tvectors\tvectors llr")
        #expect(lines.count == 631)
        let fields = lines[1].split(separator: "\t")
        #expect(fields[..<3] == ["test-50-0", "test-50-1", "target"])
        #expect(Float(fields[3]) == report.systems[0].scores[0])
        let details = try run.details()
        #expect(abs(details.systems[0].histogram.targets.reduce(0, +) - 1) < 1e-9)
        #expect(abs(details.systems[0].histogram.nonTargets.reduce(0, +) - 1) < 1e-9)
        let page = try RunReport(folders: [run.path]).page(title: "Verification").html()
        for part in ["Speaker verification", "Detection error tradeoff", "False alarms (%)"] {
            #expect(page.contains(part))
        }
    }

    private func message(
        _ inputs: VerificationInputs, _ options: VerificationOptions,
        _ source: VerificationRun.Source
    ) -> String {
        do {
            _ = try VerificationRun(options).run([source], on: inputs)
            return "none"
        } catch {
            return "\(error)"
        }
    }

    @Test func trialsThatCannotBeMeasuredAreNamed() throws {
        let voices = Voices.four()
        let source = try voices.source
        func list(_ pairs: [(String, String, Bool)]) -> VerificationInputs {
            var names: [String] = []
            func number(_ name: String) -> Int32 {
                if !names.contains(name) { names.append(name) }
                return Int32(names.firstIndex(of: name) ?? 0)
            }
            let first = pairs.map { number($0.0) }
            let second = pairs.map { number($0.1) }
            var inputs = voices.inputs()
            inputs.test = TrialList(
                path: "list.txt", names: names, first: first, second: second,
                isTarget: pairs.map(\.2))
            return inputs
        }
        let (a, b, c) = ("test-50-0", "test-50-1", "test-51-0")
        for (pairs, word) in [
            ([(a, b, true), (b, a, true)], "list.txt: 2 trials, of which 2 are targets"),
            ([(a, c, false)], "of which 0 are targets"),
            ([(a, b, true), (a, "absent", false)], "1 of the 3 recordings"),
            ([(a, b, true), (a, c, false), (c, a, true)], "both target and non-target"),
        ] {
            let text = message(list(pairs), options(), source)
            #expect(text.contains(word), "\(text)")
        }
        let own = try VerificationRun(options()).run(
            [source], on: list([(a, a, true), (a, b, true), (b, a, true), (a, c, false)]))
        #expect(own.warnings.contains { $0.contains("1 trials compare a recording with itself") })
        #expect(own.warnings.contains { $0.contains("1 trials repeat another one") })
        let wrong = try VerificationRun(options()).run(
            [source], on: list([(a, c, true), (a, b, false)]))
        #expect(wrong.warnings.contains { $0.contains("2 trials contradict the manifest's") })
    }

    @Test func optionsThatCannotBeRunAreNamed() throws {
        let voices = Voices.four()
        let source = try voices.source
        var bare = voices.inputs(cohort: false)
        bare.training = nil
        for (change, word) in [
            ({ $0.scoring = .plda }, "scoring: expected labelled"),
            ({ $0.discriminantCount = 3 }, "discriminantCount: expected labelled"),
            ({ $0.normalization = .symmetric }, "normalization: expected a cohort"),
            ({ $0.targetPriors = [0.5, 1] }, "targetPriors"), ({ $0.resamples = 1 }, "resamples"),
            ({ $0.calibrationPrior = 0 }, "calibrationPrior"), ({ $0.missCost = -1 }, "missCost"),
            ({ $0.falseAlarmCost = .infinity }, "falseAlarmCost"),
            ({ $0.cohortTop = 1 }, "cohortTop"), ({ $0.workers = 0 }, "workers"),
            ({ $0.discriminantCount = -1 }, "discriminantCount"),
        ] as [((inout VerificationOptions) -> Void, String)] {
            let text = message(bare, options(change), source)
            #expect(text.contains(word), "\(text)")
        }
        let top = message(
            voices.inputs(),
            options {
                $0.normalization = .adaptive
                $0.cohortTop = 30
            }, source)
        #expect(top.contains("at most the cohort's 20 recordings"), "\(top)")
        let many = message(voices.inputs(), options { $0.discriminantCount = 9 }, source)
        #expect(many.contains("9 directions, expected 1 to 8"), "\(many)")
    }
}
