import ApusPretraining
import ApusTensor
import Foundation
import Testing

extension Computing {
    /// The configurations under recipes/published are runnable, and as large as the papers' models.
    @Suite struct PublishedConfigurationTests {
        private static let recipes =
            URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .path + "/recipes/"

        private func read(_ path: String) throws -> PretrainingConfiguration {
            try ConfigurationFile.resolve(
                PretrainingConfiguration(), file: Self.recipes + path,
                settings: [
                    "data.manifest=train.jsonl",
                    "objective.maskedPrediction.units.file=units.safetensors",
                ])
        }

        @Test func allCanBeRun() throws {
            let names = try FileManager.default.contentsOfDirectory(
                atPath: Self.recipes + "published"
            ).filter { $0.hasSuffix(".yaml") }
            #expect(names.count == 9)
            for name in names { try read("published/" + name).validate(source: name) }
        }

        /// In millions, as table 1 of SUPERB lists the models.
        @Test(arguments: [
            ("published/tera-base", 21.33, false), ("published/tera-tfm", 21.33, false),
            ("published/mockingjay-large", 85.12, false), ("published/apc", 4.11, true),
            ("published/vq-apc", 4.63, true), ("published/npc", 19.38, true),
        ])
        func sizes(path: String, millions: Double, countsObjective: Bool) throws {
            let configuration = try read(path + ".yaml")
            let objective = configuration.objective.makeObjective(
                melBandCount: configuration.frontEnd.featureCount, seed: Seed(1))
            let count =
                countsObjective ? objective.parameterCount : objective.encoder.parameterCount
            #expect(abs(Double(count) / 1e6 - millions) < 0.0051, "\(count)")
        }

        @Test func contrastivePredictionIsOfTheExactSize() throws {
            let configuration = try read("librispeech/cpc/conf/cpc.yaml")
            try configuration.validate(source: "cpc.yaml")
            let objective = configuration.objective.makeObjective(
                melBandCount: configuration.frontEnd.featureCount, seed: Seed(1))
            #expect(objective.encoder.parameterCount == 1_843_456)
        }
    }
}
