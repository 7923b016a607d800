import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct WritingTests {
    private static let lossless = AudioFormat.allCases.filter { $0.bitDepth != nil }
    private static let lossy = AudioFormat.allCases.filter {
        $0.bitDepth == nil && $0 != .wavFloat && $0 != .wavDouble
    }
    /// The least signal-to-noise ratio (dB) of a 440 Hz tone at half of full scale.
    private static let leastRatios: [AudioFormat: Double] = [
        .wavMuLaw: 33, .wavALaw: 33, .wavIMAADPCM: 30, .wavMSADPCM: 30, .wavGSM610: 15,
        .oggVorbis: 25, .oggOpus: 20, .mp3: 20,
    ]

    private func write(
        _ channels: [Waveform], as format: AudioFormat, then body: (SoundFile) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.\(format.fileExtension)"
            try channels.write(to: path, format: format)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
            try body(try SoundFile(path: path))
        }
    }

    private func tone(_ frequency: Double, rate: Int = 16000, count: Int = 16000) -> Waveform {
        Waveform(
            samples: sine(frequency: frequency, amplitude: 0.5, count: count, sampleRate: rate),
            sampleRate: rate)
    }

    @Test(arguments: lossless, [1, 2, 8])
    func wholeNumbersComeBackExactly(format: AudioFormat, channelCount: Int) throws {
        let quantum = 1 / Float(1 << ((format.bitDepth ?? 0) - 1))
        let channels = (0..<channelCount).map { tone(440 + 100 * Double($0)) }
        try write(channels, as: format) { file in
            #expect(file.sampleRate == 16000)
            #expect(file.channelCount == channelCount)
            #expect(file.frameCount == 16000)
            for (index, channel) in channels.enumerated() {
                let read = try file.read(channels: .channel(index))
                let nearest = channel.samples.map {
                    ($0 / quantum).rounded(.toNearestOrEven) * quantum
                }
                #expect(read.samples == nearest)
            }
        }
    }

    @Test(arguments: lossless)
    func beyondFullScaleIsTheLoudest(format: AudioFormat) throws {
        let scale = Double(1 << ((format.bitDepth ?? 0) - 1))
        let samples: [Float] = [1, -1, 2, -2, 1e30, -1e30, 0, -0.0, .leastNonzeroMagnitude]
        try write([Waveform(samples: samples, sampleRate: 16000)], as: format) { file in
            let loudest = Float((scale - 1) / scale)
            let read = try file.read().samples
            #expect(read == [loudest, -1, loudest, -1, loudest, -1, 0, 0, 0])
        }
    }

    @Test(arguments: [AudioFormat.wavFloat, .wavDouble])
    func floatsComeBackToTheBit(format: AudioFormat) throws {
        let samples =
            noise(count: 5000) + [.leastNonzeroMagnitude, 1e30, -.greatestFiniteMagnitude]
        try write([Waveform(samples: samples, sampleRate: 44100)], as: format) { file in
            let read = try file.read().samples
            #expect(read == samples)
        }
    }

    @Test(arguments: lossy, [1, 2])
    func codecsKeepATone(format: AudioFormat, channelCount: Int) throws {
        if format == .wavGSM610, channelCount > 1 { return }
        let least = try #require(Self.leastRatios[format])
        let channels = (0..<channelCount).map { tone(440 + 110 * Double($0)) }
        try write(channels, as: format) { file in
            #expect(file.channelCount == channelCount)
            // Block codecs fill their last block with silence.
            #expect((16000..<17000).contains(file.frameCount))
            for (index, channel) in channels.enumerated() {
                let read = try file.read(count: 16000, channels: .channel(index))
                let ratio = signalToNoise(
                    channel.samples[2000..<14000], read.samples[2000..<14000])
                #expect(ratio > least, "\(ratio) dB")
            }
        }
    }

    @Test func aWaveformIsAFileOfOneChannel() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.wav"
            let waveform = tone(440)
            try waveform.write(to: path, format: .wavFloat)
            #expect(try Waveform(contentsOf: path) == waveform)
            // Over a file that is there, and the same bytes each time.
            let first = try Data(contentsOf: URL(fileURLWithPath: path))
            try waveform.write(to: path, format: .wavFloat)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == first)
            try waveform.write(to: path)
            #expect(try SoundFile(path: path).formatDescription.contains("16 bit PCM"))
        }
    }

    @Test(arguments: [
        (AudioFormat.oggOpus, 44100, 1), (.mp3, 96000, 1), (.wavGSM610, 16000, 2),
        (.wavIMAADPCM, 16000, 8), (.mp3, 16000, 5), (.flac16, 16000, 9),
        (.oggVorbis, 384_000, 1), (.flac16, 3_000_000_000, 1),
    ])
    func whatAnEncoderDoesNotTakeIsAnError(
        format: AudioFormat, rate: Int, channelCount: Int
    ) throws {
        try withTemporaryFolder { folder in
            let channels = Array(
                repeating: Waveform(samples: noise(count: 100), sampleRate: rate),
                count: channelCount)
            let path = "\(folder)/a"
            let error = #expect(throws: SignalError.self) {
                try channels.write(to: path, format: format)
            }
            guard case .cannotWrite(path, let reason) = error else {
                Issue.record("another error: \(String(describing: error))")
                return
            }
            #expect(reason.contains("\(rate) Hz; channels: \(channelCount): "))
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left.isEmpty)
        }
    }

    @Test func nothingAndNoNumbersAreErrors() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.wav"
            let nothing = SignalError.cannotWrite(path: path, reason: "there are no samples")
            #expect(throws: nothing) { try [Waveform]().write(to: path) }
            #expect(throws: nothing) {
                try Waveform(samples: [], sampleRate: 16000).write(to: path)
            }
            #expect(throws: SignalError.nonFinite(path: path, index: 1)) {
                try Waveform(samples: [0, .nan], sampleRate: 16000).write(to: path)
            }
            #expect(throws: SignalError.self) { try tone(440).write(to: "\(folder)/no/a.wav") }
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left.isEmpty)
        }
    }

    @Test func formatsHaveNames() throws {
        #expect(AudioFormat.flac24.formatDescription.contains("24 bit"))
        let data = try JSONEncoder().encode(AudioFormat.allCases)
        #expect(try JSONDecoder().decode([AudioFormat].self, from: data) == AudioFormat.allCases)
    }
}

