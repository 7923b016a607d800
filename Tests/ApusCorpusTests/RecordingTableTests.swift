import ApusCorpus
import Foundation
import TestSupport
import Testing

struct RecordingTableTests {
    /// Lines as people write them: plain ones, and ones that only a whole JSON reader takes.
    static let lines = [
        #"{"audio_filepath": "a/1.wav", "duration": 12.345, "id": "one", "speaker": "ann"}"#,
        #"{"audio_filepath":"a/2.wav","duration":0.1,"offset":3.25,"channel":1,"speaker":17}"#,
        "",
        #"  {"id": 5, "audio_filepath": "/abs/3.flac", "labels": ["x", "y"], "fold": 2}  "#,
        #"{"audio_filepath": "tab\u0041.wav", "speaker": "ann", "text": "a \"quoted\" word"}"#,
        #"{"audio_filepath": "ö.wav", "duration": 1e1, "extra": {"deep": [1, -2.5, null, true]}}"#,
        #"{"audio_filepath": "a.tar#bytes=512-1000", "labels": "single", "language": "de"}"#,
        #"{"audio_filepath": "../up/./7.wav", "duration": 3600.000001, "speaker": "ben"}"#,
        #"{"audio_filepath": "8.wav", "channel": 0, "duration": 123456789012.3456, "n": 1.5E-3}"#,
        "   ",
        #"{"audio_filepath": "9.wav", "labels": [], "speaker": "Zoë", "empty": "", "o": {}}"#,
    ]

    private func hash(_ cut: Cut) -> UInt64 { fnv1a(("sampler/crop/" + cut.id).utf8) }

    @Test func aScannedManifestIsTheOneInMemory() throws {
        let folder = try TemporaryFolder()
        for text in [
            Self.lines.joined(separator: "\n"), Self.lines.joined(separator: "\r\n") + "\n",
            "\u{FEFF}" + Self.lines.joined(separator: "\n"),
        ] {
            let path = try folder.write(text, "m/manifest.jsonl")
            let manifest = try Manifest(contentsOf: path)
            #expect(manifest.cuts.count == 9)
            let decoded = try Self.lines.filter { $0.contains("{") }.map {
                try JSONDecoder().decode(Cut.self, from: Data($0.utf8))
            }
            #expect(manifest.cuts.map(\.id) == decoded.map(\.id))
            #expect(manifest.cuts.map(\.duration) == decoded.map(\.duration))
            #expect(manifest.cuts.map(\.labels) == decoded.map(\.labels))
            #expect(manifest.cuts.map(\.speaker) == decoded.map(\.speaker))
            #expect(manifest.cuts.map(\.extra) == decoded.map(\.extra))
            let draw = (seed: UInt64(3), stream: "validation/")
            let small = try RecordingTable(path, numbersSpeakers: true, draw: draw)
            let large = try RecordingTable(
                path, numbersSpeakers: true, draw: draw, largestInMemory: 0)
            #expect(large.count == 9 && large.cuts.count == 9)
            for index in 0..<9 {
                #expect(try large.cuts.cut(at: index) == manifest.cuts[index])
                #expect(large.cropStreams[index] == hash(manifest.cuts[index]))
            }
            #expect(large.cropStreams == small.cropStreams)
            #expect(large.durations.map(\.bitPattern) == small.durations.map(\.bitPattern))
            #expect(large.speakers == small.speakers)
            #expect(large.speakers == [0, 1, .max, 0, .max, .max, 2, .max, 3])
            #expect(large.draws == small.draws)
            var generator = SeededGenerator(seed: 3, stream: "validation/one")
            #expect(large.draws[0] == generator.next())
        }
    }

