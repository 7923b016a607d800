import Foundation

/// A scale of perceived pitch.
public enum MelScale: String, Sendable, Hashable, Codable, CaseIterable {
    /// 1127 ln(1 + f / 700), as in HTK and Kaldi.
    case htk
    /// Linear to 1 kHz (200/3 Hz a mel), logarithmic above (ln 6.4 in 27 steps).
    ///
    /// ## Reference
    /// M. Slaney, "Auditory Toolbox, Version 2", Interval Research Technical Report 1998-010.
    case slaney

    private static let slaneyStep = 200.0 / 3
    private static let slaneyKnee = 1000.0
    private static let slaneyLogStep = log(6.4) / 27

    /// The pitch of a frequency.
    ///
    /// - Parameter frequency: The frequency (Hz).
    /// - Returns: The pitch (mel).
    public func mel(frequency: Double) -> Double {
        switch self {
        case .htk: 1127 * log(1 + frequency / 700)
        case .slaney:
            frequency < Self.slaneyKnee
                ? frequency / Self.slaneyStep
                : Self.slaneyKnee / Self.slaneyStep
                    + log(frequency / Self.slaneyKnee) / Self.slaneyLogStep
        }
    }

    /// The frequency of a pitch.
    ///
    /// - Parameter mel: The pitch (mel).
    /// - Returns: The frequency (Hz).
    public func frequency(mel: Double) -> Double {
        switch self {
        case .htk: return 700 * (exp(mel / 1127) - 1)
        case .slaney:
            let knee = Self.slaneyKnee / Self.slaneyStep
            return mel < knee
                ? mel * Self.slaneyStep
                : Self.slaneyKnee * exp((mel - knee) * Self.slaneyLogStep)
        }
    }
}

/// What the sides of a mel band's triangle are straight over.
public enum MelTriangle: String, Sendable, Hashable, Codable, CaseIterable {
    /// Straight over pitch, as in HTK and Kaldi.
    case linearInMel
    /// Straight over frequency, as in Slaney's toolbox and librosa.
    case linearInHertz
    /// Straight over frequency and as wide to the right of the centre as to the left, as in SpeechBrain.
    case symmetricInHertz
}

/// How a mel band is scaled.
public enum MelNormalization: String, Sendable, Hashable, Codable, CaseIterable {
    /// Every triangle has height 1.
    case none
    /// Every triangle has area 1 over frequency: it is scaled by 2 / (its width in Hz).
    case slaney
}
