import ApusCorpus
import ApusPretraining
import ApusProbing
import ApusReport
import Foundation
import Testing

@Suite struct ProbeRunTests {
    /// Recordings of three voices in a part's manifest.
    private func manifest(
        _ folder: TemporaryFolder, _ part: String, takes: Range<Int>, voices: [Int] = [0, 1, 2]
    ) throws -> Manifest {
        var cuts: [Cut] = []
        for number in voices {
            for take in takes {
                let id = "\(part)-\(number)-\(take)"
                let count = 5000 + 700 * ((take + number) % 5)
                let path = try folder.writeWAV(
                    id + ".wav", voice(number, take: take, sampleCount: count))
                cuts.append(
                    Cut(
                        id: id, audioPath: path, duration: Double(count) / 16000,
                        speaker: "voice \(number)"))
            }
        }
        return Manifest(path: folder.path + "/\(part).jsonl", cuts: cuts)
    }

    private func options() -> ProbeOptions {
        var options = ProbeOptions()
        options.utterances.labelledPerClass = [1]
        options.utterances.seedCount = 2
        options.utterances.inverseRegularizations = [0.01, 1]
        options.frames?.trainingFrames = 100
        options.frames?.developmentFrames = 50
        options.frames?.testFrames = 60
        options.frames?.inverseRegularizations = [0.1]
        return options
    }

