import Foundation
import TestSupport

/// The folder of the reference data beside these tests.
let references = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("References").path

/// The project's own clips.
let clips = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("samples/audio").path

/// A WAV file of 32-bit floats; the header's numbers can be made to lie.
func floatWAV(
    _ samples: [Float], sampleRate: Int = 16000, channels: Int = 1, declaredBytes: Int? = nil
) -> Data {
    func bytes(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8((value >> (8 * $0)) & 0xFF) }
    }
    let size = declaredBytes ?? samples.count * 4
    var data = Data("RIFF".utf8)
    data.append(contentsOf: bytes(size + 36, 4))
    data.append(contentsOf: Array("WAVEfmt ".utf8) + bytes(16, 4) + bytes(3, 2))
    data.append(contentsOf: bytes(channels, 2) + bytes(sampleRate, 4))
    data.append(contentsOf: bytes(sampleRate * channels * 4, 4) + bytes(channels * 4, 2))
    data.append(contentsOf: bytes(32, 2) + Array("data".utf8) + bytes(size, 4))
    for sample in samples { data.append(contentsOf: bytes(Int(sample.bitPattern), 4)) }
    return data
}

/// A sine of N samples.
func sine(
    frequency: Double, amplitude: Double = 1, count: Int, sampleRate: Int = 16000
) -> [Float] {
    (0..<count).map {
        Float(amplitude * sin(2 * Double.pi * frequency * Double($0) / Double(sampleRate)))
    }
}

/// N numbers between -1 and 1 that look like noise and are always the same.
func noise(count: Int) -> [Float] {
    var state: UInt32 = 12345
    return (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Float(state >> 8) / Float(1 << 23) - 1
    }
}

/// The largest difference between two lists of the same length.
func largestDifference(_ one: [Float], _ other: [Float]) -> Float {
    zip(one, other).map { abs($0 - $1) }.max() ?? 0
}

/// The ratio of a signal to its difference from another of the same length (dB).
func signalToNoise(_ signal: ArraySlice<Float>, _ other: ArraySlice<Float>) -> Double {
    var power = 0.0
    var error = 0.0
    for (one, two) in zip(signal, other) {
        power += Double(one) * Double(one)
        error += (Double(one) - Double(two)) * (Double(one) - Double(two))
    }
    return 10 * log10(power / max(error, .leastNormalMagnitude))
}
