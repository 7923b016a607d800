import CSoxr

/// How much work resampling does to keep the signal intact.
public enum ResamplingQuality: String, Sendable, Codable, CaseIterable {
    /// Cubic interpolation: the least delay, and no filter against aliases.
    case quick
    /// 16-bit precision with a wide roll-off.
    case low
    /// 16-bit precision with a medium roll-off.
    case medium
    /// 20-bit precision.
    case high
    /// 28-bit precision.
    case veryHigh

    var recipe: UInt {
        switch self {
        case .quick: UInt(SOXR_QQ)
        case .low: UInt(SOXR_LQ)
        case .medium: UInt(SOXR_MQ)
        case .high: UInt(SOXR_20_BITQ)
        case .veryHigh: UInt(SOXR_28_BITQ)
        }
    }
}

extension Waveform {
    /// The waveform at another rate, band-limited by libsoxr, in linear phase.
    ///
    /// N samples become exactly ceil(N * rate / sampleRate). At the same rate they stay untouched.
    ///
    /// - Parameters:
    ///   - rate: The new rate (Hz).
    ///   - quality: How precise to be.
    /// - Returns: The waveform at the new rate.
    /// - Throws: ``SignalError/unsupportedSampleRate(path:sampleRate:)`` for a rate below 1 Hz,
    ///   ``SignalError/resamplingFailed(path:reason:)`` where libsoxr refuses, and for rates more than
    ///   1 to 1000 apart.
    public func resampled(to rate: Int, quality: ResamplingQuality = .high) throws -> Waveform {
        try resampled(to: rate, quality: quality, path: SignalError.inMemory)
    }

    func resampled(
        to rate: Int, quality: ResamplingQuality = .high, path: String
    ) throws -> Waveform {
        let resampler = try StreamingResampler(
            from: sampleRate, to: rate, quality: quality, source: path)
        if rate == sampleRate || samples.isEmpty {
            return Waveform(samples: samples, sampleRate: rate)
        }
        var output: [Float] = []
        output.reserveCapacity(
            StreamingResampler.outputCount(of: samples.count, from: sampleRate, to: rate))
        try samples.withUnsafeBufferPointer { try resampler.push($0, into: &output) }
        try resampler.finish(into: &output)
        return Waveform(samples: output, sampleRate: rate)
    }
}
