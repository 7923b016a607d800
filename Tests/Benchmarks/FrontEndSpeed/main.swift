// Times the front end, and what it cannot be faster than, on one core.
//
//   FrontEndSpeed memory          log-mels of audio in memory, and FFTW alone: microseconds a frame
//   FrontEndSpeed files FILE...   files to features, and decoding and resampling alone: seconds
//   FrontEndSpeed cores FILE...   files to features on one core and on two: seconds
//
// Prints "NAME VALUE" lines, each the best of the rounds in ROUNDS (default 5), taken in turn.
import ApusCorpus
import ApusSignal
import CFFTW
import CSndfile
import CSoxr
import Foundation

let clock = ContinuousClock()
let rounds = ProcessInfo.processInfo.environment["ROUNDS"].flatMap { Int($0) } ?? 5

func seconds(_ work: () throws -> Void) rethrows -> Double {
    let start = clock.now
    try work()
    return (clock.now - start) / .seconds(1)
}

/// Runs each of several works in turn, `rounds` times, and prints the best time of each.
func best(of works: [(name: String, unit: Double, work: () throws -> Void)]) throws {
    var times = [Double](repeating: .infinity, count: works.count)
    for _ in 0..<rounds {
        for (index, item) in works.enumerated() {
            times[index] = min(times[index], try seconds(item.work) * item.unit)
        }
    }
    for (item, time) in zip(works, times) { print(item.name, String(format: "%.4f", time)) }
}

/// A minute of noise at 16 kHz.
func minuteOfNoise() -> Waveform {
    var state: UInt32 = 1
    let samples = (0..<960_000).map { _ -> Float in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Float(state >> 8) / Float(1 << 24) - 0.5
    }
    return Waveform(samples: samples, sampleRate: 16000)
}

func measureMemory() throws {
    let waveform = minuteOfNoise()
    guard let input = fftwf_alloc_real(512), let output = fftwf_alloc_complex(257),
        let plan = fftwf_plan_dft_r2c_1d(512, input, output, FFTW_PATIENT)
    else { return }
    input.update(from: waveform.samples, count: 512)
    let frames = 5998
    var works: [(name: String, unit: Double, work: () throws -> Void)] = [
        ("floor", 1e6 / Double(frames), { for _ in 0..<frames { fftwf_execute(plan) } })
    ]
    for name in FrontEnd.presetNames {
        guard var frontEnd = FrontEnd.preset(named: name) else { continue }
        // Without resampling, which is measured with files.
        frontEnd.sampleRate = 16000
        let extractor = try FeatureExtractor(frontEnd)
        let count = frontEnd.frameCount(sampleCount: waveform.samples.count)
        works.append((name, 1e6 / Double(count), { _ = try extractor(waveform) }))
    }
    // The peers' setting for librosa: the frames of the others, 80 bands.
    var librosa = FrontEnd.librosa
    librosa.sampleRate = 16000
    librosa.frameLength = .samples(512)
    librosa.frameShift = .samples(160)
    librosa.melBandCount = 80
    let extractor = try FeatureExtractor(librosa)
    let count = librosa.frameCount(sampleCount: waveform.samples.count)
    works.append(("librosa-512-160", 1e6 / Double(count), { _ = try extractor(waveform) }))
    try best(of: works)
}

/// Decodes a file to one channel at 16 kHz with the two libraries alone, block by block.
func decode(_ path: String) {
    var info = SF_INFO()
    guard let file = sf_open(path, Int32(SFM_READ), &info) else { return }
    defer { sf_close(file) }
    let (channels, blockLength) = (Int(info.channels), 16384)
    var block = [Float](repeating: 0, count: blockLength * channels)
    var mono = [Float](repeating: 0, count: blockLength)
    var output = [Float](repeating: 0, count: blockLength * 8)
    var quality = soxr_quality_spec(UInt(SOXR_20_BITQ), 0)
    var runtime = soxr_runtime_spec(1)
    let resampler =
        info.samplerate == 16000
        ? nil
        : soxr_create(Double(info.samplerate), 16000, 1, nil, nil, &quality, &runtime)
    defer { soxr_delete(resampler) }
    while case let got = Int(sf_readf_float(file, &block, sf_count_t(blockLength))), got > 0 {
        if channels > 1 {
            for frame in 0..<got {
                var sum: Float = 0
                for channel in 0..<channels { sum += block[frame * channels + channel] }
                mono[frame] = sum / Float(channels)
            }
        }
        guard let resampler else { continue }
        var produced = 0
        soxr_process(
            resampler, channels > 1 ? mono : block, got, nil, &output, output.count, &produced)
    }
}

func measureFiles(_ paths: [String]) throws {
    let extractor = try FeatureExtractor(.kaldi)
    try best(of: [
        ("decoding", 1, { for path in paths { decode(path) } }),
        (
            "features", 1,
            {
                for path in paths {
                    _ = try extractor(Waveform(contentsOf: path, sampleRate: 16000))
                }
            }
        ),
        (
            "blocks", 1,
            {
                for path in paths {
                    let reader = try FeatureReader(SoundFile(path: path), .kaldi)
                    while try reader.next() != nil {}
                }
            }
        ),
    ])
}

func measureCores(_ paths: [String]) throws {
    let store = try FeatureStore(frontEnd: .kaldi, cacheByteLimit: 0)
    let cuts = paths.map { Cut(id: $0, audioPath: $0) }
    try best(of: [
        ("one", 1, { _ = store.features(of: cuts, workers: 1) }),
        ("two", 1, { _ = store.features(of: cuts, workers: 2) }),
    ])
}

let arguments = CommandLine.arguments.dropFirst()
switch arguments.first {
case "memory": try measureMemory()
case "files": try measureFiles(Array(arguments.dropFirst()))
case "cores": try measureCores(Array(arguments.dropFirst()))
default:
    print("usage: FrontEndSpeed memory | files FILE... | cores FILE...")
    exit(64)
}
