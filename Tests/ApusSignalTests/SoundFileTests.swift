import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct SoundFileTests {
    static let voice = "\(clips)/voices/de-m3/01.ogg"
    static let tone = "\(clips)/tones/440hz.flac"
    static let stereo = "\(clips)/stereo/440hz-880hz.flac"

    @Test func metadataIsTheHeaders() throws {
        let file = try SoundFile(path: Self.stereo)
        #expect(file.sampleRate == 44100)
        #expect(file.channelCount == 2)
        #expect(file.frameCount == 22050)
        #expect(file.duration == 0.5)
        #expect(file.formatDescription.contains("FLAC"))
        #expect(try SoundFile(path: Self.voice).formatDescription.contains("Vorbis"))
    }

    @Test func aToneIsReadAsItWasMade() throws {
        let waveform = try SoundFile(path: Self.tone).read()
        let expected = sine(frequency: 440, amplitude: 0.5, count: 8000)
        #expect(waveform.samples.count == 8000)
        #expect(largestDifference(waveform.samples, expected) < 1e-4)
    }

    @Test func floatSamplesAreReadToTheBit() throws {
        try withTemporaryFolder { folder in
            let samples = noise(count: 70000)
            try floatWAV(samples).write(to: URL(fileURLWithPath: "\(folder)/a.wav"))
            #expect(try SoundFile(path: "\(folder)/a.wav").read().samples == samples)
        }
    }

    @Test func channelsAreChosenOrAveraged() throws {
        let file = try SoundFile(path: Self.stereo)
        let left = try file.read(channels: .channel(0)).samples
        let right = try file.read(channels: .channel(1)).samples
        let mean = try file.read().samples
        #expect(
            largestDifference(
                left, sine(frequency: 440, amplitude: 0.5, count: 22050, sampleRate: 44100))
                < 1e-4)
        #expect(
            largestDifference(
                right, sine(frequency: 880, amplitude: 0.5, count: 22050, sampleRate: 44100))
                < 1e-4)
        #expect(largestDifference(mean, zip(left, right).map { ($0 + $1) / 2 }) < 1e-6)
        #expect(
            throws: SignalError.noSuchChannel(path: Self.stereo, channel: 2, channelCount: 2)
        ) { try file.read(channels: .channel(2)) }
    }

    @Test(arguments: [voice, tone, stereo])
    func aSegmentIsASliceOfTheWhole(path: String) throws {
        let file = try SoundFile(path: path)
        let whole = try file.read().samples
        // Forward, backward, back to back, and up to the last frame.
        let last = whole.count - 777
        for (start, count) in [(5000, 1000), (6000, 500), (100, 3000), (0, 1), (last, 777)] {
            let segment = try file.read(from: start, count: count).samples
            #expect(largestDifference(segment, Array(whole[start..<(start + count)])) < 1e-6)
        }
        #expect(try file.read(from: whole.count - 10).samples.count == 10)
    }

    @Test(arguments: [(8000, nil), (0, 8001), (7999, 2), (-1, 10), (0, 0), (0, Int.max)])
    func aSegmentOutsideIsAnError(start: Int, count: Int?) throws {
        let file = try SoundFile(path: Self.tone)
        let error = #expect(throws: SignalError.self) {
            try file.read(from: start, count: count)
        }
        guard case .segmentOutside(Self.tone, start, _, 8000) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
    }

    @Test func secondsBecomeSamplesInOneWay() throws {
        let whole = try Waveform(contentsOf: Self.tone)
        let part = try Waveform(contentsOf: Self.tone, offset: 0.1, duration: 0.25)
        #expect(part.samples == Array(whole.samples[1600..<5600]))
        // A duration that was rounded up to milliseconds is cut at the end; more is an error.
        let rounded = try Waveform(contentsOf: Self.tone, offset: 0.2, duration: 0.301)
        #expect(rounded.samples.count == 4800)
        #expect(throws: SignalError.self) {
            try Waveform(contentsOf: Self.tone, offset: 0.2, duration: 0.4)
        }
        #expect(throws: SignalError.self) {
            try Waveform(contentsOf: Self.tone, offset: -.infinity)
        }
        #expect(throws: SignalError.self) { try Waveform(contentsOf: Self.tone, offset: -1e300) }
        #expect(Waveform.sampleCount(seconds: 0.5 / 16000, sampleRate: 16000) == 1)
    }

    @Test func aFileIsResampledOnTheWay() throws {
        let waveform = try Waveform(
            contentsOf: Self.stereo, channels: .channel(1), sampleRate: 16000)
        #expect(waveform.sampleRate == 16000)
        let expected = sine(frequency: 880, amplitude: 0.5, count: 8000)
        let inner = 1000..<7000
        #expect(
            largestDifference(Array(waveform.samples[inner]), Array(expected[inner])) < 1e-3)
        #expect(throws: SignalError.unsupportedSampleRate(path: Self.tone, sampleRate: -5)) {
            try Waveform(contentsOf: Self.tone, sampleRate: -5)
        }
    }

    @Test(arguments: [16, 24])
    func appleLosslessIsReadExactly(bits: Int) throws {
        let path = "\(references)/alac-\(bits).caf"
        let channels = try SoundFile(path: path).readAllChannels()
        let quantum = 1 / Float(1 << (bits - 1))
        for (channel, frequency) in zip(channels, [440.0, 880]) {
            let tone = sine(frequency: frequency, amplitude: 0.5, count: 4000)
            #expect(channel.samples.count == 4000)
            // The tone's own rounding to 32 bits comes on top.
            #expect(largestDifference(channel.samples, tone) < 0.51 * quantum + 6e-8)
        }
        let content = try Data(contentsOf: URL(fileURLWithPath: path))
        try withTemporaryFolder { folder in
            let cut = "\(folder)/a.caf"
            try content.dropLast(content.count / 10).write(to: URL(fileURLWithPath: cut))
            #expect(throws: SignalError.self) { try SoundFile(path: cut).read() }
        }
    }

    @Test func theLibrariesSayWhatTheyAre() {
        #expect(SoundFile.libraryVersion.hasPrefix("libsndfile"))
        #expect(SoundFile.supportedFormats.contains { $0.contains("FLAC") })
        #expect(RealFFT.libraryVersion.hasPrefix("fftw"))
        #expect(Waveform.resamplerVersion.contains("soxr"))
    }

    @Test func channelSelectionIsAWordOrANumber() throws {
        let choices: [ChannelSelection] = [.mean, .channel(3)]
        let data = try JSONEncoder().encode(choices)
        #expect(String(decoding: data, as: UTF8.self) == "[\"mean\",3]")
        #expect(try JSONDecoder().decode([ChannelSelection].self, from: data) == choices)
        for wrong in ["[\"left\"]", "[-1]"] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode([ChannelSelection].self, from: Data(wrong.utf8))
            }
        }
    }
}
