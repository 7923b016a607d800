import Foundation

/// Mono WAV files, made by hand.
public enum WAV {
    /// 32-bit float samples.
    public static func floats(_ samples: [Float], rate: Int = 16_000) -> Data {
        file(format: 3, bits: 32, rate: rate, bytes(samples.map(\.bitPattern)))
    }

    /// 16-bit samples.
    public static func integers(_ samples: [Int16], rate: Int = 16_000) -> Data {
        file(format: 1, bits: 16, rate: rate, bytes(samples))
    }

    /// 16-bit samples of numbers of full scale 1; those beyond it are cut.
    public static func integers(_ samples: [Float], rate: Int = 16_000) -> Data {
        integers(samples.map { Int16(max(-1, min(1, $0)) * 32767) }, rate: rate)
    }

    /// A harmonic tone, as long as asked for.
    public static func tone(_ hertz: Double, seconds: Double, rate: Int = 16_000) -> Data {
        floats(
            (0..<Int(seconds * Double(rate))).map { n in
                let phase = 2 * Double.pi * hertz * Double(n) / Double(rate)
                return Float(0.3 * sin(phase) + 0.1 * sin(2 * phase) + 0.05 * sin(5 * phase))
            }, rate: rate)
    }

    private static func bytes(_ values: [some FixedWidthInteger]) -> Data {
        values.map(\.littleEndian).withUnsafeBytes { Data($0) }
    }

    private static func file(format: UInt16, bits: UInt16, rate: Int, _ body: Data) -> Data {
        let frame = bits / 8
        var data = Data("RIFF".utf8)
        data += bytes([UInt32(36 + body.count)])
        data += Data("WAVEfmt ".utf8)
        data += bytes([UInt32(16)])
        data += bytes([format, 1])
        data += bytes([UInt32(rate), UInt32(rate) * UInt32(frame)])
        data += bytes([frame, bits])
        data += Data("data".utf8)
        data += bytes([UInt32(body.count)])
        return data + body
    }
}
