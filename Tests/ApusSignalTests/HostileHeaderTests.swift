import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct HostileHeaderTests {
    private static func little(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8((value >> (8 * UInt64($0))) & 0xFF) }
    }

    private static func big(_ value: UInt64, _ count: Int) -> [UInt8] {
        little(value, count).reversed()
    }

    /// A WAV file whose header and 400 bytes of samples need not fit each other.
    private static func wav(
        channels: UInt64 = 1, sampleRate: UInt64 = 16000, dataSize: UInt64 = 400
    ) -> Data {
        Data(
            Array("RIFF".utf8) + little(dataSize + 36, 4) + Array("WAVEfmt ".utf8) + little(16, 4)
                + little(1, 2) + little(channels, 2) + little(sampleRate, 4)
                + little(sampleRate &* channels &* 2, 4) + little(channels &* 2, 2)
                + little(16, 2) + Array("data".utf8) + little(dataSize, 4)
                + [UInt8](repeating: 1, count: 400))
    }

    /// An AU file whose header and 400 bytes of samples need not fit each other.
    private static func au(channels: UInt64, sampleRate: UInt64, dataSize: UInt64) -> Data {
        Data(
            Array(".snd".utf8) + big(24, 4) + big(dataSize, 4) + big(3, 4) + big(sampleRate, 4)
                + big(channels, 4) + [UInt8](repeating: 1, count: 400))
    }

    /// A Wave64 file whose header and 400 bytes of samples need not fit each other.
    private static func w64(channels: UInt64, dataSize: UInt64) -> Data {
        let tail: [UInt8] = [
            0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A,
        ]
        let riff: [UInt8] = [
            0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0x00, 0x00,
        ]
        var bytes = Array("riff".utf8) + riff + little(dataSize &+ 128, 8)
        bytes += Array("wave".utf8) + tail
        bytes += Array("fmt ".utf8) + tail + little(40, 8) + little(1, 2) + little(channels, 2)
        bytes += little(16000, 4) + little(32000 * channels, 4) + little(channels * 2, 2)
        bytes += little(16, 2) + Array("data".utf8) + tail + little(dataSize &+ 24, 8)
        return Data(bytes + [UInt8](repeating: 1, count: 400))
    }

    private func result(of content: Data) throws -> Result<Waveform, SignalError> {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a"
            try content.write(to: URL(fileURLWithPath: path))
            do {
                return .success(try Waveform(contentsOf: path, sampleRate: 16000))
            } catch let error as SignalError {
                #expect(error.description.hasPrefix(path))
                return .failure(error)
            }
        }
    }

    @Test(arguments: [0, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] as [UInt64])
    func ratesThatNobodyRecordsAt(rate: UInt64) throws {
        for content in [
            Self.wav(sampleRate: rate), Self.au(channels: 1, sampleRate: rate, dataSize: 400),
        ] {
            #expect(throws: SignalError.self) { try result(of: content).get() }
        }
    }

    @Test(arguments: [0, 1024, 1025, 65535] as [UInt64])
    func manyChannels(channels: UInt64) throws {
        // 400 bytes are not one frame of 1024 channels.
        for content in [
            Self.wav(channels: channels),
            Self.au(channels: channels, sampleRate: 16000, dataSize: 400),
            Self.w64(channels: channels, dataSize: 400),
        ] {
            #expect(throws: SignalError.self) { try result(of: content).get() }
        }
    }

    @Test(arguments: [1, 2, 100] as [UInt64])
    func lengthsThatLie(channels: UInt64) throws {
        for size in [1000, 1 << 30, 1 << 42, 1 << 60, UInt64.max - 1000] {
            var contents = [Self.w64(channels: channels, dataSize: size)]
            if size < 1 << 31 {
                contents.append(Self.wav(channels: channels, dataSize: size))
                contents.append(Self.au(channels: channels, sampleRate: 16000, dataSize: size))
            }
            for content in contents {
                guard case .failure(let error) = try result(of: content) else {
                    Issue.record("\(size) bytes are promised")
                    continue
                }
                switch error {
                case .truncated, .notAudio, .unreadable: break
                default: Issue.record("another error: \(error)")
                }
            }
        }
    }

    @Test func emptyDataChunk() throws {
        for content in [
            Self.wav(dataSize: 0).prefix(44),
            Self.au(channels: 1, sampleRate: 16000, dataSize: 0).prefix(24),
        ] {
            guard case .failure(.noSamples) = try result(of: content) else {
                Issue.record("a file without samples has an error of its own")
                continue
            }
        }
    }

    @Test func noNumbersInAnyChannel() throws {
        for value in [Float.nan, .infinity, -.infinity, .signalingNaN] {
            var samples = noise(count: 60000)
            samples[2 * 20011 + 1] = value
            let content = floatWAV(samples, channels: 2)
            guard case .failure(.nonFinite(_, 20011)) = try result(of: content) else {
                Issue.record("the frame of the sample is named")
                continue
            }
            try withTemporaryFolder { folder in
                let path = "\(folder)/a.wav"
                try content.write(to: URL(fileURLWithPath: path))
                let file = try SoundFile(path: path)
                #expect(throws: SignalError.nonFinite(path: path, index: 20011)) {
                    try file.readAllChannels()
                }
                // The other channel is sound.
                #expect(try file.read(channels: .channel(0)).samples.count == 30000)
            }
        }
    }

    @Test func denormalsAreNumbers() throws {
        let samples = (0..<1000).map { Float(bitPattern: UInt32($0)) }
        #expect(try result(of: floatWAV(samples)).get().samples == samples)
        let resampled = try Waveform(samples: samples, sampleRate: 16000).resampled(to: 8000)
        #expect(resampled.samples.allSatisfy { abs($0) < 1e-30 })
    }

    // Runs where a large allocation would end the process.
    @Test func aHeaderAsksForNoGigabytes() async throws {
        await #expect(processExitsWith: .success) {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit)
            limit.rlim_cur = 512 << 20
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit) == 0)
            try withTemporaryFolder { folder in
                let path = "\(folder)/a.w64"
                let size = UInt64(1) << 42
                var content = HostileHeaderTests.w64(channels: 1024, dataSize: size)
                content += Data(repeating: 1, count: 1 << 20)
                try content.write(to: URL(fileURLWithPath: path))
                #expect(throws: SignalError.self) { try SoundFile(path: path).read() }
                #expect(throws: SignalError.self) { try SoundFile(path: path).readAllChannels() }
            }
            // A FLAC file without checked length: 2^36 - 1 frames, promised to the reader itself.
            try withTemporaryFolder { folder in
                let path = "\(folder)/a.flac"
                let clip = URL(fileURLWithPath: "\(clips)/tones/440hz.flac")
                var content = try Data(contentsOf: clip)
                content[21] |= 0x0F
                for index in 22...25 { content[index] = 0xFF }
                try content.write(to: URL(fileURLWithPath: path))
                #expect(throws: SignalError.self) {
                    try Waveform(contentsOf: path, sampleRate: 384_000)
                }
                #expect(throws: SignalError.self) { try SoundFile(path: path).readAllChannels() }
            }
        }
    }
}
