import ApusNN
import ApusPretraining
import ApusTensor
import Foundation
import Testing

extension Computing {
    /// BEST-RQ: PyTorch's codes, losses and gradients, the draw of masks, and the fixed tensors.
    @Suite struct MaskedPredictionTests {
        @Test(arguments: ["whole", "halved", "single", "contrast"], ["equal", "mixed"])
        func reference(kind: String, lengths case: String) throws {
            let reference = try Reference("prediction")
            let model = makeMaskedPrediction {
                $0.encoder = smallEncoder(.recurrent) { $0.subsampling = kind == "whole" ? 1 : 2 }
                $0.randomProjection.stackedFrames = kind == "single" ? 2 : 4
                $0.contrastive.weight = kind == "contrast" ? 0.5 : 0
                $0.contrastive.negativeCount = 6
            }
            try model.load(reference.weights(kind), from: "reference")
            let name = "\(kind).\(`case`)"
            let lengths = try reference.integers("\(name).lengths")
            let features = try reference.tensor("\(kind).features")
            let noise = try reference.tensor("\(kind).noise")
            let valid = frameMask(lengths: lengths, frameCount: features.shape[1])
            let padded = valid.map { features * $0 } ?? features
            let mask = MaskedPrediction.Mask(
                frames: try reference.integers("\(name).frames"),
                features: try reference.values("\(name).mask"), shares: [])
            let negatives =
                kind == "contrast" ? try reference.integers("\(name).negatives") : []
            func loss() -> ObjectiveLoss {
                model.predict(
                    features: padded, lengths: lengths, mask: mask, noise: noise,
                    negatives: negatives, draws: nil)
            }
            let codes = model.codes(of: padded, lengths: lengths)
            let expectedCodes = try reference.integers("\(name).codes")
            #expect(codes.count == expectedCodes.count)
            for (code, expected) in zip(codes.integers, expectedCodes) where expected >= 0 {
                #expect(code == expected)
            }
            let expected = try reference.values("\(name).loss")
            #expect(relativeError([loss().value.item], expected) < 1e-5)
            for (parameter, values) in try gradients(of: model, { loss().value }) {
                let expected = try reference.values("\(name).gradient.\(parameter)")
                #expect(relativeError(values, expected) < 2e-5, "\(name): \(parameter)")
            }
            let figures = Dictionary(uniqueKeysWithValues: loss().figures())
            let names =
                kind == "contrast"
                ? ["accuracy", "contrastiveLoss", "contrastiveAccuracy"] : ["accuracy"]
            for figure in names {
                let expected = try reference.values("\(name).\(figure)")[0]
                #expect(abs(try #require(figures[figure]) - Double(expected)) < 1e-5)
            }
        }

        /// Frames that lie on a code have that code, whatever their length.
        @Test func theNearestCodeIsFound() throws {
            let model = makeMaskedPrediction {
                $0.encoder.subsampling = 1
                $0.maskSpan = 2
                $0.randomProjection.stackedFrames = 1
                $0.randomProjection.codebookCount = 1
                $0.randomProjection.codeWidth = 8
            }
            var weights = model.weights()
            let codebook = try #require(weights["targets.codebook"])
            #expect(codebook.shape == [1, 12, 8])
            for row in 0..<12 {
                let square = codebook.values[row * 8..<row * 8 + 8].reduce(0) { $0 + $1 * $1 }
                #expect(abs(square - 1) < 1e-5)
            }
            let identity = (0..<64).map { Float($0 % 9 == 0 ? 1 : 0) }
            weights["targets.projection"] = TensorValues(shape: [1, 8, 8], values: identity)
            try model.load(weights, from: "test")
            let scaled = codebook.values.enumerated().map { Float($0 / 8 + 1) * $1 }
            #expect(
                model.codes(of: Tensor(scaled, shape: [1, 12, 8]), lengths: [12]).integers
                    == Array(0..<12))
        }

