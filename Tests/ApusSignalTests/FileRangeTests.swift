import ApusSignal
import Foundation
import TestSupport
import Testing

struct FileRangeTests {
    @Test func anAddressNamesItsBytes() throws {
        let range = FileRange(path: "shards/a-0.tar", offset: 1536, count: 48_211)
        #expect(range.description == "shards/a-0.tar#bytes=1536-49746")
        #expect(FileRange("shards/a-0.tar#bytes=1536-49746") == range)
        #expect(FileRange("a#b.tar#bytes=0-0") == FileRange(path: "a#b.tar", offset: 0, count: 1))
        #expect(FileRange.filePath(of: "x.wav") == "x.wav")
        #expect(FileRange.filePath(of: range.description) == "shards/a-0.tar")
    }

    @Test(arguments: [
        "a.wav", "a-1", "a.tar#bytes=", "a.tar#bytes=5", "a.tar#bytes=5-", "a.tar#bytes=-5",
        "a.tar#bytes=9-8", "#bytes=0-5", "a.tar#bytes=0-5.wav", "a.tar#byte=0-5",
        "a.tar#bytes=0-99999999999999999999", "a.tar#bytes=0-9223372036854775807", "0-5", "",
    ])
    func whatIsNoAddressIsAPath(text: String) { #expect(FileRange(text) == nil) }

    /// Every format that is read from a file is read from a range and from memory, to the bit.
    @Test(arguments: AudioFormat.allCases)
    func aRangeHoldsWhatTheFileHolds(format: AudioFormat) throws {
        try withTemporaryFolder { folder in
            let sound = Waveform(samples: noise(count: 20_000).map { $0 * 0.5 }, sampleRate: 16_000)
            let path = "\(folder)/sound.\(format.fileExtension)"
            try sound.write(to: path, format: format)
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let whole = try Waveform(contentsOf: path)
            let archive = "\(folder)/many.bin"
            try Data(Array("before".utf8) + bytes + Array("RIFFbehind".utf8))
                .write(to: URL(fileURLWithPath: archive))
            let address = FileRange(path: archive, offset: 6, count: bytes.count).description
            let file = try SoundFile(path: address)
            #expect(file.path == address)
            #expect(try file.read() == whole)
            // Back, and into the middle: some formats are opened again for it.
            #expect(try file.read(from: 0, count: 100).samples == Array(whole.samples[..<100]))
            #expect(
                try file.read(from: 9_000, count: 500).samples
                    == Array(whole.samples[9_000..<9_500]))
            let inMemory = try SoundFile(bytes: bytes, name: "memory")
            #expect(try inMemory.read() == whole)
            #expect(
                try Waveform(contentsOf: address, offset: 0.25, duration: 0.5)
                    == Waveform(contentsOf: path, offset: 0.25, duration: 0.5))
        }
    }

    @Test func badRangesAreErrors() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.wav"
            try Waveform(samples: noise(count: 4000), sampleRate: 16_000).write(to: path)
            let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
            let beyond = FileRange(path: path, offset: 10, count: size).description
            #expect(throws: SignalError.self) { try SoundFile(path: beyond) }
            #expect {
                try SoundFile(path: beyond)
            } throws: { error in
                "\(error)".contains(beyond) && "\(error)".contains("ends before the range does")
            }
            // The first half: the header promises more.
            let half = FileRange(path: path, offset: 0, count: size / 2).description
            #expect {
                try SoundFile(path: half)
            } throws: { error in
                if case .truncated(half, _, _)? = error as? SignalError { true } else { false }
            }
            let inside = FileRange(path: path, offset: 100, count: 200).description
            #expect(throws: SignalError.self) { try SoundFile(path: inside) }
            #expect(throws: SignalError.emptyFile(path: "nothing")) {
                try SoundFile(bytes: [], name: "nothing")
            }
            let missing = FileRange(path: folder + "/no.tar", offset: 0, count: 5).description
            #expect {
                try SoundFile(path: missing)
            } throws: { error in
                if case .missingFile? = error as? SignalError { true } else { false }
            }
        }
    }
}
