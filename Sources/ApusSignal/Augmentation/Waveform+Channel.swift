extension Waveform {
    /// The waveform after 8 bits a sample under one of the two laws of telephony.
    ///
    /// Each sample is brought to 16 bits, round(32768 x) limited to what they hold, companded and
    /// expanded. A sample that is no number stays none.
    ///
    /// - Parameter law: The law.
    /// - Returns: N samples.
    public func companded(by law: CompandingLaw) -> Waveform {
        let expanded = (0...UInt8.max).map { Float(law.sample(of: $0)) / 32768 }
        return Waveform(
            samples: samples.map { sample in
                if sample.isNaN { return sample }
                let scaled = (sample * 32768).rounded()
                let limited = Int16(max(-32768, min(32767, scaled)))
                return expanded[Int(law.code(of: limited))]
            }, sampleRate: sampleRate)
    }

    /// The waveform as it arrives over a telephone line: a band, 8000 samples a second, 8 bits each.
    ///
    /// The band is cut out (edges 100 Hz wide), the rate becomes 8 kHz, samples are companded, and
    /// the first rate is made again.
    ///
    /// ## Reference
    /// The band of 300 to 3400 Hz: ITU-T Recommendation G.712, 2001. The laws: ITU-T Recommendation
    /// G.711, 1988.
    ///
    /// - Parameters:
    ///   - low: The lower edge of the band (Hz).
    ///   - high: The upper edge of the band (Hz).
    ///   - law: How samples are companded.
    /// - Returns: N samples at the waveform's rate.
    /// - Throws: ``SignalError/resamplingFailed(path:reason:)`` for rates more than 1 to 1000 from
    ///   8 kHz.
    /// - Precondition: 0 <= `low` < `high`.
    public func overTelephone(
        from low: Double = 300, to high: Double = 3400, law: CompandingLaw = .muLaw
    ) throws -> Waveform {
        let line = try bandLimited(from: low, to: high).resampled(to: 8000).companded(by: law)
        var result = try line.resampled(to: sampleRate)
        // Both lengths are rounded up, so that there are as many samples as before, or a few more.
        result.samples.removeLast(result.samples.count - samples.count)
        return result
    }
}