@Suite struct FullDiskTests {
    // A limit on the size of files stands in for a full disk, in a process of its own.
    @Test func aFullDiskIsSeenByEveryEncoder() async throws {
        await #expect(processExitsWith: .success) {
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 8192, rlim_max: 8192)
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            let waveform = Waveform(samples: noise(count: 200_000), sampleRate: 16000)
            for format in AudioFormat.allCases {
                try withTemporaryFolder { folder in
                    let path = "\(folder)/a"
                    let error = SignalError.cannotWrite(
                        path: path, reason: String(cString: strerror(EFBIG)))
                    #expect(throws: error) { try waveform.write(to: path, format: format) }
                    let left = try FileManager.default.contentsOfDirectory(atPath: folder)
                    #expect(left.isEmpty)
                }
            }
            // What comes through a pipe has no room either.
            let pipe = Pipe()
            Thread {
                try? pipe.fileHandleForWriting.write(contentsOf: Data(count: 60000))
                try? pipe.fileHandleForWriting.close()
            }.start()
            let error = #expect(throws: SignalError.self) {
                try SoundFile(
                    spooling: pipe.fileHandleForReading.fileDescriptor, name: "standard input")
            }
            guard case .cannotWrite(_, let reason) = error else {
                Issue.record("another error: \(String(describing: error))")
                return
            }
            #expect(reason.contains("standard input"))
        }
    }
}
