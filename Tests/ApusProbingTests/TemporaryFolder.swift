import ApusCorpus
import Foundation

/// A folder of a test's own, removed with the last reference to it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("apus-probing-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes samples as a 16-bit mono WAV file, and gives its path.
    @discardableResult
    func writeWAV(_ name: String, _ samples: [Float], sampleRate: Int = 16000) throws -> String {
        var data = Data()
        func append(_ text: String) { data.append(contentsOf: text.utf8) }
        func append(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
        }
        append("RIFF")
        append(UInt32(36 + 2 * samples.count))
        append("WAVEfmt ")
        append(UInt32(16))
        append(UInt16(1))
        append(UInt16(1))
        append(UInt32(sampleRate))
        append(UInt32(2 * sampleRate))
        append(UInt16(2))
        append(UInt16(16))
        append("data")
        append(UInt32(2 * samples.count))
        for sample in samples { append(Int16(max(-1, min(1, sample)) * 32767)) }
        let file = path + "/" + name
        try data.write(to: URL(fileURLWithPath: file))
        return file
    }

    /// Copies a file into the folder, and gives its path.
    func copy(_ file: String, as name: String) throws -> String {
        try FileManager.default.copyItem(atPath: file, toPath: path + "/" + name)
        return path + "/" + name
    }
}

/// A sung vowel: harmonics of a pitch with a timbre of their own, and a little noise.
///
/// The voice decides pitch and timbre, the take what differs between recordings of one voice.
func voice(_ voice: Int, take: Int, sampleCount: Int, sampleRate: Int = 16000) -> [Float] {
    var generator = SeededGenerator(seed: 7, stream: "voice", voice, take)
    let pitch = 110.0 * (1 + 0.35 * Double(voice)) * (1 + 0.04 * generator.unitInterval())
    let phase = 6.28 * generator.unitInterval()
    let tremolo = 2 + 3 * generator.unitInterval()
    return (0..<sampleCount).map { index in
        let time = Double(index) / Double(sampleRate)
        var value = 0.0
        for harmonic in 1...8 {
            let loudness = 1 / (1 + abs(Double(harmonic) - 1.5 * Double(voice + 1)))
            value += loudness * sin(6.2831853 * pitch * Double(harmonic) * time + phase)
        }
        let envelope = 0.6 + 0.4 * sin(6.2831853 * tremolo * time)
        return Float(0.12 * envelope * value + 0.02 * (generator.unitInterval() - 0.5))
    }
}
