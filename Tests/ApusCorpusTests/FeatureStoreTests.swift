import ApusCorpus
import ApusSignal
import Foundation
import TestSupport
import Testing

struct FeatureStoreTests {
    let folder: TemporaryFolder
    private let frontEnd: FrontEnd = {
        var frontEnd = FrontEnd.kaldi
        frontEnd.melBandCount = 8
        frontEnd.dither = 1
        return frontEnd
    }()

    init() throws { folder = try TemporaryFolder() }

    @Test func cachedAndFreshFeaturesAreTheSameBits() throws {
        let path = try folder.writeWAV("a.wav", sampleCount: 8000)
        let cut = Cut(id: "a", audioPath: path, offset: 0.1, duration: 0.3)
        let cached = try FeatureStore(frontEnd: frontEnd)
        let uncached = try FeatureStore(frontEnd: frontEnd, cacheByteLimit: 0)
        let first = try cached.features(of: cut)
        #expect(first.featureCount == 8)
        #expect(first.frameCount == 1 + (4800 - 400) / 160)
        #expect(try cached.features(of: cut) == first)
        #expect(try uncached.features(of: cut) == first)
        #expect(try uncached.features(of: cut) == first)
        #expect(cached.cachedByteCount == first.values.count * 4)
        #expect(uncached.cachedByteCount == 0)
        // A cached cut needs its file no more.
        try FileManager.default.removeItem(atPath: path)
        #expect(try cached.features(of: cut) == first)
        #expect(throws: CorpusError.self) { try uncached.features(of: cut) }
    }

    @Test func featuresAreThoseOfTheExtractor() throws {
        var plain = frontEnd
        plain.dither = 0
        let path = try folder.writeWAV("a.wav", sampleCount: 8000, sampleRate: 8000)
        let expected = try FeatureExtractor(plain)(Waveform(contentsOf: path, sampleRate: 16000))
        let store = try FeatureStore(frontEnd: plain)
        #expect(try store.features(of: Cut(id: "a", audioPath: path)) == expected)
    }

    @Test func theCacheStaysWithinItsLimit() throws {
        let cuts = try (0..<4).map {
            Cut(
                id: "\($0)",
                audioPath: try folder.writeWAV("\($0).wav", sampleCount: 8000, seed: UInt32($0)))
        }
        let size = try FeatureStore(frontEnd: frontEnd).features(of: cuts[0]).values.count * 4
        let store = try FeatureStore(frontEnd: frontEnd, cacheByteLimit: 2 * size + 1)
        for cut in cuts + cuts { _ = try store.features(of: cut) }
        #expect(store.cachedByteCount == 2 * size)
    }

    @Test func aBadRecordingIsNamed() throws {
        let good = Cut(
            id: "good", audioPath: try folder.writeWAV("good.wav", sampleCount: 8000))
        let corrupt = Cut(
            id: "corrupt",
            audioPath: try folder.writeTruncatedWAV("corrupt.wav", sampleCount: 8000))
        let tiny = Cut(id: "tiny", audioPath: try folder.writeWAV("tiny.wav", sampleCount: 100))
        let outside = Cut(id: "outside", audioPath: good.audioPath, offset: 7)
        let store = try FeatureStore(frontEnd: frontEnd)
        let cuts = [corrupt, good, tiny, outside, good]
        let results = store.features(of: cuts, workers: 3)
        #expect(results.count == 5)
        for (cut, result) in zip(cuts, results) {
            switch result {
            case .success:
                #expect(cut.id == "good")
            case .failure(.badRecording(let id, let path, let reason)):
                #expect(id == cut.id && path == cut.audioPath && !reason.isEmpty)
                #expect(id != "good")
            case .failure(let error):
                Issue.record("another error: \(error)")
            }
        }
    }

