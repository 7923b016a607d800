// Times what a published model makes of recordings in memory.
//
// Arguments: MODEL SAMPLES float32|bfloat16 ROUNDS THREADS
//   MODEL    a model.safetensors that `apus import` wrote
//   SAMPLES  a .npz of recordings at the model's rate
// Prints the best round in seconds, the process's peak resident memory in MB, and how far the vector (the
// last layer's mean) of the recordings in batches is from that of each alone, the most of all, as a part
// of the vectors' largest number.
import ApusNN
import ApusPretraining
import ApusProbing
import ApusSignal
import ApusTensor
import Foundation

let arguments = CommandLine.arguments
guard arguments.count == 6, let precision = Precision(rawValue: arguments[3]),
    let rounds = Int(arguments[4]), let threads = Int(arguments[5])
else {
    print("usage: PublishedModel MODEL SAMPLES float32|bfloat16 ROUNDS THREADS")
    exit(64)
}
Engine.start(threadCount: threads)
let model = try PretrainedModel(contentsOf: arguments[1])
let archive = try NumPyArchive(contentsOf: arguments[2])
let recordings = try archive.names.map { try archive.read($0).values }
let clock = ContinuousClock()

/// The mean over each recording's frames of the last layer.
func vectors(_ recordings: [[Float]], by encoder: any Encoder) -> [[Float]] {
    let longest = recordings.map(\.count).max() ?? 0
    let samples = Tensor(
        recordings.flatMap { $0 + [Float](repeating: 0, count: longest - $0.count) },
        shape: [recordings.count, longest, 1])
    let states = encoder(samples, lengths: recordings.map(\.count), draws: nil)
    let last = states.layers[states.layers.count - 1].cast(to: .float32)
    let means = last.frameMeans(lengths: states.lengths)
    let (values, width) = (means.floats, means.shape[1])
    return recordings.indices.map { Array(values[$0 * width..<($0 + 1) * width]) }
}

withoutGradients {
    withPrecision(precision) {
        var best = Double.infinity
        var alone: [[Float]] = []
        for _ in 0..<rounds {
            let began = clock.now
            alone = recordings.map { vectors([$0], by: model.encoder)[0] }
            best = min(best, (clock.now - began) / .seconds(1))
        }
        let together = stride(from: 0, to: recordings.count, by: 4).flatMap {
            vectors(Array(recordings[$0..<min($0 + 4, recordings.count)]), by: model.encoder)
        }
        let largest = alone.joined().map(abs).max() ?? 1
        let far = zip(alone.joined(), together.joined()).map { abs($0 - $1) }.max() ?? .infinity
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        let peak = (line.split(separator: " ").compactMap { Int($0) }.first ?? 0) / 1024
        print(String(format: "%.3f %d %.1e", best, peak, far / largest))
    }
}
