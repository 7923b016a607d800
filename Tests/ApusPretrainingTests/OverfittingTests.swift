import ApusNN
import ApusPretraining
import ApusTensor
import Testing

extension Computing {
    /// A model that can learn learns one batch by heart.
    @Suite struct OverfittingTests {
        /// The losses of steps on one batch with the same draws every time.
        private func train(
            _ objective: any Objective, features: Tensor, lengths: [Int], steps: Int, rate: Double
        ) -> (losses: [Float], last: ObjectiveLoss) {
            let optimizer = AdamW(objective.namedParameters, weightDecay: 0)
            func loss() -> ObjectiveLoss {
                objective.loss(features: features, lengths: lengths, seed: Seed(1))
            }
            var losses: [Float] = []
            for _ in 0..<steps {
                let value = loss().value
                losses.append(value.item)
                value.backward()
                optimizer.step(rate: rate)
            }
            return (losses, loss())
        }

        @Test(arguments: CPC.NegativeSource.allCases)
        func cpc(source: CPC.NegativeSource) throws {
            var configuration = smallCPC(source, negativeCount: 8)
            configuration.encoderWidth = 32
            configuration.contextWidth = 32
            let model = CPC(configuration, melBandCount: 8, seed: Seed(1))
            let lengths = [30, 30, 24, 20]
            let features = batch(lengths: lengths, melBandCount: 8)
            let (losses, last) = train(
                model, features: features, lengths: lengths, steps: 150, rate: 5e-3)
            // log(9) at chance.
            #expect(losses[0] > 1.8)
            #expect(last.value.item < 0.1)
            let figures = Dictionary(uniqueKeysWithValues: last.figures())
            #expect(try #require(figures["accuracy/step-1"]) > 0.95)
        }

        @Test(arguments: variantNames)
        func variantOfCPC(name: String) throws {
            let (model, featureCount) = makeVariant(name)
            let lengths = [16, 16, 12, 10]
            let features = batch(lengths: lengths, melBandCount: featureCount)
            let (losses, last) = train(
                model, features: features, lengths: lengths, steps: 150, rate: 1e-2)
            #expect(last.value.item < losses[0] / 2)
            let figures = Dictionary(uniqueKeysWithValues: last.figures())
            #expect(try #require(figures["accuracy/step-1"]) > 0.8)
        }

        @Test(arguments: [false, true])
        func autoregressivePrediction(isQuantized: Bool) {
            let model = makeAutoregressivePrediction {
                $0.isQuantized = isQuantized
                $0.encoder.recurrent.width = 64
                $0.codeCount = 128
            }
            let lengths = [30, 30, 24, 20]
            let features = batch(lengths: lengths, melBandCount: 8)
            let (losses, last) = train(
                model, features: features, lengths: lengths, steps: 300, rate: 1e-2)
            #expect(losses[0] > 0.5)
            #expect(last.value.item < losses[0] / (isQuantized ? 2 : 5))
        }

        @Test(arguments: [false, true])
        func nonAutoregressivePrediction(isQuantized: Bool) {
            let model = makeNonAutoregressivePrediction {
                $0.isQuantized = isQuantized
                $0.width = 64
                $0.codebookCount = 4
                $0.codeCount = 64
            }
            let lengths = [30, 30, 24, 20]
            let features = batch(lengths: lengths, melBandCount: 8)
            let (losses, last) = train(
                model, features: features, lengths: lengths, steps: 300, rate: 1e-2)
            #expect(losses[0] > 0.5)
            #expect(last.value.item < losses[0] / (isQuantized ? 2 : 5))
        }

        @Test func maskedPrediction() throws {
            let model = makeMaskedPrediction()
            let lengths = [30, 30, 24, 20]
            let features = batch(lengths: lengths, melBandCount: 8)
            let (losses, last) = train(
                model, features: features, lengths: lengths, steps: 300, rate: 5e-3)
            // log(12) at chance.
            #expect(losses[0] > 2)
            #expect(last.value.item < 0.2)
            let figures = Dictionary(uniqueKeysWithValues: last.figures())
            #expect(try #require(figures["accuracy"]) > 0.95)
        }

        @Test(arguments: [EncoderConfiguration.Kind.transformer, .conformer])
        func maskedReconstruction(encoder: EncoderConfiguration.Kind) {
            let model = makeMaskedReconstruction {
                $0.encoder.kind = encoder
                $0.encoder.transformer.feedForwardWidth = 64
            }
            let lengths = [30, 30, 24, 20]
            let features = batch(lengths: lengths, melBandCount: 8)
            let (losses, last) = train(
                model, features: features, lengths: lengths, steps: 300, rate: 1e-2)
            #expect(losses[0] > 0.5)
            #expect(last.value.item < losses[0] / 5)
        }
    }
}
