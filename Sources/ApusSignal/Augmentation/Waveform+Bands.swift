extension Waveform {
    /// The waveform without a band of frequencies.
    ///
    /// A linear-phase notch, y = x - b * x with b a windowed-sinc band-pass, delays compensated. At
    /// the band's two ends the gain is a half; it is within 0.2 % of 1 from a quarter of the width
    /// outside them, and at most 0.0002 (-74 dB) from a quarter of the width inside.
    ///
    /// ## Reference
    /// The frequency drop of SpeechBrain: M. Ravanelli et al., "SpeechBrain: A General-Purpose Speech
    /// Toolkit", 2021.
    ///
    /// - Parameters:
    ///   - center: The middle of the band (Hz).
    ///   - width: The width of the band (Hz).
    /// - Returns: N samples.
    /// - Precondition: `center` is not negative, and `width` is above 0.
    public func droppingBand(center: Double, width: Double) -> Waveform {
        precondition(center >= 0 && width > 0, "a band has a place and a width")
        let filter = FIRFilter(
            stopping: center - width / 2, to: center + width / 2, sampleRate: sampleRate,
            transition: width / 2)
        return Waveform(samples: filter(samples), sampleRate: sampleRate)
    }

    /// The waveform with one band of frequencies alone.
    ///
    /// A linear-phase windowed-sinc band-pass, delays compensated: at the two edges the gain is a
    /// half.
    ///
    /// - Parameters:
    ///   - low: The lower edge (Hz); 0 keeps all that is below `high`.
    ///   - high: The upper edge (Hz); half the sample rate or more keeps all that is above `low`.
    ///   - transition: From passed to stopped it takes so many Hz at either edge.
    /// - Returns: N samples.
    /// - Precondition: 0 <= `low` < `high`, and `transition` is above 0.
    public func bandLimited(from low: Double, to high: Double, transition: Double = 100) -> Waveform
    {
        precondition(0 <= low && low < high && transition > 0, "a band has two edges")
        let filter = FIRFilter(
            passing: low, to: high, sampleRate: sampleRate, transition: transition)
        return Waveform(samples: filter(samples), sampleRate: sampleRate)
    }
}
