import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct SampleReaderTests {
    private static let voice = "\(clips)/voices/de-m3/01.ogg"
    private static let stereo = "\(clips)/stereo/440hz-880hz.flac"

    private func blocks(of reader: SampleReader) throws -> [[Float]] {
        var blocks: [[Float]] = []
        while let block = try reader.next() { blocks.append(block) }
        return blocks
    }

    @Test(arguments: [
        AudioFormat.wav16, .wavFloat, .wavIMAADPCM, .flac16, .oggVorbis, .oggOpus, .mp3,
    ])
    func blocksAreTheWaveform(format: AudioFormat) throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.\(format.fileExtension)"
            let channels = [
                Waveform(samples: noise(count: 100_000).map { $0 / 2 }, sampleRate: 16000),
                Waveform(samples: sine(frequency: 440, count: 100_000), sampleRate: 16000),
            ]
            try channels.write(to: path, format: format)
            let file = try SoundFile(path: path)
            for rate in [nil, 8000, 44100] {
                for (offset, duration) in [(0, nil), (1.5, 2.25), (0.1, 0.05)] {
                    for selection in [ChannelSelection.mean, .channel(1)] {
                        let reader = try SampleReader(
                            file, offset: offset, duration: duration, channels: selection,
                            sampleRate: rate, quality: .medium)
                        let blocks = try blocks(of: reader)
                        let whole = try Waveform(
                            contentsOf: path, offset: offset, duration: duration,
                            channels: selection, sampleRate: rate, quality: .medium)
                        #expect(blocks.allSatisfy { !$0.isEmpty })
                        #expect(Array(blocks.joined()) == whole.samples)
                        #expect(reader.sampleCount == whole.samples.count)
                        #expect(reader.sampleRate == whole.sampleRate)
                        #expect(try reader.next() == nil)
                    }
                }
            }
        }
    }

    @Test(arguments: AudioFormat.allCases)
    func segmentsInAnyOrderAreSlicesToTheBit(format: AudioFormat) throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.\(format.fileExtension)"
            try Waveform(samples: noise(count: 40000).map { $0 / 2 }, sampleRate: 16000)
                .write(to: path, format: format)
            let file = try SoundFile(path: path)
            let whole = try file.read().samples
            for (start, count) in [(30000, 5000), (5000, 100), (5100, 100), (0, 20000), (1, 1)] {
                let part = try file.read(from: start, count: count).samples
                #expect(part == Array(whole[start..<(start + count)]))
            }
        }
    }

    @Test func aBlockIsSmall() throws {
        let reader = try SampleReader(SoundFile(path: Self.stereo))
        #expect(try blocks(of: reader).allSatisfy { $0.count <= 8192 })
    }

    @Test func readersOfOneFileDoNotDisturbEachOther() throws {
        for path in [Self.voice, Self.stereo] {
            let file = try SoundFile(path: path)
            let whole = try file.read().samples
            let one = try SampleReader(file)
            let other = try SampleReader(file, offset: 0.1)
            var first: [Float] = []
            var second: [Float] = []
            while let block = try one.next() {
                first += block
                second += try other.next() ?? []
            }
            while let block = try other.next() { second += block }
            #expect(first == whole)
            let skipped = Waveform.sampleCount(seconds: 0.1, sampleRate: file.sampleRate)
            #expect(second == Array(whole[skipped...]))
        }
    }

    @Test(arguments: StreamingResamplerTests.rates)
    func everyRateIsRead(rate: Int) throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.wav"
            let tone = Waveform(
                samples: sine(frequency: 700, amplitude: 0.5, count: rate, sampleRate: rate),
                sampleRate: rate)
            try tone.write(to: path, format: .wavFloat)
            #expect(try Waveform(contentsOf: path) == tone)
            let resampled = try Waveform(contentsOf: path, sampleRate: 16000)
            #expect(resampled == (try tone.resampled(to: 16000)))
            let expected = sine(frequency: 700, amplitude: 0.5, count: 16000)
            #expect(
                signalToNoise(expected[2000..<14000], resampled.samples[2000..<14000]) > 90)
        }
    }

    @Test(arguments: [1, 2, 8, 1024])
    func channelsAreChosenAveragedOrAllRead(channelCount: Int) throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.wav"
            let noise = noise(count: 3000 + channelCount)
            let channels = (0..<channelCount).map {
                Waveform(samples: Array(noise[$0..<($0 + 3000)]), sampleRate: 16000)
            }
            try channels.write(to: path, format: .wavFloat)
            let file = try SoundFile(path: path)
            #expect(try file.readAllChannels() == channels)
            let part = try file.readAllChannels(from: 1000, count: 777)
            #expect(part.map(\.samples) == channels.map { Array($0.samples[1000..<1777]) })
            for channel in [0, channelCount / 2, channelCount - 1] {
                #expect(try file.read(channels: .channel(channel)) == channels[channel])
            }
            let mean = (0..<3000).map { index in
                channels.reduce(0.0) { $0 + Double($1.samples[index]) } / Double(channelCount)
            }
            #expect(largestDifference(try file.read().samples, mean.map(Float.init)) < 1e-6)
            #expect(throws: SignalError.self) {
                try SampleReader(file, channels: .channel(channelCount))
            }
            #expect(throws: SignalError.self) { try file.readAllChannels(from: 3000) }
        }
    }

    @Test func anErrorStays() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.wav"
            var samples = noise(count: 40000)
            samples[30001] = .infinity
            try floatWAV(samples).write(to: URL(fileURLWithPath: path))
            let file = try SoundFile(path: path)
            let reader = try SampleReader(file, offset: 1, sampleRate: 8000)
            let expected = SignalError.nonFinite(path: path, index: 30001)
            #expect(throws: expected) { _ = try blocks(of: reader) }
            #expect(throws: expected) { try reader.next() }
            #expect(throws: expected) { try file.readAllChannels() }
            #expect(try file.read(from: 30002).samples == Array(samples[30002...]))
        }
    }

    @Test func whatCannotBeReadIsAnErrorAtOnce() throws {
        let file = try SoundFile(path: Self.stereo)
        #expect(throws: SignalError.self) { try SampleReader(file, offset: 0.5) }
        #expect(throws: SignalError.self) { try SampleReader(file, offset: .nan) }
        #expect(throws: SignalError.self) { try SampleReader(file, duration: .infinity) }
        #expect(throws: SignalError.self) { try SampleReader(file, duration: 0) }
        #expect(throws: SignalError.unsupportedSampleRate(path: Self.stereo, sampleRate: 0)) {
            try SampleReader(file, sampleRate: 0)
        }
    }
}
