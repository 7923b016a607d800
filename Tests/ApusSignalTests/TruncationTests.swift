import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct TruncationTests {
    @Test(arguments: AudioFormat.allCases)
    func aCutIsSeenInEveryFormat(format: AudioFormat) throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.\(format.fileExtension)"
            let waveform = Waveform(
                samples: noise(count: 32000).map { $0 / 2 }, sampleRate: 16000)
            try waveform.write(to: path, format: format)
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            for share in [0.3, 0.5, 0.77, 0.9, 0.99] {
                try whole.prefix(Int(Double(whole.count) * share))
                    .write(to: URL(fileURLWithPath: path))
                let error = #expect(throws: SignalError.self, "\(share)") {
                    try Waveform(contentsOf: path)
                }
                switch error {
                case .truncated(_, let expected, let found):
                    if let expected {
                        // How many frames are missing of a block codec is a guess from bytes.
                        let isBlockCodec =
                            [.wavIMAADPCM, .wavMSADPCM, .wavGSM610].contains(format)
                        #expect((isBlockCodec ? 30000...35000 : 32000...32002).contains(expected))
                    }
                    #expect(found < 33000)
                // Ogg and CAF do not open where too little is left.
                case .unreadable:
                    #expect([.oggVorbis, .oggOpus, .caf16].contains(format))
                default: Issue.record("another error: \(String(describing: error))")
                }
            }
        }
    }

    @Test(arguments: [-1, 0, Int.max])
    func aSPHEREHeaderMayCountOtherwise(count: Int) throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.sph"
            try Waveform(samples: noise(count: 10), sampleRate: 16000)
                .write(to: path, format: .sphere16)
            let content = try Data(contentsOf: URL(fileURLWithPath: path))
            let header = String(decoding: content.prefix(1024), as: UTF8.self)
                .replacingOccurrences(
                    of: "sample_count -i 10\n", with: "sample_count -i \(count)\n")
            #expect(header.contains(" \(count)\n"))
            let padded = header + String(repeating: " ", count: 1024)
            try (Data(padded.utf8.prefix(1024)) + content.dropFirst(1024)).write(
                to: URL(fileURLWithPath: path))
            if count > 10 {
                #expect(
                    throws: SignalError.truncated(path: path, expected: count, found: 10)
                ) { try SoundFile(path: path) }
            } else {
                #expect(throws: Never.self) { try SoundFile(path: path).read() }
            }
        }
    }
}
