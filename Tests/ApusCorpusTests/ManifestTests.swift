import ApusCorpus
import Foundation
import TestSupport
import Testing

struct ManifestTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func everyKeyIsRead() throws {
        let line = """
            {"audio_filepath": "a/b.wav", "offset": 0.5, "duration": 2, "channel": 1, "id": "x", \
            "speaker": 103, "labels": ["dog", "rain"], "language": "nl", "fold": 3, \
            "text": "hallo", "score": 0.25, "count": 12, "tags": {"a": [true, null]}}
            """
        let path = try folder.write(line + "\n", "m.jsonl")
        let cut = try #require(try Manifest(contentsOf: path).cuts.first)
        #expect(
            cut
                == Cut(
                    id: "x", audioPath: folder.path + "/a/b.wav", offset: 0.5, duration: 2,
                    channel: 1, speaker: "103", labels: ["dog", "rain"], language: "nl", fold: "3",
                    extra: [
                        "text": .string("hallo"), "score": .number(0.25), "count": .integer(12),
                        "tags": .object(["a": .array([.bool(true), .null])]),
                    ]))
    }

    @Test func blankLinesByteOrderMarkAndLineEndsAreSkipped() throws {
        let text =
            "\u{FEFF}{\"audio_filepath\": \"/x/1.wav\"}\r\n\r\n  \n"
            + "{\"audio_filepath\": \"../y/./2.wav\", \"labels\": \"cat\", \"offset\": 1.5, \"channel\": 0}"
        let cuts = try Manifest(contentsOf: folder.write(text, "sub/m.jsonl")).cuts
        #expect(cuts.map(\.audioPath) == ["/x/1.wav", folder.path + "/y/2.wav"])
        #expect(cuts.map(\.id) == ["/x/1.wav", "../y/./2.wav@1.5#0"])
        #expect(cuts.last?.labels == ["cat"])
        #expect(cuts.first?.duration == nil)
    }

    @Test func anEmptyNameIsNone() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            """
            {"audio_filepath": "a.wav", "speaker": "", "language": " ", "fold": "", "labels": ["", "dog"]}
            {"audio_filepath": "b.wav", "speaker": "\u{a0}", "labels": " ", "site": "  "}
            {"audio_filepath": "c.wav", "speaker": "\\u0020", "labels": ["\\t"], "site": "\u{5317}"}
            {"audio_filepath": "d.wav", "speaker": "\u{5317}", "labels": "\u{e9}"}

            """, "empty.jsonl")
        let manifest = try Manifest(contentsOf: path)
        #expect(manifest.cuts.map(\.speaker) == [nil, nil, nil, "\u{5317}"])
        #expect(manifest.cuts.map(\.labels) == [["dog"], [], [], ["\u{e9}"]])
        #expect(manifest.cuts[0].language == nil && manifest.cuts[0].fold == nil)
        #expect(manifest.cuts.map { $0.text(of: "site") } == [nil, nil, "\u{5317}", nil])
    }

    @Test func rewritingKeepsEverything() throws {
        let cuts = [
            Cut(
                id: "b", audioPath: folder.path + "/in/b.wav", duration: 0.1, speaker: "s",
                extra: ["z": .object(["k": .number(1.5)]), "a": .string("é \"/\" \n")]),
            Cut(id: "a", audioPath: "/elsewhere/a.flac", offset: 1 / 3, channel: 0, fold: "1"),
        ]
        let path = folder.path + "/m.jsonl"
        try Manifest(path: path, cuts: cuts).write()
        let read = try Manifest(contentsOf: path)
        #expect(read.cuts == cuts)
        #expect(read.path == path)

        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(
            text == """
                {"a":"é \\"/\\" \\n","audio_filepath":"in/b.wav","duration":0.1,"id":"b",\
                "speaker":"s","z":{"k":1.5}}
                {"audio_filepath":"/elsewhere/a.flac","channel":0,"fold":"1","id":"a",\
                "offset":0.3333333333333333}

                """)
        try read.write(to: folder.path + "/n.jsonl")
        #expect(try String(contentsOfFile: folder.path + "/n.jsonl", encoding: .utf8) == text)
        try read.write(to: folder.path + "/in.jsonl")
        #expect(try Manifest(contentsOf: folder.path + "/in.jsonl").cuts == cuts)
    }

    @Test func aFolderWhoseNameBeginsAlikeIsOutside() throws {
        let cut = Cut(id: "a", audioPath: folder.path + "/data-2/a.wav")
        try folder.write("", "data/empty")
        try Manifest(path: folder.path + "/data/m.jsonl", cuts: [cut]).write()
        let text = try String(contentsOfFile: folder.path + "/data/m.jsonl", encoding: .utf8)
        #expect(text.contains("\"\(folder.path)/data-2/a.wav\""))
    }

    @Test func totals() {
        let manifest = Manifest(
            path: "m.jsonl",
            cuts: [
                Cut(id: "1", audioPath: "1", duration: 1.5, speaker: "b"),
                Cut(id: "2", audioPath: "2", duration: 2, speaker: "a"),
                Cut(id: "3", audioPath: "3", speaker: "b"),
            ])
        #expect(manifest.totalSeconds == 3.5)
        #expect(manifest.speakers == ["a", "b"])
    }

    @Test(arguments: [
        (#"{"duration": 1}"#, "the key 'audio_filepath' is missing"),
        (#"{"audio_filepath": ""}"#, "the key 'audio_filepath': is empty"),
        (#"{"audio_filepath": 3}"#, "the key 'audio_filepath' is not of the kind String"),
        (
            #"{"audio_filepath": "a", "offset": -1}"#,
            "the key 'offset': expected 0 s or more, found -1.0"
        ),
        (
            #"{"audio_filepath": "a", "duration": 0}"#,
            "the key 'duration': expected more than 0 s, found 0.0"
        ),
        (
            #"{"audio_filepath": "a", "channel": -2}"#,
            "the key 'channel': expected 0 or more, found -2"
        ),
        (#"{"audio_filepath": "a", "id": ""}"#, "the key 'id': is empty"),
        (
            #"{"audio_filepath": "a", "speaker": [1]}"#,
            "the key 'speaker' is not of the kind String"
        ),
        (#"{"audio_filepath": "a", "#, "not a JSON object"),
        ("audio_filepath,duration", "not a JSON object"),
    ])
    func aBadLineIsNamed(line: String, reason: String) throws {
        let path = try folder.write("{\"audio_filepath\": \"good.wav\"}\n\n\(line)\n", "m.jsonl")
        let expected = CorpusError.malformedLine(path: path, line: 3, reason: reason)
        #expect(throws: expected) { try Manifest(contentsOf: path) }
        #expect(expected.description == "\(path):3: \(reason)")
    }

    @Test func aRepeatedIDIsNamed() throws {
        let text =
            "{\"audio_filepath\":\"1\",\"id\":\"x\"}\n\n{\"audio_filepath\":\"2\",\"id\":\"x\"}"
        let path = try folder.write(text, "m.jsonl")
        #expect(throws: CorpusError.duplicateID(path: path, line: 3, id: "x", firstLine: 1)) {
            try Manifest(contentsOf: path)
        }
        let twice = [Cut(id: "x", audioPath: "1"), Cut(id: "x", audioPath: "2")]
        let out = folder.path + "/out.jsonl"
        #expect(throws: CorpusError.duplicateID(path: out, line: 2, id: "x", firstLine: 1)) {
            try Manifest(path: out, cuts: twice).write()
        }
        #expect(!FileManager.default.fileExists(atPath: out))
    }

    @Test func aMissingFileIsNamed() {
        let path = folder.path + "/none.jsonl"
        #expect(throws: CorpusError.unreadable(path: path, reason: "no such file or folder")) {
            try Manifest(contentsOf: path)
        }
    }

    @Test func aFolderThatIsMissingCannotBeWrittenTo() {
        let path = folder.path + "/none/m.jsonl"
        #expect {
            try Manifest(path: path, cuts: []).write()
        } throws: { error in
            guard case CorpusError.cannotWrite(path, _) = error else { return false }
            return true
        }
    }
}
