import ApusCorpus
import Foundation
import TestSupport
import Testing

@Suite struct TrialListTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func list(_ text: String) throws -> TrialList {
        try TrialList(contentsOf: folder.write(text, "trials.txt"))
    }

    @Test func bothFormatsAreReadAndTold() throws {
        let expected: ([String], [Int32], [Int32], [Bool]) =
            (["a", "b", "c"], [0, 0, 2], [1, 2, 1], [true, false, false])
        for (text, format) in [
            ("1 a b\n0 a c\n\n0 c b\n", TrialList.Format.voxCeleb),
            ("# comment\na\tb  target\r\na c nontarget\nc b nontarget", .kaldi),
            ("\u{FEFF}a b target\na c nontarget\nc b nontarget\n", .kaldi),
        ] {
            let list = try list(text)
            #expect(list.format == format)
            #expect(list.names == expected.0)
            #expect(list.first == expected.1)
            #expect(list.second == expected.2)
            #expect(list.isTarget == expected.3)
            #expect(list.count == 3)
        }
        // Kaldi's names may be numbers; the last field decides.
        #expect(try self.list("7 8 target\n7 9 nontarget\n").format == .kaldi)
    }

    @Test(arguments: [
        ("1 a b\n0 a\n", 2, "found 2 fields"), ("1 a b\n2 a b\n", 2, "found '2'"),
        ("a b target\n\na b c d\n", 3, "found 4 fields"), ("a b\n", 1, "found 2 fields"),
        ("a b target\na b Target\n", 2, "found 'Target'"),
        ("1 a b\na b target\n", 2, "'1 first second'"),
    ])
    func malformedLinesAreNumbered(text: String, line: Int, word: String) throws {
        let path = folder.path + "/trials.txt"
        do {
            _ = try list(text)
            Issue.record("no error for \(text)")
        } catch CorpusError.malformedLine(let found, let number, let reason) {
            #expect(found == path)
            #expect(number == line)
            #expect(reason.contains(word), "\(reason)")
        }
    }

    @Test func listsWithoutTrialsAndAbsentOnesAreNamed() throws {
        #expect(
            throws: CorpusError.nothingFound(
                path: folder.path + "/trials.txt", expected: "trials")
        ) { try list("\n# nothing\n") }
        #expect(
            throws: CorpusError.nothingFound(
                path: folder.path + "/trials.txt", expected: "trials")
        ) { try list("") }
        #expect(
            throws: CorpusError.unreadable(
                path: folder.path + "/absent", reason: "no such file or folder")
        ) { try TrialList(contentsOf: folder.path + "/absent") }
    }

    @Test func repetitionsAreCounted() throws {
        let repetitions = try list("1 a b\n1 b a\n1 a b\n0 a c\n0 b c\n1 c b\n").repetitions()
        #expect(repetitions.repeated == 2)
        #expect(repetitions.contradicting == 1)
        #expect(repetitions.contradiction == ["b", "c"])
        let none = try list("1 a b\n0 a c\n").repetitions()
        #expect(none.repeated == 0 && none.contradicting == 0 && none.contradiction == [])
    }

    private func manifest(_ cuts: [(id: String, path: String)]) -> Manifest {
        Manifest(path: "m.jsonl", cuts: cuts.map { Cut(id: $0.id, audioPath: $0.path) })
    }

    @Test func namesAreIDsOrEndsOfPaths() throws {
        let manifest = manifest([
            ("id10001-x-00001", "/data/wav/id10001/x/00001.wav"),
            ("second", "/data/wav/id10001/y/00001.wav"), ("third", "/data/wav/id10002/z/7.flac"),
            ("clip.ogg", "/elsewhere/clip.ogg"),
        ])
        for (name, position) in [
            ("id10001-x-00001", 0), ("id10001/x/00001.wav", 0), ("wav/id10001/x/00001", 0),
            ("id10001/y/00001.wav", 1), ("./y/00001.wav", 1), ("second", 1), ("7", 2),
            ("7.wav", 2), ("/data/wav/id10002/z/7.flac", 2), ("clip", 3), ("clip.ogg", 3),
        ] {
            let list = try list("1 \(name) third\n")
            #expect(try list.recordings(in: [manifest])[0] == position, "\(name)")
        }
        // Of several manifests the cuts are counted on.
        let other = self.manifest([("other", "/other.wav")])
        #expect(try list("1 other third\n").recordings(in: [manifest, other]) == [4, 2])
    }

    @Test func unknownAndAmbiguousNamesAreListed() throws {
        let manifest = manifest([
            ("first", "/x/00001.wav"), ("second", "/y/00001.wav"), ("third", "/y/3.wav"),
        ])
        let list = try list("1 third 00001.wav\n0 third n1\n0 n2 n3\n0 n4 n5\n0 n6 third\n")
        let error = CorpusError.unknownRecordings(
            path: folder.path + "/trials.txt", manifest: "m.jsonl", count: 7, total: 8,
            examples: ["00001.wav", "n1", "n2", "n3", "n4"], ambiguous: 1)
        #expect(throws: error) { try list.recordings(in: [manifest]) }
        #expect(
            error.description.hasSuffix(
                "trials.txt: 7 of the 8 recordings that it names are not in m.jsonl: 00001.wav, "
                    + "n1, n2, n3, n4, ... (1 fit several files and need a longer path)"))
    }
}
