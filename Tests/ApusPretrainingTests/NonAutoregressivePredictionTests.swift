import ApusNN
import ApusPretraining
import ApusTensor
import Testing

extension Computing {
    /// NPC: s3prl's states, losses and gradients, what its masks hide, and closed forms.
    @Suite struct NonAutoregressivePredictionTests {
        @Test(arguments: ["plain", "quantized"], ["equal", "mixed"])
        func reference(kind: String, lengths case: String) throws {
            let reference = try Reference("nonautoregressive")
            let model = makeNonAutoregressivePrediction {
                $0.isQuantized = kind == "quantized"
                $0.temperature = 0.8
            }
            try model.load(reference.weights(kind), from: "reference")
            let name = "\(kind).\(`case`)"
            let lengths = try reference.integers("\(name).lengths")
            let features = try reference.tensor("\(kind).features")
            let mask = frameMask(lengths: lengths, frameCount: features.shape[1])
            let padded = mask.map { features * $0 } ?? features
            let noise = kind == "quantized" ? try reference.tensor("\(kind).noise") : nil
            func loss() -> ObjectiveLoss {
                model.predict(features: padded, lengths: lengths, noise: noise, draws: nil)
            }
            let expected = try reference.values("\(name).loss")
            #expect(relativeError([loss().value.item], expected) < 1e-5)
            for (parameter, values) in try gradients(of: model, { loss().value }) {
                let expected = try reference.values("\(name).gradient.\(parameter)")
                #expect(relativeError(values, expected) < 2e-5, "\(name): \(parameter)")
            }
            // What chance would lose has a test of its own.
            let figures = loss().figures().filter { $0.name != "chanceLoss" }
            #expect(figures.count == (kind == "quantized" ? 3 : 1))
            for (figure, value) in figures {
                let expected = try reference.values("\(name).\(figure)")[0]
                #expect(abs(value - Double(expected)) < 1e-5 * max(1, value), "\(figure)")
            }
            guard `case` == "mixed" else { return }
            let states = model.encoder(padded, lengths: lengths, draws: nil)
            #expect(model.encoder.layerNames == ["block-1", "block-2", "masked"])
            for (recording, length) in lengths.enumerated() {
                for (layer, state) in states.layers.enumerated() {
                    let own = state.sliced(recording..<recording + 1, dimension: 0)
                        .sliced(0..<length, dimension: 1)
                    let expected = try reference.values("\(kind).state.\(recording).\(layer)")
                    #expect(relativeError(own.floats, expected) < 1e-5, "\(recording).\(layer)")
                }
            }
        }

        /// A representation depends on every frame of its field but those under the mask.
        @Test(arguments: [(1, 5, 1), (2, 11, 3), (3, 11, 1), (2, 13, 5)])
        func theMaskHidesWhatIsPredicted(blockCount: Int, kernelSize: Int, maskSize: Int) throws {
            let model = makeNonAutoregressivePrediction {
                $0.blockCount = blockCount
                $0.kernelSize = kernelSize
                $0.maskSize = maskSize
                $0.isQuantized = false
            }
            redraw(model)
            let (length, middle) = (41, 20)
            let features = batch(lengths: [length], melBandCount: 8)
            features.requiresGradient = true
            let states = model.encoder(features, lengths: [length], draws: nil).layers
            let probe = Tensor(
                normal: 0, standardDeviation: 1, shape: [1, 1, 12], seed: Seed(3))
            (states[blockCount].sliced(middle..<middle + 1, dimension: 1) * probe).sum()
                .backward()
            let gradient = try #require(features.gradient).floats
            let field = (kernelSize - 1) / 2 + blockCount
            for t in 0..<length {
                let distance = abs(t - middle)
                let isSeen = distance > (maskSize - 1) / 2 && distance <= field
                let row = gradient[t * 8..<(t + 1) * 8]
                #expect(row.contains { $0 != 0 } == isSeen, "frame \(t)")
            }
        }

        /// A bias alone predicts a constant frame: the loss is zero.
        @Test func aConstantIsPredictedByTheBias() throws {
            let model = makeNonAutoregressivePrediction()
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

        /// Where nothing has both ends of a line over the masked frames, no figure compares with it.
        @Test(arguments: [1, 2, 4, 5])
        func shortRecordings(length: Int) throws {
            let model = makeNonAutoregressivePrediction { $0.isQuantized = false }
            let lengths = [length, 1]
            let features = batch(lengths: lengths, melBandCount: 8)
            let result = model.loss(features: features, lengths: lengths, seed: Seed(1))
            #expect(result.value.item > 0)
            let figures = result.figures().map(\.name)
            #expect(figures.contains("lossOverInterpolation") == (length > 4))
            for (name, values) in try gradients(of: model, { result.value }) {
                #expect(values.allSatisfy { $0.isFinite }, "\(name)")
            }
        }

        @Test func thePublishedSize() {
            let model = NonAutoregressivePrediction(
                NonAutoregressivePrediction.Configuration(), melBandCount: 80, seed: Seed(1))
            // SUPERB (Yang et al. 2021, table 1) counts 19.38 million.
            #expect((19_370_000..<19_390_000).contains(model.parameterCount))
        }

        @Test func whatCannotBeBuiltIsNamed() {
            func problem(
                _ adjust: (inout NonAutoregressivePrediction.Configuration) -> Void
            ) -> String? {
                var objective = smallObjective(.nonAutoregressivePrediction)
                adjust(&objective.nonAutoregressivePrediction)
                return objective.problem()
            }
            let path = "objective.nonAutoregressivePrediction."
            #expect(problem { _ in } == nil)
            #expect(
                problem { $0.blockCount = 0 } == path + "blockCount is 0, expected at least 1")
            #expect(problem { $0.width = 0 } == path + "width is 0, expected at least 1")
            for size in [0, 4, -1, .min] {
                #expect(
                    problem { $0.maskSize = size }
                        == path + "maskSize is \(size), expected an odd number")
                #expect(
                    problem { $0.kernelSize = size }
                        == path + "kernelSize is \(size), expected an odd number")
            }
            let room = ", expected more than maskSize + 2 blockCount, the mask of the last block"
            #expect(problem { $0.kernelSize = 7 } == path + "kernelSize is 7" + room)
            #expect(problem { $0.kernelSize = 9 } == nil)
            #expect(problem { $0.maskSize = .max } == path + "kernelSize is 11" + room)
            #expect(problem { $0.blockCount = .max } == path + "kernelSize is 11" + room)
            #expect(
                problem { $0.dropout = 1 } == path + "dropout is 1.0, expected 0 up to 1")
            #expect(
                problem { $0.codebookCount = 5 }
                    == path + "codebookCount is 5, expected a divisor of the width 12")
            #expect(problem { $0.codeCount = 1 } == path + "codeCount is 1, expected at least 2")
            #expect(
                problem { $0.temperature = .infinity }
                    == path + "temperature is inf, expected a positive number")
        }
    }
}
