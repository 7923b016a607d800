import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct PipeTests {
    /// Sends bytes through a pipe while the body reads them.
    private func withPipe<Result>(
        _ content: Data, body: (Int32) throws -> Result
    ) throws -> Result {
        let pipe = Pipe()
        let writer = Thread {
            try? pipe.fileHandleForWriting.write(contentsOf: content)
            try? pipe.fileHandleForWriting.close()
        }
        writer.start()
        // The thread may be the last to hold the pipe, and closes it when all is written.
        return try withExtendedLifetime(pipe) {
            try body(pipe.fileHandleForReading.fileDescriptor)
        }
    }

    @Test(arguments: [
        AudioFormat.wav16, .wavFloat, .flac16, .oggVorbis, .oggOpus, .mp3, .aiff16, .au16, .caf16,
        .w64, .sphere16,
    ])
    func everyFormatComesThroughAPipe(format: AudioFormat) throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.\(format.fileExtension)"
            let tone = Waveform(
                samples: sine(frequency: 440, amplitude: 0.5, count: 80000), sampleRate: 16000)
            try [tone, tone].write(to: path, format: format)
            let content = try Data(contentsOf: URL(fileURLWithPath: path))
            let file = try withPipe(content) { try SoundFile(spooling: $0, name: "a pipe") }
            #expect(file.path == "a pipe")
            let whole = try SoundFile(path: path).read()
            #expect(try file.read() == whole)
            #expect(
                try file.read(from: 5000, count: 100).samples == Array(whole.samples[5000..<5100]))
            let cut = content.prefix(content.count * 3 / 4)
            #expect(throws: SignalError.self) {
                try withPipe(cut) { try SoundFile(spooling: $0, name: "a pipe").read() }
            }
        }
    }

    @Test func aStreamedFLACComesThroughAPipe() throws {
        // An encoder that writes into a pipe leaves the length zero.
        let path = "\(clips)/tones/440hz.flac"
        var content = try Data(contentsOf: URL(fileURLWithPath: path))
        content[21] &= 0xF0
        for index in 22...25 { content[index] = 0 }
        let waveform = try withPipe(content) { try SoundFile(spooling: $0, name: "a pipe").read() }
        #expect(waveform == (try Waveform(contentsOf: path)))
    }

    @Test func headerlessSamplesComeThroughAPipe() throws {
        let samples = noise(count: 100_000)
        let content = samples.withUnsafeBytes { Data($0) }
        let format = RawFormat(encoding: .float32, sampleRate: 48000, channelCount: 2)
        let file = try withPipe(content) {
            try SoundFile(spooling: $0, name: "a pipe", raw: format)
        }
        #expect(file.frameCount == 50000)
        let channels = try file.readAllChannels()
        #expect(channels[1].samples == stride(from: 1, to: 100_000, by: 2).map { samples[$0] })
        let error = #expect(throws: SignalError.self) {
            try withPipe(content.dropLast()) {
                try SoundFile(spooling: $0, name: "a pipe", raw: format)
            }
        }
        #expect(error == .truncated(path: "a pipe", expected: 50000, found: 49999))
    }

    @Test func aFileBehindTheDescriptorIsReadItself() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.wav"
            let samples = noise(count: 1000)
            try floatWAV(samples).write(to: URL(fileURLWithPath: path))
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            let file = try SoundFile(spooling: handle.fileDescriptor, name: "standard input")
            try handle.close()
            #expect(try file.read().samples == samples)
        }
    }

    @Test func aPipeWithANameIsReadAsAFile() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/pipe"
            #expect(mkfifo(path, 0o600) == 0)
            let samples = noise(count: 100_000)
            let content = floatWAV(samples)
            Thread {
                let handle = FileHandle(forWritingAtPath: path)
                try? handle?.write(contentsOf: content)
                try? handle?.close()
            }.start()
            let file = try SoundFile(path: path)
            #expect(file.path == path)
            #expect(try file.read().samples == samples)
        }
    }

    @Test func nothingAndNoAudioAreErrors() throws {
        #expect(throws: SignalError.emptyFile(path: "standard input")) {
            try withPipe(Data()) { try SoundFile(spooling: $0, name: "standard input") }
        }
        let error = #expect(throws: SignalError.self) {
            try withPipe(Data("hello, I am text\n".utf8)) {
                try SoundFile(spooling: $0, name: "standard input")
            }
        }
        guard case .notAudio("standard input", _) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(throws: SignalError.self) { try SoundFile(spooling: -1, name: "standard input") }
        #expect(
            throws: SignalError.unreadable(
                path: "/dev/zero", reason: "it is neither a file nor a pipe")
        ) { try SoundFile(path: "/dev/zero") }
    }
}
