import Foundation
import TestSupport
import Testing

/// Manifests of the sample voices and small models trained on them by the command, made once.
struct TrainedModels: Sendable {
    let folder: TemporaryFolder
    var manifests: String { folder.path + "/manifests" }
    var cpc: String { folder.path + "/cpc/model.safetensors" }
    var masked: String { folder.path + "/masked/model.safetensors" }
    var classifier: String { folder.path + "/probe/classifier.safetensors" }

    /// What makes CPC small enough for a test.
    static let small = [
        "--set", "threads=1", "--set", "precision=float32", "--set", "data.framesPerBatch=1024",
        "--set", "objective.cpc.encoderWidth=32", "--set", "objective.cpc.contextWidth=32",
        "--set", "objective.cpc.predictionSteps=4", "--set", "objective.cpc.strides=[2, 2]",
    ]

    private static let made = Result { try TrainedModels() }

    static var shared: TrainedModels { get throws { try made.get() } }

    private init() throws {
        folder = try TemporaryFolder()
        func run(_ arguments: [String]) throws {
            let outcome = try BuiltCommand.run(arguments)
            try #require(outcome.status == 0, "\(arguments): \(outcome.error)")
        }
        try run([
            "prepare", "folder", "samples/audio/voices", "--speaker-from-parent", "--train", "0.5",
            "--dev", "0.25", "--test", "0.25", "-o", folder.path + "/manifests",
        ])
        let manifest = ["--set", "data.manifest=\(folder.path)/manifests/train.jsonl"]
        try run(
            ["pretrain", "-o", folder.path + "/cpc", "--set", "training.steps=20"] + manifest
                + Self.small)
        try run(
            [
                "pretrain", "-o", folder.path + "/masked", "--set", "training.steps=5",
                "--set", "threads=1", "--set", "objective.kind=maskedReconstruction",
                "--set", "objective.maskedReconstruction.encoder.transformer.layerCount=2",
                "--set", "objective.maskedReconstruction.encoder.transformer.width=32",
                "--set", "objective.maskedReconstruction.encoder.transformer.feedForwardWidth=64",
                "--set", "data.mode=padded", "--set", "data.framesPerBatch=2048",
            ] + manifest)
        try run([
            "probe", "CPC=" + folder.path + "/cpc/model.safetensors",
            "masked=" + folder.path + "/masked/model.safetensors",
            "--train", folder.path + "/manifests/train.jsonl",
            "--dev", folder.path + "/manifests/dev.jsonl",
            "--test", folder.path + "/manifests/test.jsonl", "--threads", "1",
            "--set", "utterances.seedCount=2", "--set", "frames.trainingFrames=2000",
            "-o", folder.path + "/probe",
        ])
    }
}
