import ApusSignal
import Foundation
import TestSupport
import Testing

/// Against archives that kaldi_native_io and kaldiio wrote; `References/make_archives.py` made them.
@Suite struct KaldiArchiveReferenceTests {
    @Test(arguments: [
        "compressed", "float", "double", "text", "float-vector", "double-vector", "text-vector",
        "kaldiio",
    ])
    func everyRecordHasTheBitsThatKaldiReads(name: String) throws {
        let expected = try NumPyArchive(contentsOf: "\(references)/archive-\(name).npz")
        let archive = try KaldiArchiveReader(path: "\(references)/archive-\(name).ark")
        var keys: [String] = []
        while let (key, value) = try archive.next() {
            keys.append(key)
            try expectEqual(value, try expected.read(key), key)
        }
        #expect(keys == expected.names)
        #expect(keys.count >= 7)
    }

    @Test(arguments: ["compressed", "float", "double", "text", "text-vector", "kaldiio"])
    func theScriptFindsEachRecord(name: String) throws {
        let expected = try NumPyArchive(contentsOf: "\(references)/archive-\(name).npz")
        // The script's paths are relative: without such a file here, they are from its folder.
        let script = try KaldiScript(contentsOf: "\(references)/archive-\(name).scp")
        #expect(script.entries.map(\.key) == expected.names)
        for key in script.entries.map(\.key).reversed() {
            try expectEqual(try script.read(key), try expected.read(key), key)
        }
        #expect(throws: SignalError.noSuchKey(path: script.path, key: "absent")) {
            try script.read("absent")
        }
    }

    private func expectEqual(_ value: KaldiValue, _ array: NumPyArray, _ key: String) throws {
        switch value {
        case .matrix(let matrix):
            #expect([matrix.frameCount, matrix.featureCount] == array.shape, "\(key)")
            #expect(matrix.values == array.values, "\(key)")
        case .vector(let vector):
            #expect([vector.count] == array.shape, "\(key)")
            #expect(vector == array.values, "\(key)")
        }
    }
}

@Suite struct KaldiArchiveTests {
    private let features = FeatureMatrix(
        values: [1, -2, 3.5, .infinity, 5, 6], frameCount: 2, featureCount: 3)

