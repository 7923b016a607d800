/// Where frames lie at the ends of a recording.
///
/// N is the number of samples, L the frame's length, S the shift, N_fft the transform's length.
public enum FrameEdges: String, Sendable, Hashable, Codable, CaseIterable {
    /// Only frames that lie in the recording as a whole: T = 1 + floor((N - L) / S).
    case snip
    /// Only transforms that lie in the recording as a whole, the frame in the middle of each, as
    /// librosa's `center=False`: T = 1 + floor((N - N_fft) / S).
    case wholeTransforms
    /// Frames around the middle of each shift, the recording mirrored at its ends with the end samples
    /// doubled, as Kaldi's `snip-edges=false`: T = floor((N + S/2) / S).
    case mirror
    /// Frames around every multiple of the shift, the recording mirrored about its end samples:
    /// T = 1 + floor(N / S), for odd N_fft 1 + floor((N - 1) / S).
    case centeredReflect
    /// Frames around every multiple of the shift, zeros around the recording; T as above.
    case centeredZero

    /// How many frames there are.
    func frameCount(sampleCount: Int, length: Int, shift: Int, transform: Int) -> Int {
        func whole(_ size: Int) -> Int {
            sampleCount < size ? 0 : 1 + (sampleCount - size) / shift
        }
        return switch self {
        case .snip: whole(length)
        case .wholeTransforms: whole(transform)
        case .mirror: (sampleCount + shift / 2) / shift
        case .centeredReflect, .centeredZero: 1 + (sampleCount - transform % 2) / shift
        }
    }

    /// The sample that a frame begins with; it may lie before the recording.
    func firstSample(ofFrame frame: Int, length: Int, shift: Int, transform: Int) -> Int {
        switch self {
        case .snip: frame * shift
        case .wholeTransforms: frame * shift + (transform - length) / 2
        case .mirror: frame * shift + shift / 2 - length / 2
        case .centeredReflect, .centeredZero:
            frame * shift - transform / 2 + (transform - length) / 2
        }
    }

    /// The sample that stands for one outside the recording.
    ///
    /// - Parameters:
    ///   - index: An index that may lie outside.
    ///   - count: The number of samples N, 1 or more.
    /// - Returns: An index from 0 to N - 1; nil where a zero stands there.
    func sourceIndex(_ index: Int, count: Int) -> Int? {
        guard !(0..<count).contains(index) else { return index }
        let doubling: Int
        switch self {
        case .centeredZero: return nil
        case .centeredReflect: doubling = 0
        case .snip, .wholeTransforms, .mirror: doubling = 1
        }
        let period = max(1, 2 * count - 2 + 2 * doubling)
        let inPeriod = ((index % period) + period) % period
        return inPeriod < count ? inPeriod : period - doubling - inPeriod
    }
}
