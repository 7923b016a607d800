import ApusCorpus
import Foundation

/// A folder of a test's own, removed with the last reference to it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("apus-pretraining-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file and gives its path.
    @discardableResult
    func write(_ data: Data, _ name: String) throws -> String {
        let file = path + "/" + name
        try data.write(to: URL(fileURLWithPath: file))
        return file
    }

    @discardableResult
    func write(_ text: String, _ name: String) throws -> String {
        try write(Data(text.utf8), name)
    }

    /// Writes samples at 16 kHz as a 16-bit mono WAV file and gives its path.
    @discardableResult
    func writeWAV(_ samples: [Float], _ name: String) throws -> String {
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
        append(UInt32(16000))
        append(UInt32(32000))
        append(UInt16(2))
        append(UInt16(16))
        append("data")
        append(UInt32(2 * samples.count))
        for sample in samples { append(Int16(max(-1, min(1, sample)) * 32767)) }
        return try write(data, name)
    }
}

/// A voice: five harmonics of a pitch of its own, with vibrato, an envelope and a little noise.
func voice(_ number: Int, sampleCount: Int) -> [Float] {
    var generator = SeededGenerator(seed: 3, stream: "voice", number)
    let pitch = 90.0 * pow(2, Double(number % 12) / 6)
    let (vibrato, phase) = (3 + 3 * generator.unitInterval(), 6 * generator.unitInterval())
    return (0..<sampleCount).map { index in
        let time = Double(index) / 16000
        let angle = 2 * Double.pi * pitch * time + 0.5 * sin(2 * Double.pi * vibrato * time + phase)
        let sound = (1...5).reduce(0.0) { $0 + sin(Double($1) * angle) / Double($1) }
        let envelope = 0.6 + 0.4 * sin(2 * Double.pi * vibrato * time)
        return Float(0.2 * envelope * sound + 0.01 * (generator.unitInterval() - 0.5))
    }
}
