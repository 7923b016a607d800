extension FrontEnd {
    /// Checks that features can be computed with these options.
    ///
    /// - Throws: ``SignalError/invalidFrontEnd(option:expected:found:)`` for the first option that
    ///   cannot be used.
    public func validate() throws {
        try validateFrames()
        if kind == .waveform { try validateWaveform() } else { try validateSpectrum() }
        try validateLevels()
        try validateFrameSequence()
    }

    private func check(
        _ holds: Bool, _ option: String, _ expected: String, _ found: Any
    ) throws {
        guard holds else {
            throw SignalError.invalidFrontEnd(
                option: option, expected: expected, found: "\(found)")
        }
    }

    private func validateFrames() throws {
        try check(
            (1...10_000_000).contains(sampleRate), "sampleRate", "1 to 10000000 Hz", sampleRate)
        try check(
            waveformScale.isFinite && waveformScale > 0, "waveformScale", "a positive number",
            waveformScale)
        let shortest = kind == .waveform ? 1 : 2
        try check(
            (shortest...1 << 24).contains(frameLengthInSamples), "frameLength",
            "\(shortest) to \(1 << 24) samples of \(sampleRate) Hz", frameLength)
        try check(
            (1...1 << 24).contains(frameShiftInSamples), "frameShift",
            "1 to \(1 << 24) samples of \(sampleRate) Hz", frameShift)
        try check((0...1).contains(preEmphasis), "preEmphasis", "0 to 1", preEmphasis)
        try check(dither.isFinite && dither >= 0, "dither", "0 or a positive number", dither)
        try check(
            energyFloor.isFinite && energyFloor >= 0, "energyFloor", "0 or a positive number",
            energyFloor)
        try check(
            (frameLengthInSamples...1 << 24).contains(transformLength), "fftLength",
            "the \(frameLengthInSamples) samples of a frame or more", transformLength)
        try check(
            (0...0.5).contains(blackmanCoefficient), "blackmanCoefficient", "0 to 0.5",
            blackmanCoefficient)
    }

    private func validateSpectrum() throws {
        guard kind != .spectrogram else { return }
        try check(
            (1...65536).contains(melBandCount), "melBandCount", "1 to 65536", melBandCount)
        let nyquist = Double(sampleRate) / 2
        try check(
            lowFrequency >= 0 && lowFrequency < nyquist, "lowFrequency",
            "0 Hz to less than half the sample rate, \(nyquist) Hz", lowFrequency)
        try check(
            upperFrequency > lowFrequency && upperFrequency <= nyquist, "highFrequency",
            "more than lowFrequency and at most \(nyquist) Hz", highFrequency)
        guard kind == .mfcc else { return }
        try check(
            (1...melBandCount).contains(cepstrumCount), "cepstrumCount",
            "1 to the \(melBandCount) mel bands", cepstrumCount)
        try check(
            cepstralLifter.isFinite && cepstralLifter >= 0, "cepstralLifter",
            "0 or a positive number", cepstralLifter)
    }

    /// What is done to frames or spectra has no place where features are the recording's samples.
    private func validateWaveform() throws {
        try check(
            frameLengthInSamples == frameShiftInSamples, "frameLength",
            "the frameShift, \(frameShift), where kind is waveform", frameLength)
        func expect(_ holds: Bool, _ option: String, _ expected: String, _ found: Any) throws {
            try check(holds, option, expected + " where kind is waveform", found)
        }
        try expect(edges == .snip, "edges", "snip", edges)
        try expect(!removesDCOffset, "removesDCOffset", "false", removesDCOffset)
        try expect(preEmphasis == 0, "preEmphasis", "0", preEmphasis)
        try expect(energy == .none, "energy", "none", energy)
        try expect(log == .none, "log", "none", log)
        try expect(pcen == nil, "pcen", "none", "a value")
        try expect(deltaOrder == 0, "deltaOrder", "0", deltaOrder)
        try expect(stacking == FrameStacking(), "stacking", "none", stacking)
        try expect(normalization == .none, "normalization", "none", "another")
    }

    private func validateLevels() throws {
        try check(
            logFloor.isFinite && logFloor >= Float.leastNormalMagnitude, "logFloor",
            "a positive number of at least 1.2e-38", logFloor)
        try check(
            outputScale.isFinite && outputScale != 0 && outputOffset.isFinite,
            "outputScale and outputOffset", "finite numbers, a scale other than 0",
            "\(outputScale) and \(outputOffset)")
        if let dynamicRange {
            try check(
                dynamicRange.isFinite && dynamicRange >= 0, "dynamicRange",
                "dB, 0 or more", dynamicRange)
        }
        if needsMaximum {
            try check(
                log != .none, dynamicRange == nil ? "logReference" : "dynamicRange",
                "nothing of the kind where log is none", "log: none")
        }
        if let pcen {
            try check(log == .none, "pcen", "log: none beside it", "log: \(log)")
            try check(
                [pcen.gain, pcen.bias, pcen.power].allSatisfy { $0.isFinite && $0 >= 0 },
                "pcen", "gain, bias and power of 0 or more", pcen)
            try check(
                pcen.timeConstant.isFinite && pcen.timeConstant > 0 && pcen.epsilon.isFinite
                    && pcen.epsilon > 0,
                "pcen", "a positive timeConstant and epsilon", pcen)
        }
    }

    private func validateFrameSequence() throws {
        try check((0...4).contains(deltaOrder), "deltaOrder", "0 to 4", deltaOrder)
        try check((1...1000).contains(deltaWindow), "deltaWindow", "1 to 1000", deltaWindow)
        if deltaMethod == .savitzkyGolay {
            try check(
                deltaOrder <= 2, "deltaOrder", "at most 2 with deltaMethod savitzkyGolay",
                deltaOrder)
        }
        let limit = 0...10_000
        try check(
            limit.contains(stacking.left) && limit.contains(stacking.right)
                && (1...10_000).contains(stacking.shift), "stacking",
            "left and right of 0 to 10000, shift of 1 to 10000", stacking)
        try check(
            featureCount <= 1 << 24, "stacking", "at most \(1 << 24) features a frame",
            featureCount)
        switch normalization {
        case .none, .perRecording: break
        case .sliding(let window, _):
            try check(
                (1...1 << 20).contains(window.frameCount)
                    && (1...window.frameCount).contains(window.minimumFrameCount),
                "slidingWindow", "1 frame or more, and at most as many at the start", window)
        case .corpus(let statistics):
            let counts = (statistics.mean.count, statistics.standardDeviation.count)
            let expected = staticFeatureCount * (deltaOrder + 1)
            try check(
                counts == (expected, expected), "statistics",
                "means and standard deviations of \(expected) features",
                "\(counts.0) and \(counts.1)")
            try check(
                statistics.mean.allSatisfy(\.isFinite)
                    && statistics.standardDeviation.allSatisfy { $0.isFinite && $0 > 0 },
                "statistics", "finite means and positive standard deviations", "others")
        }
    }
}
