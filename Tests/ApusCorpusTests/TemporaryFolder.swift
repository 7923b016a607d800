import Foundation

/// A folder of a test's own, removed with the last reference to it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("apus-corpus-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file and the folders above it, and gives its path.
    @discardableResult
    func write(_ data: Data, _ name: String) throws -> String {
        let url = URL(fileURLWithPath: path + "/" + name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
        return url.path
    }

    @discardableResult
    func write(_ text: String, _ name: String) throws -> String {
        try write(Data(text.utf8), name)
    }

    /// Writes noise of its own for each seed as a 16-bit mono WAV file, and gives its path.
    @discardableResult
    func writeWAV(
        _ name: String, sampleCount: Int, sampleRate: Int = 16000, seed: UInt32 = 1
    ) throws -> String {
        try write(wavData(sampleCount: sampleCount, sampleRate: sampleRate, seed: seed), name)
    }

    /// Writes a WAV file whose bytes end in the middle of its samples.
    @discardableResult
    func writeTruncatedWAV(_ name: String, sampleCount: Int) throws -> String {
        let whole = wavData(sampleCount: sampleCount, sampleRate: 16000, seed: 99)
        return try write(whole.prefix(whole.count / 2), name)
    }
}

private func wavData(sampleCount: Int, sampleRate: Int, seed: UInt32) -> Data {
    var data = Data()
    func append(_ text: String) { data.append(contentsOf: text.utf8) }
    func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
    }
    append("RIFF")
    append(UInt32(36 + 2 * sampleCount))
    append("WAVEfmt ")
    append(UInt32(16))
    append(UInt16(1))
    append(UInt16(1))
    append(UInt32(sampleRate))
    append(UInt32(2 * sampleRate))
    append(UInt16(2))
    append(UInt16(16))
    append("data")
    append(UInt32(2 * sampleCount))
    var state = seed
    for _ in 0..<sampleCount {
        state = state &* 1_664_525 &+ 1_013_904_223
        append(Int16(truncatingIfNeeded: state >> 18) / 2)
    }
    return data
}
