// Log-mel features of an audio file: swift run Features samples/audio/voices/CLIP
import ApusSignal

guard CommandLine.arguments.count == 2 else { fatalError("usage: Features FILE") }

// Any file that libsndfile reads, as mono samples at the rate that the front end expects.
let frontEnd = FrontEnd.kaldi
let waveform = try Waveform(
    contentsOf: CommandLine.arguments[1], sampleRate: frontEnd.sampleRate)

// 80 natural-log mel bands, 25 ms frames every 10 ms, as Kaldi computes them.
let features = try FeatureExtractor(frontEnd)(waveform)
print("\(waveform.duration) s -> \(features.frameCount) frames x \(features.featureCount) bands")

let loudest = (0..<features.featureCount).max { one, other in
    mean(ofBand: one) < mean(ofBand: other)
}
print("loudest mel band on average: \(loudest ?? 0)")

func mean(ofBand band: Int) -> Float {
    (0..<features.frameCount).reduce(0) { $0 + features[$1, band] } / Float(features.frameCount)
}
