import ApusCorpus
import Foundation
import Testing

struct PreparationTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func makeTree() throws {
        try folder.writeWAV("bo/2.wav", sampleCount: 8000, seed: 2)
        try folder.writeWAV("an/1.wav", sampleCount: 16000, seed: 1)
        try folder.writeWAV("an/copy.wav", sampleCount: 8000, seed: 2)
        try folder.writeWAV("an/other.wav", sampleCount: 8000, seed: 3)
        try folder.writeWAV("bo/short.wav", sampleCount: 3999, seed: 4)
        try folder.writeWAV("bo/enough.WAV", sampleCount: 2000, sampleRate: 8000, seed: 5)
        try folder.writeTruncatedWAV("bo/cut-off.wav", sampleCount: 8000)
        try folder.write("not audio at all", "bo/text.wav")
        try folder.write("notes", "bo/notes.txt")
        try folder.write("", "bo/.hidden.wav")
    }

    @Test func oneBadFileNeverStopsTheRest() throws {
        try makeTree()
        let preparer = FolderPreparer(speakerFrom: .parentFolder, labelsFrom: .parentFolder)
        let (cuts, summary) = try parts(prepare(folder: folder.path, with: preparer))
        #expect(cuts.map(\.id) == ["an/1", "an/copy", "an/other", "bo/enough"])
        #expect(cuts.map(\.duration) == [1, 0.5, 0.5, 0.25])
        #expect(cuts.map(\.speaker) == ["an", "an", "an", "bo"])
        #expect(cuts.map(\.labels) == [["an"], ["an"], ["an"], ["bo"]])
        #expect(cuts.first?.audioPath == folder.path + "/an/1.wav")

        #expect(summary.found == 8)
        #expect(summary.kept == 4)
        #expect(summary.totalSeconds == 2.25)
        #expect(summary.cutsOfSpeaker == ["an": 3, "bo": 1])
        #expect(summary.droppedCount(.unreadable) == 2)
        #expect(summary.droppedCount(.tooShort) == 1)
        #expect(summary.droppedCount(.duplicate) == 1)
        #expect(summary.droppedCount(.leftOut) == 0)
        #expect(
            summary.dropped.map(\.path)
                == ["2", "cut-off", "short", "text"].map { folder.path + "/bo/\($0).wav" })
        #expect(summary.dropped[0].detail == "the same bytes as \(folder.path)/an/copy.wav")
        #expect(summary.problems.allSatisfy { $0.detail.hasPrefix($0.path) })
        #expect(summary.problems.count == 2)
    }

    @Test func theNumberOfWorkersChangesNothing() throws {
        try makeTree()
        let results = try [1, 2, 5].map {
            try prepare(
                folder: folder.path, with: FolderPreparer(), options: .init(workers: $0))
        }
        #expect(results[0] == results[1])
        #expect(results[0] == results[2])
        #expect(results[0].cuts.allSatisfy { $0.speaker == nil && $0.labels.isEmpty })
    }

    @Test func theShortestClipCanBeChosen() throws {
        try makeTree()
        let all = try prepare(
            folder: folder.path, with: FolderPreparer(), options: .init(minimumDuration: 0.1))
        #expect(all.summary.droppedCount(.tooShort) == 0)
        let long = try prepare(
            folder: folder.path, with: FolderPreparer(), options: .init(minimumDuration: 0.6))
        #expect(long.cuts.map(\.id) == ["an/1"])
    }

    /// Equal sizes and different bytes are no duplicates; of three equal files one stays.
    @Test func duplicatesAreExact() throws {
        try folder.writeWAV("1.wav", sampleCount: 8000, seed: 1)
        try folder.writeWAV("2.wav", sampleCount: 8000, seed: 2)
        for name in ["3.wav", "4.wav", "5.wav"] {
            try folder.writeWAV(name, sampleCount: 8000, seed: 3)
        }
        let result = try prepare(folder: folder.path, with: FolderPreparer())
        #expect(result.cuts.map(\.id) == ["1", "2", "3"])
        let contents = try result.cuts.map { try Data(contentsOf: URL(filePath: $0.audioPath)) }
        #expect(Set(contents).count == contents.count)
    }

    @Test func filesOfOneNameKeepTheirExtensions() throws {
        try folder.writeWAV("x/a.wav", sampleCount: 8000, seed: 1)
        try folder.writeWAV("x/a.flac", sampleCount: 8000, seed: 2)
        try folder.writeWAV("b.wav", sampleCount: 8000, seed: 3)
        let scan = try FolderPreparer(speakerFrom: .parentFolder).scan(folder.path)
        #expect(scan.cuts.map(\.id) == ["b", "x/a.flac", "x/a.wav"])
        #expect(scan.cuts.map(\.speaker) == [nil, "x", "x"])
    }

    @Test func linksInARingEnd() throws {
        try folder.writeWAV("a/1.wav", sampleCount: 8000)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/a/again", withDestinationPath: folder.path)
        #expect(try audioFiles(under: folder.path) == ["a/1.wav"])
    }

    @Test func klettresHasOneSpeakerALanguage() throws {
        for (index, name) in [
            "en/alpha/a.ogg", "en/syllab/ba.ogg", "en/alpha.txt", "nl/alpha/a.ogg",
            "nl/other/x.ogg",
            "de/alpha/a.ogg", "da/syllab/ba.ogg", "sr@latin/alpha/a.ogg", "icons/x.ogg",
        ].enumerated() {
            try folder.writeWAV(
                "usr/share/klettres/" + name, sampleCount: 8000, seed: UInt32(index))
        }
        let expected = ["klettres/en/alpha/a", "klettres/en/syllab/ba", "klettres/nl/alpha/a"]
        for place in ["", "/usr/share", "/usr/share/klettres"] {
            let (cuts, summary) = try parts(
                prepare(folder: folder.path + place, with: KlettresPreparer()))
            #expect(cuts.map(\.id) == expected)
            #expect(cuts.map(\.speaker) == ["klettres-en", "klettres-en", "klettres-nl"])
            #expect(cuts.map(\.language) == ["en", "en", "nl"])
            #expect(summary.droppedCount(.leftOut) == 3)
            #expect(summary.found == 6)
        }
    }

    @Test func preparersAreFoundByName() throws {
        #expect(Preparers.all.map(\.name) == Preparers.all.map(\.name).sorted())
        for preparer in Preparers.all {
            #expect(try Preparers.named(preparer.name).name == preparer.name)
            #expect(!preparer.summary.isEmpty && !preparer.layout.isEmpty)
        }
        let error = CorpusError.unknownPreparer(name: "x", known: Preparers.all.map(\.name))
        #expect(throws: error) { try Preparers.named("x") }
    }

    @Test func anotherLayoutIsNamed() throws {
        for preparer in Preparers.all {
            let expected = CorpusError.nothingFound(path: folder.path, expected: preparer.layout)
            #expect(throws: expected) { try prepare(folder: folder.path, with: preparer) }
        }
        let missing = folder.path + "/none"
        let expected = CorpusError.unreadable(path: missing, reason: "no such file or folder")
        #expect(throws: expected) { try prepare(folder: missing, with: FolderPreparer()) }
    }

    private func parts(_ preparation: Preparation) -> ([Cut], PreparationSummary) {
        (preparation.cuts, preparation.summary)
    }
}