        @Test func fixedTensorsAreSavedAndNeverTrained() throws {
            let model = makeMaskedPrediction()
            #expect(model.namedBuffers.map(\.name) == ["targets.projection", "targets.codebook"])
            #expect(model.namedBuffers.allSatisfy { !$0.tensor.requiresGradient })
            let names = Set(model.namedParameters.map(\.name))
            #expect(names.isDisjoint(with: model.namedBuffers.map(\.name)))
            let before = model.weights()
            let optimizer = AdamW(model.namedParameters, weightDecay: 0.1)
            let features = batch(lengths: [24, 17], melBandCount: 8)
            model.loss(features: features, lengths: [24, 17], seed: Seed(1)).value.backward()
            optimizer.step(rate: 0.1)
            let after = model.weights()
            for name in ["targets.projection", "targets.codebook"] {
                #expect(after[name] == before[name])
            }
            #expect(after["output.weight"] != before["output.weight"])
            // Another model takes them over with the parameters.
            let other = makeMaskedPrediction(seed: 2)
            #expect(other.weights()["targets.codebook"] != after["targets.codebook"])
            try other.load(after, from: "test")
            #expect(other.weights() == after)
            #expect(throws: NNError.self) {
                try other.load(after.filter { $0.key != "targets.codebook" }, from: "test")
            }
        }

        private struct Drawn {
            var masked: [[Bool]]
            var features: [[Bool]]
        }

        private func draw(
            lengths: [Int], frameCount: Int, seed: UInt64 = 1,
            _ adjust: (inout MaskedPrediction.Configuration) -> Void = { _ in }
        ) -> (drawn: Drawn, mask: MaskedPrediction.Mask) {
            let model = makeMaskedPrediction(adjust)
            let mask = model.drawMask(lengths: lengths, frameCount: frameCount, seed: Seed(seed))
            let encoded = (frameCount + 1) / 2
            let frames = Set(mask.frames)
            #expect(mask.frames == frames.sorted())
            return (
                Drawn(
                    masked: lengths.indices.map { row in
                        (0..<encoded).map { frames.contains(row * encoded + $0) }
                    },
                    features: lengths.indices.map { row in
                        (0..<frameCount).map { mask.features[row * frameCount + $0] == 1 }
                    }), mask
            )
        }

        /// Recordings of one batch have masks of their own, over their whole length.
        @Test func everyRecordingIsMaskedByItself() {
            let lengths = [Int](repeating: 100, count: 400)
            let (drawn, mask) = draw(lengths: lengths, frameCount: 100)
            #expect(Set(drawn.masked).count > 390)
            for place in 0..<50 {
                let share = Double(drawn.masked.filter { $0[place] }.count) / 400
                #expect(share > 0.05 && share < 0.6, "frame \(place): \(share)")
            }
            // round(0.4 · 50 / 3) = 7 spans of 3 encoder frames.
            for row in drawn.masked {
                #expect((9...21).contains(row.filter { $0 }.count))
            }
            let mean = mask.shares.reduce(0, +) / 400
            // Seven of 48 starts without replacement; a frame inside has three starts above it.
            var missed = 1.0
            for start in 0..<7 { missed *= Double(45 - start) / Double(48 - start) }
            #expect(abs(mean - (1 - missed)) < 0.02)
        }

        @Test func encoderFramesAndFeaturesAreMaskedTogether() {
            let lengths = [41, 30, 7, 2, 1]
            for seed in 1...40 {
                let (drawn, mask) = draw(lengths: lengths, frameCount: 41, seed: UInt64(seed))
                for (row, length) in lengths.enumerated() {
                    for t in 0..<41 {
                        #expect(
                            drawn.features[row][t] == (t < length && drawn.masked[row][t / 2]))
                    }
                    let frames = (length + 1) / 2
                    let count = drawn.masked[row].filter { $0 }.count
                    #expect(count >= 1)
                    #expect(abs(mask.shares[row] - Double(count) / Double(frames)) < 1e-12)
                    #expect(!drawn.masked[row][frames...].contains(true))
                }
            }
        }

        @Test func aSpanIsAtMostHalfOfItsRecording() {
            for seed in 1...20 {
                let (drawn, _) = draw(lengths: [16], frameCount: 16, seed: UInt64(seed)) {
                    $0.maskSpan = 40
                    $0.maskShare = 0.1
                }
                #expect(drawn.masked[0].filter { $0 }.count == 4)
            }
        }

        @Test func theDrawDependsOnTheSeedAndTheRecordingAlone() {
            let first = draw(lengths: [30, 20], frameCount: 30)
            #expect(draw(lengths: [30, 20], frameCount: 30).mask == first.mask)
            #expect(draw(lengths: [30, 20], frameCount: 30, seed: 2).mask != first.mask)
            let longer = draw(lengths: [30, 40], frameCount: 40).drawn
            #expect(longer.masked[0].prefix(15) == first.drawn.masked[0].prefix(15))
        }

        /// What a masked frame holds reaches the loss through its code alone.
        @Test func theEncoderNeverSeesMaskedFrames() {
            let model = makeMaskedPrediction { $0.randomProjection.stackedFrames = 2 }
            redraw(model)
            let features = batch(lengths: [24], melBandCount: 8)
            let mask = model.drawMask(lengths: [24], frameCount: 24, seed: Seed(1))
            func loss(_ scale: (Float) -> Float) -> Float {
                let scales = Tensor(mask.features.map(scale), shape: [1, 24, 1])
                return model.predict(
                    features: features * scales, lengths: [24], mask: mask,
                    noise: Tensor(zeros: [1, 24, 8]), draws: nil
                ).value.item
            }
            // Twice as long, the masked frames have the same codes.
            #expect(loss { 1 + $0 } == loss { _ in 1 })
            #expect(loss { 2 - $0 } != loss { _ in 1 })
        }

        @Test func figures() throws {
            let model = makeMaskedPrediction()
            let features = batch(lengths: [60, 31], melBandCount: 8)
            let result = model.loss(features: features, lengths: [60, 31], seed: Seed(1))
            let figures = Dictionary(uniqueKeysWithValues: result.figures())
            #expect(
                Set(figures.keys) == [
                    "accuracy", "chanceLoss", "codeEntropy", "majorityShare", "codePerplexity",
                    "deadCodes", "maskedShare/min", "maskedShare/mean", "maskedShare/max",
                ])
            let (least, mean, most) = (
                try #require(figures["maskedShare/min"]), try #require(figures["maskedShare/mean"]),
                try #require(figures["maskedShare/max"])
            )
            #expect(0 < least && least <= mean && mean <= most && most < 1)
            #expect((1...12).contains(try #require(figures["codePerplexity"])))
            #expect((0...11).contains(try #require(figures["deadCodes"])))
            #expect(abs(Double(result.value.item) - log(12)) < 1)
        }

        /// Drawn as CPC draws them, and the same for a recording however its batch is padded.
        @Test(arguments: [CPC.NegativeSource.otherRecordings, .sameRecording, .mixed])
        func theContrastiveTermIsPartOfTheLoss(source: CPC.NegativeSource) throws {
            func model(weight: Double) -> MaskedPrediction {
                makeMaskedPrediction {
                    $0.contrastive.weight = weight
                    $0.contrastive.negatives = source
                }
            }
            let features = batch(lengths: [60, 31], melBandCount: 8)
            func loss(_ weight: Double) -> ObjectiveLoss {
                model(weight: weight).loss(features: features, lengths: [60, 31], seed: Seed(1))
            }
            let (plain, half, whole) = (loss(0), loss(0.5), loss(1))
            let figures = Dictionary(uniqueKeysWithValues: whole.figures())
            let term = try #require(figures["contrastiveLoss"])
            #expect((0...1).contains(try #require(figures["contrastiveAccuracy"])))
            #expect(term > 0)
            #expect(abs(Double(half.value.item - plain.value.item) - 0.5 * term) < 1e-4)
            #expect(abs(Double(whole.value.item - plain.value.item) - term) < 1e-4)
            let wider = Tensor.concatenated([features, Tensor(zeros: [2, 8, 8])], dimension: 1)
            let padded = model(weight: 1).loss(features: wider, lengths: [60, 31], seed: Seed(1))
            #expect(abs(padded.value.item - whole.value.item) < 1e-4)
        }

        @Test func whatCannotBeBuiltIsNamed() {
            func problem(_ adjust: (inout MaskedPrediction.Configuration) -> Void) -> String? {
                var objective = smallObjective(.maskedPrediction)
                adjust(&objective.maskedPrediction)
                return objective.problem().map { String($0.dropFirst(27)) }
            }
            #expect(problem { _ in } == nil)
            #expect(
                problem { $0.encoder.subsampling = 5 }
                    == "encoder.subsampling is 5, expected 1, 2 or 4")
            #expect(
                problem { $0.maskShare = 0 }
                    == "maskShare is 0.0, expected more than 0 and at most 1")
            #expect(
                problem { $0.maskSpan = 7 }
                    == "maskSpan is 7, expected a multiple of encoder.subsampling, 2")
            #expect(
                problem { $0.noiseDeviation = -1 } == "noiseDeviation is -1.0, expected 0 or more")
            #expect(
                problem { $0.randomProjection.stackedFrames = 1 }
                    == "randomProjection.stackedFrames is 1, expected at least "
                    + "encoder.subsampling, 2, and at most 64")
            #expect(
                problem { $0.randomProjection.codebookCount = 17 }
                    == "randomProjection.codebookCount is 17, expected 1 to 16")
            #expect(
                problem { $0.randomProjection.codeCount = 1 }
                    == "randomProjection.codeCount is 1, expected at least 2")
            #expect(
                problem { $0.randomProjection.codeWidth = 0 }
                    == "randomProjection.codeWidth is 0, expected 1 to 1024")
            #expect(
                problem {
                    $0.targets = .units
                    $0.units.count = 1
                } == "units.count is 1, expected at least 2")
            #expect(
                problem {
                    $0.targets = .units
                    $0.units.layerWidth = 0
                } == "units.layerWidth is 0, expected at least 1")
            #expect(
                problem { $0.contrastive.weight = -1 }
                    == "contrastive.weight is -1.0, expected 0 or more")
            #expect(
                problem {
                    $0.contrastive.weight = 1
                    $0.encoder.subsampling = 1
                    $0.maskSpan = 4
                }
                    == "contrastive.weight is 1.0, expected 0 without the convolutions of "
                    + "encoder.subsampling")
            #expect(
                problem { $0.contrastive.negatives = .sameSpeaker }
                    == "contrastive.negatives is sameSpeaker, expected otherRecordings, "
                    + "sameRecording or mixed")
            #expect(
                problem { $0.contrastive.negativeCount = 0 }
                    == "contrastive.negativeCount is 0, expected at least 1")
        }
    }
}