    /// More than one thread's block, and blank lines between.
    @Test func manyLinesAreFoundAgain() throws {
        let folder = try TemporaryFolder()
        var text = ""
        for index in 0..<120_000 {
            text += #"{"audio_filepath": "clips/\#(index % 7).wav", "id": "recording-\#(index)", "#
            text +=
                #""duration": \#(1 + index % 50).\#(index % 10), "speaker": "s\#(index % 900)"}"#
            text += index % 1000 == 0 ? "\n\n" : "\n"
        }
        let path = try folder.write(text, "many.jsonl")
        #expect(text.utf8.count > 9 << 20)
        let table = try RecordingTable(path, numbersSpeakers: true, largestInMemory: 0)
        #expect(table.count == 120_000)
        #expect(table.speakers?.max() == 899)
        for index in [0, 1, 15, 16, 999, 1000, 1001, 65_537, 99_999, 119_999] {
            let cut = try table.cuts.cut(at: index)
            #expect(cut.id == "recording-\(index)")
            #expect(cut.duration == table.durations[index])
            #expect(cut.speaker == "s\(index % 900)")
        }
        let odd = table.selecting((0..<60_000).map { 2 * $0 + 1 })
        #expect(odd.count == 60_000)
        #expect(try odd.cuts.cut(at: 500).id == "recording-1001")
        #expect(odd.cropStreams[500] == table.cropStreams[1001])
        // What changes while it is in use is seen.
        try text.replacingOccurrences(of: "recording-1001\"", with: "recording-1xx1\"")
            .write(toFile: path + "2", atomically: true, encoding: .utf8)
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.write(contentsOf: Data(contentsOf: URL(fileURLWithPath: path + "2")))
        #expect {
            try odd.cuts.cut(at: 500)
        } throws: { "\($0)".contains("it was changed while it was in use") }
        #expect(try odd.cuts.cut(at: 499).id == "recording-999")
    }

    @Test(arguments: [
        (#"{"audio_filepath": "a.wav"}"# + "\n" + #"{"audio_filepath": "a.wav"}"#, "already that"),
        (#"{"audio_filepath": "a.wav", "offset": -1}"#, "expected 0 s or more"),
        (#"{"audio_filepath": "a.wav", "duration": 0}"#, "more than 0 s"),
        (#"{"audio_filepath": ""}"#, "is empty"),
        (#"{"id": "x"}"#, "'audio_filepath' is missing"),
        (#"{"audio_filepath": "a.wav""#, "not a JSON object"),
        (#"{"audio_filepath": "a.wav"} x"#, "not a JSON object"),
        (#"{"audio_filepath": 5}"#, "is not of the kind"),
        (#"{"audio_filepath": "a.wav", "x": [1,}"#, "not a JSON object"),
    ])
    func aFaultIsTheSameOneFromMemoryAndFromTheDisk(text: String, reason: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            #"{"audio_filepath": "first.wav"}"# + "\n" + text + "\n", "m.jsonl")
        for limit in [0, 1 << 20] {
            #expect {
                try RecordingTable(path, largestInMemory: limit)
            } throws: { error in
                "\(error)".contains(reason) && "\(error)".contains(path + ":")
            }
        }
        let notUTF8 = try folder.write(
            Data(Array(#"{"audio_filepath": ""#.utf8) + [0xFF] + Array(#""}"#.utf8)), "bad.jsonl")
        for limit in [0, 1 << 20] {
            #expect(throws: CorpusError.self) {
                try RecordingTable(notUTF8, largestInMemory: limit)
            }
        }
    }

    /// Lines drawn at random, whole and damaged: what the quick reader takes is what the decoder takes.
    @Test func theQuickReaderAgreesWithTheDecoder() throws {
        let folder = try TemporaryFolder()
        var generator = SeededGenerator(seed: 1, stream: "lines")
        var compared = 0
        for _ in 0..<1000 {
            var bytes = Array(Self.lines[generator.integer(below: Self.lines.count)].utf8)
            if bytes.isEmpty { continue }
            for _ in 0..<generator.integer(below: 3) {
                let pool = Array(#"{}[]:,"\0123456789.-eE tnu"#.utf8)
                let place = generator.integer(below: bytes.count)
                switch generator.integer(below: 3) {
                case 0: bytes[place] = pool[generator.integer(below: pool.count)]
                case 1: bytes.remove(at: place)
                default: bytes.insert(pool[generator.integer(below: pool.count)], at: place)
                }
                if bytes.isEmpty { break }
            }
            if bytes.contains(0x0A) || bytes.allSatisfy({ $0 == 0x20 }) { continue }
            let path = try folder.write(Data(bytes), "line.jsonl")
            let found = try? Manifest(contentsOf: path).cuts
            let expected = try? JSONDecoder().decode(Cut.self, from: Data(bytes))
            #expect(
                found?.count == (expected == nil ? nil : 1),
                "\(String(decoding: bytes, as: UTF8.self))")
            if let found = found?.first, let expected {
                #expect(found.id == expected.id && found.extra == expected.extra)
                #expect(found.duration == expected.duration && found.offset == expected.offset)
                #expect(found.labels == expected.labels && found.channel == expected.channel)
                #expect(found.speaker == expected.speaker && found.fold == expected.fold)
                compared += 1
            }
        }
        #expect(compared > 300)
    }
}
