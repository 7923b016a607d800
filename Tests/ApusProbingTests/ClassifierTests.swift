import ApusCorpus
import ApusNN
import ApusPretraining
import ApusProbing
import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct ClassifierTests {
    private let labels = ["ann", "bob", "eve"]

    private func makeClassifier(
        _ path: String, kind: ObjectiveKind = .cpc, layer: String = "context", width: Int = 32
    ) throws -> Classifier {
        let problem = LogisticRegressionProblem(
            rows: (0..<6 * width).map { Float(($0 * 37) % 11) }, width: width,
            targets: [0, 1, 2, 0, 1, 2], classCount: 3)
        return try Classifier(
            path: path,
            card: Classifier.Card(
                task: "speaker-identification", labels: labels, layer: layer,
                pooling: .meanAndStandardDeviation, inverseRegularization: 0.1,
                developmentAccuracy: 0.75,
                trainingData: ModelCard.TrainingData(
                    manifest: "train.jsonl", manifestHash: "1f", recordings: 6, seconds: 12)),
            model: makeModel(kind),
            regression: problem.fit(inverseRegularization: 0.1).classifier)
    }

    @Test(arguments: zip(ObjectiveKind.allCases, [("context", 32), ("layer-2", 48)]))
    func aFileGivesTheSameScores(kind: ObjectiveKind, layer: (String, Int)) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/classifier.safetensors"
        let classifier = try makeClassifier(path, kind: kind, layer: layer.0, width: layer.1)
        try classifier.write()
        let read = try Classifier(contentsOf: path)
        #expect(read.card == classifier.card)
        #expect(read.model.card == classifier.model.card)
        #expect(read.regression == classifier.regression)
        let waveform = Waveform(
            samples: voice(0, take: 0, sampleCount: 9000), sampleRate: 16000)
        let scores = try classifier.scores(of: waveform)
        #expect(try read.scores(of: waveform) == scores)
        #expect(Set(scores.map(\.label)) == Set(labels))
        #expect(abs(scores.reduce(0) { $0 + $1.probability } - 1) < 1e-6)
        #expect(scores[0].probability >= scores[1].probability)
        #expect(scores[1].probability >= scores[2].probability)
        #expect(try read.encoded() == classifier.encoded())
    }

    @Test func cutsGiveWhatTheirSamplesGive() throws {
        let folder = try TemporaryFolder()
        let path = try folder.writeWAV("a.wav", voice(0, take: 0, sampleCount: 9000))
        let classifier = try makeClassifier("c")
        let cuts = [Cut(id: "a", audioPath: path), Cut(id: "b", audioPath: "no/such.wav")]
        let results = classifier.scores(of: cuts)
        #expect(try results[0].get() == classifier.scores(of: Waveform(contentsOf: path)))
        #expect(throws: CorpusError.self) { try results[1].get() }
    }

    @Test func foreignFilesAreToldFromDamagedOnes() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/file.safetensors"
        func write(_ file: Safetensors) throws {
            try file.encoded().write(to: URL(fileURLWithPath: path))
        }
        #expect(throws: NNError.missingFile(path: path)) { try Classifier(contentsOf: path) }
        try write(makeModel(.cpc).contents())
        #expect(
            throws: ProbingError.notAClassifier(
                path: path, reason: "holds no classifier; make one with apus probe")
        ) { try Classifier(contentsOf: path) }

        try makeClassifier(path).write()
        let whole = try Safetensors(contentsOf: path)
        for name in ["classifier.weight", "classifier.bias", "classifier.scale"] {
            var file = whole
            file.tensors[name] = TensorValues(shape: [1], values: [1])
            try write(file)
            #expect(throws: ProbingError.self) { try Classifier(contentsOf: path) }
            file.tensors[name] = nil
            try write(file)
            #expect(throws: ProbingError.self) { try Classifier(contentsOf: path) }
        }
        var file = whole
        file.metadata["apus-classifier"] = "{}"
        try write(file)
        #expect(throws: ProbingError.self) { try Classifier(contentsOf: path) }
        file = whole
        file.metadata["apus"] = nil
        try write(file)
        #expect(throws: PretrainingError.self) { try Classifier(contentsOf: path) }
        file = whole
        file.tensors["model.encoder.context.weight_ih_l0"] = nil
        try write(file)
        #expect(throws: NNError.self) { try Classifier(contentsOf: path) }
        file = whole
        file.tensors["classifier.scale"]?.values[0] = 0
        try write(file)
        #expect(throws: ProbingError.self) { try Classifier(contentsOf: path) }
    }

    @Test func partsThatDoNotFitAreRefused() {
        #expect(throws: ProbingError.self) { try makeClassifier("c", width: 30) }
        #expect(throws: ProbingError.self) { try makeClassifier("c", layer: "layer-1") }
    }
}
