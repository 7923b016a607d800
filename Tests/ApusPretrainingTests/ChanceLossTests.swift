import ApusNN
import ApusPretraining
import ApusTensor
import Foundation
import Testing

extension Computing {
    /// The figure `chanceLoss` is the loss of a model that knows nothing of its input.
    @Suite struct ChanceLossTests {
        private let lengths = [40, 27]

        /// Two recordings whose bands have levels of their own: (B, T, M).
        private var features: Tensor {
            let levels = Tensor((0..<8).map { 0.5 * Float($0) - 1 }, shape: [8])
            let mask = frameMask(lengths: lengths, frameCount: 40)
            let moved = batch(lengths: lengths, melBandCount: 8) + levels
            return mask.map { moved * $0 } ?? moved
        }

        /// The mean of each band over the frames of both recordings, summed here by hand.
        private var bandMeans: [Float] {
            let values = features.floats
            var sums = [Double](repeating: 0, count: 8)
            for (recording, length) in lengths.enumerated() {
                for frame in 0..<length {
                    for band in 0..<8 {
                        sums[band] += Double(values[(recording * 40 + frame) * 8 + band])
                    }
                }
            }
            return sums.map { Float($0 / Double(lengths.reduce(0, +))) }
        }

        /// Gives every weight the value zero but that of one name.
        private func silence(_ model: any Objective, but name: String, _ values: [Float]) throws {
            for (parameter, tensor) in model.namedParameters where parameter != name {
                tensor.assign([Float](repeating: 0, count: tensor.count))
            }
            let kept = try #require(model.namedParameters.first { $0.name == name }).tensor
            kept.assign(values)
        }

        private func figures(_ loss: ObjectiveLoss) -> [String: Double] {
            Dictionary(uniqueKeysWithValues: loss.figures())
        }

        @Test func ofMaskedReconstruction() throws {
            let model = makeMaskedReconstruction()
            try silence(model, but: "head.output.bias", bandMeans)
            let loss = model.loss(features: features, lengths: lengths, seed: Seed(1))
            let chance = try #require(figures(loss)["chanceLoss"])
            #expect(chance > 0.5)
            #expect(abs(chance - Double(loss.value.item)) < 1e-5)
        }

        @Test func ofAutoregressivePrediction() throws {
            let model = makeAutoregressivePrediction()
            try silence(model, but: "output.bias", bandMeans)
            let loss = model.loss(features: features, lengths: lengths, seed: Seed(1))
            let chance = try #require(figures(loss)["chanceLoss"])
            #expect(chance > 0.5)
            #expect(abs(chance - Double(loss.value.item)) < 1e-5)
        }

        /// Scores that are all alike are chance; the logarithms of the codes' shares are `codeEntropy`.
        @Test func ofMaskedPrediction() throws {
            let model = makeMaskedPrediction {
                $0.randomProjection.codebookCount = 1
            }
            let codes = model.codes(of: features, lengths: lengths)  // (B, S, 1)
            let frameCount = codes.shape[1]
            let valid = lengths.enumerated().flatMap { row, length in
                row * frameCount..<row * frameCount + (length + 1) / 2
            }
            let mask = MaskedPrediction.Mask(
                frames: valid, features: [Float](repeating: 0, count: 80), shares: [1, 1])
            func loss(bias: [Float]) throws -> ObjectiveLoss {
                try silence(model, but: "output.bias", bias)
                return model.predict(
                    features: features, lengths: lengths, mask: mask,
                    noise: Tensor(zeros: [2, 40, 8]), draws: nil)
            }
            let even = try loss(bias: [Float](repeating: 0, count: 12))
            #expect(figures(even)["chanceLoss"] == log(12))
            #expect(abs(Double(even.value.item) - log(12)) < 1e-5)

            let all = codes.integers
            let shares = (0..<12).map { code in
                Double(valid.count { all[$0] == code }) / Double(valid.count)
            }
            let informed = try loss(bias: shares.map { $0 > 0 ? Float(log($0)) : -50 })
            let entropy = try #require(figures(informed)["codeEntropy"])
            #expect(entropy > 1 && entropy < log(12))
            #expect(abs(Double(informed.value.item) - entropy) < 1e-5)
            let perplexity = try #require(figures(informed)["codePerplexity"])
            #expect(abs(exp(entropy) - perplexity) < 1e-9)
        }

        /// What is logged beside the loss, in training and of held-out recordings.
        @Test(arguments: ObjectiveKind.allCases)
        func isLogged(kind: ObjectiveKind) throws {
            var run = try TrainingRun(kind)
            run.configuration.data.validationShare = 0.2
            run.configuration.training.steps = 4
            run.configuration.training.validateEvery = 4
            try run.train("run")
            let line = try #require(try run.trace("run").last)
            let chance = try #require(line["chanceLoss"])
            #expect(chance > 0 && line["validation/chanceLoss"] != nil)
            // Four steps of a small model are still near chance.
            #expect(try #require(line["loss"]) > 0.5 * chance)
        }
    }
}
