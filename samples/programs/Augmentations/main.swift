// A clip under every augmentation, heard (.wav) and seen (.png):
// swift run Augmentations samples/audio/voices/en-gb/03.ogg FOLDER
import ApusCorpus
import ApusReport
import ApusSignal
import Foundation

guard CommandLine.arguments.count == 3 else { fatalError("usage: Augmentations FILE FOLDER") }
let folder = URL(fileURLWithPath: CommandLine.arguments[2])
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)

let frontEnd = FrontEnd.kaldi
let rate = frontEnd.sampleRate
let clip = try Waveform(contentsOf: CommandLine.arguments[1], sampleRate: rate)

// Noise and a room of our own: white noise, and an echo that falls by 60 dB in 0.4 s.
var draws = SeededGenerator(seed: 1, stream: "noise")
let noise = (0..<rate).map { _ in Float(draws.unitInterval() - 0.5) }
let hiss = Waveform(samples: noise, sampleRate: rate)
var echo = noise.enumerated().map { 0.2 * $1 * pow(10, -3 * Float($0) / (0.4 * Float(rate))) }
echo[0] = 1
let room = Waveform(samples: echo, sampleRate: rate)

let middle = clip.samples.count / 2
let sounds: [(name: String, sound: Waveform)] = [
    ("original", clip),
    ("speed", try clip.speedPerturbed(by: 0.9)),
    ("reverberation", clip.reverberated(by: room)),
    ("noise", clip.addingNoise(hiss, signalToNoiseRatio: 10)),
    ("gain", clip.amplified(by: -12)),
    ("clipping", clip.clipped(atQuantile: 0.8)),
    ("telephone", try clip.overTelephone(law: .muLaw)),
    ("bandDrop", clip.droppingBand(center: 1000, width: 400)),
    ("chunkDrop", clip.droppingChunks([middle..<(middle + rate / 10)])),
]

let extractor = try FeatureExtractor(frontEnd)
let original = try extractor(clip)
let loudest = original.values.max() ?? 0
for (name, sound) in sounds {
    try sound.write(to: folder.appendingPathComponent(name + ".wav").path)
    try draw(extractor(sound), name)
}
let masked = original.masking(frames: [40..<55], features: [20..<28], with: .mean)
try draw(masked, "specAugment")

func draw(_ features: FeatureMatrix, _ name: String) throws {
    let bank = MelFilterBank(
        bandCount: frontEnd.melBandCount, fftLength: 512, sampleRate: rate, lowFrequency: 20,
        highFrequency: 8000, scale: .htk, triangle: .linearInMel, normalization: .none)
    var picture = SpectrogramImage(
        values: features.values, frameCount: features.frameCount, bandFrequencies: bank.centers,
        frameShift: 0.01, title: name, unit: "ln")
    // One scale for all: louder is lighter.
    picture.range = Double(loudest) - 14...Double(loudest)
    (picture.plotWidth, picture.plotHeight, picture.textScale) = (360, 140, 1)
    try picture.image().writePNG(to: folder.appendingPathComponent(name + ".png"))
}
