import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor
import Foundation
import TestSupport
import Testing

extension Computing {
    /// Models that others published give what they give in their own libraries.
    @Suite struct ImportTests {
        private static let references = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().appendingPathComponent("References").path

        /// Folders of models that `make_published.py` wrote, and `states.safetensors` beside them:
        /// small ones, and those at published sizes where `APUS_PUBLISHED` says.
        private static let folders =
            [references + "/published"]
            + (ProcessInfo.processInfo.environment["APUS_PUBLISHED"].map { [$0] } ?? [])

        static let models = folders.flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
                .filter { !$0.hasSuffix(".safetensors") }.sorted().map { folder + "/" + $0 }
        }

        private static func padded(_ recordings: [[Float]], width: Int = 1) -> Tensor {
            let longest = recordings.map(\.count).max() ?? 0
            return Tensor(
                recordings.flatMap { $0 + [Float](repeating: 0, count: longest - $0.count) },
                shape: [recordings.count, longest / width, width])
        }

        /// The largest difference of a recording's state from the expected one, as a part of the largest
        /// number there if that is above one: pre-norm layers pass on numbers up to a hundred.
        private static func difference(
            _ states: HiddenStates, layer: Int, row: Int, _ expected: TensorValues
        ) -> Float {
            let own = states.layers[layer].sliced(row..<row + 1, dimension: 0)
                .sliced(0..<states.lengths[row], dimension: 1)
            guard Array(own.shape.dropFirst()) == expected.shape else { return .infinity }
            let far = zip(own.floats, expected.values).map { abs($0 - $1) }
                .reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
            return far / expected.values.map(abs).reduce(1, max)
        }

