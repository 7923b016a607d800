extension Waveform {
    /// The waveform played faster or slower: y(t) = x(factor t).
    ///
    /// Length, pitch and formants change together, as on a tape. The samples are taken to be at
    /// round(factor R) Hz, R the sample rate, and are resampled by libsoxr to R, so that the factor is
    /// met to within 0.5 / R. What factors above 1 bring over R/2 is removed.
    ///
    /// ## Reference
    /// T. Ko, V. Peddinti, D. Povey, S. Khudanpur, "Audio Augmentation for Speech Recognition",
    /// Interspeech 2015, with the factors 0.9, 1 and 1.1.
    ///
    /// - Parameters:
    ///   - factor: How many times faster, above 0.
    ///   - quality: How precise to resample.
    /// - Returns: ``sampleCount(_:atSpeed:sampleRate:)`` samples at the same rate.
    /// - Throws: ``SignalError/resamplingFailed(path:reason:)`` for factors below 1/1000 or above
    ///   1000.
    /// - Precondition: `factor` is a positive number.
    public func speedPerturbed(
        by factor: Double, quality: ResamplingQuality = .high
    ) throws -> Waveform {
        let asked = Self.perturbedRate(factor, sampleRate)
        return try Waveform(samples: samples, sampleRate: asked)
            .resampled(to: sampleRate, quality: quality)
    }

    /// How many samples a recording has once its speed is perturbed: ceil(N R / round(factor R)).
    ///
    /// - Parameters:
    ///   - count: The number of samples N.
    ///   - factor: How many times faster, above 0.
    ///   - sampleRate: Samples a second R (Hz).
    /// - Returns: The number of samples.
    /// - Precondition: `factor` is a positive number.
    public static func sampleCount(_ count: Int, atSpeed factor: Double, sampleRate: Int) -> Int {
        let asked = perturbedRate(factor, sampleRate)
        let product = count * sampleRate
        return product / asked + (product % asked == 0 ? 0 : 1)
    }

    private static func perturbedRate(_ factor: Double, _ sampleRate: Int) -> Int {
        precondition(factor > 0 && factor.isFinite, "a speed is a positive number")
        let rate = (factor * Double(sampleRate)).rounded(.toNearestOrAwayFromZero)
        return max(1, Int(exactly: rate) ?? .max)
    }
}
