// Times one training step of each objective on drawn features: forward, backward, clip, AdamW.
//
// Arguments: cpc|maskedReconstruction float32|bfloat16 STEPS THREADS
// Prints the median in milliseconds.
import ApusNN
import ApusPretraining
import ApusTensor
import Foundation

let arguments = CommandLine.arguments
guard arguments.count == 5, let kind = ObjectiveKind(rawValue: arguments[1]),
    let precision = Precision(rawValue: arguments[2]), let steps = Int(arguments[3]),
    let threads = Int(arguments[4])
else {
    print("usage: TrainingStep cpc|maskedReconstruction float32|bfloat16 STEPS THREADS")
    exit(64)
}
Engine.start(threadCount: threads)

var configuration = ObjectiveConfiguration()
configuration.kind = kind
let (batch, frames, bands) = kind == .cpc ? (25, 160, 80) : (16, 400, 80)
let seed = Seed(1)
let objective = configuration.makeObjective(melBandCount: bands, seed: seed)
let optimizer = AdamW(objective.namedParameters, betas: (0.9, 0.98), weightDecay: 0.01)
let features = Tensor(
    normal: 0, standardDeviation: 1, shape: [batch, frames, bands], seed: seed.derived("features"))
let lengths = [Int](repeating: frames, count: batch)

var times: [Double] = []
let clock = ContinuousClock()
for step in 1...steps + 3 {
    let began = clock.now
    let result = withPrecision(precision) {
        objective.loss(features: features, lengths: lengths, seed: seed.derived(step))
    }
    result.value.backward()
    _ = clipGradients(of: objective.parameters, toNorm: 1)
    optimizer.step(rate: 1e-4)
    // The first steps pay for memory and kernels.
    if step > 3 { times.append((clock.now - began) / .milliseconds(1)) }
}
print(String(format: "%.1f", times.sorted()[times.count / 2]))
