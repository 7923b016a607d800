import ApusCorpus
import ApusSignal
import Foundation
import TestSupport
import Testing

/// Archives of others, and faulty ones.
struct ShardReadingTests {
    private let folder: TemporaryFolder
    private let wav: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        wav = [UInt8](
            try Data(
                contentsOf: URL(fileURLWithPath: folder.writeWAV("a.wav", sampleCount: 2000))))
    }

    private func manifest(_ tar: TarBytes, _ name: String = "x.tar") throws -> Manifest {
        try Manifest(contentsOf: folder.write(tar.data, name))
    }

    @Test func whatOthersPackIsRead() throws {
        var tar = TarBytes()
        tar.add("./", "", type: "5")
        tar.add("./set/a.wav", wav)
        tar.add(
            "./set/a.json",
            #"{"speaker": "ann", "duration": 99, "offset": 3, "channel": 4, "audio_filepath": "/x/a.wav"}"#
        )
        tar.add("./set/b.TXT", "hello there\n")
        tar.add("./set/b.audio.wav", wav)
        tar.add("./set/b.cls", "dog\n")
        tar.add("readme", "nothing")
        tar.add("link.wav", "", type: "2")
        let cuts = try manifest(tar).cuts
        #expect(cuts.map(\.id) == ["set/a", "set/b"])
        #expect(cuts[0].speaker == "ann")
        #expect(cuts[0].duration == nil && cuts[0].offset == 0 && cuts[0].channel == nil)
        #expect(cuts[1].labels == ["dog"] && cuts[1].extra["text"] == .string("hello there"))
        for cut in cuts {
            #expect(
                try Waveform(contentsOf: cut.audioPath)
                    == Waveform(contentsOf: folder.path + "/a.wav"))
        }
    }

    @Test func longNamesOfEitherKindAreRead() throws {
        let long = String(repeating: "n", count: 120)
        var tar = TarBytes()
        tar.addAttributes([("path", "pax/\(long).wav"), ("mtime", "1.5")])
        tar.add("short.wav", wav)
        tar.add("././@LongLink", "gnu/\(long).wav\u{0}", type: "L")
        tar.add("gnu/short.wav", wav)
        tar.bytes += TarBytes.header(
            "\(long.prefix(90)).wav", size: String(wav.count, radix: 8) + "\u{0}",
            prefix: "ustar/folder")
        tar.bytes += wav + [UInt8](repeating: 0, count: (512 - wav.count % 512) % 512)
        tar.addAttributes([("comment", "global")])
        tar.add("last.wav", wav)
        let cuts = try manifest(tar).cuts
        #expect(
            cuts.map(\.id) == [
                "pax/\(long)", "gnu/\(long)", "ustar/folder/\(long.prefix(90))", "last",
            ])
    }

    @Test func sizesInBase256AreRead() throws {
        var header = TarBytes.header("b.wav", size: "")
        header[124] = 0x80
        for place in 0..<4 { header[132 + place] = UInt8(wav.count >> (8 * (3 - place)) & 0xFF) }
        for place in 148..<156 { header[place] = 0x20 }
        let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        for (place, byte) in (String(repeating: "0", count: 6 - sum.count) + sum + "\u{0} ").utf8
            .enumerated()
        { header[148 + place] = byte }
        var tar = TarBytes(bytes: header)
        tar.bytes += wav + [UInt8](repeating: 0, count: (512 - wav.count % 512) % 512)
        #expect(try manifest(tar).cuts.map(\.id) == ["b"])
    }

    /// What GNU tar writes, in each of its formats.
    @Test(arguments: ["ustar", "pax", "gnu", "oldgnu", "v7"])
    func whatGNUTarWritesIsRead(format: String) throws {
        for index in 0..<5 {
            try folder.writeWAV("set/clip-\(index).wav", sampleCount: 1000 + index)
            try folder.write(#"{"speaker": "s\#(index)"}"#, "set/clip-\(index).json")
        }
        if ["pax", "gnu", "oldgnu"].contains(format) {
            try folder.writeWAV(
                "set/\(String(repeating: "x", count: 200)).wav", sampleCount: 3000)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "tar", "--format=\(format)", "--sort=name", "-cf", folder.path + "/gnu.tar", "-C",
            folder.path, "set",
        ]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        let cuts = try Manifest(contentsOf: folder.path + "/gnu.tar").cuts
        #expect(cuts.prefix(5).map(\.id) == (0..<5).map { "set/clip-\($0)" })
        #expect(cuts.prefix(5).map(\.speaker) == (0..<5).map { "s\($0)" })
        #expect(cuts.count == (["pax", "gnu", "oldgnu"].contains(format) ? 6 : 5))
        for (index, cut) in cuts.prefix(5).enumerated() {
            #expect(try SoundFile(path: cut.audioPath).frameCount == 1000 + index)
        }
    }

    // MARK: - Faults

    private func fault(_ tar: Data) throws -> String {
        let path = try folder.write(tar, "bad.tar")
        do {
            _ = try Manifest(contentsOf: path)
            return "none"
        } catch {
            #expect(error is CorpusError || error is SignalError)
            #expect("\(error)".contains(path))
            return "\(error)"
        }
    }

    @Test func liesAreErrorsWithTheirPlace() throws {
        var good = TarBytes()
        good.add("a.wav", wav)
        let size = good.bytes.count
        func with(_ header: [UInt8]) -> Data {
            var tar = good
            tar.bytes += header
            return tar.data
        }
        #expect(
            try fault(with(TarBytes.header("b.wav", size: "77777777777")))
                .contains(
                    "at byte \(size): has a size of 8589934591 bytes, of which 1024 are there"))
        #expect(
            try fault(with(TarBytes.header("b.wav", size: "000000-0001")))
                .contains("at byte \(size): has a size that is no octal number"))
        #expect(
            try fault(with(TarBytes.header("b.wav", size: "0", checksum: "000001\u{0} ")))
                .contains("at byte \(size): is no header of a tar archive"))
        #expect(
            try fault(with(TarBytes.header("b.wav", size: "0", type: "S")))
                .contains("is of the type 'S'"))
        #expect(try fault(with([UInt8](repeating: 7, count: 512))).contains("at byte \(size)"))
        var negative = TarBytes.header("b.wav", size: "")
        negative[124] = 0xFF
        #expect(try fault(with(negative)).contains("at byte \(size)"))
        var huge = TarBytes()
        huge.addAttributes([("size", "99999999999999999999")])
        huge.add("b.wav", "x")
        #expect(try fault(huge.data).contains("has a size that is no number"))
        huge = TarBytes()
        huge.addAttributes([("size", "4611686018427387904")])
        huge.add("b.wav", "x")
        #expect(try fault(huge.data).contains("has a size of 4611686018427387904 bytes"))
        for text in ["5 a=b", "99 path=x\n", "x path=y\n", "9 pathxy\n", "3\n", "0 \n"] {
            var pax = TarBytes()
            pax.add("PaxHeaders/x", text, type: "x")
            pax.add("b.wav", wav)
            #expect(try fault(pax.data).contains("has attributes"), "\(text)")
        }
        var long = TarBytes()
        long.bytes += TarBytes.header("././@LongLink", size: "00010000000", type: "L")
        long.bytes += [UInt8](repeating: 65, count: 0o10000000)
        #expect(try fault(long.data).contains("a name or attributes of 2097152 bytes"))
        var alone = TarBytes()
        alone.add("././@LongLink", "name", type: "L")
        #expect(try fault(alone.data).contains("the name of a member that isn't there"))
        var sparse = TarBytes()
        sparse.addAttributes([("GNU.sparse.major", "1")])
        sparse.add("b.wav", wav)
        #expect(try fault(sparse.data).contains("a file with holes"))
    }

    @Test(arguments: ["/etc/a.wav", "../a.wav", "x/../../a.wav", "x//a.wav", "a\u{1}b.wav", "x/."])
    func namesThatLeaveTheArchiveAreErrors(name: String) throws {
        var tar = TarBytes()
        tar.add(name, wav)
        let found = try fault(tar.data)
        #expect(found.contains("at byte 0: has "), "\(found)")
        var long = TarBytes()
        long.addAttributes([("path", name)])
        long.add("a.wav", wav)
        #expect(try fault(long.data).contains("has "))
    }

    @Test func aCutArchiveIsAnErrorWhereverItEnds() throws {
        var tar = TarBytes()
        tar.add("a.wav", Array(wav.prefix(700)))
        tar.add("a.json", "{}")
        let whole = Array(tar.data)
        #expect(try fault(Data()).contains("the file is empty"))
        for end in stride(from: 1, to: tar.bytes.count, by: 131) {
            let found = try fault(Data(whole[..<end]))
            #expect(
                found.contains("at byte ") || found.contains("the file is empty"),
                "\(end): \(found)")
        }
        #expect(
            try fault(Data(whole[..<tar.bytes.count]))
                .contains("ends without the blocks of zeros"))
        #expect(try fault(Data(whole)) == "none")
    }

    @Test func aSampleWithoutSoundOrWithTwoIsNamed() throws {
        for (name, content, reason) in [
            ("b.json", "{}", "no recording has the name 'b'"),
            ("a.flac", "fLaC", "two recordings have the name 'a'"),
            ("b.wav", "", "it is empty"),
        ] {
            var tar = TarBytes()
            tar.add("a.wav", wav)
            tar.add(name, content)
            let found = try fault(tar.data)
            #expect(found.contains(reason), "\(found)")
        }
        var tar = TarBytes()
        tar.add("a.wav", wav)
        tar.add("a.json", "[1]")
        #expect(try fault(tar.data).contains("a.json: not a JSON object"))
        tar = TarBytes()
        tar.add("a.wav", wav)
        tar.add("b.wav", wav)
        tar.add("b.json", #"{"id": "a"}"#)
        #expect(try fault(tar.data).contains("the id 'a' is already in"))
    }

    /// Any damage is an error or a reading, never a trap, and memory stays what the file has.
    @Test func damageIsNeverATrap() throws {
        var tar = TarBytes()
        tar.addAttributes([("path", "pax.wav")])
        tar.add("x.wav", Array(wav.prefix(300)))
        tar.add("x.json", #"{"speaker": "s"}"#)
        tar.add("././@LongLink", "gnu.wav\u{0}", type: "L")
        tar.add("y.wav", Array(wav.prefix(300)))
        let whole = Array(tar.data)
        var generator = SeededGenerator(seed: 7, stream: "damage")
        for _ in 0..<500 {
            var bytes = whole
            for _ in 0...generator.integer(below: 4) {
                bytes[generator.integer(below: bytes.count)] = UInt8(generator.integer(below: 256))
            }
            if generator.integer(below: 4) == 0 {
                bytes.removeLast(generator.integer(below: bytes.count))
            }
            _ = try fault(Data(bytes))
        }
    }

    // MARK: - Where shards are

    @Test func patternsListsAndFoldersNameShards() throws {
        for number in 8...11 {
            var tar = TarBytes()
            tar.add("clip\(number).wav", wav)
            let digits = String(number)
            try folder.write(
                tar.data,
                "set/s-\(String(repeating: "0", count: 3 - digits.count))\(digits).tar")
        }
        let all = (8...11).map { "clip\($0)" }
        #expect(try Manifest(contentsOf: folder.path + "/set").cuts.map(\.id) == all)
        #expect(
            try Manifest(contentsOf: folder.path + "/set/s-{008..011}.tar").cuts.map(\.id) == all)
        #expect(
            try Manifest(contentsOf: folder.path + "/set/s-{009..010}.tar").cuts.map(\.id)
                == ["clip9", "clip10"])
        let list = try folder.write("\n set/s-010.tar \nset/s-008.tar\n", "list.txt")
        let table = try RecordingTable(list)
        #expect(table.shards == [0..<1, 1..<2])
        #expect(try table.cuts.cut(at: 0).id == "clip10")
        #expect(throws: CorpusError.self) {
            try Manifest(contentsOf: folder.path + "/set/s-{008..012}.tar")
        }
        // Beside recordings an archive is something else.
        try folder.writeWAV("set/loose.wav", sampleCount: 100)
        #expect(try ShardSet(folder.path + "/set") == nil)
    }
}
