import ApusNN
import ApusPretraining
import ApusTensor
import Foundation
import Testing

extension Computing {
    @Suite struct ObjectivePropertyTests {
        private func expectPaddingChangesNothing(
            _ objective: any Objective, featureCount: Int = 8
        ) throws {
            redraw(objective)
            let lengths = [24, 17, 9]
            let plain = batch(lengths: lengths, melBandCount: featureCount)
            let padded = batch(lengths: lengths, frameCount: 41, melBandCount: featureCount)
            func loss(_ features: Tensor) -> Tensor {
                objective.loss(features: features, lengths: lengths, seed: Seed(4)).value
            }
            #expect(relativeError([loss(padded).item], [loss(plain).item]) < 1e-6)
            let expected = try gradients(of: objective) { loss(plain) }
            let found = try gradients(of: objective) { loss(padded) }
            for (one, other) in zip(found, expected) {
                let error = relativeError(one.values, other.values)
                #expect(error < 1e-5, "\(one.name): \(error)")
            }
        }

        @Test(arguments: CPC.NegativeSource.allCases)
        func paddingNeverChangesCPC(source: CPC.NegativeSource) throws {
            try expectPaddingChangesNothing(makeCPC(source))
        }

        @Test(arguments: variantNames)
        func paddingNeverChangesVariantsOfCPC(name: String) throws {
            let (model, featureCount) = makeVariant(name)
            try expectPaddingChangesNothing(model, featureCount: featureCount)
        }

        @Test func paddingNeverChangesMaskedReconstruction() throws {
            try expectPaddingChangesNothing(makeMaskedReconstruction())
        }

        @Test func paddingNeverChangesAutoregressivePrediction() throws {
            try expectPaddingChangesNothing(makeAutoregressivePrediction())
        }

        @Test(arguments: [true, false])
        func paddingNeverChangesNonAutoregressivePrediction(isQuantized: Bool) throws {
            try expectPaddingChangesNothing(
                makeNonAutoregressivePrediction { $0.isQuantized = isQuantized })
        }

        @Test func paddingNeverChangesMaskedPrediction() throws {
            try expectPaddingChangesNothing(makeMaskedPrediction())
        }

        @Test func paddingNeverChangesObjectivesOnAConformer() throws {
            try expectPaddingChangesNothing(
                makeMaskedReconstruction { $0.encoder = smallEncoder(.conformer) })
            try expectPaddingChangesNothing(
                makeMaskedPrediction {
                    $0.encoder = smallEncoder(.conformer) { $0.subsampling = 2 }
                })
        }

        @Test func theInformationBoundFollowsFromTheLoss() throws {
            let model = makeCPC(negativeCount: 11)
            let features = batch(lengths: [24, 17], melBandCount: 8)
            let result = model.loss(features: features, lengths: [24, 17], seed: Seed(1))
            let figures = Dictionary(uniqueKeysWithValues: result.figures())
            let bound = try #require(figures["informationBound"])
            #expect(abs(bound - (log(12) - Double(result.value.item))) < 1e-6)
            #expect(figures["chanceLoss"] == log(12))
            #expect(figures.count == 3 + 3)
            for step in 1...3 {
                let accuracy = try #require(figures["accuracy/step-\(step)"])
                #expect((0...1).contains(accuracy))
            }
        }

        /// Scores that are all alike tell nothing: the loss is log(N + 1), the bound 0.
        @Test func withoutAPredictionTheLossIsThatOfChance() throws {
            let model = makeCPC(negativeCount: 15)
            for (name, tensor) in model.namedParameters where name == "predictors.weight" {
                tensor.assign([Float](repeating: 0, count: tensor.count))
            }
            let features = batch(lengths: [24, 17], melBandCount: 8)
            let result = model.loss(features: features, lengths: [24, 17], seed: Seed(1))
            #expect(abs(Double(result.value.item) - log(16)) < 1e-6)
            let figures = Dictionary(uniqueKeysWithValues: result.figures())
            #expect(figures["chanceLoss"] == log(16))
        }

        /// Frames without K successors have no part; where there are no others the loss is zero.
        @Test(arguments: CPC.NegativeSource.allCases, [[3, 2], [1], [6, 6, 6], [7, 1]])
        func aTooShortBatchIsWorthNothing(source: CPC.NegativeSource, lengths: [Int]) throws {
            let model = makeCPC(source)
            let features = batch(lengths: lengths, melBandCount: 8)
            let result = model.loss(features: features, lengths: lengths, seed: Seed(1))
            let frames = lengths.map { ($0 + 1) / 2 }
            if frames.contains(where: { $0 > 3 }) {
                #expect(result.value.item > 0)
                return
            }
            #expect(result.value.item == 0)
            #expect(result.figures().isEmpty)
            result.value.backward()
            for (name, tensor) in model.namedParameters where name != "predictors.weight" {
                let gradient = try #require(tensor.gradient, "\(name)").floats
                #expect(gradient.allSatisfy { $0 == 0 }, "\(name)")
            }
        }

        @Test(arguments: [1, 2, 7, 9])
        func maskedReconstructionOfShortRecordings(length: Int) throws {
            let model = makeMaskedReconstruction(dropout: 0.1)
            let lengths = [length, 1]
            let features = batch(lengths: lengths, melBandCount: 8)
            let result = model.loss(features: features, lengths: lengths, seed: Seed(1))
            #expect(result.value.item.isFinite && result.value.item > 0)
            result.value.backward()
            for (name, tensor) in model.namedParameters {
                let gradient = try #require(tensor.gradient, "\(name)").floats
                #expect(gradient.allSatisfy { $0.isFinite }, "\(name)")
            }
        }

        @Test func lossesDependOnTheSeed() {
            let lengths = [24, 17, 9]
            let features = batch(lengths: lengths, melBandCount: 8)
            for kind in ObjectiveKind.allCases {
                let objective = smallObjective(kind).makeObjective(
                    melBandCount: 8, seed: Seed(1))
                func loss(_ seed: UInt64) -> Float {
                    objective.loss(features: features, lengths: lengths, seed: Seed(seed))
                        .value.item
                }
                #expect(loss(1) == loss(1))
                #expect(loss(1) != loss(2))
            }
        }
    }
}
