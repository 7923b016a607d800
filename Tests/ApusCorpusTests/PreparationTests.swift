import ApusCorpus
import Foundation
import TestSupport
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

    @Test func theVoicesOfThreePackagesAreOneCorpus() throws {
        for (index, name) in [
            "klettres/en/alpha/a.ogg", "ktuberling/sounds/uk/moon.wav",
            "ktuberling/sounds/nn/moon.opus", "ktuberling/sounds/ca/moon.ogg",
            "ktuberling/sounds/sr@latin/moon.ogg", "ktuberling/sounds/fi/moon.wav",
            "tuxpaint/stamps/animals/cat_desc_el.ogg", "tuxpaint/stamps/animals/cat.ogg",
            "tuxpaint/stamps/animals/cat_desc.ogg", "tuxpaint/stamps/symbols/a_desc_el.ogg",
            "tuxpaint/stamps/animals/cat_desc_ml.ogg",
        ].enumerated() {
            try folder.writeWAV("usr/share/" + name, sampleCount: 8000, seed: UInt32(index))
        }
        for place in ["", "/usr/share"] {
            let (cuts, summary) = try parts(
                prepare(folder: folder.path + place, with: DebianVoicesPreparer()))
            #expect(
                cuts.map(\.speaker) == [
                    "klettres-en", "ktuberling-nn", "ktuberling-uk", "tuxpaint-el",
                ])
            #expect(cuts.map(\.language) == ["en", "nn", "uk", "el"])
            #expect(
                cuts.map { $0.extra["package"] } == [
                    .string("klettres"), .string("ktuberling"), .string("ktuberling"),
                    .string("tuxpaint"),
                ])
            // Stamps that speak no language are none of the corpus's recordings.
            #expect(summary.droppedCount(.leftOut) == 5 && summary.found == 9)
        }
        let one = try prepare(folder: folder.path, with: TuxPaintPreparer())
        #expect(one.cuts.map(\.id) == ["tuxpaint/animals/cat_desc_el"])
        let other = try prepare(folder: folder.path, with: KTuberlingPreparer())
        #expect(other.cuts.map(\.id) == ["ktuberling/nn/moon", "ktuberling/uk/moon"])
    }

    @Test func librispeechHasSpeakersAndParts() throws {
        for (index, name) in [
            "train-clean-100/19/198/19-198-0001.flac", "dev-other/7/3/7-3-0000.flac",
            "dev-other/7/3/8-3-0000.flac", "dev-other/7/notes.wav",
        ].enumerated() {
            try folder.writeWAV("LibriSpeech/" + name, sampleCount: 8000, seed: UInt32(index))
        }
        let (cuts, _) = try parts(prepare(folder: folder.path, with: LibriSpeechPreparer()))
        #expect(cuts.map(\.id) == ["19-198-0001", "7-3-0000"])
        #expect(cuts.map(\.speaker) == ["19", "7"])
        #expect(
            cuts.map { $0.extra["part"] } == [.string("train-clean-100"), .string("dev-other")])
        let part = try prepare(
            folder: folder.path + "/LibriSpeech/dev-other", with: LibriSpeechPreparer())
        #expect(part.cuts.map(\.id) == ["7-3-0000"])
        #expect(part.cuts[0].extra.isEmpty)
    }

    @Test func interviewsHaveSpeakersAndVideos() throws {
        for (index, name) in [
            "dev/wav/id10001/aB-3/00001.wav", "dev/wav/id10001/aB-3/00002.wav",
            "test/wav/id10270/x_9/00001.wav", "test/wav/id10001/aB-3/00001.wav", "dev/notes.wav",
        ].enumerated() {
            try folder.writeWAV(name, sampleCount: 8000, seed: UInt32(index))
        }
        let (cuts, summary) = try parts(prepare(folder: folder.path, with: VoxCeleb1Preparer()))
        #expect(
            cuts.map(\.id) == ["id10001/aB-3/00001", "id10001/aB-3/00002", "id10270/x_9/00001"])
        #expect(cuts.map(\.speaker) == ["id10001", "id10001", "id10270"])
        #expect(cuts[1].extra["source"] == .string("id10001/aB-3"))
        #expect(summary.droppedCount(.leftOut) == 1)
        let one = try prepare(folder: folder.path + "/test/wav", with: VoxCeleb1Preparer())
        #expect(one.cuts.map(\.id) == ["id10001/aB-3/00001", "id10270/x_9/00001"])
    }

    @Test func digitsHaveSpeakersAndLabels() throws {
        for name in ["3_jo_0.wav", "12_jo_0.wav", "x.wav"] {
            try folder.writeWAV("recordings/" + name, sampleCount: 8000)
        }
        for place in ["", "/recordings"] {
            let (cuts, _) = try parts(prepare(folder: folder.path + place, with: FSDDPreparer()))
            #expect(cuts.map(\.id) == ["3_jo_0"])
            #expect(cuts[0].speaker == "jo" && cuts[0].labels == ["3"])
        }
    }

    @Test func environmentalSoundsHaveFolds() throws {
        let list = "filename,fold,target,category,esc10,src_file,take\n"
        try folder.write(
            list + "1-1-A-0.wav,1,0,dog,True,1,A\r\n2-9-A-1.wav,2,1,rain,True,9,A\n"
                + "3-5-A-1.wav,3,1,rain,True,5,A\n",
            "meta/esc50.csv")
        try folder.writeWAV("audio/1-1-A-0.wav", sampleCount: 8000, seed: 1)
        try folder.writeWAV("audio/2-9-A-1.flac", sampleCount: 8000, seed: 2)
        let (cuts, summary) = try parts(prepare(folder: folder.path, with: ESC50Preparer()))
        #expect(cuts.map(\.id) == ["1-1-A-0", "2-9-A-1"])
        #expect(cuts.map(\.labels) == [["dog"], ["rain"]])
        #expect(cuts.map(\.fold) == ["1", "2"])
        #expect(cuts.map { $0.extra["source"] } == [.string("1"), .string("9")])
        #expect(summary.droppedCount(.leftOut) == 1)

        let path = folder.path + "/meta/esc50.csv"
        try folder.write(list + "1-1-A-0.wav,1\n", "meta/esc50.csv")
        #expect(
            throws: CorpusError.malformedLine(
                path: path, line: 2, reason: "has 2 columns, expected 7")
        ) { try ESC50Preparer().scan(folder.path) }
        try folder.write("name\n", "meta/esc50.csv")
        #expect(
            throws: CorpusError.malformedLine(
                path: path, line: 1, reason: "expected the columns filename,fold,category,src_file")
        ) { try ESC50Preparer().scan(folder.path) }
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
            // Of several packages the first one that is missing.
            let layout =
                preparer is DebianVoicesPreparer ? KlettresPreparer().layout : preparer.layout
            let expected = CorpusError.nothingFound(path: folder.path, expected: layout)
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
