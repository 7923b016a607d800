import ApusCorpus
import ApusSignal
import Foundation
import TestSupport
import Testing

struct FeatureExportTests {
    let folder: TemporaryFolder
    private let frontEnd: FrontEnd = {
        var frontEnd = FrontEnd.kaldi
        frontEnd.melBandCount = 8
        return frontEnd
    }()
    private let cuts: [Cut]

    init() throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        cuts = try (0..<6).map { index in
            Cut(
                id: "clip \(index)",
                audioPath: try folder.writeWAV(
                    "audio/\(index).wav", sampleCount: 4000 + 500 * index, seed: UInt32(index)))
        }
        for name in ["whole", "resumed"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
        }
    }

    enum Kind: CaseIterable {
        case files, numPy, kaldi
    }

    private func target(_ kind: Kind, in name: String) -> FeatureTarget {
        let path = "\(folder.path)/\(name)"
        return switch kind {
        case .files: .files(folder: path, pathExtension: "npy")
        case .numPy: .numPyArchive(path: path + "/clips.npz")
        case .kaldi: .kaldiArchive(path: path + "/clips.ark")
        }
    }

    /// Writes what isn't there of the cuts; returns how many were.
    @discardableResult
    private func write(
        _ cuts: some Sequence<Cut>, _ target: FeatureTarget, finishes: Bool = true
    ) throws -> Int {
        let export = try FeatureExport(to: target, frontEnd: frontEnd)
        let store = try FeatureStore(frontEnd: frontEnd)
        var skipped = 0
        for cut in cuts {
            guard try !export.isWritten(cut) else {
                skipped += 1
                continue
            }
            try export.write(
                store.features(of: cut), of: cut, key: String(cut.id.suffix(1)),
                source: SourceState(path: cut.audioPath))
        }
        if finishes { try export.finish() }
        return skipped
    }

    /// Every file of a folder with its bytes; a script's lines name the folder, which differs.
    private func content(_ name: String) throws -> [String: Data] {
        let path = "\(folder.path)/\(name)"
        let names = try FileManager.default.contentsOfDirectory(atPath: path)
        return try Dictionary(
            uniqueKeysWithValues: names.map { name in
                let data = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
                let text = String(decoding: data, as: UTF8.self)
                return name.hasSuffix(".scp")
                    ? (name, Data(text.replacingOccurrences(of: path, with: "").utf8))
                    : (name, data)
            })
    }

    @Test(arguments: Kind.allCases)
    func whatIsWrittenIsIndexed(kind: Kind) throws {
        let target = target(kind, in: "whole")
        try write(cuts, target)
        let store = try FeatureStore(frontEnd: frontEnd)
        let index = try FeatureIndex(contentsOf: target.indexPath)
        #expect(index.entries.map(\.cut) == cuts)
        for (entry, cut) in zip(index.entries, cuts) {
            let expected = try store.features(of: cut)
            #expect(entry.frameCount == expected.frameCount)
            #expect(entry.featureCount == 8)
            #expect(entry.frameRate == 100)
            #expect(entry.frontEnd == frontEnd.fingerprint)
            #expect(entry.source == SourceState(path: cut.audioPath))
            let path = "\(folder.path)/whole/\(entry.featuresPath)"
            switch kind {
            case .files:
                #expect(try NumPyFile.read(path).values == expected.values)
            case .numPy:
                let key = try #require(entry.key)
                #expect(
                    try NumPyArchive(contentsOf: path).read(key).values == expected.values)
            case .kaldi:
                let location = KaldiLocation(
                    path: path, offset: try #require(entry.archiveOffset))
                #expect(try location.read() == .matrix(expected))
                let script = try KaldiScript(contentsOf: target.scriptPath)
                #expect(try script.read(try #require(entry.key)) == .matrix(expected))
            }
        }
        let options = try Data(contentsOf: URL(fileURLWithPath: target.frontEndPath))
        #expect(try JSONDecoder().decode(FrontEnd.self, from: options) == frontEnd)
    }

    @Test(arguments: Kind.allCases)
    func aRunThatWasKilledGoesOn(kind: Kind) throws {
        let (whole, resumed) = (target(kind, in: "whole"), target(kind, in: "resumed"))
        try write(cuts, whole)
        for count in 0...cuts.count {
            // Left without an end, and with half a record and half a line after what is listed.
            try write(cuts.prefix(count), resumed, finishes: false)
            for (name, junk) in [
                ("clips.ark", "4 \0BFM \u{4}"), ("clips.npz.part", "PK\u{3}\u{4}"),
                ("clips.ark.index.jsonl", "{\"id\":"),
                ("clips.npz.index.jsonl", "{\"id\":"), ("index.jsonl", "{\"id\":"),
                ("clips.scp", "4 clips"),
            ] {
                let path = "\(folder.path)/resumed/\(name)"
                guard let handle = FileHandle(forWritingAtPath: path) else { continue }
                try handle.seekToEnd()
                try handle.write(contentsOf: Data(junk.utf8))
                try handle.close()
            }
            #expect(try write(cuts, resumed) == count)
            #expect(try content("resumed") == content("whole"), "after \(count)")
            #expect(try write(cuts, resumed) == cuts.count)
            #expect(try content("resumed") == content("whole"))
            for name in try FileManager.default.contentsOfDirectory(
                atPath: folder.path + "/resumed")
            {
                try FileManager.default.removeItem(atPath: "\(folder.path)/resumed/\(name)")
            }
        }
    }

    @Test(arguments: [Kind.numPy, .kaldi])
    func anArchiveThatLostItsEndIsMadeWholeAgain(kind: Kind) throws {
        let (whole, resumed) = (target(kind, in: "whole"), target(kind, in: "resumed"))
        try write(cuts, whole)
        try write(cuts, resumed)
        let path = "\(folder.path)/resumed/\(kind == .numPy ? "clips.npz" : "clips.ark")"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path))
        let skipped = try write(cuts, resumed)
        #expect((1..<cuts.count).contains(skipped))
        #expect(try content("resumed") == content("whole"))
    }

    @Test(arguments: Kind.allCases)
    func anotherFrontEndIsNotMixedIn(kind: Kind) throws {
        let target = target(kind, in: "whole")
        try write(cuts, target)
        let before = try content("whole")
        var other = frontEnd
        other.melBandCount = 9
        let error = #expect(throws: CorpusError.self) {
            try FeatureExport(to: target, frontEnd: other)
        }
        #expect("\(String(describing: error))".contains("melBandCount: 8, here 9"))
        #expect(try content("whole") == before)
        let export = try FeatureExport(to: target, frontEnd: other, beginsAnew: true)
        #expect(export.recordingCount == 0)
        #expect(try !export.isWritten(cuts[0]))
    }

    @Test(arguments: Kind.allCases)
    func aRecordingThatChangedIsSeen(kind: Kind) throws {
        let target = target(kind, in: "whole")
        try write(cuts, target)
        try folder.writeWAV("audio/2.wav", sampleCount: 9000, seed: 77)
        if kind == .files {
            #expect(try write(cuts, target) == cuts.count - 1)
            let entries = try FeatureIndex(contentsOf: target.indexPath).entries
            #expect(entries.count == cuts.count)
            #expect(entries.last?.cut == cuts[2])
            #expect(entries.last?.frameCount == 1 + (9000 - 400) / 160)
            #expect(try write(cuts, target) == cuts.count)
        } else {
            let error = #expect(throws: CorpusError.self) { try write(cuts, target) }
            guard case .otherFeatures(_, let reason) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("audio/2.wav has changed"))
            // What is there stays.
            #expect(try write([cuts[0], cuts[5]], target) == 2)
        }
    }

    @Test(arguments: Kind.allCases)
    func twoRunsDoNotWriteToOnePlace(kind: Kind) throws {
        let target = target(kind, in: "whole")
        let first = try FeatureExport(to: target, frontEnd: frontEnd)
        let error = #expect(throws: SignalError.self) {
            try FeatureExport(to: target, frontEnd: frontEnd)
        }
        #expect("\(String(describing: error))".contains("another process"))
        // Nothing was written, and nothing is left.
        try first.finish()
        #expect(try content("whole").isEmpty)
    }

    @Test func whatIsNoIndexIsATypedError() throws {
        let target = target(.files, in: "whole")
        try folder.write("{\"id\": \"a\"}\n", "whole/index.jsonl")
        let error = #expect(throws: CorpusError.self) {
            try FeatureExport(to: target, frontEnd: frontEnd)
        }
        guard case .malformedLine(_, 1, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        // An archive of someone's own isn't taken for one of ours.
        try folder.write("an archive", "resumed/clips.ark")
        #expect(throws: CorpusError.self) {
            try FeatureExport(to: self.target(.kaldi, in: "resumed"), frontEnd: frontEnd)
        }
        #expect(try content("resumed") == ["clips.ark": Data("an archive".utf8)])
    }
}

struct OrderedWorkTests {
    @Test(arguments: [1, 2, 7, 100])
    func resultsComeInTheOrderOfTheItems(workers: Int) {
        var seen: [Int] = []
        forEachInOrder(Array(0..<50), workers: workers) { item in
            // The first ones take longest.
            if item % 10 == 0 { usleep(3000) }
            return item * item
        } _: { index, square in
            #expect(square == index * index)
            seen.append(index)
        }
        #expect(seen == Array(0..<50))
        forEachInOrder([Int](), workers: workers) {
            $0
        } _: { _, _ in
            Issue.record("there is nothing to do")
        }
    }

    @Test func aFailureEndsTheWork() {
        struct Stop: Error {}
        let begun = Counter()
        #expect(throws: Stop.self) {
            try forEachInOrder(Array(0..<1000), workers: 3) { _ in
                begun.increment()
            } _: { index, _ in
                if index == 5 { throw Stop() }
            }
        }
        // At most two for each worker were ahead.
        #expect(begun.value <= 6 + 6)
    }
}

/// A number that threads count up.
private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0

    func increment() { lock.withLock { count += 1 } }
    var value: Int { lock.withLock { count } }
}
