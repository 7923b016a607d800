import ApusCorpus
import ApusNN
import ApusProbing
import ApusSignal
import ApusTensor
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct EmbeddingExportTests {
    private let folder: TemporaryFolder
    private let cuts: [Cut]
    private let model = makeModel(.cpc)

    init() throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        cuts = try (0..<5).map { index in
            Cut(
                id: "clip, \(index)",
                audioPath: try folder.writeWAV(
                    "\(index).wav",
                    voice(index % 2, take: index, sampleCount: 24_000 - 3000 * index)))
        }
    }

    private func target(_ name: String) throws -> EmbeddingTarget {
        try #require(EmbeddingTarget(path: folder.path + "/" + name))
    }

    private func keys(_ cuts: [Cut]) -> [String] {
        cuts.map { $0.id.replacing(", ", with: "-") }
    }

    /// Embeds into a target and gives what became of each recording.
    @discardableResult
    private func export(
        _ cuts: [Cut], to name: String, _ extractor: EmbeddingExtractor? = nil,
        finish: EmbeddingExport.Finish = EmbeddingExport.Finish(), ends: Bool = true,
        beginsAnew: Bool = false
    ) throws -> String {
        let extractor = try extractor ?? EmbeddingExtractor(model)
        let target = try target(name)
        if target.format == .folder {
            try FileManager.default.createDirectory(
                atPath: target.path, withIntermediateDirectories: true)
        }
        let export = try EmbeddingExport(
            to: target, extractor.description(), finish: finish, beginsAnew: beginsAnew)
        var outcomes = ""
        try export.add(
            cuts, by: extractor, keys: keys(cuts), hashes: ContentHashes()
        ) { _, outcome in
            switch outcome {
            case .written: outcomes += "w"
            case .skipped: outcomes += "s"
            case .failed: outcomes += "f"
            }
        }
        if ends { _ = try export.finish(cuts, times: extractor.times) }
        return outcomes
    }

    private static let formats = [
        "a.npy", "a.npz", "a.safetensors", "a.ark", "a.jsonl", "a.csv", "a",
    ]

    @Test(arguments: formats)
    func everyFormatHoldsTheVectorsInTheirOrder(name: String) throws {
        let extractor = try EmbeddingExtractor(model)
        let order = [3, 0, 4, 1, 2].map { cuts[$0] }
        #expect(try export(order, to: name, extractor) == "wwwww")
        let read = try StoredEmbeddings(contentsOf: folder.path + "/" + name)
        let isKeyed = ["a.npz", "a.ark"].contains(name)
        #expect(read.ids == (isKeyed ? keys(order) : order.map(\.id)))
        for (row, cut) in order.enumerated() {
            let expected = try extractor.embedding(of: cut)
            let own = FeatureMatrix(
                values: Array(read.values[row * 32..<(row + 1) * 32]), frameCount: 1,
                featureCount: 32)
            #expect(largestDifference(own, expected) < 1e-5)
        }
        // Nothing is left beside it, and nothing is done twice.
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path)
                .filter { $0.contains("unfinished") || $0.hasSuffix(".tmp") } == [])
        #expect(try export(order, to: name, extractor) == "sssss")
        #expect(try StoredEmbeddings(contentsOf: folder.path + "/" + name).values == read.values)
    }

    @Test(arguments: formats)
    func windowsAndFramesHaveTheirRows(name: String) throws {
        let windows = try EmbeddingExtractor(
            model, windows: EmbeddingWindows(length: 0.4, hop: 0.2))
        try export(cuts, to: name, windows)
        let read = try StoredEmbeddings(contentsOf: folder.path + "/" + name, severalRows: true)
        let expected = try windows.embeddings(of: cuts).map { try $0.get() }
        #expect(read.values == expected.flatMap(\.values))
        #expect(Set(read.ids).count == read.ids.count)
        if ["a.npy", "a.safetensors", "a.jsonl", "a.csv"].contains(name) {
            #expect(read.ids[1] == "clip, 0@0.200-0.600")
        }
        guard !["a.npy", "a.csv"].contains(name) else { return }
        let frames = try EmbeddingExtractor(model, pooling: .frames)
        try export(cuts, to: name, frames, beginsAnew: true)
        let all = try frames.embeddings(of: cuts).map { try $0.get() }
        let found = try StoredEmbeddings(contentsOf: folder.path + "/" + name, severalRows: true)
        #expect(found.values == all.flatMap(\.values))
        if name == "a" {
            let text = try String(
                contentsOfFile: folder.path + "/a/clip-0.timestamps.json", encoding: .utf8)
            let times = try JSONDecoder().decode([Double].self, from: Data(text.utf8))
            #expect(times.count == all[0].frameCount)
            #expect(Array(times[..<3]) == [20, 60, 100])
        }
    }

    @Test(arguments: formats)
    func whatWasBegunGoesOn(name: String) throws {
        #expect(try export(Array(cuts[..<3]), to: name, ends: false) == "www")
        // What a killed process leaves: a line that isn't whole, rows that no line names.
        if name != "a" {
            let rows = folder.path + "/\(name).unfinished"
            let index = rows + ".jsonl"
            for (path, text) in [(rows, "12345"), (index, "{\"id\": \"half")] {
                let file = try #require(FileHandle(forWritingAtPath: path))
                try file.seekToEnd()
                try file.write(contentsOf: Data(text.utf8))
                try file.close()
            }
        }
        #expect(try export(cuts, to: name) == "sssww")
        let read = try StoredEmbeddings(contentsOf: folder.path + "/" + name)
        let alone = try EmbeddingExtractor(model).embeddings(of: cuts).map { try $0.get().values }
        let differences = zip(read.values, alone.flatMap(\.self)).map { abs($0 - $1) }
        #expect(read.ids.count == 5 && differences.allSatisfy { $0 < 1e-5 })
        // A file that has changed since is made again, and more can be added.
        try folder.writeWAV("1.wav", voice(9, take: 0, sampleCount: 9000))
        let more = Cut(
            id: "more",
            audioPath: try folder.writeWAV("more.wav", voice(3, take: 0, sampleCount: 7000)))
        #expect(try export(cuts + [more], to: name) == "swsssw")
        let grown = try StoredEmbeddings(contentsOf: folder.path + "/" + name)
        #expect(grown.ids.count == 6)
        #expect(grown.values[..<32] == read.values[..<32])
        #expect(grown.values[32..<64] != read.values[32..<64])
    }

    @Test func otherModelsAndOptionsAreNotMixedIn() throws {
        try export(Array(cuts[..<2]), to: "a.npy", ends: false)
        let others = [
            try EmbeddingExtractor(model, layer: "convolution"),
            try EmbeddingExtractor(makeModel(.cpc, seed: 8)),
            try EmbeddingExtractor(model, windows: EmbeddingWindows(length: 1)),
        ]
        for other in others {
            #expect {
                try export(cuts, to: "a.npy", other)
            } throws: {
                "\($0)".contains("another model or other options")
            }
        }
        #expect(try export(cuts, to: "a.npy", others[0], beginsAnew: true) == "wwwww")
        // A finished file by other options is replaced.
        #expect(try export(cuts, to: "a.npy", others[1]) == "wwwww")
        try export(cuts, to: "b")
        #expect(throws: CorpusError.self) { try export(cuts, to: "b", others[0]) }
    }

    @Test func oneBadRecordingIsLeftOut() throws {
        var some = cuts
        some[2] = Cut(id: "bad", audioPath: try folder.writeWAV("bad.wav", [0, 0.1]))
        for name in ["a.npz", "a"] {
            #expect(try export(some, to: name) == "wwfww")
            #expect(try StoredEmbeddings(contentsOf: folder.path + "/" + name).ids.count == 4)
        }
        let empty = try export([some[2]], to: "empty.npy")
        #expect(empty == "f")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/empty.npy"))
    }

    @Test func vectorsAreWhitenedAndBroughtToOneLength() throws {
        let extractor = try EmbeddingExtractor(model)
        let rows = try extractor.embeddings(of: cuts).flatMap { try $0.get().values }
        let whitening = try Whitening(width: 32) { $0(rows) }
        // Five vectors span four dimensions.
        #expect(whitening.outputWidth == 4)
        let path = folder.path + "/whitening.safetensors"
        try whitening.write(to: path)
        #expect(try Whitening(contentsOf: path) == whitening)
        let finish = EmbeddingExport.Finish(whitening: whitening, isNormalized: true)
        for name in ["a.npy", "a"] {
            try export(cuts, to: name, finish: finish)
            let read = try StoredEmbeddings(contentsOf: folder.path + "/" + name)
            #expect(read.width == 4)
            for row in 0..<5 {
                let squares = read.values[row * 4..<(row + 1) * 4].reduce(0) { $0 + $1 * $1 }
                #expect(abs(squares - 1) < 1e-5)
            }
        }
        #expect(throws: ProbingError.self) { try Whitening(width: 2) { $0([1, 2]) } }
        #expect(throws: ProbingError.self) { try Whitening(width: 2) { $0([1, 2, 1, 2]) } }
        #expect(throws: (any Error).self) { try Whitening(contentsOf: folder.path + "/a.npy") }
    }

    /// Whitened, what it was fitted to has mean zero and the identity as its covariance.
    @Test func whiteningGivesTheIdentity() throws {
        var generator = SeededGenerator(seed: 3, stream: "whitening")
        let (count, width) = (400, 6)
        var rows: [Float] = []
        for _ in 0..<count {
            let sources = (0..<width).map { _ in Float(generator.unitInterval()) }
            for column in 0..<width {
                rows.append(
                    5 + Float(column) * sources[column] + 2 * sources[(column + 1) % width]
                        - sources[(column + 2) % width])
            }
        }
        let whitening = try Whitening(width: width) { take in
            take(Array(rows[..<(150 * width)]))
            take(Array(rows[(150 * width)...]))
        }
        #expect(whitening.outputWidth == width)
        let white = whitening(rows)
        for i in 0..<width {
            let mean =
                (0..<count).reduce(0.0) { $0 + Double(white[$1 * width + i]) } / Double(count)
            #expect(abs(mean) < 1e-4)
            for j in 0..<width {
                let product =
                    (0..<count).reduce(0.0) {
                        $0 + Double(white[$1 * width + i]) * Double(white[$1 * width + j])
                    } / Double(count)
                #expect(abs(product - (i == j ? 1 : 0)) < 1e-3)
            }
        }
    }

    @Test func endingsSayTheFormat() {
        #expect(EmbeddingTarget(path: "a/b.scp")?.path == "a/b.ark")
        #expect(EmbeddingTarget(path: "a/b/")?.path == "a/b")
        #expect(EmbeddingTarget(path: "a/b")?.format == .folder)
        #expect(EmbeddingTarget(path: "a.txt") == nil)
        #expect(EmbeddingTarget(path: "a.folder") == nil)
    }
}
