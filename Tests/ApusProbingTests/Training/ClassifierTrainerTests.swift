import ApusCorpus
import ApusNN
import ApusPretraining
import ApusProbing
import ApusReport
import ApusTensor
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct ClassifierTrainerTests {
    /// Manifests of three voices, a small model, and what trains a classifier of them.
    private struct Setup {
        let folder: TemporaryFolder
        var configuration = ClassifierConfiguration()

        init(_ kind: ObjectiveKind = .maskedReconstruction) throws {
            folder = try TemporaryFolder()
            let model = folder.path + "/model.safetensors"
            try makeModel(kind).contents().encoded().write(to: URL(fileURLWithPath: model))
            configuration.model = model
            configuration.threads = 1
            configuration.baselines = false
            configuration.data.train = try manifest("train", takes: 0..<6)
            configuration.data.development = try manifest("development", takes: 6..<8)
            configuration.data.test = try manifest("test", takes: 8..<11)
            configuration.data.framesPerBatch = 200
            configuration.data.cropFrames = 60
            configuration.training.epochs = 0
            configuration.training.steps = 60
            configuration.training.validateEvery = 10
            configuration.training.patience = 0
            configuration.training.checkpointEvery = 10
            configuration.training.resamples = 50
            configuration.training.testSeconds = [0.25, 9]
            configuration.optimizer.rate = 1e-2
        }

        func manifest(
            _ part: String, takes: Range<Int>, speaker: (Int) -> String? = { "voice \($0)" }
        ) throws -> String {
            var cuts: [Cut] = []
            for number in 0..<3 {
                for take in takes {
                    let id = "\(part)-\(number)-\(take)"
                    let path = try folder.writeWAV(
                        id + ".wav", voice(number, take: take, sampleCount: 4000 + 700 * take))
                    cuts.append(Cut(id: id, audioPath: path, speaker: speaker(number)))
                }
            }
            let path = folder.path + "/\(part).jsonl"
            try Manifest(path: path, cuts: cuts).write()
            return path
        }

        func train(
            _ name: String = "run", _ report: @escaping (ClassifierTrainer.Event) -> Void = { _ in }
        ) throws -> ClassifierReport? {
            try ClassifierTrainer(
                configuration, folder: folder.path + "/" + name, report: report
            ).run()
        }

        func data(_ path: String) throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + path))
        }
    }

    private func value(_ report: ClassifierReport, _ metric: String? = nil) -> Double? {
        report.results.rows.first { $0.metric == metric }?.value
    }

    @Test func aHeadOnAFrozenEncoderTellsVoices() throws {
        let setup = try Setup()
        let report = try #require(try setup.train())
        #expect(try #require(value(report)) > 0.6)
        #expect(
            report.results.rows.map(\.metric)
                == [nil, "balanced accuracy", "accuracy on 0.25 s"])
        #expect(report.results.rows.allSatisfy { $0.trials == 9 && $0.seeds == 1 })
        #expect(report.results.task == "speaker-identification")
        #expect(report.results.protocol.contains("highest accuracy on 6 development recordings"))
        #expect(report.shares.count == 2)
        #expect(report.step <= report.steps)
        let files = try FileManager.default.contentsOfDirectory(atPath: setup.folder.path + "/run")
        #expect(!files.contains("model.safetensors"))
        // The file gives the same figures, and its encoder is the model's.
        let classifier = try TrainedClassifier(
            contentsOf: setup.folder.path + "/run/classifier.safetensors")
        let test = try Manifest(contentsOf: setup.configuration.data.test).cuts
        let found = classifier.scores(of: test).map { try? $0.get().first?.label }
        let correct = zip(found, test).count { $0 == $1.speaker }
        #expect(Double(correct) / 9 == value(report))
        #expect(
            classifier.model.objective.weights()
                == (try PretrainedModel(contentsOf: setup.configuration.model)).objective.weights())
        #expect(classifier.card.labels == ["voice 0", "voice 1", "voice 2"])
        #expect(try classifier.encoded() == setup.data("run/classifier.safetensors"))
        let embeddings = classifier.embeddings(of: test)
        #expect(try embeddings[0].get().values.count == classifier.embeddingWidth)
        for (vector, embedding) in zip(
            try EmbeddingExtractor(classifier).embeddings(of: test), embeddings)
        {
            #expect(largestDifference(try vector.get(), try embedding.get()) < 1e-5)
        }
        // The frames that the head reads are the layers' sum by its shares.
        let sum = try EmbeddingExtractor(
            classifier, layer: EmbeddingExtractor.weightedSum, pooling: .frames
        ).embeddings(of: [test[0]])[0].get()
        let states = try RepresentationExtractor(classifier.model)
        let layers = try (0..<2).map { try states.frames(of: [test[0]], layer: $0)[0].get() }
        let shares = states.layerNames.map { report.shares[$0] ?? 0 }
        let expected = zip(layers[0].values, layers[1].values)
            .map { shares[0] * $0 + shares[1] * $1 }
        #expect(zip(sum.values, expected).allSatisfy { abs($0 - $1) < 1e-5 })
        // A second start measures once more and trains nothing.
        #expect(try setup.train()?.results == report.results)
    }

    /// They learn from the recordings that the network learns from, and no more.
    @Test func baselinesAreProbedOnTheSameLabels() throws {
        var setup = try Setup()
        setup.configuration.baselines = true
        setup.configuration.data.labelledPerClass = 2
        setup.configuration.training.steps = 10
        let report = try #require(try setup.train())
        #expect(
            report.results.systemNames == [
                "linear, frozen encoder", "log-mel statistics", "MFCC statistics",
                "random projection", "channel only", "untrained encoder",
            ])
        for row in report.results.rows {
            #expect(row.labelledPerClass == .count(2) && row.trials == 9)
            #expect(try #require(row.low) <= row.value && row.value <= #require(row.high))
        }
        #expect(report.results.chance?["balanced accuracy"] == 1.0 / 3)
        #expect(
            report.results.comparisons?.map(\.second) == [
                "log-mel statistics", "untrained encoder",
            ])
        // A probe of the same few recordings finds the same.
        let classifier = try TrainedClassifier(
            contentsOf: setup.folder.path + "/run/classifier.safetensors")
        let data = setup.configuration.data
        var train = try Manifest(contentsOf: data.train)
        let drawn = fewLabelSubset(
            labels: train.cuts.compactMap(\.speaker), perClass: 2, seed: setup.configuration.seed)
        train.cuts = drawn.map { train.cuts[$0] }
        var options = ProbeOptions()
        options.frames = nil
        options.utterances.labelledPerClass = []
        let probe = try ProbeRun(options).run(
            models: [("encoder", classifier.model)], train: train,
            development: Manifest(contentsOf: data.development),
            test: Manifest(contentsOf: data.test))
        for system in probe.systems where system.name != "encoder" {
            let own = report.results.rows.first { $0.system == system.name && $0.metric == nil }
            #expect(own?.value == system.utterances[0].accuracy.estimate)
        }
        for file in ["results.md", "results.txt", "results.tex"] {
            let text = String(decoding: try setup.data("run/" + file), as: UTF8.self)
            #expect(text.contains("Paired tests") && text.contains("channel only"))
            #expect(text.contains("Chance level: 33.3"))
        }
        // Without them the network's figures are the same.
        setup.configuration.baselines = false
        let alone = try #require(try setup.train())
        #expect(
            alone.results.rows == report.results.rows.filter { $0.system.hasPrefix("linear") })
        #expect(alone.results.comparisons == nil)
    }

    @Test func twoRunsAreCompared() throws {
        var setup = try Setup()
        setup.configuration.training.steps = 4
        let short = try #require(try setup.train("short"))
        setup.configuration.training.steps = 60
        let long = try #require(try setup.train("long"))
        let (one, other) = (setup.folder.path + "/long", setup.folder.path + "/short")
        let results = try RunAnswers(one).compared(with: RunAnswers(other), resamples: 50)
        #expect(results.systemNames == ["long", "short"])
        #expect(results.rows.map(\.value) == [value(long), value(short)])
        let comparison = try #require(results.comparisons?.first)
        let correct = results.rows.map { Int((9 * $0.value).rounded()) }
        let mcNemar = try #require(comparison.mcNemar)
        #expect(mcNemar.onlyFirst - mcNemar.onlySecond == correct[0] - correct[1])
        #expect(comparison.drawn == .init("recordings", count: 9))
        let test = try Manifest(contentsOf: setup.configuration.data.test)
        let grouped = try RunAnswers(one).compared(
            with: RunAnswers(other), group: (test, "speaker"), resamples: 50)
        #expect(grouped.comparisons?.first?.drawn == .init("speakers", count: 3))
        #expect(grouped.comparisons?.first?.mcNemar == comparison.mcNemar)
        // The order of the recordings decides nothing.
        let path = other + "/predictions.tsv"
        var lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines[0] == "id\ttarget\tpredicted\tprobability" && lines.count == 10)
        func compare(_ lines: [Substring]) throws -> Results {
            try lines.joined(separator: "\n").write(
                toFile: path, atomically: true, encoding: .utf8)
            return try RunAnswers(one).compared(with: RunAnswers(other), resamples: 50)
        }
        lines = [lines[0]] + lines.dropFirst().reversed()
        #expect(try compare(lines) == results)
        func reason(_ lines: [Substring]) -> String? {
            #expect(throws: ProbingError.self) { try compare(lines) }?.description
        }
        #expect(
            reason(lines.dropLast())?.contains("1 of 9 are in the first run alone, 0 of 8") == true)
        #expect(reason(lines + [lines[1]])?.contains("is there twice") == true)
        #expect(reason(Array(lines.dropFirst()))?.contains("tsv:1: expected the columns") == true)
        #expect(reason(lines + ["a\tb"])?.contains("tsv:11: expected 4 fields") == true)
        let renamed = lines[1].replacing("\tvoice", with: "\tvoices", maxReplacements: 1)
        #expect(
            reason([lines[0], Substring(renamed)] + lines[2...])?.contains("is 'voice 2' in the")
                == true)
    }

    @Test(arguments: [false, true]) func anInterruptedRunEndsWithTheSameBits(
        trainsEncoder: Bool
    ) throws {
        var setup = try Setup(.cpc)
        setup.configuration.head.kind = .xVector
        setup.configuration.head.width = 8
        setup.configuration.training.steps = 30
        if trainsEncoder {
            setup.configuration.encoder.rate = 1e-3
            setup.configuration.selfSupervised.weight = 0.1
            setup.configuration.data.minimumFrames = 52
            setup.configuration.data.cropFrames = 120
            setup.configuration.data.framesPerBatch = 500
            setup.configuration.data.train = try setup.manifest("long", takes: 10..<14)
        }
        _ = try #require(try setup.train("whole"))
        var trainer: ClassifierTrainer?
        trainer = try ClassifierTrainer(
            setup.configuration, folder: setup.folder.path + "/parts"
        ) { event in
            if case .progress(let done, _, "steps", _) = event, done == 13 {
                trainer?.stopRequest.stop()
            }
        }
        #expect(try trainer?.run() == nil)
        trainer = nil
        var messages: [String] = []
        _ = try #require(
            try setup.train("parts") { event in
                if case .message(let text) = event { messages.append(text) }
            })
        #expect(messages.contains { $0.hasSuffix("checkpoints/step-00000013") })
        #expect(
            try setup.data("parts/classifier.safetensors")
                == setup.data("whole/classifier.safetensors"))
        #expect(try setup.data("parts/results.json") == setup.data("whole/results.json"))
    }

    @Test func fineTuningMovesTheEncoderByItsOwnRate() throws {
        var setup = try Setup()
        setup.configuration.encoder.rate = 1e-3
        setup.configuration.loss.kind = .aamSoftmax
        let before = try PretrainedModel(contentsOf: setup.configuration.model)
        func moved(_ name: String) throws -> Double {
            let after = try PretrainedModel(
                contentsOf: setup.folder.path + "/\(name)/model.safetensors")
            #expect(after.card.frontEnd == before.card.frontEnd)
            return zip(before.encoder.parameters, after.encoder.parameters).reduce(0) {
                most, pair in
                max(
                    most,
                    zip(pair.0.floats, pair.1.floats).reduce(0) {
                        max($0, abs(Double($1.0 - $1.1)))
                    })
            }
        }
        let report = try #require(try setup.train("fast"))
        #expect(try #require(value(report)) > 0.6)
        #expect(report.results.rows[0].system == "linear, fine-tuned")
        setup.configuration.encoder.rate = 1e-7
        _ = try setup.train("slow")
        let (fast, slow) = (try moved("fast"), try moved("slow"))
        #expect(fast > 1e-3)
        #expect(slow > 0 && slow < 1e-4)
    }

    @Test func anEncoderFromInitialWeights() throws {
        var setup = try Setup()
        setup.configuration.encoder.fromScratch = true
        setup.configuration.seed = 8
        _ = try setup.train("frozen")
        let frozen = try TrainedClassifier(
            contentsOf: setup.folder.path + "/frozen/classifier.safetensors")
        #expect(
            frozen.model.objective.weights()
                == makeModel(.maskedReconstruction, seed: 8)
                .objective.weights())
        // Without a model the objective says what the encoder is, and the training recordings what
        // their features' mean and deviation are.
        setup.configuration.encoder.fromScratch = false
        setup.configuration.model = ""
        setup.configuration.objective = frozen.model.card.objective
        setup.configuration.frontEnd.melBandCount = 20
        setup.configuration.encoder.rate = 3e-3
        let report = try #require(try setup.train("scratch"))
        #expect(try #require(value(report)) > 0.6)
        #expect(report.results.protocol.contains("begins with initial weights"))
        let model = try PretrainedModel(
            contentsOf: setup.folder.path + "/scratch/model.safetensors")
        guard case .corpus = model.card.frontEnd.normalization else {
            Issue.record("the features are not normalised by the corpus")
            return
        }
    }

    @Test func theOwnObjectiveRegularises() throws {
        var setup = try Setup()
        setup.configuration.encoder.rate = 1e-3
        setup.configuration.selfSupervised.weight = 0.5
        setup.configuration.training.steps = 10
        _ = try setup.train()
        let lines = try String(decoding: setup.data("run/metrics.jsonl"), as: UTF8.self)
        #expect(lines.split(separator: "\n").allSatisfy { $0.contains("\"selfSupervisedLoss\":") })
        // All parts of the objective are stored, moved by the labels' run.
        let (before, after) = (
            try PretrainedModel(contentsOf: setup.configuration.model),
            try PretrainedModel(contentsOf: setup.folder.path + "/run/model.safetensors")
        )
        let rest = Set(before.objective.namedParameters.map(\.name))
            .subtracting(before.encoder.namedParameters(under: "encoder").map(\.name))
        #expect(rest.contains { before.objective.weights()[$0] != after.objective.weights()[$0] })
    }

    @Test func fewLabelsAreTheSameSubsetForEveryHead() throws {
        var setup = try Setup()
        setup.configuration.data.labelledPerClass = 2
        setup.configuration.training.steps = 10
        var messages: [String] = []
        let report = try #require(
            try setup.train { if case .message(let text) = $0 { messages.append(text) } })
        #expect(messages.contains { $0.contains("6 recordings of 3 speakers") })
        #expect(report.results.rows[0].labelledPerClass == .count(2))
        let classifier = try TrainedClassifier(
            contentsOf: setup.folder.path + "/run/classifier.safetensors")
        #expect(classifier.card.trainingData.recordings == 6)
    }

    @Test func oddLabelsAndRecordingsAreToldOf() throws {
        var setup = try Setup()
        setup.configuration.training.steps = 5
        var train = try Manifest(contentsOf: setup.configuration.data.train)
        train.cuts[0].speaker = "VOICE 0"
        train.cuts[1].speaker = "  "
        train.cuts[2].speaker = "caf\u{e9}"
        train.cuts[3].speaker = "cafe\u{301}"
        train.cuts[7].audioPath = setup.folder.path + "/nothing.wav"
        try train.write()
        var development = try Manifest(contentsOf: setup.configuration.data.development)
        development.cuts[0].speaker = "stranger"
        try development.write()
        var warnings: [String] = []
        let report = try #require(
            try setup.train { if case .warning(let text) = $0 { warnings.append(text) } })
        func isTold(_ text: String) -> Bool { warnings.contains { $0.contains(text) } }
        #expect(isTold("case or Unicode form alone: VOICE 0 / voice 0"))
        #expect(isTold("two Unicode forms, taken as one name each: caf"))
        #expect(isTold("1 speaker has a single recording to learn from: VOICE 0"))
        #expect(isTold("1 of 18 recordings have no label"))
        #expect(isTold("1 of 18 recordings can't be used"))
        #expect(isTold("the training part has nothing of stranger"))
        #expect(report.warnings == warnings)
        #expect(report.results.conditions?.warnings == warnings)
    }

    @Test func aClassWithoutALongRecordingIsAnError() throws {
        var setup = try Setup()
        var train = try Manifest(contentsOf: setup.configuration.data.train)
        for index in 0..<6 { train.cuts[index].duration = 0.06 }
        try train.write()
        setup.configuration.data.minimumFrames = 12
        let error = #expect(throws: ProbingError.self) { try setup.train() }
        #expect(error?.description.contains("speaker 'voice 0' has no training recording") == true)
    }

    @Test func anotherConfigurationOrDataIsRefused() throws {
        var setup = try Setup()
        setup.configuration.training.steps = 5
        _ = try setup.train()
        var other = setup
        other.configuration.loss.margin = 0.3
        #expect(throws: PretrainingError.self) { try other.train() }
        _ = try setup.manifest("test", takes: 8..<10)
        let error = #expect(throws: PretrainingError.self) { try setup.train() }
        #expect(error?.description.contains("has changed since the run began") == true)
    }

    @Test func filesThatAreNoClassifiers() throws {
        var setup = try Setup()
        setup.configuration.training.steps = 5
        _ = try setup.train()
        let path = setup.folder.path + "/run/classifier.safetensors"
        let file = try Safetensors(contentsOf: path)
        #expect(TrainedClassifier.isTrainedClassifier(file))
        #expect(throws: PretrainingError.self) { try PretrainedModel(contentsOf: path) }
        #expect(throws: ProbingError.self) { try Classifier(contentsOf: path) }
        #expect(throws: ProbingError.self) {
            try TrainedClassifier(contentsOf: setup.configuration.model)
        }
        let key = "apus-trained-classifier"
        func damaged(_ change: (inout Safetensors) -> Void) -> Bool {
            var other = file
            change(&other)
            return (try? TrainedClassifier(path: path, file: other)) == nil
        }
        func replaced(_ text: String, by other: String) -> Bool {
            damaged {
                $0.metadata[key] = $0.metadata[key]?.replacingOccurrences(of: text, with: other)
            }
        }
        #expect(!damaged { _ in })
        #expect(replaced("\"width\":0", by: "\"width\":60000"))
        #expect(replaced("\"voice 0\",", by: ""))
        #expect(replaced("weightedSum", by: "layer-9"))
        #expect(damaged { $0.metadata[key] = "{" })
        #expect(
            damaged {
                $0.tensors["loss.bias"] = TensorValues(shape: [3], values: [0, .nan, 0])
            })
        #expect(damaged { $0.tensors["head.projector.bias"] = nil })
    }

    @Test(
        arguments: [
            ("data.train", "data.train=''"), ("head.width", "head.width=-1"),
            ("head.scale", "head={kind: ecapa, scale: 7}"),
            ("head.pooling", "head={kind: perceptron, pooling: attentive}"),
            ("loss.margin", "loss.margin=2"), ("loss.scale", "loss.scale=0"),
            ("encoder.rate", "encoder.rate=-1"), ("encoder.rate", "model=''"),
            ("selfSupervised.weight", "selfSupervised.weight=1"),
            ("optimizer.rate", "optimizer.rate=0"), ("training.epochs", "training.epochs=0"),
            ("training.validateEvery", "training.validateEvery=0"),
            ("data.cropFrames", "data.cropFrames=1"),
            ("objective", "objective.kind=maskedPrediction"),
            ("training.testSeconds", "training.testSeconds=[0]"),
        ]) func badValuesAreNamed(key: String, setting: String) throws
    {
        var defaults = ClassifierConfiguration()
        defaults.model = "model.safetensors"
        (defaults.data.train, defaults.data.development) = ("train.jsonl", "dev.jsonl")
        try defaults.validate(source: "test")
        let configuration = try ConfigurationFile.resolve(defaults, settings: [setting])
        let error = #expect(throws: PretrainingError.self) {
            try configuration.validate(source: "test")
        }
        #expect(error?.description.hasPrefix("test: \(key)") == true, "\(error?.description ?? "")")
    }

    @Test func unknownKeysAreNamed() {
        let error = #expect(throws: PretrainingError.self) {
            try ConfigurationFile.resolve(
                ClassifierConfiguration(), settings: ["head.kinds=ecapa"])
        }
        #expect(error?.description.contains("did you mean 'head.kind'") == true)
    }
}
