extension AugmentationOptions {
    /// Whether any augmentation of waveforms is on.
    public var changesWaveforms: Bool {
        [
            speed.probability, reverberation.probability, noise.probability, gain.probability,
            clipping.probability, telephone.probability, bandDrop.probability,
            chunkDrop.probability,
        ].contains { $0 > 0 }
    }

    /// Whether any augmentation is on.
    public var isOn: Bool { changesWaveforms || specAugment.probability > 0 }

    /// Refuses options that cannot be used, whether their kind is on or off.
    ///
    /// - Parameter sampleRate: The rate of the waveforms (Hz), which bands that are dropped have to
    ///   fit.
    /// - Throws: `CorpusError.invalidAugmentation` with the first key that has a value it can't have.
    public func validate(sampleRate: Int) throws(CorpusError) {
        for (key, probability) in [
            ("speed", speed.probability), ("reverberation", reverberation.probability),
            ("noise", noise.probability), ("gain", gain.probability),
            ("clipping", clipping.probability), ("telephone", telephone.probability),
            ("bandDrop", bandDrop.probability), ("chunkDrop", chunkDrop.probability),
            ("specAugment", specAugment.probability),
        ] {
            try require(
                (0...1).contains(probability), key + ".probability", probability,
                "a probability, 0 to 1")
        }
        try require(
            !speed.factors.isEmpty && speed.factors.allSatisfy { (0.5...2).contains($0) },
            "speed.factors", speed.factors, "one factor or more, each 0.5 to 2")
        for (key, probability, manifest) in [
            ("reverberation.manifest", reverberation.probability, reverberation.manifest),
            ("noise.manifest", noise.probability, noise.manifest),
        ] {
            try require(
                probability == 0 || !manifest.isEmpty, key, "none", "the path of a manifest")
        }
        try requireRange("noise.minimumRatio", noise.minimumRatio, noise.maximumRatio, -100...100)
        try requireRange("gain.minimum", gain.minimum, gain.maximum, -100...100)
        try requireRange(
            "clipping.minimum", clipping.minimum, clipping.maximum,
            1e-6...(clipping.measure == .quantile ? 1 : 1e6))
        try require(
            !telephone.laws.isEmpty, "telephone.laws", "none", "muLaw, aLaw or both")
        try requireRange(
            "bandDrop.minimumCount", bandDrop.minimumCount, bandDrop.maximumCount, 1...100)
        try require(
            bandDrop.minimumFrequency >= 0 && bandDrop.minimumFrequency.isFinite,
            "bandDrop.minimumFrequency", bandDrop.minimumFrequency, "0 Hz or more")
        try require(
            bandDrop.maximumFrequency.isFinite, "bandDrop.maximumFrequency",
            bandDrop.maximumFrequency, "a number of Hz")
        if bandDrop.probability > 0 { _ = try bandFrequencies(at: sampleRate) }
        try require(
            bandDrop.width >= 10 && bandDrop.width.isFinite, "bandDrop.width", bandDrop.width,
            "10 Hz or more")
        try requireRange(
            "chunkDrop.minimumCount", chunkDrop.minimumCount, chunkDrop.maximumCount, 1...1000)
        try requireRange(
            "chunkDrop.minimumSeconds", chunkDrop.minimumSeconds, chunkDrop.maximumSeconds,
            0...3600)
        for (key, count) in [
            ("specAugment.timeMaskCount", specAugment.timeMaskCount),
            ("specAugment.maximumTimeMask", specAugment.maximumTimeMask),
            ("specAugment.frequencyMaskCount", specAugment.frequencyMaskCount),
            ("specAugment.maximumFrequencyMask", specAugment.maximumFrequencyMask),
            ("specAugment.timeWarp", specAugment.timeWarp),
            ("cacheMegabytes", cacheMegabytes),
        ] { try require((0...1 << 30).contains(count), key, count, "0 or more") }
        try require(
            (0...1).contains(specAugment.maximumTimeShare), "specAugment.maximumTimeShare",
            specAugment.maximumTimeShare, "a share, 0 to 1")
    }

    /// The middles of bands that may be dropped at a rate (Hz).
    ///
    /// - Parameter sampleRate: Samples a second (Hz).
    /// - Returns: The lowest and the highest middle.
    /// - Throws: `CorpusError.invalidAugmentation` where there is no room between them.
    func bandFrequencies(at sampleRate: Int) throws(CorpusError) -> ClosedRange<Double> {
        let nyquist = Double(sampleRate) / 2
        let highest =
            bandDrop.maximumFrequency > 0
            ? bandDrop.maximumFrequency : nyquist + bandDrop.maximumFrequency
        try require(
            highest <= nyquist && highest >= bandDrop.minimumFrequency, "bandDrop.maximumFrequency",
            bandDrop.maximumFrequency,
            "a frequency between bandDrop.minimumFrequency and half the sample rate, \(nyquist) Hz")
        return bandDrop.minimumFrequency...highest
    }

    /// Refuses a range whose lower end, whose key is given, is not within bounds and below the upper.
    private func requireRange<Value: Comparable>(
        _ key: String, _ low: Value, _ high: Value, _ bounds: ClosedRange<Value>
    ) throws(CorpusError) {
        let upperKey = key.replacing("minimum", with: "maximum")
        for (key, value) in [(key, low), (upperKey, high)] {
            try require(
                bounds.contains(value), key, value,
                "\(bounds.lowerBound) to \(bounds.upperBound)")
        }
        try require(low <= high, upperKey, high, "at least \(key), \(low)")
    }

    private func require(
        _ holds: Bool, _ key: String, _ found: Any, _ expected: String
    ) throws(CorpusError) {
        if !holds {
            throw CorpusError.invalidAugmentation(
                option: key, expected: expected, found: "\(found)")
        }
    }
}
