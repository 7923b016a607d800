import ApusCorpus
import Foundation
import TestSupport
import Testing

@Suite struct KaldiDataFolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ name: String, _ text: String) throws {
        try text.write(toFile: folder.path + "/" + name, atomically: true, encoding: .utf8)
    }

    private func message() -> String {
        do {
            _ = try KaldiDataFolder(contentsOf: folder.path)
            return "none"
        } catch {
            return "\(error)"
        }
    }

    @Test func recordingsAndTheirSpeakers() throws {
        #expect(!KaldiDataFolder.isOne(folder.path))
        try write("wav.scp", "b  /data/b one.wav\n\na audio/a.wav\r\n")
        try write("utt2spk", "a s1\nb s2\n")
        #expect(KaldiDataFolder.isOne(folder.path))
        let cuts = try KaldiDataFolder(contentsOf: folder.path).cuts
        #expect(cuts.map(\.id) == ["b", "a"])
        #expect(cuts.map(\.audioPath) == ["/data/b one.wav", folder.path + "/audio/a.wav"])
        #expect(cuts.map(\.speaker) == ["s2", "s1"])
    }

    @Test func segmentsAreCuts() throws {
        try write("wav.scp", "r /data/r.wav\n")
        try write("segments", "u2 r 1.5 2.25\nu1 r 0 -1\n")
        let cuts = try KaldiDataFolder(contentsOf: folder.path).cuts
        #expect(cuts.map(\.id) == ["u2", "u1"])
        #expect(cuts.map(\.offset) == [1.5, 0])
        #expect(cuts.map(\.duration) == [0.75, nil])
    }

    @Test func whatIsWrongIsNamed() throws {
        try write("wav.scp", "a sph2pipe -f wav a.sph |\n")
        #expect(message().contains("wav.scp:1: 'a' is made by a command, which is not run"))
        try write("wav.scp", "a\n")
        #expect(message().contains("wav.scp:1: expected a name and a path"))
        try write("wav.scp", "a x.wav\nb y.wav\na z.wav\n")
        #expect(message().contains("wav.scp:3: the id 'a' is already that of line 1"))
        try write("wav.scp", "\n")
        #expect(message().contains("found nothing of the kind utterances"))
        try write("wav.scp", "a x.wav\n")
        try write("segments", "u a 3 2\n")
        #expect(message().contains("segments:1: expected a name, a recording"))
        try write("segments", "u c 0 2\n")
        #expect(message().contains("the recording 'c' is not in"))
    }
}
