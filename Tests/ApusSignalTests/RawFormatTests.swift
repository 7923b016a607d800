import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct RawFormatTests {
    private func read(_ bytes: [UInt8], as text: String) throws -> [Waveform] {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.raw"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            return try SoundFile(path: path, raw: RawFormat(parsing: text)).readAllChannels()
        }
    }

    /// Encodings, bytes of three samples, and what they are.
    private static let samples: [(String, [UInt8], [Float])] = [
        ("s8", [0x40, 0x00, 0x80], [0.5, 0, -1]),
        ("u8", [0xC0, 0x80, 0x00], [0.5, 0, -1]),
        ("s16le", [0x00, 0x40, 0x01, 0x00, 0x00, 0x80], [0.5, 1 / 32768, -1]),
        ("s16be", [0x40, 0x00, 0x00, 0x01, 0x80, 0x00], [0.5, 1 / 32768, -1]),
        ("s24le", [0, 0, 0x40, 1, 0, 0, 0, 0, 0x80], [0.5, 1 / 8_388_608, -1]),
        ("s24be", [0x40, 0, 0, 0, 0, 1, 0x80, 0, 0], [0.5, 1 / 8_388_608, -1]),
        ("s32le", [0, 0, 0, 0x40, 0, 1, 0, 0, 0, 0, 0, 0x80], [0.5, 1 / 8_388_608, -1]),
        ("s32be", [0x40, 0, 0, 0, 0, 0, 1, 0, 0x80, 0, 0, 0], [0.5, 1 / 8_388_608, -1]),
        ("f32le", [0, 0, 0, 0x3F, 0, 0, 0, 0, 0, 0, 0x80, 0xBF], [0.5, 0, -1]),
        ("f32be", [0x3F, 0, 0, 0, 0, 0, 0, 0, 0xBF, 0x80, 0, 0], [0.5, 0, -1]),
        (
            "f64le",
            [0, 0, 0, 0, 0, 0, 0xE0, 0x3F] + [0, 0, 0, 0, 0, 0, 0, 0]
                + [0, 0, 0, 0, 0, 0, 0xF0, 0xBF], [0.5, 0, -1]
        ),
        (
            "f64be",
            [0x3F, 0xE0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 0]
                + [0xBF, 0xF0, 0, 0, 0, 0, 0, 0], [0.5, 0, -1]
        ),
        // ITU-T G.711: the loudest positive, the least positive, the loudest negative.
        ("mulaw", [0x80, 0xFF, 0x00], [32124 / 32768, 0, -32124 / 32768]),
        ("alaw", [0xAA, 0xD5, 0x2A], [32256 / 32768, 8 / 32768, -32256 / 32768]),
    ]

    @Test(arguments: samples.indices)
    func everyEncodingIsRead(index: Int) throws {
        let (encoding, bytes, expected) = Self.samples[index]
        let mono = try read(bytes, as: "\(encoding):16000")
        #expect(mono == [Waveform(samples: expected, sampleRate: 16000)])
        let channels = try read(bytes + bytes, as: "\(encoding):384000:3")
        #expect(channels.count == 3)
        for (channel, value) in zip(channels, expected) {
            #expect(channel == Waveform(samples: [value, value], sampleRate: 384_000))
        }
    }

    @Test(arguments: [
        ("s16le:16000:1", "s16le:16000:1"), ("S16:8000", "s16le:8000:1"),
        ("mulaw:8000:2", "mulaw:8000:2"), ("f64be:384000:1024", "f64be:384000:1024"),
        ("u8:2147483647:1", "u8:2147483647:1"),
    ])
    func theTextFormIsReadAndWritten(text: String, canonical: String) throws {
        let format = try RawFormat(parsing: text)
        #expect(format.description == canonical)
        #expect(try RawFormat(parsing: canonical) == format)
        let data = try JSONEncoder().encode([format])
        #expect(String(decoding: data, as: UTF8.self) == "[\"\(canonical)\"]")
        #expect(try JSONDecoder().decode([RawFormat].self, from: data) == [format])
    }

    @Test(arguments: [
        ("", "format"), ("s16le", "format"), ("s16le:16000:1:1", "format"),
        ("s17le:16000:1", "encoding"), ("s8le:16000:1", "encoding"), (":16000:1", "encoding"),
        ("s16le:0:1", "rate"), ("s16le:16k:1", "rate"), ("s16le:2147483648:1", "rate"),
        ("s16le:16000:0", "number of channels"), ("s16le:16000:1025", "number of channels"),
        ("s16le:16000:", "number of channels"),
    ])
    func anotherTextIsAnError(text: String, part: String) throws {
        let error = #expect(throws: SignalError.self) { try RawFormat(parsing: text) }
        guard case .invalidRawFormat(part, _, _) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([RawFormat].self, from: JSONEncoder().encode([text]))
        }
    }

    @Test func aPartOfAFrameIsTruncated() throws {
        for (count, whole) in [(7, 1), (3, 0)] {
            let error = #expect(throws: SignalError.self) {
                try read([UInt8](repeating: 0, count: count), as: "s16le:16000:2")
            }
            guard case .truncated(_, let expected, let found) = error else {
                Issue.record("another error: \(String(describing: error))")
                return
            }
            #expect(expected == whole + 1)
            #expect(found == whole)
        }
    }

    @Test func emptyAndNoNumbersAreErrors() throws {
        let empty = #expect(throws: SignalError.self) { try read([], as: "s16le:16000") }
        guard case .emptyFile = empty else {
            Issue.record("another error: \(String(describing: empty))")
            return
        }
        let infinite = #expect(throws: SignalError.self) {
            try read([0, 0, 0, 0, 0, 0, 0x80, 0x7F], as: "f32le:16000")
        }
        guard case .nonFinite(_, 1) = infinite else {
            Issue.record("another error: \(String(describing: infinite))")
            return
        }
    }

    @Test func segmentsOfHeaderlessFiles() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.raw"
            let samples = noise(count: 20000)
            let data = samples.withUnsafeBytes { Data($0) }
            try data.write(to: URL(fileURLWithPath: path))
            let format = RawFormat(encoding: .float32, sampleRate: 16000)
            let part = try Waveform(contentsOf: path, offset: 0.5, duration: 0.25, raw: format)
            #expect(part.samples == Array(samples[8000..<12000]))
        }
    }
}
