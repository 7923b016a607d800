import ApusCorpus
import ApusPretraining
import ApusProbing
import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct RepresentationTests {
    @Test func dynamicsAreExtremesAndChanges() {
        // Two features: 1, 3, 2 and a constant.
        let frames = FeatureMatrix(values: [1, 5, 3, 5, 2, 5], frameCount: 3, featureCount: 2)
        let least = FeatureStatistics.smallestStandardDeviation
        let values = Pooling.dynamics(frames).values
        let expected: [Float] = [
            2, 5, Float((2.0 / 3).squareRoot()), least, 3, 5, 1, 5,
            1.5, least,  // Changes of 2 and -1, and of none.
        ]
        #expect(values.count == Pooling.dynamics.width(ofFrames: 2))
        #expect(zip(values, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(values)")
        let single = FeatureMatrix(values: [4], frameCount: 1, featureCount: 1)
        #expect(Pooling.dynamics(single).values == [4, least, 4, 4, least])
    }

    @Test func poolingIsTheMeanAndThePopulationsDeviation() {
        let frames = FeatureMatrix(values: [1, 10, 3, 10, 5, 10], frameCount: 3, featureCount: 2)
        #expect(Pooling.mean(frames).values == [3, 10])
        let both = Pooling.meanAndStandardDeviation(frames).values
        #expect(abs(both[2] - Float(8.0 / 3).squareRoot()) < 1e-6)
        #expect(both[3] == FeatureStatistics.smallestStandardDeviation)
        #expect(Pooling.frames(frames) == frames)
        #expect(Pooling.meanAndStandardDeviation.width(ofFrames: 2) == 4)
    }

    /// From a single frame, over fewer frames than the strides' product, to hundreds.
    private static let sampleCounts = [400, 31_000, 560, 800, 720, 16_000, 880, 47_321, 4000, 400]

    private func recordings(_ folder: TemporaryFolder) throws -> [Cut] {
        try Self.sampleCounts.enumerated().map { index, count in
            let path = try folder.writeWAV(
                "\(index).wav", voice(index % 3, take: index, sampleCount: count))
            return Cut(id: "\(index)", audioPath: path)
        }
    }

    @Test(arguments: ObjectiveKind.allCases)
    func aRecordingIsTheSameAloneAndInABatch(kind: ObjectiveKind) throws {
        let folder = try TemporaryFolder()
        let cuts = try recordings(folder)
        let model = makeModel(kind)
        let extractor = try RepresentationExtractor(model)
        for layer in extractor.layerNames.indices {
            let together = extractor.frames(of: cuts, layer: layer)
            for (index, cut) in cuts.enumerated() {
                let alone = try extractor.frames(of: [cut], layer: layer)[0].get()
                let batched = try together[index].get()
                let frames = 1 + (Self.sampleCounts[index] - 400) / 160
                #expect(
                    batched.frameCount
                        == (frames + extractor.stride - 1) / extractor.stride)
                #expect(batched.featureCount == extractor.layerWidths[layer])
                #expect(alone.frameCount == batched.frameCount)
                #expect(largestDifference(alone, batched) < 1e-5)
            }
        }
        let together = extractor.pooled(cuts)
        for (index, cut) in cuts.enumerated() {
            let alone = try extractor.pooled([cut])[0].get()
            for (a, b) in zip(alone, try together[index].get()) {
                #expect(largestDifference(a, b) < 1e-5)
            }
        }
    }

    @Test func otherSamplesGiveOtherStates() throws {
        // What tells that the comparison above can fail: other samples give other states.
        let extractor = try RepresentationExtractor(makeModel(.maskedReconstruction))
        let folder = try TemporaryFolder()
        let cuts = try recordings(folder)
        let first = try extractor.frames(of: [cuts[0]], layer: 0)[0].get()
        let other = try extractor.frames(of: [cuts[9]], layer: 0)[0].get()
        #expect(largestDifference(first, other) > 1e-3)
    }

    @Test func oneBadRecordingDoesNotStopTheRest() throws {
        let folder = try TemporaryFolder()
        let good = try folder.writeWAV("good.wav", voice(0, take: 0, sampleCount: 8000))
        let short = try folder.writeWAV("short.wav", voice(0, take: 1, sampleCount: 399))
        let text = folder.path + "/text.wav"
        try Data("not audio".utf8).write(to: URL(fileURLWithPath: text))
        let paths = [folder.path + "/missing.wav", good, short, text, good]
        let cuts = paths.enumerated().map { Cut(id: "\($0)", audioPath: $1) }
        let extractor = try RepresentationExtractor(makeModel(.cpc))
        let plain = PlainFeatures(store: extractor.store)
        for results in [extractor.pooled(cuts), plain.pooled(cuts)] {
            #expect(results.count == 5)
            for (index, result) in results.enumerated() {
                switch result {
                case .success(let layers):
                    #expect([1, 4].contains(index))
                    #expect(layers[0].values.allSatisfy { $0.isFinite })
                case .failure(.badRecording(let id, let path, _)):
                    #expect(id == "\(index)" && path == paths[index])
                case .failure(let other): Issue.record("\(other)")
                }
            }
        }
    }

    @Test func aStoreOfAnotherFrontEndIsRefused() throws {
        #expect(throws: PretrainingError.self) {
            try RepresentationExtractor(
                makeModel(.cpc), store: FeatureStore(frontEnd: .kaldi))
        }
    }

    @Test func theChannelIsTheMeanOfTheQuietestTenth() throws {
        var frontEnd = FrontEnd.kaldi
        frontEnd.melBandCount = 4
        let plain = PlainFeatures(store: try FeatureStore(frontEnd: frontEnd))
        // Frame t is 4 bands of log energy t, but for the quietest, frames 7 and 13.
        var values = (0..<20).flatMap { [Float](repeating: Float($0) + 50, count: 4) }
        for (frame, level) in [(7, Float(-1)), (13, 3)] {
            for band in 0..<4 { values[4 * frame + band] = level + Float(band) }
        }
        let matrix = FeatureMatrix(values: values, frameCount: 20, featureCount: 4)
        #expect(plain.quietFrameMean(of: matrix) == [1, 2, 3, 4])
        let single = FeatureMatrix(values: [1, 2, 3, 4], frameCount: 1, featureCount: 4)
        #expect(plain.quietFrameMean(of: single) == [1, 2, 3, 4])
    }

    @Test func baselinesAreFixedSummariesOfLogMels() throws {
        let plain = PlainFeatures(store: try FeatureStore(frontEnd: .kaldi))
        let bandCount = FrontEnd.kaldi.featureCount
        func summary(_ baseline: FeatureBaseline, _ frames: [[Float]]) -> [Float] {
            baseline.summary(of: plain)([
                FeatureMatrix(
                    values: frames.flatMap(\.self), frameCount: frames.count,
                    featureCount: bandCount)
            ])[0]
        }
        // A level is the first cepstral coefficient, a cosine over the bands its own.
        let level = [Float](repeating: 2, count: bandCount)
        let third = (0..<bandCount).map {
            Float(cos(Double.pi * 3 * (Double($0) + 0.5) / Double(bandCount)))
        }
        let cepstra = summary(.mfccStatistics, [level, zip(level, third).map(+)])
        #expect(cepstra.count == 40)
        #expect(abs(cepstra[0] - 2 * Float(bandCount).squareRoot()) < 1e-4)
        let height = Float(bandCount / 2).squareRoot()
        for (k, value) in cepstra[..<20].enumerated() where k > 0 {
            #expect(abs(value - (k == 3 ? height / 2 : 0)) < 1e-4)
        }
        #expect(abs(cepstra[23] - height / 2) < 1e-4)
        #expect(cepstra[20] < 1e-3 && cepstra[24] < 1e-3)

        // Linear, the same every time, and about as long as what it projects.
        let once = summary(.randomProjection, [level])
        let twice = summary(.randomProjection, [level.map { 2 * $0 }])
        #expect(once.count == 512)
        for (a, b) in zip(once[..<256], twice) { #expect(abs(2 * a - b) < 1e-4) }
        #expect(summary(.randomProjection, [level]) == once)
        let energy = once[..<256].reduce(0) { $0 + $1 * $1 } / 256
        #expect(energy > 2 && energy < 8)
    }

    @Test func plainFeaturesAreNotNormalised() {
        let model = makeModel(.cpc)
        let plain = PlainFeatures.frontEnd(of: model.card.frontEnd)
        #expect(plain.normalization == .none)
        #expect(plain.featureCount == model.card.frontEnd.featureCount)
    }
}

func largestDifference(_ a: FeatureMatrix, _ b: FeatureMatrix) -> Float {
    zip(a.values, b.values).map { abs($0 - $1) }.max() ?? .infinity
}
