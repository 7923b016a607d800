/// Everything that says how samples become features.
///
/// A front end is part of a model's contract, so it is one value: it is stored with a model, and
/// ``differences(from:)`` says in words where another one disagrees. A new value is the `kaldi`
/// preset; change what differs:
///
///     var frontEnd = FrontEnd.kaldi
///     frontEnd.melBandCount = 40
///
/// Steps, in order: resampling to `sampleRate`, `waveformScale`, `dither`, framing by `edges`, removal
/// of each frame's mean, energy, pre-emphasis, window, Fourier transform, power or magnitude, mel
/// bands, `logFloor` and `log` or `pcen`, `logReference`, `dynamicRange`, cepstrum, `outputScale` and
/// `outputOffset`, deltas, normalization, stacking.
public struct FrontEnd: Sendable, Hashable {
    /// The rate that recordings are resampled to (Hz).
    public var sampleRate = 16000
    /// How precisely they are resampled.
    public var resampling = ResamplingQuality.high
    /// What samples of full scale 1 are multiplied by; 32768 gives the range of 16-bit integers.
    public var waveformScale: Float = 32768
    /// The standard deviation of Gaussian noise added to the scaled samples; 0 for none.
    ///
    /// It is added in training only, from a seed of the recording's own.
    public var dither: Float = 0
    /// The length of a frame.
    public var frameLength: FrameSpan = 25
    /// The time from one frame to the next.
    public var frameShift: FrameSpan = 10
    /// Where frames lie at the ends of a recording.
    public var edges = FrameEdges.snip
    /// Whether the last frame is left out.
    public var omitsLastFrame = false
    /// Whether each frame's mean is subtracted from it.
    public var removesDCOffset = true
    /// What becomes of a frame's log energy.
    public var energy = FrameEnergy.none
    /// The smallest energy; 0 for the smallest that a logarithm is taken of, 1.19e-7.
    public var energyFloor: Float = 0
    /// The share c of the sample before that is subtracted: x[n] - c x[n-1], in each frame by itself;
    /// the first sample of a frame stands before itself.
    public var preEmphasis: Float = 0.97
    /// The shape that weighs the samples of a frame.
    public var window = Window.povey
    /// How the window ends.
    public var windowSymmetry = WindowSymmetry.symmetric
    /// The constant a of the Blackman window a - 0.5 cos + (0.5 - a) cos.
    public var blackmanCoefficient = 0.42
    /// The length of the Fourier transform (samples); nil for the next power of two of the frame.
    public var fftLength: Int?
    /// What is taken of the complex spectrum.
    public var spectrum = SpectrumKind.power
    /// What a frame's features are.
    public var kind = FeatureKind.logMel
    /// The scale of pitch that places the mel bands.
    public var melScale = MelScale.htk
    /// What the sides of the mel bands are straight over.
    public var melTriangle = MelTriangle.linearInMel
    /// How the mel bands are scaled.
    public var melNormalization = MelNormalization.none
    /// The number of mel bands M.
    public var melBandCount = 80
    /// The lower edge of the first band (Hz).
    public var lowFrequency = 20.0
    /// The upper edge of the last band (Hz); 0 or less counts down from half the sample rate.
    public var highFrequency = 0.0
    /// The logarithm of bins or bands.
    public var log = LogarithmKind.natural
    /// The smallest value that the logarithm is taken of, or what is added before it.
    public var logFloor: Float = 1.1920929e-07
    /// What `logFloor` does.
    public var logFloorMode = LogFloorMode.clamp
    /// The value whose logarithm is subtracted.
    public var logReference = LogReference.one
    /// How far below the largest value of the recording others may lie (dB of a power); nil for any.
    public var dynamicRange: Double?
    /// Per-channel energy normalization in place of a logarithm; nil for none.
    public var pcen: PCEN?
    /// The number of cepstral coefficients of an MFCC frame.
    public var cepstrumCount = 13
    /// The period Q of the lifter of MFCCs; 0 for none.
    public var cepstralLifter = 22.0
    /// How the lifter counts coefficients.
    public var lifterFormula = LifterFormula.kaldi
    /// Whether C0 or the energy comes last, as HTK has it (C0 without energy times sqrt 2).
    public var htkOrder = false
    /// What features are multiplied by, before `outputOffset`.
    public var outputScale: Float = 1
    /// What is added to features.
    public var outputOffset: Float = 0
    /// How many times features are differentiated over time: 1 adds deltas, 2 delta-deltas too.
    public var deltaOrder = 0
    /// How many frames to each side a delta spans.
    public var deltaWindow = 2
    /// How deltas are made, at the ends of a recording above all.
    public var deltaMethod = DeltaMethod.kaldi
    /// What features are made relative to.
    public var normalization = FeatureNormalization.none
    /// Which neighbours are put into one frame, and how many frames are kept.
    public var stacking = FrameStacking()

