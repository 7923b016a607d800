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
/// of each frame's mean, pre-emphasis, window, Fourier transform, power or magnitude, mel bands, floor
/// and logarithm, normalization.
public struct FrontEnd: Sendable, Hashable {
    /// The rate that recordings are resampled to (Hz).
    public var sampleRate = 16000
    /// What samples of full scale 1 are multiplied by; 32768 gives the range of 16-bit integers.
    public var waveformScale: Float = 32768
    /// The length of a frame (ms).
    public var frameLength = 25.0
    /// The time from one frame to the next (ms).
    public var frameShift = 10.0
    /// The shape that weighs the samples of a frame.
    public var window = Window.povey
    /// How the window ends.
    public var windowSymmetry = WindowSymmetry.symmetric
    /// Where frames lie at the ends of a recording.
    public var edges = FrameEdges.snip
    /// Whether each frame's mean is subtracted from it.
    public var removesDCOffset = true
    /// The share c of the sample before that is subtracted: x[n] - c x[n-1], in each frame by itself.
    public var preEmphasis: Float = 0.97
    /// The standard deviation of Gaussian noise added to the scaled samples; 0 for none.
    public var dither: Float = 0
    /// The length of the Fourier transform (samples); nil for the next power of two of the frame.
    public var fftLength: Int?
    /// What is taken of the complex spectrum before the mel bands.
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
    /// The logarithm of band energies.
    public var log = LogarithmKind.natural
    /// The smallest energy that the logarithm is taken of.
    public var logFloor: Float = 1.1920929e-07
    /// What features are made relative to.
    public var normalization = FeatureNormalization.none

    /// Makes the front end of the `kaldi` preset.
    public init() {}
}

extension FrontEnd {
    /// The number of samples in a frame; a part of a sample is dropped.
    public var frameLengthInSamples: Int { wholeSamples(milliseconds: frameLength) }

    /// The number of samples from one frame to the next; a part of a sample is dropped.
    public var frameShiftInSamples: Int { wholeSamples(milliseconds: frameShift) }

    /// Frames a second (Hz).
    public var frameRate: Double { Double(sampleRate) / Double(frameShiftInSamples) }

    /// The length of the Fourier transform in use (samples).
    public var transformLength: Int {
        if let fftLength { return fftLength }
        var length = 1
        while length < frameLengthInSamples { length *= 2 }
        return length
    }

    /// The number of features D in a frame.
    public var featureCount: Int {
        switch kind {
        case .logMel: melBandCount
        case .powerSpectrogram: transformLength / 2 + 1
        }
    }

    /// The upper edge of the last band (Hz), counted from 0.
    public var upperFrequency: Double {
        highFrequency > 0 ? highFrequency : Double(sampleRate) / 2 + highFrequency
    }

    /// How many frames a recording has.
    ///
    /// - Parameter sampleCount: The number of samples N at the front end's rate.
    /// - Returns: T, 0 where the recording is shorter than a frame.
    public func frameCount(sampleCount: Int) -> Int {
        let (length, shift) = (frameLengthInSamples, frameShiftInSamples)
        guard sampleCount >= length else { return 0 }
        return switch edges {
        case .snip: 1 + (sampleCount - length) / shift
        case .mirror: (sampleCount + shift / 2) / shift
        case .centeredReflect: 1 + sampleCount / shift
        }
    }

    /// The sample that a frame begins with; it may lie before the recording.
    ///
    /// - Parameter frame: The frame, from 0.
    /// - Returns: The index of the sample.
    func firstSample(ofFrame frame: Int) -> Int {
        let (length, shift) = (frameLengthInSamples, frameShiftInSamples)
        return switch edges {
        case .snip: frame * shift
        case .mirror: frame * shift + shift / 2 - length / 2
        case .centeredReflect: frame * shift - length / 2
        }
    }

    private func wholeSamples(milliseconds: Double) -> Int {
        // 2048 samples at 22050 Hz are 92.87981859410431 ms: what such a number loses is no sample.
        let exact = (milliseconds * Double(sampleRate) / 1000 + 1e-4).rounded(.down)
        return Int(exactly: exact) ?? 0
    }
}
