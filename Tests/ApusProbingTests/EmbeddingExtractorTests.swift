import ApusCorpus
import ApusProbing
import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct EmbeddingExtractorTests {
    @Test func memoryFileAndCutGiveTheSame() throws {
        let folder = try TemporaryFolder()
        let path = try folder.writeWAV("a.wav", voice(1, take: 0, sampleCount: 12_000))
        let extractor = try EmbeddingExtractor(makeModel(.cpc))
        #expect(extractor.layer == "context")
        #expect(extractor.width == 32)
        let vector = try extractor.embedding(of: Waveform(contentsOf: path))
        #expect(vector.frameCount == 1 && vector.featureCount == 32)
        #expect(try extractor.embedding(ofFile: path) == vector)
        let cut = Cut(id: "a", audioPath: path)
        #expect(try extractor.embedding(of: cut) == vector)
        #expect(try extractor.embeddings(of: [cut])[0].get() == vector)
    }

    @Test func framesOfANamedLayer() throws {
        let extractor = try EmbeddingExtractor(
            makeModel(.cpc), layer: "convolution", pooling: .frames)
        let samples = voice(1, take: 0, sampleCount: 400 + 160 * 8)
        let frames = try extractor.embedding(of: Waveform(samples: samples, sampleRate: 16000))
        #expect(frames.frameCount == 3)  // 9 feature frames by a stride of 4
        #expect(frames.featureCount == 24)
        #expect(extractor.frameRate == 25)
    }

    @Test func aPartOfAFileIsTheCutsOwn() throws {
        let folder = try TemporaryFolder()
        let samples = voice(2, take: 0, sampleCount: 32_000)
        let path = try folder.writeWAV("a.wav", samples)
        let part = try folder.writeWAV("part.wav", Array(samples[8000..<24_000]))
        let extractor = try EmbeddingExtractor(makeModel(.maskedReconstruction))
        let cut = Cut(id: "a", audioPath: path, offset: 0.5, duration: 1)
        #expect(try extractor.embedding(of: cut) == extractor.embedding(ofFile: part))
    }

    @Test func lessThanAFrameIsASignalError() throws {
        let extractor = try EmbeddingExtractor(makeModel(.cpc))
        let short = Waveform(samples: [Float](repeating: 0.1, count: 399), sampleRate: 16000)
        #expect(
            throws: SignalError.tooShort(path: SignalError.inMemory, samples: 399, needed: 400)
        ) { try extractor.embedding(of: short) }
        let empty = Waveform(samples: [], sampleRate: 16000)
        #expect(throws: SignalError.self) { try extractor.embedding(of: empty) }
        #expect(throws: SignalError.self) { try extractor.embedding(ofFile: "no/such/file.wav") }
    }

    @Test func allLayersStandOneBesideTheOther() throws {
        let model = makeModel(.cpc)
        let waveform = Waveform(
            samples: (0..<8000).map { sin(0.05 * Float($0)) }, sampleRate: 16000)
        func values(_ layer: String) throws -> [Float] {
            try EmbeddingExtractor(model, layer: layer).embedding(of: waveform).values
        }
        let all = try EmbeddingExtractor(model, layer: EmbeddingExtractor.allLayers)
        #expect(try all.embedding(of: waveform).values == values("convolution") + values("context"))
    }

    @Test func anUnknownLayerIsNamedWithThoseThereAre() {
        #expect(
            throws: ProbingError.noSuchLayer(
                path: "model.safetensors", layer: "layer-9",
                layers: ["convolution", "context", "all"])
        ) { try EmbeddingExtractor(makeModel(.cpc), layer: "layer-9") }
    }
}
