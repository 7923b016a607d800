import ApusCorpus
import ApusSignal
import Foundation
import TestSupport
import Testing

struct ShardPackerTests {
    private let folder: TemporaryFolder
    private let manifest: String

    /// Recordings of several kinds, ids that no file could have, parts and a channel.
    init() throws {
        folder = try TemporaryFolder()
        var cuts: [Cut] = []
        for index in 0..<12 {
            let path = try folder.writeWAV(
                "audio/\(index).wav", sampleCount: 3000 + 500 * index, seed: UInt32(index + 1))
            cuts.append(
                Cut(
                    id: index % 3 == 0 ? "voices/é \(index).wav" : "clip-\(index)", audioPath: path,
                    duration: Double(3000 + 500 * index) / 16_000, speaker: "s\(index % 4)",
                    labels: ["x"], extra: ["note": .string("kept")]))
        }
        let tone = Waveform(
            samples: (0..<16_000).map { Float($0 % 100) / 128 }, sampleRate: 16_000)
        let other = Waveform(
            samples: (0..<16_000).map { Float($0 % 50) / 64 }, sampleRate: 16_000)
        let stereo = folder.path + "/audio/stereo.wav"
        try [tone, other].write(to: stereo)
        cuts.append(Cut(id: "part", audioPath: stereo, offset: 0.25, duration: 0.5))
        cuts.append(Cut(id: "right", audioPath: stereo, channel: 1, language: "de"))
        cuts.append(Cut(id: "whole", audioPath: stereo))
        manifest = folder.path + "/all.jsonl"
        try Manifest(path: manifest, cuts: cuts).write()
    }

    private func pack(
        _ name: String, _ options: ShardOptions = ShardOptions(shardRecordings: 4),
        workers: Int = 2, manifest: String? = nil
    ) throws -> ShardSummary {
        let path = folder.path + "/" + name
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return try ShardPacker(folder: path, options: options, workers: workers)
            .pack(manifest ?? self.manifest)
    }

