import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct BadFileTests {
    /// Writes content to a file and gives the error that reading it all ends with.
    private func error(
        named name: String, content: Data, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> SignalError? {
        try withTemporaryFolder { folder in
            let path = "\(folder)/\(name)"
            try content.write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: SignalError.self, sourceLocation: sourceLocation) {
                try SoundFile(path: path).read()
            }
            #expect(
                error?.description.hasPrefix(path) == true, sourceLocation: sourceLocation)
            return error
        }
    }

    private func clip(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(clips)/\(name)"))
    }

    @Test func missing() throws {
        let path = "\(clips)/no-such-clip.wav"
        let error = #expect(throws: SignalError.missingFile(path: path)) {
            try SoundFile(path: path)
        }
        #expect(error?.description == "\(path): there is no such file")
        let inFile = "\(clips)/README.md/a.wav"
        #expect(throws: SignalError.missingFile(path: inFile)) { try SoundFile(path: inFile) }
    }

    @Test func folder() {
        #expect(throws: SignalError.unreadable(path: clips, reason: "it is a folder")) {
            try SoundFile(path: clips)
        }
    }

    @Test func empty() throws {
        guard case .emptyFile = try error(named: "a.wav", content: Data()) else {
            Issue.record("an empty file has a case of its own")
            return
        }
    }

    @Test func textNamedWAV() throws {
        let found = try error(named: "clip.wav", content: Data("hello, I am text\n".utf8))
        guard case .notAudio(_, let reason) = found else {
            Issue.record("another error: \(String(describing: found))")
            return
        }
        #expect(!reason.isEmpty)
        #expect(found?.description.contains("not an audio file that libsndfile reads") == true)
    }

    @Test func noSamples() throws {
        let found = try error(named: "a.wav", content: floatWAV([]))
        guard case .noSamples = found else {
            Issue.record("another error: \(String(describing: found))")
            return
        }
    }

    @Test func headerThatPromisesMore() throws {
        let content = floatWAV(noise(count: 1000), declaredBytes: 8000)
        guard
            case .truncated(_, let expected, let found) = try error(
                named: "a.wav", content: content)
        else {
            Issue.record("a cut WAV file is truncated")
            return
        }
        #expect(expected == 2000)
        #expect(found == 1000)
    }

    @Test func headerThatPromisesGigabytes() throws {
        let content = floatWAV(noise(count: 1000), declaredBytes: 0x7000_0000)
        guard case .truncated(_, _, 1000) = try error(named: "a.wav", content: content) else {
            Issue.record("a cut WAV file is truncated")
            return
        }
    }

    // ffmpeg and sox write the largest size into a pipe, as they cannot go back.
    @Test func headerOfAPipeIsFine() throws {
        try withTemporaryFolder { folder in
            let samples = noise(count: 1000)
            let path = "\(folder)/a.wav"
            try floatWAV(samples, declaredBytes: 0xFFFF_FFFF - 36)
                .write(to: URL(fileURLWithPath: path))
            #expect(try SoundFile(path: path).read().samples == samples)
        }
    }

    @Test func cutFLAC() throws {
        let whole = try clip("stereo/440hz-880hz.flac")
        let found = try error(named: "a.flac", content: whole.prefix(whole.count / 2))
        guard case .truncated(_, 22050, let frames) = found else {
            Issue.record("another error: \(String(describing: found))")
            return
        }
        #expect((1..<22050).contains(frames))
    }

    @Test func flacThatPromisesMore() throws {
        // The total number of samples is in the last 36 bits before the 16 bytes of MD5.
        var content = try clip("tones/440hz.flac")
        content[21] |= 0x0F
        guard case .truncated(_, let expected?, 8000) = try error(named: "a.flac", content: content)
        else {
            Issue.record("a FLAC file that promises more is truncated")
            return
        }
        #expect(expected > 60_000_000_000)
    }

    @Test func flacOfUnknownLengthIsRead() throws {
        try withTemporaryFolder { folder in
            var content = try clip("tones/440hz.flac")
            content[21] &= 0xF0
            for index in 22...25 { content[index] = 0 }
            let path = "\(folder)/a.flac"
            try content.write(to: URL(fileURLWithPath: path))
            let file = try SoundFile(path: path)
            #expect(file.frameCount == 8000)
            let whole = try Waveform(contentsOf: "\(clips)/tones/440hz.flac")
            #expect(try file.read() == whole)
            #expect(try file.read(from: 100, count: 50).samples == Array(whole.samples[100..<150]))
        }
    }

    @Test func vorbisThatEndsEarly() throws {
        let whole = try clip("voices/de-m3/01.ogg")
        let lastPage = try #require(
            whole.range(of: Data("OggS".utf8), options: .backwards)
        ).lowerBound
        // Within the last page's body, and within its header.
        for end in [whole.count - 100, lastPage + 20] {
            let found = try error(named: "a.ogg", content: whole.prefix(end))
            guard case .truncated(_, nil, _) = found else {
                Issue.record("another error: \(String(describing: found))")
                return
            }
        }
    }

    @Test func everyCutOfAnyFormatIsATypedError() throws {
        for name in ["voices/fr-m4/02.ogg", "events/beep/01.flac"] {
            let whole = try clip(name)
            let format = String(name.suffix(4))
            for part in 1..<20 {
                _ = try error(named: "a.\(format)", content: whole.prefix(whole.count * part / 20))
            }
        }
        let wav = floatWAV(noise(count: 500))
        for part in 1..<20 {
            _ = try error(named: "a.wav", content: wav.prefix(wav.count * part / 20))
        }
    }

    @Test func samplesThatAreNoNumbers() throws {
        var samples = noise(count: 1000)
        samples[321] = .nan
        samples[654] = .infinity
        guard case .nonFinite(_, 321) = try error(named: "a.wav", content: floatWAV(samples)) else {
            Issue.record("the first sample that is no number is named")
            return
        }
    }

    @Test func zeroHertz() throws {
        let found = try error(
            named: "a.wav", content: floatWAV(noise(count: 100), sampleRate: 0))
        switch found {
        case .unsupportedSampleRate(_, 0), .unreadable: break
        default: Issue.record("another error: \(String(describing: found))")
        }
    }

    @Test func noChannels() throws {
        let found = try error(named: "a.wav", content: floatWAV(noise(count: 100), channels: 0))
        guard case .unreadable = found else {
            Issue.record("another error: \(String(describing: found))")
            return
        }
    }
}
