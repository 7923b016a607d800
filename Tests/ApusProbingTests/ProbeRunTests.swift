import ApusCorpus
import ApusMetrics
import ApusNN
import ApusPretraining
import ApusProbing
import ApusReport
import Foundation
import TestSupport
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
                "log-mel statistics", "MFCC statistics", "random projection", "channel only",
                "untrained cpc", "cpc", "untrained tera", "tera",
            ])
        // Two amounts of labels and, but for three baselines, two figures on frames.
        #expect(report.results.rows.count == 8 * 2 + 5 * 2)
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
        let probed = report.systems.filter { $0.frames != nil }.map(\.name)
        #expect(probed == ["log-mel statistics", "untrained cpc", "cpc", "untrained tera", "tera"])
        for frames in report.systems.compactMap(\.frames) {
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
        for (row, score) in scores.enumerated() {
            let likeliest = try score.get()[0]
            #expect(likeliest.label == report.classes[outcome.testPredictions[row]])
            #expect(abs(likeliest.probability - outcome.testConfidences[row]) < 1e-5)
        }
        #expect(report.classifier.card.trainingData.recordings == 12)
        #expect(!report.classifier.card.trainingData.manifestHash.isEmpty)

        #expect(try run().results == report.results)

        let written = ProbeFolder(path: folder.path + "/run")
        try written.write(report, options: options(), testManifest: test.path)
        let answers = try #require(try written.details().answers)
        #expect(answers.map(\.system) == report.systems.map(\.name))
        let own = try #require(answers.first { $0.system == report.bestSystem })
        #expect(own.predictions == outcome.testPredictions)
        #expect(own.confidences == outcome.testConfidences)
        let found = try reliability(
            confidences: own.confidences,
            isRight: zip(own.predictions, report.testLabels).map { report.classes[$0] == $1 })
        let page = try RunReport(folders: [written.path]).page(title: "Probe").html()
        #expect(page.contains("Share that is right (%)"))
        let error = String(format: "%.1f", 100 * found.expectedCalibrationError)
        #expect(page.contains("\(report.bestSystem) (\(error) %)"))

        // Of two runs each section says which it is of, and the same vectors are drawn once.
        let second = ProbeFolder(path: folder.path + "/second")
        try second.write(report, options: options(), testManifest: test.path)
        let vectors = second.path + "/embeddings.safetensors"
        var file = try Safetensors(contentsOf: vectors)
        file.tensors["MFCC statistics"] = file.tensors["log-mel statistics"]
        try file.encoded().write(to: URL(fileURLWithPath: vectors))
        let both = try RunReport(folders: [written.path, second.path]).page(title: "Probes")
        let headings = both.sections.map(\.heading)
        #expect(Set(headings).count == headings.count)
        #expect(headings.contains("second: Maps of the test recordings"))
        let html = try both.html()
        #expect(html.contains("log-mel statistics, MFCC statistics"))
        #expect(!page.contains("log-mel statistics, MFCC statistics"))
    }

    @Test func whatAnEarlierRunFoundIsKnown() throws {
        let folder = try TemporaryFolder()
        let train = try manifest(folder, "train", takes: 0..<3)
        let development = try manifest(folder, "development", takes: 3..<5)
        let test = try manifest(folder, "test", takes: 5..<7)
        let cache = RepresentationCache(folder: folder.path + "/cache")
        /// What a run reports, and the systems that it didn't probe.
        func run(
            _ models: [(name: String, model: PretrainedModel)], train: Manifest = train,
            cache: RepresentationCache? = cache, _ change: (inout ProbeOptions) -> Void = { _ in }
        ) throws -> (report: ProbeReport, known: [String]) {
            var options = options()
            options.verification.impostors = .all
            change(&options)
            var known: [String] = []
            let suffix = ": known from an earlier run"
            let run = try ProbeRun(options, cache: cache) { event in
                if case .progress(_, _, let work) = event, work.hasSuffix(suffix) {
                    known.append(String(work.dropLast(suffix.count)))
                }
            }
            let report = try run.run(
                models: models, train: train, development: development, test: test)
            return (report, known)
        }
        /// Other weights than those that its card's seed gives.
        func trained(_ kind: ObjectiveKind) throws -> PretrainedModel {
            var file = try makeModel(kind, seed: 4).contents()
            file.metadata = try makeModel(kind).contents().metadata
            return try PretrainedModel(path: "model.safetensors", file: file)
        }
        let cpc = (name: "cpc", model: try trained(.cpc))
        let tera = (name: "tera", model: try trained(.maskedReconstruction))
        let baselines = FeatureBaseline.allCases.map(\.name)

        let first = try run([cpc])
        #expect(first.known == [])
        // A model more: that one alone is probed.
        let second = try run([cpc, tera])
        #expect(second.known == baselines + ["untrained cpc", "cpc"])
        let whole = try run([cpc, tera], cache: nil)
        #expect(whole.known == [])
        #expect(second.report.results == whole.report.results)
        for (known, probed) in zip(second.report.systems, whole.report.systems) {
            #expect(known.kind == probed.kind && known.seed == probed.seed)
            #expect(known.testEmbeddings.name == probed.testEmbeddings.name)
            #expect(known.testEmbeddings.matrix == probed.testEmbeddings.matrix, "\(known.name)")
            #expect(known.utterances.map(\.classifier) == probed.utterances.map(\.classifier))
        }
        #expect(second.report.classifier.regression == whole.report.classifier.regression)
        // Names aren't what a system is.
        #expect(
            try run([(name: "other", model: cpc.model)]).known == baselines + [
                "untrained other", "other",
            ])
        // How fast a run is makes no difference; what it does, whose voices and which files they are, does.
        #expect(try run([cpc]) { $0.workers = 3 }.known.count == 6)
        #expect(try run([cpc]) { $0.utterances.seedCount = 3 }.known == [])
        #expect(try run([cpc]) { $0.seed = 2 }.known == [])
        var renamed = train
        renamed.cuts[0].speaker = "voice 1"
        #expect(try run([cpc], train: renamed).known == [])
        _ = try folder.writeWAV("train-0-0.wav", voice(0, take: 9, sampleCount: 5000))
        #expect(try run([cpc]).known == [])

        // What is damaged is made again.
        for path in try FileManager.default.subpathsOfDirectory(atPath: cache.folder)
        where path.contains("/") {
            let file = cache.folder + "/" + path
            var contents = try Data(contentsOf: URL(fileURLWithPath: file))
            contents[contents.count / 2] ^= 1
            try contents.write(to: URL(fileURLWithPath: file))
        }
        #expect(try run([cpc]).known == [])
        #expect(try run([cpc]).known.count == 6)
    }

    @Test func recordingsArePooledAsTheOptionSays() throws {
        let folder = try TemporaryFolder()
        let train = try manifest(folder, "train", takes: 0..<3)
        let development = try manifest(folder, "development", takes: 3..<4)
        let test = try manifest(folder, "test", takes: 4..<6)
        var options = options()
        options.frames = nil
        options.pooling = .dynamics
        let model = makeModel(.cpc)
        let report = try ProbeRun(options).run(
            models: [(name: "cpc", model: model)], train: train, development: development,
            test: test)
        let widths = model.encoder.layerWidths
        for system in report.systems {
            let expected: [Int] =
                switch system.name {
                case "log-mel statistics": [5 * model.card.frontEnd.featureCount]
                case "MFCC statistics": [5 * 20]
                case "random projection": [5 * 256]
                case "channel only": [model.card.frontEnd.featureCount]
                default: (widths + [widths.reduce(0, +)]).map { 5 * $0 }
                }
            #expect(expected.contains(system.testEmbeddings.width), "\(system.name)")
        }
        #expect(report.results.protocol.contains("from frame to frame"))
        #expect(report.classifier.card.pooling == .dynamics)
        let best = try #require(report.systems.first { $0.name == report.bestSystem })
        let outcome = try #require(best.utterances.last)
        for (row, score) in report.classifier.scores(of: test.cuts).enumerated() {
            let likeliest = try score.get()[0]
            #expect(likeliest.label == report.classes[outcome.testPredictions[row]])
            #expect(abs(likeliest.probability - outcome.testConfidences[row]) < 1e-4)
        }
        options.verification.impostors = .all
        #expect(throws: ProbingError.self) { try options.validate() }
        options.verification.impostors = .none
        options.pooling = .frames
        #expect(throws: ProbingError.self) { try options.validate() }
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
        #expect(report.warnings.count == 5)
        #expect(
            report.warnings.contains(.singleExamples(["voice 0"], className: "speaker")))
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
                .chosenOnTest(count: 6, total: 6),
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
            try run.run(models: [], train: good, development: good, test: good)
        }
        // One training named twice is not two trainings.
        #expect(
            throws: ProbingError.badOption(
                option: "models", expected: "a seed of its own for each model of one name",
                found: "'cpc' with the seeds 3, 3")
        ) { try run.run(models: models + models, train: good, development: good, test: good) }
    }

    /// Trainings of one name are one row: their mean.
    @Test func superbsProtocolStandsBesideTheProbes() throws {
        let folder = try TemporaryFolder()
        var options = self.options()
        options.weightedSum.isOn = true
        options.weightedSum.rates = [1e-2, 1e-3]
        options.weightedSum.steps = 60
        let report = try ProbeRun(options).run(
            models: [("cpc", makeModel(.cpc))],
            train: manifest(folder, "train", takes: 0..<2),
            development: manifest(folder, "development", takes: 2..<3),
            test: manifest(folder, "test", takes: 3..<5))
        let rows = report.results.rows.filter {
            $0.metric == ProbeRun.MetricName.weightedSumAccuracy
        }
        #expect(rows.map(\.system) == report.results.systemNames)
        #expect(rows.allSatisfy { $0.seeds == 3 && $0.trials == report.testIDs.count })
        #expect(report.results.protocol.contains("SUPERB's head on the layers' means"))
        // The encoder's layers differ in width: the last is weighed alone.
        #expect(report.systems.last?.weightedSum?.layers == ["context"])
        options.frames = nil
        #expect(throws: ProbingError.self) {
            try ProbeRun(options).run(
                models: [("cpc", makeModel(.cpc))], folds: Manifest(path: "all.jsonl", cuts: []))
        }
        options.weightedSum.rates = []
        #expect(throws: ProbingError.self) { try ProbeRun(options) }
    }

    @Test func severalTrainingsAreOneSystem() throws {
        let folder = try TemporaryFolder()
        let train = try manifest(folder, "train", takes: 0..<2)
        let development = try manifest(folder, "development", takes: 2..<3)
        let test = try manifest(folder, "test", takes: 3..<5)
        func report(_ models: [(name: String, model: PretrainedModel)]) throws -> ProbeReport {
            try ProbeRun(options()).run(
                models: models, train: train, development: development, test: test)
        }
        let all = [1, 2, 3].map { (name: "cpc", model: makeModel(.cpc, seed: UInt64($0))) }
        let together = try report(all)
        let alone = try all.map { try report([$0]).results }
        #expect(
            together.results.systemNames
                == [
                    "log-mel statistics", "MFCC statistics", "random projection", "channel only",
                    "untrained cpc", "cpc",
                ])
        for row in together.results.rows where row.system.hasSuffix("cpc") {
            let values = try alone.map { results in
                try #require(
                    results.rows.first {
                        $0.system == row.system && $0.labelledPerClass == row.labelledPerClass
                            && $0.metric == row.metric
                    }
                ).value
            }
            #expect(abs(row.value - values.reduce(0, +) / 3) < 1e-12)
            #expect(row.seeds == 3)
            #expect(try #require(row.low) <= row.value && row.value <= #require(row.high))
        }
        #expect(together.results.protocol.contains("cpc 3"))
        // Of three trainings the best on dev stands for all.
        #expect(
            together.results.comparisons?.map(\.second) == ["log-mel statistics", "untrained cpc"])
    }

    @Test func systemsArePairedWithWhatTheyMustBeat() throws {
        let folder = try TemporaryFolder()
        let train = try manifest(folder, "train", takes: 0..<2)
        let development = try manifest(folder, "development", takes: 2..<3)
        let test = try manifest(folder, "test", takes: 3..<5)
        let models = [("one", makeModel(.cpc)), ("other", makeModel(.cpc, seed: 2))]
        func report(_ pairs: [SystemPair]) throws -> ProbeReport {
            var options = options()
            options.comparisons = pairs
            return try ProbeRun(options).run(
                models: models, train: train, development: development, test: test)
        }
        let found = try report([
            SystemPair(first: "MFCC statistics", second: "channel only"),
            // Compared already.
            SystemPair(first: "log-mel statistics", second: "one"),
        ])
        let comparisons = try #require(found.results.comparisons)
        #expect(
            comparisons.map { "\($0.first) - \($0.second)" }.filter { !$0.hasPrefix("other - one") }
                .filter { !$0.hasPrefix("one - other") } == [
                    "one - log-mel statistics", "other - log-mel statistics",
                    "one - untrained one", "other - untrained other",
                    "MFCC statistics - channel only",
                ])
        #expect(comparisons.count == 6)
        for comparison in comparisons {
            func system(_ name: String) throws -> [Bool] {
                let system = try #require(found.systems.first { $0.name == name })
                let outcome = try #require(system.utterances.last)
                return zip(outcome.testPredictions, found.testLabels).map {
                    outcome.classes[$0] == $1
                }
            }
            let (first, second) = (try system(comparison.first), try system(comparison.second))
            let difference =
                Double(first.count(where: \.self) - second.count(where: \.self))
                / Double(first.count)
            #expect(abs(comparison.difference - difference) < 1e-12)
            let exact = try mcNemarTest(first: first, second: second)
            let mcNemar = try #require(comparison.mcNemar)
            #expect(mcNemar.onlyFirst == exact.onlyFirst && mcNemar.onlySecond == exact.onlySecond)
            #expect(mcNemar.probability == exact.exactProbability)
            #expect(comparison.drawn == .init("recordings", count: first.count))
        }
        #expect(comparisons.map(\.adjusted) == holmAdjusted(comparisons.map(\.probability)))
        #expect(
            comparisons.compactMap { $0.mcNemar?.adjusted }
                == holmAdjusted(comparisons.compactMap { $0.mcNemar?.probability }))
        #expect {
            try report([SystemPair(first: "one", second: "two")])
        } throws: { error in
            "\(error)".contains("'two' in one=two") && "\(error)".contains("untrained other")
        }
    }

    /// Of one seed, the untrained encoders of two objectives that share it are one system.
    @Test func untrainedEncodersOfOneKindAreProbedAlike() throws {
        let folder = try TemporaryFolder()
        let train = try manifest(folder, "train", takes: 0..<2)
        let development = try manifest(folder, "development", takes: 2..<3)
        let report = try ProbeRun(options()).run(
            models: [("one", makeModel(.cpc)), ("other", makeModel(.cpc))], train: train,
            development: development, test: development)
        let rows = ["untrained one", "untrained other"].map { name in
            report.results.rows.filter { $0.system == name }.map(\.value)
        }
        #expect(rows[0] == rows[1] && !rows[0].isEmpty)
    }

    @Test func everyFoldIsMeasuredOnOnce() throws {
        let folder = try TemporaryFolder()
        var whole = try manifest(folder, "all", takes: 0..<6)
        for index in whole.cuts.indices { whole.cuts[index].fold = "\(8 + index % 3)" }
        var options = options()
        options.frames = nil
        let models = [(name: "cpc", model: makeModel(.cpc))]
        let report = try ProbeRun(options).run(models: models, folds: whole)
        #expect(report.testIDs.sorted() == whole.cuts.map(\.id).sorted())
        // Numbers in their order: 8, 9, 10.
        #expect(report.testIDs.prefix(6) == whole.cuts.filter { $0.fold == "8" }.map(\.id)[...])
        #expect(report.confusion.counts.reduce(0, +) == 18)
        for system in report.systems {
            let outcome = try #require(system.utterances.last)
            #expect(outcome.trials == 18)
            let right = zip(outcome.testPredictions, report.testLabels)
                .count { outcome.classes[$0] == $1 }
            #expect(abs(outcome.accuracy.estimate - Double(right) / 18) < 1e-12)
            #expect(system.testEmbeddings.matrix.count == 18 * system.testEmbeddings.width)
        }
        #expect(try #require(report.systems[0].utterances.last).accuracy.estimate > 0.8)
        #expect(report.results.protocol.contains("3 folds"))

        #expect(
            throws: ProbingError.badOption(
                option: "frames", expected: "none with folds", found: "a probe on frames")
        ) { try ProbeRun(self.options()).run(models: models, folds: whole) }
        var without = whole
        without.cuts[4].fold = nil
        #expect(
            throws: ProbingError.nothingLeft(
                path: whole.path, reason: "1 of 18 recordings name no fold")
        ) { try ProbeRun(options).run(models: models, folds: without) }
        for index in whole.cuts.indices { whole.cuts[index].fold = "\(index % 2)" }
        #expect(
            throws: ProbingError.nothingLeft(
                path: whole.path, reason: "it names 2 folds, expected at least 3")
        ) { try ProbeRun(options).run(models: models, folds: whole) }
    }

    @Test func pairsOfVoicesAreVerified() throws {
        let folder = try TemporaryFolder()
        func part(_ name: String, takes: Range<Int>) throws -> Manifest {
            var part = try manifest(folder, name, takes: takes)
            for index in part.cuts.indices {
                // Two voices share a language, whatever their region.
                part.cuts[index].language = ["en_GB", "en-us", "fr"][index / takes.count]
            }
            return part
        }
        let (train, development) = (try part("train", takes: 0..<3), try part("dev", takes: 3..<6))
        let test = try part("test", takes: 6..<10)
        var options = options()
        options.frames = nil
        func outcome(
            _ impostors: VerificationProbe.Impostors, test: Manifest
        ) throws -> VerificationProbe.Outcome {
            options.verification.impostors = impostors
            let report = try ProbeRun(options).run(
                models: [(name: "cpc", model: makeModel(.cpc))], train: train,
                development: development, test: test)
            #expect(report.results.rows.count { $0.metric == "equal error rate" } == 6)
            return try #require(report.systems[0].verification)
        }
        let all = try outcome(.all, test: test)
        // Three voices with six pairs each, and sixteen pairs for each two voices.
        #expect(all.targets == 18 && all.nonTargets == 48)
        #expect(all.rate < 0.2)
        let same = try outcome(.sameLanguage, test: test)
        #expect(same.targets == 18 && same.nonTargets == 16)
        #expect(same.rate < 0.2)

        options.verification.maximumRecordings = 6
        let fewer = try outcome(.all, test: test)
        #expect(fewer.targets + fewer.nonTargets == 15)
        options.verification.maximumRecordings = 3000

        var strangers = test
        for index in strangers.cuts.indices { strangers.cuts[index].language = "l\(index / 4)" }
        #expect(
            throws: ProbingError.nothingLeft(
                path: "test part",
                reason: "verification (impostors: sameLanguage) finds no pair of different classes")
        ) { try outcome(.sameLanguage, test: strangers) }
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
