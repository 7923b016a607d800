extension Waveform {
    /// The waveform overdriven: y[n] = max(-level, min(level, x[n])).
    ///
    /// A sample that is no number stays none.
    ///
    /// - Parameter level: The largest magnitude that is kept.
    /// - Returns: N samples.
    /// - Precondition: `level` is 0 or more.
    public func clipped(at level: Float) -> Waveform {
        precondition(level >= 0, "a level is 0 or more")
        return Waveform(
            samples: samples.map { $0.isNaN ? $0 : min(level, max(-level, $0)) },
            sampleRate: sampleRate)
    }

    /// The waveform overdriven so that a share of its samples keeps its values.
    ///
    /// The level is the smallest magnitude that at least `share` of the N samples do not exceed, the
    /// ceil(share N)-th smallest. Samples that are no numbers stay as they are and don't count.
    ///
    /// - Parameter share: The share of samples that are kept; 1 keeps all.
    /// - Returns: N samples.
    /// - Precondition: `share` is above 0 and at most 1.
    public func clipped(atQuantile share: Double) -> Waveform {
        precondition(share > 0 && share <= 1, "a quantile is a share of the samples")
        let magnitudes = samples.filter { !$0.isNaN }.map(\.magnitude).sorted()
        if magnitudes.isEmpty { return self }
        let rank = Int((share * Double(magnitudes.count)).rounded(.up))
        return clipped(at: magnitudes[max(0, rank - 1)])
    }
}
