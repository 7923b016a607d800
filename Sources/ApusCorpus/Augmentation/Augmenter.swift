import ApusSignal
import Foundation

/// Augments training recordings, each in its own way in each epoch.
///
/// What is drawn is a function of the seed, the kind of augmentation, the recording's id, the epoch
/// and the repetition within it, and of nothing else: a recording sounds the same whatever the order
/// of work, the number of workers and the other recordings are, and turning one kind on changes no
/// other's draws. It can be used from any thread.
public final class Augmenter: Sendable {
    /// What is done.
    public let options: AugmentationOptions
    /// The rate of the waveforms (Hz).
    public let sampleRate: Int

    private let seed: UInt64
    private let noises: SoundBank?
    private let responses: SoundBank?
    private let bandFrequencies: ClosedRange<Double>

    /// Prepares the augmentations that are on.
    ///
    /// Each noise and each room response is opened here, so that one that is missing or no audio ends
    /// training before it begins. One that turns out to be damaged when it is read is an error of the
    /// recording that it was drawn for.
    ///
    /// - Parameters:
    ///   - options: What is done.
    ///   - seed: What every draw depends on.
    ///   - sampleRate: The rate of the waveforms (Hz): noises and responses are resampled to it.
    /// - Throws: `CorpusError.invalidAugmentation` for options that cannot be used; for noises and
    ///   responses, as `Manifest` does, `.nothingFound` for an empty manifest, `.badRecording` naming
    ///   the first that cannot be used.
    public init(_ options: AugmentationOptions, seed: UInt64, sampleRate: Int) throws {
        try options.validate(sampleRate: sampleRate)
        self.options = options
        self.seed = seed
        self.sampleRate = sampleRate
        bandFrequencies =
            options.bandDrop.probability > 0
            ? try options.bandFrequencies(at: sampleRate) : 0...0
        func bank(
            _ probability: Double, _ manifest: String, _ kind: String, isResponse: Bool
        ) throws -> SoundBank? {
            if probability == 0 { return nil }
            return try SoundBank(
                manifest: manifest, kind: kind, sampleRate: sampleRate,
                cacheByteLimit: options.cacheMegabytes << 20, isResponse: isResponse)
        }
        noises = try bank(
            options.noise.probability, options.noise.manifest, "noise", isResponse: false)
        responses = try bank(
            options.reverberation.probability, options.reverberation.manifest, "room response",
            isResponse: true)
    }

    /// A recording as it is heard in an epoch.
    ///
    /// - Parameters:
    ///   - waveform: N samples at the augmenter's rate.
    ///   - id: The recording's id.
    ///   - epoch: The epoch, counted from 0.
    ///   - repetition: How many times the recording was taken in the epoch before.
    /// - Returns: The augmented samples: N of them, or fewer or more under another speed.
    /// - Throws: `CorpusError.badRecording` naming the noise or the response that can't be read, and
    ///   what resampling throws.
    /// - Precondition: The waveform is at the augmenter's rate.
    public func waveform(
        _ waveform: Waveform, id: String, epoch: Int, repetition: Int = 0
    ) throws -> Waveform {
        precondition(waveform.sampleRate == sampleRate, "waveforms are at the augmenter's rate")
        var result = waveform
        func draw(
            _ kind: String, _ probability: Double,
            _ apply: (inout SeededGenerator) throws -> Waveform
        ) throws {
            if probability == 0 { return }
            var generator = SeededGenerator(
                seed: seed, stream: "augmentation/\(kind)/" + id, epoch, repetition)
            if generator.unitInterval() < probability { result = try apply(&generator) }
        }
        try draw("speed", options.speed.probability) {
            try result.speedPerturbed(by: $0.element(of: options.speed.factors))
        }
        try draw("reverberation", options.reverberation.probability) {
            guard let responses else { return result }
            let response = try responses.waveform(
                ofSound: $0.integer(below: responses.count), stretch: 0)
            return result.reverberated(
                by: response, preservesEnergy: options.reverberation.preservesEnergy)
        }
        try draw("noise", options.noise.probability) {
            guard let noises else { return result }
            let sound = $0.integer(below: noises.count)
            let noise = try noises.waveform(
                ofSound: sound, stretch: $0.integer(below: noises.stretchCount(ofSound: sound)))
            let start = $0.integer(below: noise.samples.count)
            let (low, high) = (options.noise.minimumRatio, options.noise.maximumRatio)
            return result.addingNoise(
                noise, signalToNoiseRatio: $0.number(in: low...high), from: start)
        }
        try draw("gain", options.gain.probability) {
            result.amplified(by: $0.number(in: options.gain.minimum...options.gain.maximum))
        }
        try draw("clipping", options.clipping.probability) {
            let bound = $0.number(in: options.clipping.minimum...options.clipping.maximum)
            return switch options.clipping.measure {
            case .quantile: result.clipped(atQuantile: bound)
            case .level: result.clipped(at: Float(bound))
            }
        }
        try draw("telephone", options.telephone.probability) {
            try result.overTelephone(law: $0.element(of: options.telephone.laws))
        }
        try draw("bandDrop", options.bandDrop.probability) { generator in
            let count = generator.integer(
                in: options.bandDrop.minimumCount...options.bandDrop.maximumCount)
            return (0..<count).reduce(result) { wave, _ in
                wave.droppingBand(
                    center: generator.number(in: bandFrequencies), width: options.bandDrop.width)
            }
        }
        try draw("chunkDrop", options.chunkDrop.probability) {
            result.droppingChunks(chunks(of: result.samples.count, &$0))
        }
        return result
    }

