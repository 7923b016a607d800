import ApusSignal
import Foundation

/// What libFuzzer calls first: where the environment names a folder for them, writes the seeds and ends.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>
) -> CInt {
    guard let folder = ProcessInfo.processInfo.environment["FUZZING_SEEDS"] else { return 0 }
    do {
        try writeSeeds(in: folder)
    } catch {
        fatalError("no seeds: \(error)")
    }
    exit(0)
}

/// Writes the inputs that fuzzing starts from: every format that we write, raw samples, an array.
private func writeSeeds(in folder: String) throws {
    let rates: [AudioFormat: Int] = [
        .wavGSM610: 8000, .mp3: 16000, .oggOpus: 16000, .sphere16: 16000,
    ]
    for (index, format) in AudioFormat.allCases.enumerated() {
        for channelCount in [1, 2] where !(format == .wavGSM610 && channelCount == 2) {
            let sampleRate = rates[format] ?? [8000, 16000, 22050][index % 3]
            let isCompressed = [.flac16, .flac24, .oggVorbis, .oggOpus, .mp3].contains(format)
            let count = isCompressed ? 3000 : 1200 / channelCount
            let channels = (0..<channelCount).map {
                tone(count: count, sampleRate: sampleRate, frequency: 440 * Double($0 + 1))
            }
            let name = "\(format.rawValue)-\(channelCount)"
            let path = "\(folder)/\(name).temporary"
            try channels.write(to: path, format: format)
            let content = try Data(contentsOf: URL(fileURLWithPath: path))
            try FileManager.default.removeItem(atPath: path)
            let options = [
                UInt8(index * 3 % 0xD0), UInt8(index * 37 & 0xFF), UInt8(index * 16 & 0x30), 0,
            ]
            try save(content, name, in: folder, options: options)
        }
    }
    let samples = tone(count: 1000, sampleRate: 16000, frequency: 440).samples
    let raw = samples.withUnsafeBytes { Data($0) }
    for encoding in RawFormat.Encoding.allCases.indices {
        try save(raw, "raw-\(encoding)", in: folder, options: [0xD4, UInt8(encoding), 0x20, 0])
    }
    try NumPyFile.write(samples, shape: [50, 20], to: "\(folder)/numpy.temporary")
    let array = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/numpy.temporary"))
    try FileManager.default.removeItem(atPath: "\(folder)/numpy.temporary")
    try save(array, "numpy", in: folder, options: [0xFF, 0, 0, 0])
}

/// What follows the content: see `FuzzOptions`.
private func save(_ content: Data, _ name: String, in folder: String, options: [UInt8]) throws {
    try (content + Data(options)).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
}

/// A tone that a codec has something to do with.
private func tone(count: Int, sampleRate: Int, frequency: Double) -> Waveform {
    let samples = (0..<count).map { index -> Float in
        let time = Double(index) / Double(sampleRate)
        let click: Double = index % 997 == 0 ? 0.2 : 0
        return Float(0.4 * sin(2 * Double.pi * frequency * time) + click)
    }
    return Waveform(samples: samples, sampleRate: sampleRate)
}
