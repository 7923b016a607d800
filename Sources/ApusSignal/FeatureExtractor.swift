import Foundation

/// Computes the features that a ``FrontEnd`` describes.
///
/// An instance owns its plan and its buffers and is used by one task at a time. Features of the same
/// samples are the same bits in every instance and on every thread.
public final class FeatureExtractor {
    /// What the features are.
    public let frontEnd: FrontEnd

    private let frameLength: Int
    private let transform: RealFFT
    private let window: [Float]
    private let bank: MelFilterBank?
    /// The scaled samples of the recording at hand.
    private var samples: [Float] = []
    /// The samples of a frame that reaches over an edge.
    private var edgeFrame: [Float]
    /// One spectrum, and zeros up to a whole vector.
    private var spectrum: [Float]

    /// Prepares the window, the mel bands and the transform.
    ///
    /// - Parameter frontEnd: What the features are.
    /// - Throws: ``SignalError/invalidFrontEnd(option:expected:found:)`` for options that cannot be
    ///   used.
    public init(_ frontEnd: FrontEnd) throws {
        try frontEnd.validate()
        self.frontEnd = frontEnd
        frameLength = frontEnd.frameLengthInSamples
        transform = RealFFT(length: frontEnd.transformLength)
        window = frontEnd.window.weights(length: frameLength, symmetry: frontEnd.windowSymmetry)
        bank =
            switch frontEnd.kind {
            case .powerSpectrogram: nil
            case .logMel:
                MelFilterBank(
                    bandCount: frontEnd.melBandCount, fftLength: frontEnd.transformLength,
                    sampleRate: frontEnd.sampleRate, lowFrequency: frontEnd.lowFrequency,
                    highFrequency: frontEnd.upperFrequency, scale: frontEnd.melScale,
                    triangle: frontEnd.melTriangle, normalization: frontEnd.melNormalization)
            }
        edgeFrame = [Float](repeating: 0, count: frameLength)
        spectrum = [Float](
            repeating: 0, count: transform.binCount + MelFilterBank.vectorWidth)
    }

    /// Computes the features of a recording.
    ///
    /// - Parameters:
    ///   - waveform: N samples; at another rate than the front end's they are resampled first.
    ///   - source: The name of the recording in errors.
    ///   - ditherSeed: What fixes the noise of a front end with dither.
    /// - Returns: T x D features.
    /// - Throws: ``SignalError/tooShort(path:samples:needed:)`` for less than one frame,
    ///   ``SignalError/nonFinite(path:index:)`` for samples that are no numbers.
    public func callAsFunction(
        _ waveform: Waveform, source: String = SignalError.inMemory, ditherSeed: UInt64 = 0
    ) throws -> FeatureMatrix {
        if let index = firstNonFiniteIndex(in: waveform.samples) {
            throw SignalError.nonFinite(path: source, index: index)
        }
        let atRate = try waveform.resampled(to: frontEnd.sampleRate, path: source)
        let frameCount = frontEnd.frameCount(sampleCount: atRate.samples.count)
        guard frameCount > 0 else {
            throw SignalError.tooShort(
                path: source, samples: atRate.samples.count, needed: frameLength)
        }
        prepare(atRate.samples, ditherSeed: ditherSeed)
        let featureCount = frontEnd.featureCount
        var values = [Float](unsafeUninitializedCapacity: frameCount * featureCount) {
            buffer, count in
            if let base = buffer.baseAddress { writeFrames(frameCount, to: base) }
            count = frameCount * featureCount
        }
        normalize(&values, frameCount: frameCount)
        return FeatureMatrix(values: values, frameCount: frameCount, featureCount: featureCount)
    }

    /// Scales the recording into `samples` and adds dither.
    private func prepare(_ source: [Float], ditherSeed: UInt64) {
        samples.removeAll(keepingCapacity: true)
        let scale = frontEnd.waveformScale
        samples.append(contentsOf: source.lazy.map { $0 * scale })
        guard frontEnd.dither > 0 else { return }
        // Kaldi draws anew for each frame. Noise that belongs to the recording is the same where frames
        // overlap, and does not depend on the framing.
        var generator = SplitMix64(seed: ditherSeed)
        for index in stride(from: 0, to: samples.count, by: 2) {
            let (first, second) = generator.normalPair()
            samples[index] += frontEnd.dither * first
            if index + 1 < samples.count { samples[index + 1] += frontEnd.dither * second }
        }
    }

