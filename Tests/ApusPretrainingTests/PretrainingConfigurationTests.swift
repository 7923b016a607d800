import ApusPretraining
import ApusSignal
import Foundation
import TestSupport
import Testing

/// The configuration of a run: through YAML and back, and what it refuses.
@Suite struct PretrainingConfigurationTests {
    private func roundTrip(
        _ configuration: PretrainingConfiguration
    ) throws -> PretrainingConfiguration {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            try ConfigurationFile.text(of: configuration), "config.yaml")
        return try ConfigurationFile.resolve(PretrainingConfiguration(), file: path)
    }

    @Test func theDefaultsSurviveYAML() throws {
        #expect(try roundTrip(PretrainingConfiguration()) == PretrainingConfiguration())
    }

    @Test func everyOptionSurvivesYAML() throws {
        var configuration = PretrainingConfiguration()
        configuration.seed = .max
        configuration.threads = 3
        configuration.device = .cuda(1)
        configuration.precision = .float32
        configuration.data.manifest = "a folder/with: colon #and hash.jsonl"
        configuration.data.mode = .padded
        configuration.optimizer.rate = 3.141_592_653_589_79e-4
        configuration.optimizer.decay = .linear
        configuration.objective.kind = .maskedReconstruction
        configuration.objective.cpc.negatives = .batch
        configuration.objective.cpc.strides = [4, 1]
        configuration.objective.maskedReconstruction.encoder.transformer.dropout = 0.25
        configuration.training.keptCheckpoints = 7
        configuration.training.maximumMinutes = 0.1
        configuration.training.earlyStopping.minimumImprovement = 1e-3
        configuration.training.averaging.decay = 0.999
        configuration.optimizer.kind = .lamb
        configuration.data.validationShare = 0.05
        configuration.frontEnd.sampleRate = 22050
        configuration.frontEnd.fftLength = 2048
        configuration.frontEnd.window = .hann
        let found = try roundTrip(configuration)
        #expect(try ConfigurationFile.differences(between: found, and: configuration).isEmpty)
        #expect(found == configuration)
        for manifest in ["true", "1", "~", "'", "\"quoted\"", "ünïcode/音.jsonl", "a\\b"] {
            configuration.data.manifest = manifest
            #expect(try roundTrip(configuration) == configuration, "\(manifest)")
        }
    }

    @Test(arguments: [
        FeatureNormalization.none, .perRecording(variance: false), .perRecording(variance: true),
        .corpus(
            FeatureStatistics(
                mean: [15.123_457, -0.1, 1e-7], standardDeviation: [1 / 3, 2.5, 1e-5])),
    ])
    func aFrontEndSurvivesYAML(normalization: FeatureNormalization) throws {
        var configuration = PretrainingConfiguration()
        configuration.frontEnd.melBandCount = 3
        configuration.frontEnd.logFloor = 1e-10
        configuration.frontEnd.normalization = normalization
        let found = try roundTrip(configuration)
        #expect(found == configuration)
        #expect(
            try ConfigurationFile.differences(between: found, and: configuration).isEmpty)
    }

    @Test func settingsReachEverySection() throws {
        let configuration = try ConfigurationFile.resolve(
            PretrainingConfiguration(),
            settings: [
                "frontEnd.melBandCount=40", "objective.kind=maskedReconstruction",
                "objective.maskedReconstruction.encoder.transformer.width=64",
                "optimizer.rate=2e-3",
                "objective.cpc.strides=[5, 4]", "data.mode=padded", "precision=float32",
                "seed=18446744073709551615", "frontEnd.fftLength=1024",
            ])
        #expect(configuration.frontEnd.melBandCount == 40)
        #expect(configuration.objective.kind == .maskedReconstruction)
        #expect(configuration.objective.maskedReconstruction.encoder.transformer.width == 64)
        #expect(configuration.optimizer.rate == 2e-3)
        #expect(configuration.objective.cpc.strides == [5, 4])
        #expect(configuration.data.mode == .padded)
        #expect(configuration.precision == .float32)
        #expect(configuration.seed == .max)
        #expect(configuration.frontEnd.fftLength == 1024)
    }

    @Test(arguments: [
        ("objective.kind", "cpd"), ("precision", "float16"), ("device", "gpu"),
        ("optimizer.decay", "steep"),
        ("seed", "-1"), ("data.mode", "3"), ("objective.cpc.negatives", "none"),
        ("frontEnd.window", "square"), ("data.normalizesByCorpus", "maybe"),
    ])
    func aValueThatNoOptionHasIsNamed(key: String, value: String) throws {
        let error = try #require(throws: PretrainingError.self) {
            try ConfigurationFile.resolve(
                PretrainingConfiguration(), settings: ["\(key)=\(value)"])
        }
        guard case .badValue(key, let reason, "--set") = error else {
            Issue.record("found \(error)")
            return
        }
        #expect(!reason.isEmpty)
    }

    private static let refusals: [(key: String, value: String, reason: String)] = [
        ("data.manifest", "''", "no manifest is named"),
        ("threads", "-1", "is -1, expected 0 (all cores) or more"),
        ("data.framesPerBatch", "0", "is 0, expected at least 1"),
        ("data.cropFrames", "0", "is 0, expected at least 1"),
        ("data.minimumFrames", "-3", "is -3, expected at least 1"),
        ("data.workers", "0", "is 0, expected at least 1"),
        ("data.cacheMegabytes", "-1", "is negative"),
        (
            "training.steps", "0",
            "is 0, and neither training.epochs nor training.maximumMinutes ends the run"
        ),
        ("training.steps", "-1", "is -1, expected 0 or more"),
        ("training.epochs", "-1", "is -1, expected 0 or more"),
        ("training.maximumMinutes", "-1", "is -1.0, expected 0 or more"),
        ("training.maximumMinutes", ".inf", "is inf, expected 0 or more"),
        ("training.accumulation", "0", "is 0, expected at least 1"),
        ("training.nonFinitePatience", "0", "is 0, expected at least 1"),
        ("training.validateEvery", "0", "is 0, expected at least 1"),
        ("training.healthEvery", "-1", "is -1, expected 0 or more"),
        ("training.earlyStopping.patience", "-1", "is -1, expected 0 or more"),
        (
            "training.earlyStopping.patience", "2",
            "needs data.validationManifest or data.validationShare"
        ),
        ("training.earlyStopping.minimumImprovement", ".nan", "is nan, expected 0 or more"),
        ("training.averaging.decay", "1", "is 1.0, expected 0 up to 1"),
        ("training.averaging.checkpoints", "0", "is 0, expected at least 1"),
        ("data.validationShare", "1", "is 1.0, expected 0 up to 1"),
        ("data.secondsPerBatch", "-1", "is -1.0, expected 0 or more"),
        (
            "data.secondsPerBatch", "1", "makes 100 frames, less than data.cropFrames, 160"
        ),
        ("optimizer.momentum", "1", "is 1.0, expected 0 up to 1"),
        ("training.logEvery", "0", "is 0, expected at least 1"),
        ("training.checkpointEvery", "0", "is 0, expected at least 1"),
        ("training.keptCheckpoints", "0", "is 0, expected at least 1"),
        ("data.cropFrames", "29", "is 29, less than data.minimumFrames, 30"),
        ("data.framesPerBatch", "159", "is 159, less than data.cropFrames, 160"),
        ("optimizer.rate", "0", "is 0.0, expected a positive number"),
        ("optimizer.rate", ".inf", "is inf, expected a positive number"),
        ("optimizer.rate", ".nan", "is nan, expected a positive number"),
        ("optimizer.warmUp", "1.5", "is 1.5, expected a share of the run, 0 to 1"),
        ("optimizer.beta1", "1", "is 1.0, expected 0 up to 1"),
        ("optimizer.beta2", "-0.1", "is -0.1, expected 0 up to 1"),
        ("optimizer.clipNorm", "0", "expected a positive number"),
        ("optimizer.epsilon", "-1", "is -1.0, expected a positive number"),
        ("optimizer.epsilon", ".nan", "is nan, expected a positive number"),
        ("optimizer.weightDecay", "-1", "is -1.0, expected 0 or more"),
        ("optimizer.weightDecay", ".inf", "is inf, expected 0 or more"),
        ("objective.cpc.encoderWidth", "0", "is 0, expected at least 1"),
        ("objective.cpc.contextWidth", "0", "is 0, expected at least 1"),
        ("objective.cpc.strides", "[]", "is [], expected numbers from 1 to 8"),
        ("objective.cpc.strides", "[1, 9]", "is [1, 9], expected numbers from 1 to 8"),
        ("objective.cpc.strides", "[1,1,1,1,1,1,1,1,1]", "has 9 numbers, expected at most 8"),
        ("objective.cpc.predictionSteps", "0", "is 0, expected at least 1"),
        ("objective.cpc.negativeCount", "0", "is 0, expected at least 1"),
    ]

    private static let maskedRefusals: [(key: String, value: String, reason: String)] = [
        ("timeMaskShare", "1.5", "is 1.5, expected 0 to 1"),
        ("timeMaskShare", ".nan", "is nan, expected 0 to 1"),
        ("timeSpan", "0", "is 0, expected at least 1"),
        ("frequencyMaskShare", "-1", "is -1.0, expected 0 to 1"),
        ("noiseProbability", "1.5", "is 1.5, expected 0 to 1"),
        ("noiseDeviation", "-1", "is -1.0, expected 0 or more"),
        ("encoder.transformer.layerCount", "0", "is 0, expected at least 1"),
        ("encoder.transformer.width", "15", "is 15, expected an even number"),
        ("encoder.transformer.headCount", "3", "is 3, expected a divisor of the width 256"),
        ("encoder.transformer.headCount", "0", "is 0, expected a divisor of the width 256"),
        ("encoder.transformer.feedForwardWidth", "0", "is 0, expected at least 1"),
        ("encoder.transformer.dropout", "1", "is 1.0, expected 0 up to 1"),
    ]

    private func expectRefusal(
        _ settings: [String], key: String, reason: String
    ) throws {
        let configuration = try ConfigurationFile.resolve(
            PretrainingConfiguration(), settings: ["data.manifest=train.jsonl"] + settings)
        let expected = PretrainingError.badValue(key: key, reason: reason, source: "run.yaml")
        #expect(throws: expected) { try configuration.validate(source: "run.yaml") }
        #expect(expected.description == "run.yaml: \(key): \(reason)")
    }

    @Test(arguments: refusals)
    func whatCannotBeRunIsRefused(key: String, value: String, reason: String) throws {
        try expectRefusal(["\(key)=\(value)"], key: key, reason: reason)
    }

    @Test(arguments: maskedRefusals)
    func whatCannotBeMaskedIsRefused(key: String, value: String, reason: String) throws {
        let path = "objective.maskedReconstruction." + key
        try expectRefusal(
            ["objective.kind=maskedReconstruction", "\(path)=\(value)"], key: path, reason: reason)
    }

    /// Values that are good alone, and not with each other.
    @Test func optionsThatDoNotGoTogetherAreRefused() throws {
        try expectRefusal(
            ["optimizer.decay=noam", "optimizer.warmUp=0"], key: "optimizer.warmUp",
            reason: "is 0, expected more with optimizer.decay: noam")
        try expectRefusal(
            ["training.averaging.decay=0.9", "training.averaging.checkpoints=3"],
            key: "training.averaging.checkpoints",
            reason: "is 3, expected 1 where training.averaging.decay is set")
        try expectRefusal(
            ["data.validationManifest=dev.jsonl", "data.validationShare=0.1"],
            key: "data.validationShare", reason: "is 0.1, expected 0 beside data.validationManifest"
        )
    }

    @Test func nothingMaskedIsRefused() throws {
        let path = "objective.maskedReconstruction."
        try expectRefusal(
            [
                "objective.kind=maskedReconstruction", path + "timeMaskShare=0",
                path + "frequencyMaskShare=0",
            ], key: path + "timeMaskShare",
            reason: "and frequencyMaskShare are both 0: nothing is masked")
    }

    /// A crop has to have a frame with as many successors as are predicted.
    @Test func cropsTooShortForCPCAreRefused() throws {
        try expectRefusal(
            ["data.minimumFrames=10", "data.cropFrames=24"], key: "data.cropFrames",
            reason: "is 24, which the encoder makes 12 of: too few for "
                + "objective.cpc.predictionSteps, 12")
        var configuration = PretrainingConfiguration()
        configuration.data.manifest = "train.jsonl"
        configuration.data.minimumFrames = 10
        configuration.data.cropFrames = 25
        try configuration.validate(source: "run.yaml")
    }

    /// Options of the objective that isn't trained are free.
    @Test func theOtherObjectiveIsNotLookedAt() throws {
        var configuration = PretrainingConfiguration()
        configuration.data.manifest = "train.jsonl"
        configuration.objective.maskedReconstruction.timeSpan = 0
        try configuration.validate(source: "run.yaml")
        configuration.objective.kind = .maskedReconstruction
        #expect(throws: PretrainingError.self) { try configuration.validate(source: "run.yaml") }
    }

    @Test func aFrontEndThatCannotBeComputedIsRefused() {
        var configuration = PretrainingConfiguration()
        configuration.data.manifest = "train.jsonl"
        configuration.frontEnd.melBandCount = 0
        #expect(
            throws: SignalError.invalidFrontEnd(
                option: "melBandCount", expected: "1 to 65536", found: "0")
        ) { try configuration.validate(source: "run.yaml") }
    }
}
