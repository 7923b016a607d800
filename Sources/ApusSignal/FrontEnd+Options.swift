/// Where frames lie at the ends of a recording.
public enum FrameEdges: String, Sendable, Hashable, Codable, CaseIterable {
    /// Only frames that lie in the recording as a whole: T = 1 + floor((N - length) / shift).
    case snip
    /// Frames around the middle of each shift, the recording mirrored at its ends with the end samples
    /// doubled, as Kaldi's `snip-edges=false`: T = floor((N + shift/2) / shift).
    case mirror
    /// Frames around every multiple of the shift, the recording mirrored about its end samples:
    /// T = 1 + floor(N / shift).
    case centeredReflect

    /// The sample that stands for one outside the recording.
    ///
    /// - Parameters:
    ///   - index: An index that may lie outside.
    ///   - count: The number of samples N, 1 or more.
    /// - Returns: An index from 0 to N - 1.
    func reflectedIndex(_ index: Int, count: Int) -> Int {
        guard !(0..<count).contains(index) else { return index }
        let doubling = self == .centeredReflect ? 0 : 1
        let period = max(1, 2 * count - 2 + 2 * doubling)
        let inPeriod = ((index % period) + period) % period
        return inPeriod < count ? inPeriod : period - doubling - inPeriod
    }
}

/// What is taken of a complex spectrum.
public enum SpectrumKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// |X|^2.
    case power
    /// |X|.
    case magnitude
}

/// What the features of a frame are.
public enum FeatureKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// The logarithms of M mel bands.
    case logMel
    /// |X|^2 of F bins; the mel bands, `spectrum` and the logarithm play no part.
    case powerSpectrogram
}

/// A logarithm of energies.
public enum LogarithmKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// The natural logarithm.
    case natural
    /// The logarithm to base 10.
    case log10
    /// Ten times the logarithm to base 10 (dB of a power).
    case decibel

    /// What the natural logarithm is multiplied by.
    var factor: Float {
        switch self {
        case .natural: 1
        case .log10: 0.434_294_48
        case .decibel: 4.342_944_8
        }
    }
}

/// What features are made relative to.
public enum FeatureNormalization: Sendable, Hashable {
    /// Nothing: features stay as they are.
    case none
    /// The mean, and with `variance` the standard deviation, of the recording's own frames.
    case perRecording(variance: Bool)
    /// The statistics of a corpus.
    case corpus(FeatureStatistics)
}
