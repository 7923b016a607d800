import ApusCorpus
import ApusPretraining
import ApusProbing
import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct LongRecordingTests {
    /// 65 s: over what is encoded at once.
    private static let samples = voice(1, take: 0, sampleCount: 65 * 16_000 + 77)

    private let folder: TemporaryFolder
    private let cut: Cut
    private let waveform: Waveform

    init() throws {
        folder = try TemporaryFolder()
        cut = Cut(id: "long", audioPath: try folder.writeWAV("long.wav", Self.samples))
        waveform = try Waveform(contentsOf: cut.audioPath)
    }

    /// Convolutions and recurrent layers give in parts what they give of the whole.
    @Test(arguments: [
        ObjectiveKind.cpc, .autoregressivePrediction, .nonAutoregressivePrediction,
    ])
    func partsAreTheWhole(kind: ObjectiveKind) throws {
        let model = makeModel(kind)
        #expect(!model.encoder.surroundings.isWholeRecording)
        let extractor = try RepresentationExtractor(model)
        let whole = extractor.hiddenStates(of: [
            try FeatureExtractor(model.card.frontEnd)(waveform, source: "long")
        ])[0]
        try extractor.forEachRecording(of: [cut]) { _, result in
            for (layer, expected) in zip(try result.get(), whole) {
                #expect(layer.frameCount == expected.frameCount)
                #expect(largestDifference(layer, expected) < 1e-5)
            }
        }
        for pooling in [Pooling.meanAndStandardDeviation, .dynamics] {
            let embedding = try EmbeddingExtractor(model, pooling: pooling)
            #expect(
                largestDifference(
                    try embedding.embeddings(of: [cut])[0].get(),
                    try embedding.embedding(of: waveform)) < 1e-5)
        }
    }

    /// Where a layer looks at the whole recording, a part is a recording of 30 s at most.
    @Test func aPartOfATransformerIsARecording() throws {
        let model = makeModel(.maskedReconstruction)
        let extractor = try RepresentationExtractor(model)
        let features = try FeatureExtractor(model.card.frontEnd)(waveform, source: "long")
        let frames = try extractor.frames(of: [cut], layer: 1)[0].get()
        #expect(frames.frameCount == features.frameCount)
        for part in 0..<4 {
            let own = part * 2000..<min((part + 1) * 2000, features.frameCount)
            let seen = max(0, own.lowerBound - 500)..<min(own.upperBound + 500, features.frameCount)
            let alone = extractor.hiddenStates(of: [features.rows(in: seen)])[0][1]
            let expected = alone.rows(
                in: own.lowerBound - seen.lowerBound..<own.upperBound - seen.lowerBound)
            #expect(largestDifference(frames.rows(in: own), expected) < 1e-5)
        }
    }

    /// Recordings keep their order, and their vectors, around a long one and one that fails.
    @Test func theOrderIsThatOfTheInput() throws {
        let extractor = try EmbeddingExtractor(makeModel(.cpc))
        let lengths = [9000, 4000, 16_000]
        var cuts = try lengths.enumerated().map { index, count in
            Cut(
                id: "\(index)",
                audioPath: try folder.writeWAV(
                    "\(index).wav", voice(index, take: 1, sampleCount: count)))
        }
        cuts.insert(cut, at: 1)
        cuts.insert(Cut(id: "gone", audioPath: folder.path + "/gone.wav"), at: 3)
        var visited: [Int] = []
        extractor.forEachEmbedding(of: cuts) { index, result in
            visited.append(index)
            switch result {
            case .success(let made):
                let alone = try? extractor.embedding(of: cuts[index])
                #expect(alone.map { largestDifference($0, made) } ?? .infinity < 1e-5)
            case .failure(let problem):
                #expect(index == 3 && problem.description.contains("gone.wav"))
            }
        }
        #expect(visited == [0, 1, 2, 3, 4])
    }

    /// A long file that is cut off is one problem, and not half a vector.
    @Test func aBrokenLongRecordingIsOneProblem() throws {
        let path = folder.path + "/nan.wav"
        try floatWAV(Self.samples, with: .nan, at: 50 * 16_000)
            .write(to: URL(fileURLWithPath: path))
        let extractor = try EmbeddingExtractor(makeModel(.cpc), pooling: .frames)
        let results = extractor.embeddings(of: [Cut(id: "nan", audioPath: path), cut])
        #expect(results.count == 2)
        #expect(throws: CorpusError.self) { try results[0].get() }
        #expect(try results[1].get().frameCount > 1600)
    }

    /// The vectors of windows are those of the frames that begin in them.
    @Test(arguments: [(1.0, 0.5), (2.0, 2.0), (0.5, 1.25), (100, 1)])
    func windows(length: Double, hop: Double) throws {
        let model = makeModel(.cpc)
        let extractor = try EmbeddingExtractor(
            model, windows: EmbeddingWindows(length: length, hop: hop))
        let frames = try EmbeddingExtractor(model, pooling: .frames).embeddings(of: [cut])[0].get()
        let rows = try extractor.embeddings(of: [cut])[0].get()
        let (size, step) = (Int((25 * length).rounded()), Int((25 * hop).rounded()))
        var (row, start) = (0, 0)
        while row == 0 || start < frames.frameCount && start - step + size < frames.frameCount {
            let end = min(start + size, frames.frameCount)
            let expected = Pooling.meanAndStandardDeviation(frames.rows(in: start..<end)).values
            #expect(
                Array(rows.values[row * rows.featureCount..<(row + 1) * rows.featureCount])
                    == expected)
            let times = extractor.times(ofRow: row, frameCount: frames.frameCount)
            #expect(times.start == Double(start) / 25 && times.end == Double(end) / 25)
            row += 1
            start += step
        }
        #expect(rows.frameCount == row)
        // The waveform gives the same rows, encoded at once.
        #expect(largestDifference(try extractor.embedding(of: waveform), rows) < 1e-5)
    }

    @Test func windowsThatCannotBe() {
        for windows in [EmbeddingWindows(length: 0), EmbeddingWindows(length: 1, hop: -1)] {
            #expect(throws: ProbingError.self) {
                try EmbeddingExtractor(makeModel(.cpc), windows: windows)
            }
        }
        #expect(throws: ProbingError.self) {
            try EmbeddingExtractor(
                makeModel(.cpc), pooling: .frames, windows: EmbeddingWindows(length: 1))
        }
    }
}

/// A 32-bit WAV file with one sample replaced.
private func floatWAV(_ samples: [Float], with value: Float, at index: Int) -> Data {
    var data = Data("RIFF".utf8)
    func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
    }
    append(UInt32(36 + 4 * samples.count))
    data.append(Data("WAVEfmt ".utf8))
    append(UInt32(16))
    append(UInt16(3))
    append(UInt16(1))
    append(UInt32(16_000))
    append(UInt32(64_000))
    append(UInt16(4))
    append(UInt16(32))
    data.append(Data("data".utf8))
    append(UInt32(4 * samples.count))
    var samples = samples
    samples[index] = value
    samples.withUnsafeBytes { data.append(contentsOf: $0) }
    return data
}
