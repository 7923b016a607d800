import ApusCorpus
import ApusNN
import ApusPretraining
import ApusProbing
import ApusSignal
import ApusTensor
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct RepresentationCacheTests {
    private let folder: TemporaryFolder
    private let cuts: [Cut]

    init() throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        cuts = try (0..<4).map { index in
            Cut(
                id: "\(index)",
                audioPath: try folder.writeWAV(
                    "\(index).wav", voice(index % 2, take: index, sampleCount: 8000 + 900 * index)))
        }
    }

    private func cache(_ limit: Int = 1 << 30) -> RepresentationCache {
        RepresentationCache(folder: folder.path + "/cache", byteLimit: limit)
    }

    private func entries() throws -> [String] {
        let root = folder.path + "/cache"
        return try FileManager.default.subpathsOfDirectory(atPath: root)
            .filter { $0.contains("/") }.map { root + "/" + $0 }.sorted()
    }

    private func vectors(
        _ model: PretrainedModel, _ cache: RepresentationCache?, layer: String? = nil,
        pooling: Pooling = .meanAndStandardDeviation
    ) throws -> [[Float]] {
        try EmbeddingExtractor(model, layer: layer, pooling: pooling, cache: cache)
            .embeddings(of: cuts).map { try $0.get().values }
    }

    @Test func whatIsKeptHasTheSameBits() throws {
        let model = makeModel(.cpc)
        let plain = try vectors(model, nil)
        #expect(try vectors(model, cache()) == plain)
        #expect(cache().usage().entryCount == 4)
        // By the contents: the same audio under another name, which is all that is left of it.
        let extractor = try EmbeddingExtractor(model, cache: cache())
        let other = Cut(id: "x", audioPath: try folder.copy(cuts[2].audioPath, as: "x.wav"))
        #expect(try extractor.embeddings(of: [other])[0].get().values == plain[2])
        #expect(cache().usage().entryCount == 4)
        for (layer, pooling) in [
            ("convolution", Pooling.mean), ("all", .meanAndStandardDeviation), ("all", .mean),
        ] {
            #expect(
                try vectors(model, cache(), layer: layer, pooling: pooling)
                    == vectors(model, nil, layer: layer, pooling: pooling))
        }
        // Probes and verification read the same entries.
        let states = try RepresentationExtractor(model, cache: cache())
        states.forEachStatistics(of: cuts) { index, result in
            #expect((try? result.get())?.last == plain[index])
        }
        #expect(cache().usage().entryCount == 4)
    }

    /// What is there is not computed again: weights that change behind an extractor's back show it.
    @Test func entriesAreUsed() throws {
        let model = makeModel(.cpc)
        let extractor = try EmbeddingExtractor(model, cache: cache())
        let before = try extractor.embeddings(of: cuts).map { try $0.get().values }
        for tensor in model.encoder.parameters {
            tensor.assign(tensor.floats.map { -$0 })
        }
        #expect(try extractor.embeddings(of: cuts).map { try $0.get().values } == before)
        // A new one sees that it is another model.
        #expect(try vectors(model, cache()) != before)
        #expect(cache().usage().entryCount == 8)
    }

    @Test func changedFilesAndCutsAreOthers() throws {
        let model = makeModel(.cpc)
        _ = try vectors(model, cache())
        try folder.writeWAV("0.wav", voice(5, take: 0, sampleCount: 8000))
        let plain = try vectors(model, nil)
        // The changed one is encoded alone now.
        let differences = zip(try vectors(model, cache()).flatMap(\.self), plain.flatMap(\.self))
            .map { abs($0 - $1) }
        #expect(differences.allSatisfy { $0 < 1e-5 })
        #expect(cache().usage().entryCount == 5)
        let part = Cut(id: "part", audioPath: cuts[1].audioPath, offset: 0.1, duration: 0.3)
        let extractor = try EmbeddingExtractor(model, cache: cache())
        #expect(
            try extractor.embeddings(of: [part])[0].get()
                == EmbeddingExtractor(model).embeddings(of: [part])[0].get())
        #expect(cache().usage().entryCount == 6)
    }

    @Test(arguments: ["cut off", "a bit", "empty", "longer"])
    func damagedEntriesAreMadeAgain(damage: String) throws {
        let model = makeModel(.cpc)
        let plain = try vectors(model, cache())
        for path in try entries() {
            var data = try Data(contentsOf: URL(fileURLWithPath: path))
            switch damage {
            case "cut off": data.removeLast(10)
            case "a bit": data[20] ^= 1
            case "empty": data = Data()
            default: data.append(0)
            }
            try data.write(to: URL(fileURLWithPath: path))
        }
        #expect(try vectors(model, cache()) == plain)
        let sizes = try entries().map { try Data(contentsOf: URL(fileURLWithPath: $0)).count }
        #expect(Set(sizes).count == 1 && (sizes.first ?? 0) > 100)
    }

    @Test func theLeastUsedGoFirst() throws {
        let model = makeModel(.cpc)
        _ = try vectors(model, cache())
        let paths = try entries()
        let size = cache().usage().byteCount / 4
        for (age, path) in paths.enumerated() {
            var times = [
                timeval(tv_sec: 1_000_000 - age, tv_usec: 0),
                timeval(tv_sec: 1_000_000 - age, tv_usec: 0),
            ]
            utimes(path, &times)
        }
        let removed = cache().prune(to: 2 * size)
        #expect(removed.entryCount == 2 && removed.byteCount == 2 * size)
        #expect(try entries() == Array(paths[..<2]))
        // A limit is kept while entries are added.
        _ = try vectors(makeModel(.cpc, seed: 9), cache(size))
        _ = cache(size).prune()
        #expect(cache().usage().entryCount == 1)
        #expect(cache().prune(to: 0).entryCount == 1)
        #expect(cache().usage().byteCount == 0)
    }

    @Test func aLimitIsSetForLater() throws {
        let root = folder.path + "/cache"
        #expect(
            RepresentationCache(folder: root).byteLimit == RepresentationCache.defaultByteLimit)
        try RepresentationCache.setLimit(12_345, in: root)
        #expect(RepresentationCache(folder: root).byteLimit == 12_345)
        try Data("nonsense".utf8).write(to: URL(fileURLWithPath: root + "/limit"))
        #expect(
            RepresentationCache(folder: root).byteLimit == RepresentationCache.defaultByteLimit)
    }

    /// A folder that can't be written costs nothing but the time.
    @Test func withoutAFolderItIsComputed() throws {
        try Data().write(to: URL(fileURLWithPath: folder.path + "/file"))
        let nowhere = RepresentationCache(folder: folder.path + "/file/cache")
        let model = makeModel(.cpc)
        #expect(try vectors(model, nowhere) == vectors(model, nil))
        #expect(nowhere.usage().entryCount == 0)
    }
}