    private func chunks(of sampleCount: Int, _ generator: inout SeededGenerator) -> [Range<Int>] {
        let options = options.chunkDrop
        let count = generator.integer(in: options.minimumCount...options.maximumCount)
        return (0..<count).map { _ in
            let seconds = generator.number(in: options.minimumSeconds...options.maximumSeconds)
            let length = min(
                sampleCount / 2, Waveform.sampleCount(seconds: seconds, sampleRate: sampleRate))
            let start = generator.integer(below: sampleCount - length + 1)
            return start..<(start + length)
        }
    }

    /// The fewest samples that a recording can have under the speeds that are on.
    ///
    /// - Parameter sampleCount: The number of samples of the recording itself, N.
    /// - Returns: The number of samples under the greatest factor above 1, else N.
    public func fewestSamples(of sampleCount: Int) -> Int {
        guard options.speed.probability > 0 else { return sampleCount }
        return Waveform.sampleCount(
            sampleCount, atSpeed: max(1, options.speed.factors.max() ?? 1), sampleRate: sampleRate)
    }

    /// The features of a crop as they are seen in an epoch: SpecAugment.
    ///
    /// - Parameters:
    ///   - features: T x D normalised features.
    ///   - id: The recording's id.
    ///   - epoch: The epoch, counted from 0.
    ///   - repetition: How many times the recording was taken in the epoch before.
    /// - Returns: T x D features.
    public func features(
        _ features: FeatureMatrix, id: String, epoch: Int, repetition: Int = 0
    ) -> FeatureMatrix {
        let options = options.specAugment
        guard options.probability > 0 else { return features }
        var generator = SeededGenerator(
            seed: seed, stream: "augmentation/specAugment/" + id, epoch, repetition)
        guard generator.unitInterval() < options.probability else { return features }
        let (frameCount, featureCount) = (features.frameCount, features.featureCount)

        var warped = features
        // The paper's bounds: the frame that moves is at least W from both ends, and moves by less.
        let furthest = options.timeWarp
        if furthest > 0, frameCount > 2 * furthest {
            let frame = generator.integer(in: furthest...(frameCount - 1 - furthest))
            let displacement = generator.integer(in: (1 - furthest)...(furthest - 1))
            warped = features.timeWarped(movingFrame: frame, by: displacement)
        }
        func masks(_ count: Int, longest: Int, of extent: Int) -> [Range<Int>] {
            (0..<count).map { _ in
                let length = generator.integer(in: 0...min(longest, extent))
                let start = generator.integer(below: extent - length + 1)
                return start..<(start + length)
            }
        }
        let share = Int(options.maximumTimeShare * Double(frameCount))
        return warped.masking(
            frames: masks(
                options.timeMaskCount, longest: min(options.maximumTimeMask, share),
                of: frameCount),
            features: masks(
                options.frequencyMaskCount, longest: options.maximumFrequencyMask,
                of: featureCount),
            with: options.maskValue)
    }
}

extension SeededGenerator {
    /// A uniform number between two others.
    fileprivate mutating func number(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + unitInterval() * (range.upperBound - range.lowerBound)
    }

    /// A uniform whole number, both ends included.
    fileprivate mutating func integer(in range: ClosedRange<Int>) -> Int {
        range.lowerBound + integer(below: range.count)
    }

    /// One of some elements, each as likely.
    fileprivate mutating func element<Element>(of elements: [Element]) -> Element {
        elements[integer(below: elements.count)]
    }
}
