// Times one training step on drawn features: forward, backward, clip, AdamW.
//
// Arguments: CASE float32|bfloat16 STEPS THREADS
//   i      masked reconstruction: 4 layers of width 256, 16 x 400 frames, dropout 0.1
//   ii     the same with 12 layers of width 768, 4 x 400 frames, no dropout; ii-dropout with 0.1
//   iii    CPC on log-mels: two convolutions without strides, a GRU, 16 x 400 frames
//   iv     CPC on samples: five convolutions of 512 channels, a GRU, 8 x 20480 samples
// Prints the median in milliseconds and the process's peak resident memory in MB.
// `gemm float32 STEPS THREADS` prints the GFLOP/s of a product of 1024 x 1024 matrices instead.
import ApusNN
import ApusPretraining
import ApusTensor
import Foundation

let arguments = CommandLine.arguments
guard arguments.count == 5, let precision = Precision(rawValue: arguments[2]),
    let steps = Int(arguments[3]), let threads = Int(arguments[4])
else {
    print("usage: TrainingStep i|ii|ii-dropout|iii|iv|gemm float32|bfloat16 STEPS THREADS")
    exit(64)
}
Engine.start(threadCount: threads)
let clock = ContinuousClock()

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// The median duration of a repeated body in milliseconds; the first three pay for memory and kernels.
func milliseconds(_ body: (Int) -> Void) -> Double {
    var times: [Double] = []
    for step in 1...steps + 3 {
        let began = clock.now
        body(step)
        if step > 3 { times.append((clock.now - began) / .milliseconds(1)) }
    }
    return median(times)
}

/// The process's peak resident memory in MB.
func peakMemory() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return (line.split(separator: " ").compactMap { Int($0) }.first ?? 0) / 1024
}

func transformer(
    layers: Int, width: Int, heads: Int, feedForward: Int, dropout: Double
) -> ObjectiveConfiguration {
    var configuration = ObjectiveConfiguration()
    configuration.kind = .maskedReconstruction
    configuration.maskedReconstruction.encoder.transformer.layerCount = layers
    configuration.maskedReconstruction.encoder.transformer.width = width
    configuration.maskedReconstruction.encoder.transformer.headCount = heads
    configuration.maskedReconstruction.encoder.transformer.feedForwardWidth = feedForward
    configuration.maskedReconstruction.encoder.transformer.dropout = dropout
    return configuration
}

/// What is trained, and the shape of its features.
func setting(_ name: String) -> (ObjectiveConfiguration, shape: [Int])? {
    var contrastive = ObjectiveConfiguration()
    contrastive.kind = .cpc
    switch name {
    case "i":
        return (
            transformer(layers: 4, width: 256, heads: 4, feedForward: 1024, dropout: 0.1),
            [16, 400, 80]
        )
    case "ii", "ii-dropout":
        return (
            transformer(
                layers: 12, width: 768, heads: 12, feedForward: 3072,
                dropout: name == "ii" ? 0 : 0.1), [4, 400, 80]
        )
    case "iii":
        contrastive.cpc.strides = [1, 1]
        return (contrastive, [16, 400, 80])
    case "iv":
        contrastive.cpc.encoder = .waveform
        contrastive.cpc.encoderWidth = 512
        return (contrastive, [8, 128, 160])
    default: return nil
    }
}

if arguments[1] == "gemm" {
    let (a, b) = (Tensor(ones: [1024, 1024]), Tensor(ones: [1024, 1024]))
    let time = withoutGradients {
        withPrecision(precision) { milliseconds { _ in _ = a.matmul(b) } }
    }
    print(String(format: "%.1f", 2 * pow(1024, 3) / time / 1e6))
    exit(0)
}
guard let (configuration, shape) = setting(arguments[1]) else {
    print("error: no case \(arguments[1])")
    exit(64)
}
let seed = Seed(1)
let objective = configuration.makeObjective(melBandCount: shape[2], seed: seed)
let optimizer = AdamW(objective.namedParameters, betas: (0.9, 0.98), weightDecay: 0.01)
let features = Tensor(
    normal: 0, standardDeviation: 1, shape: shape, seed: seed.derived("features"))
let lengths = [Int](repeating: shape[1], count: shape[0])
let time = milliseconds { step in
    let result = withPrecision(precision) {
        objective.loss(features: features, lengths: lengths, seed: seed.derived(step))
    }
    result.value.backward()
    _ = clipGradients(of: objective.parameters, toNorm: 1)
    optimizer.step(rate: 1e-4)
}
print(String(format: "%.1f", time), peakMemory())