    private func writeFrames(_ frameCount: Int, to target: UnsafeMutablePointer<Float>) {
        let sampleCount = samples.count
        let featureCount = frontEnd.featureCount
        samples.withUnsafeBufferPointer { samples in
            edgeFrame.withUnsafeMutableBufferPointer { edgeFrame in
                spectrum.withUnsafeMutableBufferPointer { spectrum in
                    guard let samples = samples.baseAddress, let edge = edgeFrame.baseAddress,
                        let spectrum = spectrum.baseAddress
                    else { return }
                    for frame in 0..<frameCount {
                        let first = frontEnd.firstSample(ofFrame: frame)
                        let row = target + frame * featureCount
                        if first >= 0, first + frameLength <= sampleCount {
                            writeFeatures(of: samples + first, spectrum: spectrum, to: row)
                        } else {
                            for index in 0..<frameLength {
                                let source = frontEnd.edges.reflectedIndex(
                                    first + index, count: sampleCount)
                                edge[index] = samples[source]
                            }
                            writeFeatures(of: edge, spectrum: spectrum, to: row)
                        }
                    }
                }
            }
        }
    }

    private func writeFeatures(
        of frame: UnsafePointer<Float>, spectrum: UnsafeMutablePointer<Float>,
        to row: UnsafeMutablePointer<Float>
    ) {
        writeWindowed(frame, to: transform.input)
        transform.execute()
        guard let bank else {
            transform.writePower(to: row)
            return
        }
        transform.writePower(to: spectrum)
        if frontEnd.spectrum == .magnitude {
            for bin in 0..<transform.binCount { spectrum[bin] = spectrum[bin].squareRoot() }
        }
        bank.apply(to: spectrum, into: row)
        let (floor, factor) = (frontEnd.logFloor, frontEnd.log.factor)
        for band in 0..<bank.bandCount { row[band] = logf(max(row[band], floor)) * factor }
    }

    /// Removes the mean, applies pre-emphasis and the window; the transform's tail stays zero.
    private func writeWindowed(
        _ frame: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>
    ) {
        let mean = frontEnd.removesDCOffset ? sum(frame) / Float(frameLength) : 0
        let share = frontEnd.preEmphasis
        window.withUnsafeBufferPointer { window in
            let first = frame[0] - mean
            target[0] = (first - share * first) * window[0]
            for index in 1..<frameLength {
                let value = (frame[index] - mean) - share * (frame[index - 1] - mean)
                target[index] = value * window[index]
            }
        }
    }

    private func sum(_ frame: UnsafePointer<Float>) -> Float {
        var lanes = SIMD8<Float>()
        let whole = frameLength - frameLength % 8
        let raw = UnsafeRawPointer(frame)
        for index in stride(from: 0, to: whole, by: 8) {
            lanes += raw.loadUnaligned(fromByteOffset: index * 4, as: SIMD8<Float>.self)
        }
        var total = lanes.sum()
        for index in whole..<frameLength { total += frame[index] }
        return total
    }

    private func normalize(_ values: inout [Float], frameCount: Int) {
        let featureCount = frontEnd.featureCount
        let statistics: FeatureStatistics
        switch frontEnd.normalization {
        case .none: return
        case .corpus(let corpus): statistics = corpus
        case .perRecording(let usesVariance):
            var accumulator = FeatureStatisticsAccumulator(featureCount: featureCount)
            accumulator.add(
                FeatureMatrix(
                    values: values, frameCount: frameCount, featureCount: featureCount))
            guard let own = accumulator.finalize() else { return }
            statistics =
                usesVariance
                ? own
                : FeatureStatistics(
                    mean: own.mean,
                    standardDeviation: [Float](repeating: 1, count: featureCount))
        }
        for frame in 0..<frameCount {
            let start = frame * featureCount
            for feature in 0..<featureCount {
                values[start + feature] =
                    (values[start + feature] - statistics.mean[feature])
                    / statistics.standardDeviation[feature]
            }
        }
    }
}
