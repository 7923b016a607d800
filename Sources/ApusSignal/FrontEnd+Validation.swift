extension FrontEnd {
    /// Checks that features can be computed with these options.
    ///
    /// - Throws: ``SignalError/invalidFrontEnd(option:expected:found:)`` for the first option that
    ///   cannot be used.
    public func validate() throws {
        func check(_ holds: Bool, _ option: String, _ expected: String, _ found: Any) throws {
            guard holds else {
                throw SignalError.invalidFrontEnd(
                    option: option, expected: expected, found: "\(found)")
            }
        }
        try check(
            (1...10_000_000).contains(sampleRate), "sampleRate", "1 to 10000000 Hz", sampleRate)
        try check(
            waveformScale.isFinite && waveformScale > 0, "waveformScale", "a positive number",
            waveformScale)
        try check(
            (2...1 << 24).contains(frameLengthInSamples), "frameLength",
            "2 to \(1 << 24) samples of \(sampleRate) Hz, in ms", frameLength)
        try check(
            (1...1 << 24).contains(frameShiftInSamples), "frameShift",
            "1 to \(1 << 24) samples of \(sampleRate) Hz, in ms", frameShift)
        try check((0...1).contains(preEmphasis), "preEmphasis", "0 to 1", preEmphasis)
        try check(dither.isFinite && dither >= 0, "dither", "0 or a positive number", dither)
        try check(
            (frameLengthInSamples...1 << 24).contains(transformLength), "fftLength",
            "the \(frameLengthInSamples) samples of a frame or more", transformLength)
        if kind == .logMel {
            try check(
                (1...65536).contains(melBandCount), "melBandCount", "1 to 65536", melBandCount)
            let nyquist = Double(sampleRate) / 2
            try check(
                lowFrequency >= 0 && lowFrequency < nyquist, "lowFrequency",
                "0 Hz to less than half the sample rate, \(nyquist) Hz", lowFrequency)
            try check(
                upperFrequency > lowFrequency && upperFrequency <= nyquist, "highFrequency",
                "more than lowFrequency and at most \(nyquist) Hz", highFrequency)
            try check(
                logFloor.isFinite && logFloor > 0, "logFloor", "a positive number", logFloor)
        }
        if case .corpus(let statistics) = normalization {
            let counts = (statistics.mean.count, statistics.standardDeviation.count)
            try check(
                counts == (featureCount, featureCount), "statistics",
                "means and standard deviations of \(featureCount) features",
                "\(counts.0) and \(counts.1)")
            try check(
                statistics.mean.allSatisfy(\.isFinite)
                    && statistics.standardDeviation.allSatisfy { $0.isFinite && $0 > 0 },
                "statistics", "finite means and positive standard deviations", "others")
        }
    }
}
