import CSoxr

/// How much work resampling does to keep the signal intact.
public enum ResamplingQuality: String, Sendable, Codable, CaseIterable {
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
        case .low: UInt(SOXR_LQ)
        case .medium: UInt(SOXR_MQ)
        case .high: UInt(SOXR_20_BITQ)
        case .veryHigh: UInt(SOXR_28_BITQ)
        }
    }
}

/// How far apart two rates may be.
private let largestRatio = 1000.0

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
        guard rate > 0 else {
            throw SignalError.unsupportedSampleRate(path: path, sampleRate: rate)
        }
        if rate == sampleRate || samples.isEmpty {
            return Waveform(samples: samples, sampleRate: rate)
        }
        // A header that lies about the rate must not ask for gigabytes.
        let ratio = Double(rate) / Double(sampleRate)
        guard (1 / largestRatio...largestRatio).contains(ratio) else {
            throw SignalError.resamplingFailed(
                path: path,
                reason:
                    "\(sampleRate) Hz and \(rate) Hz are more than 1 to \(Int(largestRatio)) apart")
        }
        let (product, overflow) = samples.count.multipliedReportingOverflow(by: rate)
        guard !overflow else {
            throw SignalError.resamplingFailed(path: path, reason: "too many samples")
        }
        let count = product / sampleRate + (product % sampleRate == 0 ? 0 : 1)
        var qualitySpecification = soxr_quality_spec(quality.recipe, 0)
        var runtimeSpecification = soxr_runtime_spec(1)
        var failure: soxr_error_t?
        let output = [Float](unsafeUninitializedCapacity: count) { buffer, written in
            var consumed = 0
            var produced = 0
            failure = soxr_oneshot(
                Double(sampleRate), Double(rate), 1, samples, samples.count, &consumed,
                buffer.baseAddress, count, &produced, nil, &qualitySpecification,
                &runtimeSpecification)
            // libsoxr rounds the length to nearest, so the last sample may be missing.
            for index in produced..<count { buffer[index] = 0 }
            written = count
        }
        if let failure {
            throw SignalError.resamplingFailed(path: path, reason: String(cString: failure))
        }
        return Waveform(samples: output, sampleRate: rate)
    }
}