    @Test func everySystemIsProbedAndTheVoicesAreTold() throws {
        let folder = try TemporaryFolder()
        let train = try manifest(folder, "train", takes: 0..<4)
        let development = try manifest(folder, "development", takes: 4..<6)
        let test = try manifest(folder, "test", takes: 6..<9)
        try train.write()
        let models = [
            (name: "cpc", model: makeModel(.cpc)),
            (name: "tera", model: makeModel(.maskedReconstruction)),
        ]
        func run() throws -> ProbeReport {
            try ProbeRun(options())
                .run(models: models, train: train, development: development, test: test)
        }
        let report = try run()
        #expect(report.warnings == [])
        #expect(report.classes == ["voice 0", "voice 1", "voice 2"])
        #expect(abs(report.chance.uniform - 1.0 / 3) < 1e-12)
        #expect(abs(report.chance.majorityShare - 1.0 / 3) < 1e-12)
        #expect(
            report.systems.map(\.name) == [
                "log-mel statistics", "channel only", "untrained cpc", "cpc", "untrained tera",
                "tera",
            ])
        // Two amounts of labels and, but for the channel, two figures on frames.
        #expect(report.results.rows.count == 6 * 2 + 5 * 2)
        #expect(report.results.rows.allSatisfy { (0...1).contains($0.value) })
        #expect(
            report.results.rows.allSatisfy { row in
                guard let low = row.low, let high = row.high else { return false }
                return low <= row.value && row.value <= high
            })
        let statistics = try #require(
            report.results.rows.first {
                $0.system == "log-mel statistics" && $0.labelledPerClass == .all
            })
        #expect(statistics.value == 1)
        #expect(statistics.trials == 9)
        for system in report.systems where system.kind != .channel {
            let frames = try #require(system.frames)
            #expect(frames.trainingFrames == 100)
            #expect(frames.testFrames == 60)
            #expect(frames.accuracy.estimate > 0.5)
        }
        for system in report.systems {
            #expect(
                system.testEmbeddings.matrix.count == 9 * system.testEmbeddings.width)
        }
        #expect(report.testLabels.count == 9 && report.testIDs[0] == "test-0-6")
        #expect((0..<3).allSatisfy { report.confusion.trialCount(of: $0) == 3 })

        // The classifier does on its own what it did in the probe.
        let best = try #require(report.systems.first { $0.name == report.bestSystem })
        let outcome = try #require(best.utterances.last)
        let scores = report.classifier.scores(of: test.cuts)
        for (score, prediction) in zip(scores, outcome.testPredictions) {
            #expect(try score.get()[0].label == report.classes[prediction])
        }
        #expect(report.classifier.card.trainingData.recordings == 12)
        #expect(!report.classifier.card.trainingData.manifestHash.isEmpty)

        #expect(try run().results == report.results)
    }

    @Test func whatIsLeftOutIsCounted() throws {
        let folder = try TemporaryFolder()
        var train = try manifest(folder, "train", takes: 0..<2)
        let development = try manifest(folder, "development", takes: 2..<3)
        var test = try manifest(folder, "test", takes: 3..<5, voices: [0, 1])
        train.cuts[0].speaker = nil
        test.cuts[0].speaker = "stranger"
        let missing = folder.path + "/missing.wav"
        test.cuts[1].audioPath = missing
        let lost = test.cuts[1].id
        var heard: [ProbeWarning] = []
        let report = try ProbeRun(options()) { event in
            if case .warning(let warning) = event { heard.append(warning) }
        }.run(
            models: [(name: "cpc", model: makeModel(.cpc))], train: train,
            development: development, test: test)
        #expect(heard == report.warnings)
        #expect(report.warnings.count == 4)
        #expect(
            report.warnings.contains(.unlabelled(part: "training part", count: 1, total: 6)))
        #expect(
            report.warnings.contains(
                .unknownLabels(part: "test part", counts: ["stranger": 1], total: 4)))
        #expect(report.warnings.contains(.untestedClasses(["voice 0", "voice 2"])))
        #expect(
            report.warnings.contains {
                if case .unusable("test part", let problems, 4) = $0 {
                    return problems.map(\.id) == [lost] && problems[0].reason.contains(missing)
                }
                return false
            })
        #expect(report.testIDs == ["test-1-3", "test-1-4"])
    }

    @Test func sharedRecordingsAreNoticed() throws {
        let folder = try TemporaryFolder()
        let train = try manifest(folder, "train", takes: 0..<2)
        let report = try ProbeRun(options()).run(
            models: [(name: "cpc", model: makeModel(.cpc))], train: train, development: train,
            test: train)
        #expect(
            report.warnings == [
                .sharedWithTraining(part: "development part", count: 6),
                .sharedWithTraining(part: "test part", count: 6),
            ])
    }

    @Test func dataThatDoesNotSufficeIsAnErrorWithItsCounts() throws {
        let folder = try TemporaryFolder()
        let good = try manifest(folder, "train", takes: 0..<2)
        var unlabelled = good
        for index in unlabelled.cuts.indices { unlabelled.cuts[index].speaker = nil }
        let single = Manifest(path: good.path, cuts: Array(good.cuts.prefix(2)))
        var broken = good
        for index in broken.cuts.indices { broken.cuts[index].audioPath = "no/such/file.wav" }
        let models = [(name: "cpc", model: makeModel(.cpc))]
        let run = try ProbeRun(options())
        let path = good.path
        #expect(
            throws: ProbingError.tooFewClasses(
                path: path, classes: ["voice 0"], reason: "2 recordings in the manifest")
        ) { try run.run(models: models, train: single, development: good, test: good) }
        #expect(
            throws: ProbingError.nothingLeft(
                path: path,
                reason: "test part: 6 of 6 recordings have no label and are left out")
        ) { try run.run(models: models, train: good, development: good, test: unlabelled) }
        #expect(throws: ProbingError.self) {
            try run.run(models: models, train: good, development: broken, test: good)
        }
        #expect(throws: ProbingError.self) {
            try run.run(models: models + models, train: good, development: good, test: good)
        }
    }

    @Test func optionsThatCannotBeRunAreNamed() {
        var options = options()
        options.utterances.inverseRegularizations = [1, 0]
        #expect(
            throws: ProbingError.badOption(
                option: "utterances.inverseRegularizations", expected: "numbers above 0",
                found: "[1.0, 0.0]")
        ) { try ProbeRun(options) }
    }
}
