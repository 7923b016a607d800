import Foundation
import TestSupport

extension TemporaryFolder {
    /// Writes noise of its own for each seed as a 16-bit mono WAV file, and gives its path.
    @discardableResult
    func writeWAV(
        _ name: String, sampleCount: Int, sampleRate: Int = 16000, seed: UInt32 = 1
    ) throws -> String {
        try write(noise(sampleCount: sampleCount, sampleRate: sampleRate, seed: seed), name)
    }

    /// Writes a WAV file whose bytes end in the middle of its samples.
    @discardableResult
    func writeTruncatedWAV(_ name: String, sampleCount: Int) throws -> String {
        let whole = noise(sampleCount: sampleCount, sampleRate: 16000, seed: 99)
        return try write(whole.prefix(whole.count / 2), name)
    }
}

private func noise(sampleCount: Int, sampleRate: Int, seed: UInt32) -> Data {
    var state = seed
    return WAV.integers(
        (0..<sampleCount).map { _ -> Int16 in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Int16(truncatingIfNeeded: state >> 18) / 2
        }, rate: sampleRate)
}