        @Test(arguments: models)
        func transformers(path: String) throws {
            let (folder, name) = (
                (path as NSString).deletingLastPathComponent, (path as NSString).lastPathComponent
            )
            let reference = try Safetensors(contentsOf: folder + "/states.safetensors").tensors
            let recordings = try (0...1).map {
                try #require(reference["samples.\($0)"]).values
            }
            let imported = try ModelImport(contentsOf: path)
            let encoder = imported.model.encoder
            #expect(reference["\(name).0.\(encoder.layerNames.count)"] == nil)
            try withoutGradients {
                let batches = recordings.map { [$0] } + [recordings]
                for (number, batch) in batches.enumerated() {
                    let states = encoder(
                        Self.padded(batch), lengths: batch.map(\.count), draws: nil)
                    for layer in encoder.layerNames.indices {
                        for row in batch.indices {
                            let recording = batch.count == 2 ? row : number
                            let expected = try #require(
                                reference["\(name).\(recording).\(layer)"])
                            let far = Self.difference(
                                states, layer: layer, row: row, expected)
                            #expect(far < 2e-5, "\(encoder.layerNames[layer]), \(recording)")
                        }
                    }
                }
            }
        }

        /// Convolutions go over a recording in blocks of 128 frames; this one has 297.
        @Test(arguments: ["hubert-base", "wav2vec2-large"])
        func aRecordingOfSeveralBlocks(name: String) throws {
            let reference = try Safetensors(
                contentsOf: Self.references + "/long-recording.safetensors"
            ).tensors
            let samples = try #require(reference["samples"]).values
            let encoder = try ModelImport(contentsOf: "\(Self.references)/published/\(name)").model
                .encoder
            let states = withoutGradients {
                encoder(Self.padded([samples]), lengths: [samples.count], draws: nil)
            }
            #expect(states.lengths == [297])
            for (layer, expected) in [(0, "first"), (states.layers.count - 1, "last")] {
                let expected = try #require(reference["\(name).\(expected)"])
                let far = Self.difference(states, layer: layer, row: 0, expected)
                #expect(far < 2e-5, "layer \(layer)")
            }
        }

        @Test func everyFamilyIsThere() {
            let names = Set(Self.models.map { ($0 as NSString).lastPathComponent })
            #expect(
                names.isSuperset(of: [
                    "wav2vec2-base", "wav2vec2-large", "hubert-base", "hubert-large",
                    "wavlm-base", "wavlm-large", "data2vec-base",
                ]))
        }

        @Test func theModelFileStandsAlone() throws {
            let imported = try ModelImport(contentsOf: Self.references + "/published/wavlm-base")
            let folder = try TemporaryFolder()
            let path = try folder.write(imported.model.contents().encoded(), "model.safetensors")
            let model = try PretrainedModel(contentsOf: path)
            #expect(model.card == imported.model.card)
            #expect(model.objective.weights() == imported.model.objective.weights())
            #expect(model.card.frontEnd.featureCount == 1 && model.encoder.stride == 20)
        }

        @Test func weightsOfAHeadAreNamed() throws {
            let imported = try ModelImport(contentsOf: Self.references + "/published/hubert-large")
            #expect(imported.origin == "HuBERT of transformers")
            #expect(imported.notes.contains { $0.contains("lm_head.bias") })
        }

        @Test func aShortRecordingHasAFrame() throws {
            let model = try ModelImport(contentsOf: Self.references + "/published/wav2vec2-large")
                .model
            let states = withoutGradients {
                model.encoder(
                    Self.padded([[0.5], [0.1, 0.2, -0.3]]), lengths: [1, 3], draws: nil)
            }
            #expect(states.lengths == [1, 1])
            #expect(states.layers.allSatisfy { $0.floats.allSatisfy(\.isFinite) })
        }

        // MARK: - Checkpoints

        /// Imports a checkpoint of `make_checkpoints.py` and compares what it makes of its features.
        private func checkpoint(
            _ file: String, name: String, features: [[Float]], width: Int, layers: [Int]
        ) throws -> ModelImport {
            let folder = Self.references + "/checkpoints"
            let reference = try Safetensors(contentsOf: folder + "/states.safetensors").tensors
            let imported = try ModelImport(contentsOf: "\(folder)/\(file)")
            let states = withoutGradients {
                imported.model.encoder(
                    Self.padded(features, width: width),
                    lengths: features.map { $0.count / width }, draws: nil)
            }
            for row in features.indices {
                for layer in layers {
                    let expected = try #require(reference["\(name).\(row).\(layer)"])
                    #expect(
                        Self.difference(states, layer: layer, row: row, expected) < 1e-5,
                        "\(layer), \(row)")
                }
            }
            return imported
        }

        /// Recordings of a padded batch (B, T, M) of the reference.
        private func features(_ name: String, lengths: [Int]) throws -> [[Float]] {
            let values = try #require(
                try Safetensors(
                    contentsOf: Self.references + "/checkpoints/states.safetensors"
                ).tensors[name])
            let (frames, width) = (values.shape[1], values.shape[2])
            return lengths.enumerated().map { row, length in
                Array(values.values[row * frames * width..<(row * frames + length) * width])
            }
        }

        @Test func tera() throws {
            let imported = try checkpoint(
                "tera.ckpt", name: "tera",
                features: features("tera.features", lengths: [34, 21]), width: 12, layers: [0, 1])
            let frontEnd = imported.model.card.frontEnd
            var expected = FrontEnd.torchaudio
            (expected.melBandCount, expected.deltaOrder) = (4, 2)
            expected.deltaMethod = .stepwise
            expected.normalization = .perRecording(variance: true)
            #expect(frontEnd.differences(from: expected) == [])
            #expect(imported.notes.contains { $0.contains("1500 frames") })
        }

        @Test func apc() throws {
            let imported = try checkpoint(
                "apc.ckpt", name: "apc", features: features("apc.features", lengths: [34, 21]),
                width: 6, layers: [2])
            var expected = FrontEnd.torchaudio
            (expected.melBandCount, expected.window) = (6, .hamming)
            expected.normalization = .perRecording(variance: true)
            #expect(imported.model.card.frontEnd.differences(from: expected) == [])
        }

        @Test func cpcAudio() throws {
            let samples = try #require(
                try Safetensors(
                    contentsOf: Self.references + "/checkpoints/states.safetensors"
                ).tensors["cpc.samples"])
            let imported = try checkpoint(
                "cpc.pt", name: "cpc", features: [samples.values], width: 160, layers: [0, 1])
            #expect(imported.model.card.frontEnd == .waveform)
        }

        @Test func resemblyzer() throws {
            let reference = try Safetensors(
                contentsOf: Self.references + "/checkpoints/states.safetensors"
            ).tensors
            let features = try (0...2).map {
                try #require(reference["ge2e.features.\($0)"]).values
            }
            let imported = try checkpoint(
                "ge2e.pt", name: "ge2e", features: features, width: 4, layers: [3])
            let frontEnd = imported.model.card.frontEnd
            #expect(frontEnd.kind == .logMel && frontEnd.log == .none && frontEnd.melBandCount == 4)
            #expect(
                imported.model.encoder.layerNames
                    == ["lstm-1", "lstm-2", "lstm-3", "embedding"])
        }

        @Test func aCheckpointOfNoneOfThem() throws {
            let path =
                (Self.references as NSString).deletingLastPathComponent
                + "/../ApusNNTests/References/checkpoint.pt"
            let error = #expect(throws: PretrainingError.self) {
                try ModelImport(contentsOf: path)
            }
            #expect(error?.description.contains("float64, float32") == true)
        }
    }
}
