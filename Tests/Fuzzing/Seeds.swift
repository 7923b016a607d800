import ApusNN
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
        try save(raw, "raw-\(encoding)", in: folder, options: [0xC4, UInt8(encoding), 0x20, 0])
    }
    try writeOtherSeeds(of: samples, in: folder)
}

/// Writes arrays, archives and front ends.
private func writeOtherSeeds(of samples: [Float], in folder: String) throws {
    try NumPyFile.write(samples, shape: [50, 20], to: "\(folder)/numpy.temporary")
    let array = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/numpy.temporary"))
    try FileManager.default.removeItem(atPath: "\(folder)/numpy.temporary")
    try save(array, "numpy", in: folder, options: [0xD8, 0, 0, 0])

    let features = FeatureMatrix(values: samples, frameCount: 50, featureCount: 20)
    let few = features.rows(in: 0..<3)
    let path = "\(folder)/archive.temporary"
    func saveArchive(_ name: String, _ option: UInt8) throws {
        let content = try Data(contentsOf: URL(fileURLWithPath: path))
        try save(content, name, in: folder, options: [option, 0, 0, 0])
        try FileManager.default.removeItem(atPath: path)
    }
    let numPyArchive = try NumPyArchiveWriter(path: path)
    try numPyArchive.append(few, name: "one")
    try numPyArchive.append(few, name: "two")
    try numPyArchive.finish()
    try saveArchive("numpy-archive", 0xE0)
    let kaldiArchive = try KaldiArchiveWriter(path: path, scriptPath: path + ".scp")
    _ = try kaldiArchive.append(few, key: "one")
    _ = try kaldiArchive.append([1, 2, 3], key: "two")
    try kaldiArchive.finish()
    try FileManager.default.removeItem(atPath: path + ".scp")
    try saveArchive("kaldi-archive", 0xE8)
    try save(
        Data("one  [\n 1 2.5 \n -3e-2 4 ]\ntwo  [ 1 2 ]\n".utf8), "kaldi-text", in: folder,
        options: [0xE8, 0, 0, 0])
    // Compressed by Kaldi's first method, by hand: a range, 2 x 1 values, a column's header, bytes.
    var compressed = Data("one \0BCM ".utf8)
    compressed.append(contentsOf: [0, 0, 0, 0, 0, 0, 0x80, 0x3F, 2, 0, 0, 0, 1, 0, 0, 0])
    compressed.append(contentsOf: [0, 0, 0, 0x40, 0, 0x80, 0xFF, 0xFF, 10, 200])
    try save(compressed, "kaldi-compressed", in: folder, options: [0xE8, 0, 0, 0])
    try save(
        Data("one a.ark:4\ntwo b/c.ark:300[0:9,2:3]\n".utf8), "kaldi-script", in: folder,
        options: [0xF0, 0, 0, 0])
    let weights = Safetensors(
        tensors: [
            "a": TensorValues(shape: [2, 3], values: [1, 2, 3, 4, 5, 6]),
            "b\n\u{1F426}": TensorValues(shape: [], values: [7]),
        ], metadata: ["key": "value"])
    try save(weights.encoded(), "safetensors", in: folder, options: [0xFC, 0, 0, 0])
    for name in FrontEnd.presetNames {
        let content = try JSONEncoder().encode(FrontEnd.preset(named: name))
        try save(content, "front-end-\(name)", in: folder, options: [0xF8, 0, 0, 0])
    }
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