    @Test func theBytesAreAsDocumented() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.ark"
            let writer = try KaldiArchiveWriter(path: path, scriptPath: "\(folder)/a.scp")
            #expect(try writer.append(features, key: "one") == 4)
            #expect(try writer.append([7, 8], key: "zwölf") == 4 + 15 + 24 + 7)
            try writer.finish()
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let matrix =
                Array("one \0BFM \u{4}\u{2}\0\0\0\u{4}\u{3}\0\0\0".utf8) + [0, 0, 0x80, 0x3F]
            #expect(bytes.starts(with: matrix))
            let vector =
                Array("\0BFV \u{4}\u{2}\0\0\0".utf8) + [0, 0, 0xE0, 0x40, 0, 0, 0, 0x41]
            #expect(Array(bytes.suffix(vector.count)) == vector)
            #expect(
                try String(contentsOfFile: "\(folder)/a.scp", encoding: .utf8)
                    == "one \(path):4\nzwölf \(path):50\n")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
                    == ["a.ark", "a.scp"])
        }
    }

    @Test func framesInPartsMakeTheSameArchive() throws {
        try withTemporaryFolder { folder in
            let whole = try KaldiArchiveWriter(
                path: "\(folder)/a.ark", scriptPath: "\(folder)/a.scp")
            let parts = try KaldiArchiveWriter(
                path: "\(folder)/b.ark", scriptPath: "\(folder)/b.scp")
            for key in ["one", "two"] {
                try whole.append(features, key: key)
                try parts.begin(key, featureCount: 3)
                try parts.append(features.rows(in: 0..<1))
                try parts.append(features.rows(in: 1..<1))
                try parts.append(features.rows(in: 1..<2))
                try parts.end()
            }
            try whole.finish()
            try parts.finish()
            #expect(try content("\(folder)/a.ark") == content("\(folder)/b.ark"))
        }
    }

    @Test func whatIsWrittenIsReadBack() throws {
        try withTemporaryFolder { folder in
            let noise = noise(count: 7000)
            let writer = try KaldiArchiveWriter(
                path: "\(folder)/a.ark", scriptPath: "\(folder)/a.scp")
            let empty = FeatureMatrix(values: [], frameCount: 0, featureCount: 0)
            let large = FeatureMatrix(values: noise, frameCount: 1000, featureCount: 7)
            try writer.append(empty, key: "empty")
            try writer.append(large, key: "large")
            try writer.append([Float](), key: "nothing")
            try writer.append(noise, key: "vector")
            try writer.append(features, key: "last")
            try writer.finish()
            let script = try KaldiScript(contentsOf: "\(folder)/a.scp")
            #expect(try script.read("last") == .matrix(features))
            #expect(try script.read("vector") == .vector(noise))
            #expect(try script.read("large") == .matrix(large))
            #expect(try script.read("empty") == .matrix(empty))
            #expect(try script.read("nothing") == .vector([]))
            let archive = try KaldiArchiveReader(path: "\(folder)/a.ark")
            var keys: [String] = []
            while let (key, _) = try archive.next() { keys.append(key) }
            #expect(keys == ["empty", "large", "nothing", "vector", "last"])
        }
    }

    @Test func aPartOfAMatrixIsRead() throws {
        let text = "\(references)/archive-float.ark"
        let script = try KaldiScript(contentsOf: "\(references)/archive-float.scp")
        let speech = try #require(try script.read("speech").features)
        let offset = try #require(script.entries.first).location.offset
        func read(_ part: String) throws -> FeatureMatrix {
            let location = try #require(KaldiLocation("\(text):\(offset)\(part)"))
            #expect(KaldiLocation("\(location)") == location)
            return try #require(try location.read(key: "speech").features)
        }
        #expect(try read("") == speech)
        #expect(try read("[0:9]") == speech.rows(in: 0..<10))
        #expect(try read("[3:3]") == speech.rows(in: 3..<4))
        let block = try read("[2:3,1:2]")
        #expect(block.values == [speech[2, 1], speech[2, 2], speech[3, 1], speech[3, 2]])
        #expect(try read("[:,6:6]").values == (0..<40).map { speech[$0, 6] })
        #expect(throws: SignalError.self) { try read("[0:40]") }
        #expect(throws: SignalError.self) { try read("[:,0:7]") }
    }

    @Test func aLocationIsAFile() {
        #expect(KaldiLocation("a b:c.ark:12") == KaldiLocation(path: "a b:c.ark", offset: 12))
        #expect(KaldiLocation("a.mat") == KaldiLocation(path: "a.mat"))
        // A letter that is one character with the colon behind it.
        let joined = KaldiLocation(path: "a\u{0603}", offset: 7)
        #expect(KaldiLocation(joined.description) == joined)
        for text in ["", "-", "gunzip -c a.gz |", "| cat", "a.ark:3[4:2]", "a.ark:3[x]", ":3"] {
            #expect(KaldiLocation(text) == nil, "\(text)")
        }
    }

    @Test(arguments: ["", "a b", "tab\tbed", "a\nb", "no\u{A0}break", "nul\0", "one"])
    func keysThatAnArchiveCannotHaveAreRefused(key: String) throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.ark"
            let writer = try KaldiArchiveWriter(path: path, scriptPath: "\(folder)/a.scp")
            try writer.append(features, key: "one")
            let error = #expect(throws: SignalError.self) {
                try writer.append(features, key: key)
            }
            guard case .invalidKey(path, key, _) = error else {
                Issue.record("another error: \(String(describing: error))")
                return
            }
            // The archive goes on.
            try writer.append(features, key: "two")
            try writer.finish()
            #expect(try KaldiScript(contentsOf: "\(folder)/a.scp").entries.count == 2)
        }
    }

    @Test func anArchiveGoesOnAfterItsLastWholeRecord() throws {
        try withTemporaryFolder { folder in
            let (path, script) = ("\(folder)/a.ark", "\(folder)/a.scp")
            func write(_ keys: [String], keeping kept: [(key: String, offset: Int)]) throws
                -> KaldiArchiveWriter
            {
                let writer = try KaldiArchiveWriter(
                    path: path, scriptPath: script, keeping: kept)
                for key in keys { try writer.append(features, key: key) }
                try writer.finish()
                return writer
            }
            let records = try write(["one", "two", "three"], keeping: []).records
            let whole = try content(path)
            let lines = try content(script)
            // Whatever a killed run left behind the two records that are known.
            for cut in [whole.count, whole.count - 3, records[1].offset + 39] {
                try Data(whole.prefix(cut)).write(to: URL(fileURLWithPath: path))
                let resumed = try write(["three"], keeping: Array(records[..<2]))
                #expect(resumed.records.map(\.key) == ["one", "two", "three"])
                #expect(try content(path) == whole)
                #expect(try content(script) == lines)
            }
            // Of what is damaged nothing is kept.
            try Data(whole.prefix(records[1].offset + 20)).write(to: URL(fileURLWithPath: path))
            let damaged = try write(["two", "three"], keeping: records)
            #expect(damaged.records.map(\.key) == ["one", "two", "three"])
            #expect(try content(path) == whole)
        }
    }

    @Test func badArchivesAreTypedErrors() throws {
        func float(_ value: Float) -> [UInt8] {
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
        }
        func size(_ value: Int32) -> [UInt8] {
            (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let many = size(Int32.max)
        func binary(_ token: String, _ rest: [UInt8]) -> [UInt8] {
            Array("key \0B\(token)".utf8) + rest
        }
        let cases: [(name: String, bytes: [UInt8], word: String)] = [
            ("a kind that is unknown", binary("XM ", [4] + size(1)), "'XM'"),
            ("a kind without an end", binary("ABCDEFGHIJKLM", []), "'ABCDEFGH'"),
            ("a kind cut off", binary("F", []), "ends within"),
            ("nothing after the key", Array("key ".utf8), "ends within"),
            ("half a marker", Array("key \0".utf8), "neither"),
            (
                "values cut off", binary("FM ", [4] + size(1) + [4] + size(2) + float(1)),
                "ends within"
            ),
            ("rows that lie", binary("FM ", [4] + many + [4] + many + float(1)), "ends within"),
            ("rows without columns", binary("FM ", [4] + many + [4] + size(0)), "without a column"),
            ("rows below zero", binary("DM ", [4] + size(-1) + [4] + size(1)), "-1"),
            ("a wide size", binary("FV ", [8] + size(1) + size(0)), "8 bytes"),
            ("a length that lies", binary("DV ", [4] + many), "ends within"),
            (
                "a packed size that lies", binary("CM ", float(0) + float(1) + many + many),
                "ends within"
            ),
            (
                "packed rows without columns", binary("CM2 ", float(0) + float(1) + many + size(0)),
                "without a column"
            ),
            ("packed and cut off", binary("CM3 ", float(0) + [1]), "ends within"),
            ("text without an end", Array("key [ 1 2".utf8), "ends within"),
            ("text without a bracket", Array("key 1 2 ]\n".utf8), "'['"),
            ("text that is no number", Array("key [ 1 two ]\n".utf8), "'two'"),
            (
                "a number without an end",
                Array("key [ \(String(repeating: "1", count: 90)) ]".utf8), "11"
            ),
            ("rows of two lengths", Array("key [\n 1 2\n 3 ]\n".utf8), "row 1"),
        ]
        try withTemporaryFolder { folder in
            let path = "\(folder)/bad.ark"
            for (name, bytes, word) in cases {
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                let archive = try KaldiArchiveReader(path: path)
                let error = #expect(throws: SignalError.self, "\(name)") { try archive.next() }
                guard case .malformedArchive(path, "key", let reason) = error else {
                    Issue.record("\(name): \(String(describing: error))")
                    continue
                }
                #expect(reason.contains(word), "\(name): \(reason)")
            }
            // What is no archive at all has no key to name.
            for bytes in [[UInt8](repeating: 0x41, count: 10_000), [0, 1, 2], [0xFF, 0x20]] {
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                let archive = try KaldiArchiveReader(path: path)
                let error = #expect(throws: SignalError.self) { try archive.next() }
                guard case .malformedArchive(path, nil, _) = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
            try Data().write(to: URL(fileURLWithPath: path))
            #expect(try KaldiArchiveReader(path: path).next() == nil)
            #expect(throws: SignalError.missingFile(path: "\(folder)/absent")) {
                try KaldiArchiveReader(path: "\(folder)/absent")
            }
            #expect(throws: SignalError.self) { try KaldiArchiveReader(path: folder).next() }
        }
    }

    @Test func everyTruncationIsFound() throws {
        try withTemporaryFolder { folder in
            let whole = try content("\(references)/archive-compressed.ark").prefix(700)
            let path = "\(folder)/cut.ark"
            var ends = 0
            for count in 0...whole.count {
                try Data(whole.prefix(count)).write(to: URL(fileURLWithPath: path))
                let archive = try KaldiArchiveReader(path: path)
                do {
                    while try archive.next() != nil {}
                    ends += 1
                } catch let error as SignalError {
                    guard case .malformedArchive = error else { throw error }
                }
            }
            // Only between records is the end an end: at the start, and after each whole one.
            #expect((2...5).contains(ends), "\(ends)")
        }
    }

    @Test func badScriptsAreTypedErrors() throws {
        try withTemporaryFolder { folder in
            for (text, word) in [
                ("a x.ark:1\nb\n", "line 2"), ("a x.ark:1\na x.ark:9\n", "line 2"),
                ("a gunzip -c x.gz |\n", "line 1"), ("a -\n", "line 1"),
            ] {
                let path = "\(folder)/a.scp"
                try Data(text.utf8).write(to: URL(fileURLWithPath: path))
                let error = #expect(throws: SignalError.self) {
                    try KaldiScript(contentsOf: path)
                }
                guard case .malformedArchive(path, _, let reason) = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
                #expect(reason.contains(word))
            }
        }
    }
}

private func content(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}