    private func bytes(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name))
    }

    private func names(_ name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path + "/" + name).sorted()
    }

    @Test func theIndexIsAManifestOfTheSameRecordings() throws {
        let summary = try pack("shards")
        #expect(summary.recordings == 15 && summary.problems.isEmpty)
        #expect(summary.shards.map(\.recordings) == [4, 4, 4, 3])
        #expect(
            try names("shards")
                == (0..<4).map { "apus-00000\($0).tar" } + ["shards.json", "shards.jsonl"])
        for shard in summary.shards {
            let data = try bytes("shards/" + shard.name)
            #expect(data.count == shard.bytes && data.count % 512 == 0)
            var hash = SHA256()
            data.withUnsafeBytes { hash.update($0) }
            #expect(hash.finalize() == shard.sha256)
        }
        let cuts = try Manifest(contentsOf: manifest).cuts
        let packed = try Manifest(contentsOf: folder.path + "/shards").cuts
        #expect(packed.map(\.id) == cuts.map(\.id))
        #expect(packed == (try Manifest(contentsOf: folder.path + "/shards/shards.jsonl").cuts))
        for (cut, own) in zip(cuts, packed) {
            #expect(own.speaker == cut.speaker && own.labels == cut.labels)
            #expect(own.language == cut.language && own.extra["note"] == cut.extra["note"])
            let heard = try Waveform(
                contentsOf: cut.audioPath, offset: cut.offset, duration: cut.duration,
                channels: cut.channelSelection)
            let found = try Waveform(
                contentsOf: own.audioPath, offset: own.offset, duration: own.duration,
                channels: own.channelSelection)
            #expect(found == heard, "\(cut.id)")
            #expect(own.duration == heard.duration)
            #expect(
                own.extra["sha256"]
                    == .string(try #require(ContentHashes().hash(of: own.audioPath))))
        }
        // Whole files keep their bytes, and parts alone are packed.
        #expect(packed[0].audioPath.contains("apus-000000.tar#bytes=512-"))
        #expect(try SoundFile(path: packed[12].audioPath).frameCount == 8000)
        #expect(try SoundFile(path: packed[12].audioPath).formatDescription.hasPrefix("FLAC"))
        #expect(try SoundFile(path: packed[13].audioPath).channelCount == 1)
        #expect(try SoundFile(path: packed[14].audioPath).channelCount == 2)
    }

    @Test func aShardSaysItsRecordingsWithoutTheIndex() throws {
        _ = try pack("shards")
        let indexed = try Manifest(contentsOf: folder.path + "/shards").cuts
        try FileManager.default.removeItem(atPath: folder.path + "/shards/shards.json")
        try FileManager.default.removeItem(atPath: folder.path + "/shards/shards.jsonl")
        let scanned = try Manifest(contentsOf: folder.path + "/shards").cuts
        func bare(_ cut: Cut) -> Cut {
            var cut = cut
            for key in ["shard", "shard_offset", "bytes", "sha256"] { cut.extra[key] = nil }
            return cut
        }
        #expect(scanned == indexed.map(bare))
        let table = try RecordingTable(folder.path + "/shards")
        #expect(table.shards == [0..<4, 4..<8, 8..<12, 12..<15])
    }

    @Test func theBytesAreTheSameEachTime() throws {
        for audio in ShardOptions.Audio.allCases {
            let options = ShardOptions(audio: audio, shardRecordings: 6, shuffleSeed: 3)
            let one = try pack("one-\(audio)", options, workers: 1)
            let other = try pack("other-\(audio)", options, workers: 4)
            #expect(one.shards == other.shards)
            for name in try names("one-\(audio)") {
                #expect(
                    try bytes("one-\(audio)/" + name) == bytes("other-\(audio)/" + name), "\(name)")
            }
            // The order is drawn.
            let ids = try Manifest(contentsOf: folder.path + "/one-\(audio)").cuts.map(\.id)
            #expect(ids.count == 15)
            #expect(try ids != Manifest(contentsOf: manifest).cuts.map(\.id))
        }
    }

    @Test func flacIsExactAndOpusIsNear() throws {
        let options = ShardOptions(audio: .flac, shardRecordings: 100)
        _ = try pack("flac", options)
        let cuts = try Manifest(contentsOf: manifest).cuts
        for (cut, own) in zip(cuts, try Manifest(contentsOf: folder.path + "/flac").cuts) {
            #expect(try SoundFile(path: own.audioPath).formatDescription.hasPrefix("FLAC"))
            #expect(
                try Waveform(contentsOf: own.audioPath)
                    == Waveform(
                        contentsOf: cut.audioPath, offset: cut.offset, duration: cut.duration,
                        channels: cut.channelSelection))
        }
        // What is FLAC already keeps its bytes.
        let again = try pack("again", options, manifest: folder.path + "/flac")
        #expect(again.shards.map(\.recordings) == [15])
        let hashes = try ["flac", "again"].map {
            try Manifest(contentsOf: folder.path + "/" + $0).cuts.map { $0.extra["sha256"] }
        }
        #expect(hashes[0] == hashes[1])
        let rates = try [8000, 22_050, 44_100].map { rate in
            let path = folder.path + "/audio/\(rate).wav"
            try Waveform(
                samples: (0..<rate).map {
                    Float(0.4 * sin(Double($0) * 440 * 2 * .pi / Double(rate)))
                },
                sampleRate: rate
            ).write(to: path)
            return Cut(id: "rate-\(rate)", audioPath: path)
        }
        try Manifest(path: folder.path + "/rates.jsonl", cuts: rates).write()
        _ = try pack(
            "opus", ShardOptions(audio: .opus), manifest: folder.path + "/rates.jsonl")
        let packed = try Manifest(contentsOf: folder.path + "/opus").cuts
        #expect(
            try packed.map { try SoundFile(path: $0.audioPath).sampleRate } == [
                8000, 24_000, 48_000,
            ])
        for cut in packed {
            #expect(cut.audioPath.contains(".tar#bytes="))
            let heard = try Waveform(
                contentsOf: cut.audioPath, duration: cut.duration, sampleRate: 16_000)
            let power =
                heard.samples.reduce(0) { $0 + Double($1 * $1) } / Double(heard.samples.count)
            #expect(abs(power - 0.08) < 0.008)
        }
    }

    @Test func shardsKeepTheirSizes() throws {
        let summary = try pack("small", ShardOptions(shardBytes: 30_000, shardRecordings: 100))
        #expect(summary.shards.count > 5)
        for shard in summary.shards { #expect(shard.bytes <= 30_000 || shard.recordings == 1) }
        let single = try pack("single", ShardOptions(shardBytes: 1))
        #expect(single.shards.map(\.recordings) == Array(repeating: 1, count: 15))
    }

    @Test func aBadRecordingIsLeftOutAndTheOthersGoOn() throws {
        try folder.writeTruncatedWAV("audio/cut.wav", sampleCount: 4000)
        try folder.write("no sound", "audio/text.wav")
        var cuts = try Manifest(contentsOf: manifest).cuts
        cuts.insert(Cut(id: "cut", audioPath: folder.path + "/audio/cut.wav"), at: 4)
        cuts.insert(Cut(id: "text", audioPath: folder.path + "/audio/text.wav"), at: 0)
        cuts.append(Cut(id: "gone", audioPath: folder.path + "/audio/gone.wav"))
        cuts.append(Cut(id: "beyond", audioPath: cuts[1].audioPath, offset: 100))
        try Manifest(path: folder.path + "/bad.jsonl", cuts: cuts).write()
        let summary = try pack("bad", manifest: folder.path + "/bad.jsonl")
        #expect(summary.recordings == 15)
        #expect(summary.problems.map(\.id) == ["text", "cut", "gone", "beyond"])
        #expect(
            try Manifest(contentsOf: folder.path + "/bad").cuts.map(\.id)
                == Manifest(contentsOf: manifest).cuts.map(\.id))
        try Manifest(path: folder.path + "/none.jsonl", cuts: [cuts[0]]).write()
        #expect(throws: CorpusError.self) {
            try pack("none", manifest: folder.path + "/none.jsonl")
        }
        #expect(try names("none").isEmpty)
    }

    @Test func whatWasBegunGoesOnWithTheSameBytes() throws {
        let whole = try pack("whole")
        let path = folder.path + "/broken"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        // The disk fails at the third shard: its name is a folder's.
        try FileManager.default.createDirectory(
            atPath: path + "/apus-000002.tar/x", withIntermediateDirectories: true)
        #expect(throws: SignalError.self) { try pack("broken") }
        #expect(try names("broken").contains("shards.unfinished"))
        #expect(throws: CorpusError.self) { try Manifest(contentsOf: path) }
        // Other options don't go on there.
        #expect(throws: CorpusError.self) { try pack("broken", ShardOptions(shardRecordings: 5)) }
        try FileManager.default.removeItem(atPath: path + "/apus-000002.tar")
        try folder.write("half", "broken/.apus-000002.tar.abc.tmp")
        let first = try FileManager.default.attributesOfItem(atPath: path + "/apus-000000.tar")
        let summary = try pack("broken")
        #expect(summary == whole)
        #expect(try names("broken") == names("whole"))
        for name in try names("whole") {
            #expect(try bytes("broken/" + name) == bytes("whole/" + name), "\(name)")
        }
        let after = try FileManager.default.attributesOfItem(atPath: path + "/apus-000000.tar")
        #expect(first[.systemFileNumber] as? Int == after[.systemFileNumber] as? Int)
        // Done is done; a shard that is gone is an error.
        #expect(try pack("broken") == whole)
        try FileManager.default.removeItem(atPath: path + "/apus-000001.tar")
        #expect(throws: CorpusError.self) { try pack("broken") }
        #expect {
            try Manifest(contentsOf: path)
        } throws: { "\($0)".contains("apus-000001.tar") }
    }

    /// GNU tar lists and unpacks what is packed, without a word.
    @Test func gnuTarReadsShards() throws {
        _ = try pack("shards", ShardOptions(shardRecordings: 100))
        let out = folder.path + "/out"
        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
        let process = Process()
        let log = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["tar", "-xf", folder.path + "/shards/apus-000000.tar", "-C", out]
        process.standardError = log
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(try log.fileHandleForReading.readToEnd()?.isEmpty ?? true)
        let names = try FileManager.default.contentsOfDirectory(atPath: out)
        #expect(names.count == 30)
        // A key has no full stop: WebDataset's names end at the first.
        #expect(names.allSatisfy { $0.split(separator: ".").count == 2 })
        let cuts = try Manifest(contentsOf: manifest).cuts
        for name in names where name.hasSuffix(".json") {
            var cut = try JSONDecoder().decode(
                Cut.self, from: Data(contentsOf: URL(fileURLWithPath: "\(out)/\(name)")))
            let former = try #require(cuts.first { $0.id == cut.id })
            cut.audioPath = "\(out)/\(cut.audioPath)"
            #expect(
                try Waveform(contentsOf: cut.audioPath)
                    == Waveform(
                        contentsOf: former.audioPath, offset: former.offset,
                        duration: former.duration, channels: former.channelSelection))
        }
    }

    @Test func aStreamGivesTheRecordings() throws {
        let summary = try pack("shards")
        let pipe = Pipe()
        let all = try summary.shards.map { try bytes("shards/" + $0.name) }
        let content = all[0]
        Thread {
            try? pipe.fileHandleForWriting.write(contentsOf: content)
            try? pipe.fileHandleForWriting.close()
        }.start()
        let stream = ShardStream(
            descriptor: pipe.fileHandleForReading.fileDescriptor, name: "pipe", byteLimit: 9000)
        let indexed = try Manifest(contentsOf: folder.path + "/shards").cuts
        var found: [Cut] = []
        while let block = try stream.next() {
            #expect(block.problems.isEmpty)
            for cut in block.cuts {
                let bytes = try #require(block.contents[cut.audioPath])
                let own = try #require(indexed.first { $0.id == cut.id })
                #expect(
                    try SoundFile(bytes: bytes).read(channels: cut.channelSelection)
                        == Waveform(contentsOf: own.audioPath, channels: own.channelSelection))
                #expect(FileRange(cut.audioPath)?.offset == FileRange(own.audioPath)?.offset)
                found.append(cut)
            }
        }
        #expect(found.map(\.id) == indexed.prefix(4).map(\.id))
    }
}