    @Test(arguments: [8000, 11025, 16000, 44100, 48000], [4001, 8000, 16123])
    func frameCountsFromHeadersAreExact(sampleRate: Int, sampleCount: Int) throws {
        let path = try folder.writeWAV("a.wav", sampleCount: sampleCount, sampleRate: sampleRate)
        let whole = Double(sampleCount) / Double(sampleRate)
        let cuts = [
            Cut(id: "whole", audioPath: path),
            Cut(id: "named", audioPath: path, duration: whole),
            Cut(id: "rounded up", audioPath: path, duration: whole + 0.0005),
            Cut(id: "inside", audioPath: path, offset: 0.0123, duration: 0.0517),
            Cut(id: "rest", audioPath: path, offset: 0.02),
        ]
        let store = try FeatureStore(frontEnd: frontEnd)
        let counts = try store.frameCounts(of: cuts).map { try $0.get() }
        #expect(counts == (try cuts.map { try store.features(of: $0).frameCount }))
    }

    @Test func statisticsAreThoseOfAllFrames() throws {
        let cuts = try (0..<5).map {
            Cut(
                id: "\($0)",
                audioPath: try folder.writeWAV(
                    "\($0).wav", sampleCount: 4000 + 900 * $0, seed: UInt32($0)))
        }
        let bad = Cut(id: "bad", audioPath: folder.path + "/none.wav")
        let store = try FeatureStore(frontEnd: frontEnd)
        let (statistics, problems) = try store.statistics(of: [bad] + cuts, workers: 3)
        #expect(problems.map(\.id) == ["bad"])
        let other = try FeatureStore(frontEnd: frontEnd, cacheByteLimit: 0)
            .statistics(of: cuts, workers: 1)
        #expect(other.statistics == statistics)
        #expect(other.problems.isEmpty)

        let matrices = try cuts.map { try store.features(of: $0) }
        for feature in 0..<8 {
            let values = matrices.flatMap { matrix in
                (0..<matrix.frameCount).map { Double(matrix[$0, feature]) }
            }
            let mean = values.reduce(0, +) / Double(values.count)
            let variance =
                values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
            #expect(abs(Double(statistics.mean[feature]) - mean) < 1e-4)
            #expect(
                abs(Double(statistics.standardDeviation[feature]) - variance.squareRoot()) < 1e-4)
        }
        #expect(throws: CorpusError.self) { try store.statistics(of: [bad]) }
    }

    @Test func aBatchHoldsItsCropsAndZeros() throws {
        let cuts = try [4000, 8000].enumerated().map { index, sampleCount in
            Cut(
                id: "cut \(index)",
                audioPath: try folder.writeWAV(
                    "\(index).wav", sampleCount: sampleCount, seed: UInt32(index)),
                speaker: "speaker \(index)")
        }
        let missing = Cut(id: "missing", audioPath: folder.path + "/missing.wav")
        let store = try FeatureStore(frontEnd: frontEnd)
        let plan = BatchPlan(
            epoch: 2, index: 7, seed: 11,
            items: [
                .init(cutIndex: 1, start: 3, length: 20), .init(cutIndex: 2, start: 0, length: 9),
                .init(cutIndex: 0, start: 0, length: 10), .init(cutIndex: 0, start: 0, length: 24),
            ])
        let (batch, problems) = store.batch(for: plan, of: cuts + [missing])
        #expect(batch.ids == ["cut 1", "cut 0"])
        #expect(batch.speakers == ["speaker 1", "speaker 0"])
        #expect(batch.groups == [0, 1])
        #expect(batch.lengths == [20, 10])
        #expect(batch.epoch == 2 && batch.index == 7 && batch.seed == 11 && batch.count == 2)
        #expect(batch.rows == [0, 2])
        // The plan's longest crop, although it is left out: what others share has one length.
        #expect(batch.frameCount == 24 && batch.featureCount == 8)
        let long = try store.features(of: cuts[1])
        let short = try store.features(of: cuts[0])
        func zeros(_ frames: Int) -> [Float] { [Float](repeating: 0, count: frames * 8) }
        let crops = (long.values[24..<184], short.values[0..<80])
        #expect(batch.features == crops.0 + zeros(4) + crops.1 + zeros(14))

        // 4000 samples make 23 frames: the last crop does not fit.
        #expect(problems.map(\.id) == ["missing", "cut 0"])
        #expect(problems.last?.reason.hasSuffix("expected 24 frames, found 23") == true)
    }
}
