import ApusNN
import ApusPretraining
import ApusTensor
import Testing

extension Computing {
    /// APC and VQ-APC: PyTorch's losses and gradients, causality, and what can be said in closed form.
    @Suite struct AutoregressivePredictionTests {
        @Test(arguments: ["apc", "vqapc"], ["equal", "mixed"])
        func reference(kind: String, lengths case: String) throws {
            let reference = try Reference("autoregressive")
            let model = makeAutoregressivePrediction {
                $0.isQuantized = kind == "vqapc"
                $0.codeCount = 6
            }
            try model.load(reference.weights(kind), from: "reference")
            let name = "\(kind).\(`case`)"
            let lengths = try reference.integers("\(name).lengths")
            let features = try reference.tensor("\(kind).features")
            let mask = frameMask(lengths: lengths, frameCount: features.shape[1])
            let padded = mask.map { features * $0 } ?? features
            let noise = kind == "vqapc" ? try reference.tensor("vqapc.noise") : nil
            func loss() -> ObjectiveLoss {
                model.predict(features: padded, lengths: lengths, noise: noise, draws: nil)
            }
            let expected = try reference.values("\(name).loss")
            #expect(relativeError([loss().value.item], expected) < 1e-5)
            for (parameter, values) in try gradients(of: model, { loss().value }) {
                let expected = try reference.values("\(name).gradient.\(parameter)")
                #expect(relativeError(values, expected) < 2e-5, "\(name): \(parameter)")
            }
            let figures = loss().figures()
            #expect(figures.count == (kind == "vqapc" ? 4 : 2))
            // Chance is tested in closed form.
            for (figure, value) in figures where figure != "chanceLoss" {
                let expected = try reference.values("\(name).\(figure)")[0]
                #expect(abs(value - Double(expected)) < 1e-5 * max(1, value), "\(figure)")
            }
        }

        /// A frame's representation and prediction are the same whatever comes after it.
        @Test func nothingSeesTheFuture() {
            let model = makeAutoregressivePrediction { $0.isQuantized = true }
            redraw(model)
            let whole = batch(lengths: [40], melBandCount: 8)
            let other = Tensor.concatenated(
                [
                    whole.sliced(0..<24, dimension: 1),
                    batch(lengths: [16], melBandCount: 8, seed: 9),
                ],
                dimension: 1)
            let one = model.encoder(whole, lengths: [40], draws: nil).layers
            let two = model.encoder(other, lengths: [40], draws: nil).layers
            for (first, second) in zip(one, two) {
                let past = first.sliced(0..<24, dimension: 1).floats
                #expect(past == second.sliced(0..<24, dimension: 1).floats)
                #expect(first.floats != second.floats)
            }
        }

        /// A bias alone predicts a constant frame: the loss is zero.
        @Test func aConstantIsPredictedByTheBias() throws {
            let model = makeAutoregressivePrediction()
            for (name, tensor) in model.namedParameters {
                let value: Float = name == "output.bias" ? 0.75 : 0
                tensor.assign([Float](repeating: value, count: tensor.count))
            }
            let constant = Tensor(repeating: 0.75, shape: [2, 9, 8])
            let mask = try #require(frameMask(lengths: [9, 5], frameCount: 9))
            let loss = model.predict(
                features: constant * mask, lengths: [9, 5], noise: nil, draws: nil)
            #expect(loss.value.item == 0)
        }

        @Test(arguments: [1, 2, 3, 4])
        func shortRecordings(length: Int) throws {
            let model = makeAutoregressivePrediction { $0.isQuantized = true }
            let lengths = [length, 1]
            let features = batch(lengths: lengths, melBandCount: 8)
            let result = model.loss(features: features, lengths: lengths, seed: Seed(1))
            #expect((result.value.item > 0) == (length > 3))
            #expect(result.figures().isEmpty == (length <= 3))
            for (name, values) in try gradients(of: model, { result.value }) {
                #expect(values.allSatisfy { $0.isFinite }, "\(name)")
            }
        }

        /// The mean of Gumbel noise is Euler's constant, its variance π²/6.
        @Test func theNoiseIsGumbels() {
            let noise = GumbelQuantizer.noise(shape: [100_000], seed: Seed(7)).floats
            let mean = noise.reduce(0) { $0 + Double($1) } / 1e5
            let variance = noise.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / 1e5
            #expect(noise.allSatisfy { $0.isFinite })
            #expect(abs(mean - 0.577_216) < 0.02)
            #expect(abs(variance - Double.pi * Double.pi / 6) < 0.05)
            #expect(GumbelQuantizer.noise(shape: [100_000], seed: Seed(7)).floats == noise)
            #expect(GumbelQuantizer.noise(shape: [100_000], seed: Seed(8)).floats != noise)
        }

        @Test func codesWithoutNoiseAreRowsOfTheCodebook() throws {
            let quantizer = GumbelQuantizer(
                width: 4, codeCount: 5, temperature: 0.5, seed: Seed(2))
            let frames = batch(lengths: [7], melBandCount: 4)
            let (codes, indices) = quantizer(frames, noise: nil)
            let weights = quantizer.weights()
            let codebook = try #require(weights["codebook.weight"])
            #expect(codebook.shape == [4, 5])
            let expected = indices.integers.flatMap { code in
                (0..<4).map { codebook.values[$0 * 5 + code] }
            }
            #expect(relativeError(codes.floats, expected) < 1e-6)
        }

        @Test func usageOfCodes() {
            #expect(abs(CodeUsage([0, 1, 2, 3], codeCount: 4).perplexity - 4) < 1e-12)
            #expect(CodeUsage([0, 1, 2, 3], codeCount: 4).deadCount == 0)
            #expect(abs(CodeUsage([2, 2, 2], codeCount: 4).perplexity - 1) < 1e-12)
            #expect(CodeUsage([2, 2, 2], codeCount: 4).deadCount == 3)
            // Shares 1/2, 1/4, 1/4: an entropy of 1.5 log 2.
            #expect(abs(CodeUsage([0, 0, 1, 2], codeCount: 9).perplexity - 2.828_427_1) < 1e-6)
        }

        @Test func whatCannotBeBuiltIsNamed() {
            func problem(
                _ adjust: (inout AutoregressivePrediction.Configuration) -> Void
            ) -> String? {
                var objective = smallObjective(.autoregressivePrediction)
                adjust(&objective.autoregressivePrediction)
                return objective.problem()
            }
            let path = "objective.autoregressivePrediction."
            #expect(problem { _ in } == nil)
            #expect(
                problem { $0.encoder.kind = .transformer }
                    == path + "encoder.kind is transformer, expected recurrent: an encoder that "
                    + "sees the future has nothing to predict")
            #expect(
                problem { $0.encoder.subsampling = 2 }
                    == path + "encoder.subsampling is 2, expected 1: each frame is predicted")
            #expect(
                problem { $0.encoder.recurrent.width = 0 }
                    == path + "encoder.recurrent.width is 0, expected at least 1")
            #expect(
                problem { $0.framesAhead = 0 } == path + "framesAhead is 0, expected at least 1")
            #expect(problem { $0.codeCount = 1 } == path + "codeCount is 1, expected at least 2")
            #expect(
                problem { $0.temperature = 0 }
                    == path + "temperature is 0.0, expected a positive number")
        }
    }
}