    /// Makes the front end of the `kaldi` preset.
    public init() {}
}

extension FrontEnd {
    /// The number of samples in a frame; a part of a sample is dropped.
    public var frameLengthInSamples: Int { frameLength.sampleCount(sampleRate: sampleRate) }

    /// The number of samples from one frame to the next, before stacking; a part is dropped.
    public var frameShiftInSamples: Int { frameShift.sampleCount(sampleRate: sampleRate) }

    /// The number of samples from one frame of features to the next.
    public var featureShiftInSamples: Int { frameShiftInSamples * stacking.shift }

    /// Frames of features a second (Hz).
    public var frameRate: Double { Double(sampleRate) / Double(featureShiftInSamples) }

    /// The length of the Fourier transform in use (samples).
    public var transformLength: Int {
        if let fftLength { return fftLength }
        var length = 1
        while length < frameLengthInSamples { length *= 2 }
        return length
    }

    /// The number of features D in a frame.
    public var featureCount: Int { staticFeatureCount * (deltaOrder + 1) * stacking.frameCount }

    /// The number of features before deltas and stacking.
    var staticFeatureCount: Int {
        switch kind {
        case .logMel: melBandCount + (energy == .none ? 0 : 1)
        case .mfcc: cepstrumCount
        case .spectrogram: transformLength / 2 + 1
        case .waveform: frameLengthInSamples
        }
    }

    /// The upper edge of the last band (Hz), counted from 0.
    public var upperFrequency: Double {
        highFrequency > 0 ? highFrequency : Double(sampleRate) / 2 + highFrequency
    }

    /// Whether features depend on the recording as a whole, so that a first pass is needed.
    public var needsWholeRecording: Bool { needsMaximum || needsStatistics }

    package var needsMaximum: Bool { dynamicRange != nil || logReference == .maximum }

    package var needsStatistics: Bool {
        if case .perRecording = normalization { true } else { false }
    }

    /// How many frames of features a recording has.
    ///
    /// - Parameter sampleCount: The number of samples N at the front end's rate.
    /// - Returns: T, 0 where the recording is too short for a frame.
    public func frameCount(sampleCount: Int) -> Int {
        stacking.outputCount(of: analysisFrameCount(sampleCount: sampleCount))
    }

    /// How many frames are analysed, before stacking.
    func analysisFrameCount(sampleCount: Int) -> Int {
        guard sampleCount > 0 else { return 0 }
        let count = edges.frameCount(
            sampleCount: sampleCount, length: frameLengthInSamples, shift: frameShiftInSamples,
            transform: transformLength)
        return max(0, omitsLastFrame ? count - 1 : count)
    }

    /// The sample that a frame begins with; it may lie before the recording.
    ///
    /// - Parameter frame: The frame, from 0, before stacking.
    /// - Returns: The index of the sample.
    func firstSample(ofFrame frame: Int) -> Int {
        edges.firstSample(
            ofFrame: frame, length: frameLengthInSamples, shift: frameShiftInSamples,
            transform: transformLength)
    }

    /// The fewest samples that give a frame of features.
    public var smallestSampleCount: Int {
        var (low, high) = (0, 1)
        while frameCount(sampleCount: high) == 0, high < 1 << 40 { (low, high) = (high, high * 2) }
        while high - low > 1 {
            let middle = (low + high) / 2
            if frameCount(sampleCount: middle) == 0 { low = middle } else { high = middle }
        }
        return high
    }
}
