/// What is taken of a complex spectrum.
public enum SpectrumKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// |X|^2.
    case power
    /// |X|.
    case magnitude
}

/// What the features of a frame are.
public enum FeatureKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// F bins of the spectrum; with `log` their logarithms.
    case spectrogram
    /// M mel bands; with `log` their logarithms.
    case logMel
    /// Mel-frequency cepstral coefficients: the cosine transform of what `logMel` gives.
    case mfcc
    /// The samples themselves, times `waveformScale`: no spectrum is taken, and frame after frame they
    /// are the recording.
    case waveform
}

/// A logarithm of energies.
public enum LogarithmKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// None: energies stay as they are.
    case none
    /// The natural logarithm.
    case natural
    /// The logarithm to base 10.
    case log10
    /// dB: ten times the logarithm to base 10 of a power, twenty times that of a magnitude.
    case decibel

    /// What the natural logarithm is multiplied by.
    func factor(of spectrum: SpectrumKind) -> Float {
        switch self {
        case .none, .natural: 1
        case .log10: 0.434_294_48
        case .decibel: spectrum == .power ? 4.342_944_8 : 8.685_889_6
        }
    }
}

/// What the floor of a logarithm does.
public enum LogFloorMode: String, Sendable, Hashable, Codable, CaseIterable {
    /// log(max(x, floor)).
    case clamp
    /// log(x + floor).
    case add
}

/// The value that a logarithm is relative to.
public enum LogReference: String, Sendable, Hashable, Codable, CaseIterable {
    /// 1: nothing is subtracted.
    case one
    /// The largest value of the recording, which becomes 0.
    case maximum
}

/// What becomes of the log energy of a frame, ln of the sum of its squared samples.
///
/// It is one more log-mel feature (the first, with `htkOrder` the last), replaces the cepstral
/// coefficient C0, or replaces the first bin of a spectrogram.
public enum FrameEnergy: String, Sendable, Hashable, Codable, CaseIterable {
    /// It isn't used.
    case none
    /// It is taken before pre-emphasis and window.
    case raw
    /// It is taken after pre-emphasis and window.
    case windowed
}

/// How the lifter 1 + Q/2 sin(pi n / Q) counts coefficients.
public enum LifterFormula: String, Sendable, Hashable, Codable, CaseIterable {
    /// C0 has n = 0, as in HTK and Kaldi.
    case kaldi
    /// C0 has n = 1.
    case librosa
}

/// How deltas are made.
///
/// d[t] = (sum of k (c[t+k] - c[t-k])) / (2 sum of k^2), the sums over k from 1 to the window W.
public enum DeltaMethod: String, Sendable, Hashable, Codable, CaseIterable {
    /// The end frames are repeated; delta-deltas are one longer filter over the features.
    case kaldi
    /// The end frames are repeated; delta-deltas are the deltas of deltas, with their ends repeated.
    case stepwise
    /// The fit of a polynomial of the order of the derivative; frames within W of an end have the fit
    /// of the nearest whole window (Savitzky and Golay, 1964), as librosa's `delta`.
    case savitzkyGolay
}

/// What features are made relative to.
public enum FeatureNormalization: Sendable, Hashable {
    /// Nothing: features stay as they are.
    case none
    /// The mean, and with `variance` the standard deviation, of the recording's own frames.
    case perRecording(variance: Bool)
    /// The mean, and with `variance` the standard deviation, of the frames around each frame.
    case sliding(SlidingWindow, variance: Bool)
    /// The statistics of a corpus.
    case corpus(FeatureStatistics)
}

/// The frames that sliding normalization takes its mean over, as Kaldi's `apply-cmvn-sliding`.
public struct SlidingWindow: Sendable, Hashable, Codable {
    /// The number of frames; at the ends of a recording the window is moved inwards.
    public var frameCount = 600
    /// The fewest frames at the start of a recording, for a window that isn't centred.
    public var minimumFrameCount = 100
    /// Whether the window lies around its frame, or ends with it.
    public var isCentered = true

    /// Makes Kaldi's window of 600 frames, centred.
    public init() {}
}

/// Puts the frames t - left to t + right into one, for every t that is a multiple of the shift.
public struct FrameStacking: Sendable, Hashable, Codable {
    /// Where a stack that reaches over an end takes its frames from.
    public enum Edges: String, Sendable, Hashable, Codable, CaseIterable {
        /// Such stacks are left out; the first begins with the first frame.
        case snip
        /// The end frame is repeated; there is a stack around frame 0, shift, 2 shift, ...
        case replicate
        /// Zeros; stacks as for `replicate`.
        case zero
    }

    /// The number of frames before the middle one.
    public var left = 0
    /// The number of frames after the middle one.
    public var right = 0
    /// Every which stack is kept.
    public var shift = 1
    /// Where a stack that reaches over an end takes its frames from.
    public var edges = Edges.snip

    /// Makes a stack of one frame each.
    public init() {}

    /// The number of frames in a stack.
    package var frameCount: Int { left + 1 + right }

    /// How many stacks so many frames give.
    func outputCount(of frames: Int) -> Int {
        switch edges {
        case .snip: frames < frameCount ? 0 : 1 + (frames - frameCount) / shift
        case .replicate, .zero: (frames + shift - 1) / shift
        }
    }
}
