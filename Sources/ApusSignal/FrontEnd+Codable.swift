extension FrontEnd: Codable {
    private enum CodingKeys: String, CodingKey {
        case sampleRate, waveformScale, frameLength, frameShift, window, windowSymmetry, edges
        case removesDCOffset, preEmphasis, dither, fftLength, spectrum, kind, melScale, melTriangle
        case melNormalization, melBandCount, lowFrequency, highFrequency, log, logFloor
        case normalization, statistics
    }

    /// The names of the normalizations in an encoding; statistics have a key of their own.
    private enum NormalizationName: String, Codable {
        case none, recordingMean, recordingMeanAndVariance, corpus
    }

    private var namedNormalization: (name: NormalizationName, statistics: FeatureStatistics?) {
        switch normalization {
        case .none: (.none, nil)
        case .perRecording(variance: false): (.recordingMean, nil)
        case .perRecording(variance: true): (.recordingMeanAndVariance, nil)
        case .corpus(let statistics): (.corpus, statistics)
        }
    }

    /// Reads every option; `fftLength` and `statistics` may be left out.
    ///
    /// - Parameter decoder: Where to read from.
    /// - Throws: `DecodingError` for a missing key or a value of the wrong type, also where the
    ///   normalization is `corpus` and there are no statistics.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func value<Value: Decodable>(_ key: CodingKeys) throws -> Value {
            try container.decode(Value.self, forKey: key)
        }
        sampleRate = try value(.sampleRate)
        waveformScale = try value(.waveformScale)
        frameLength = try value(.frameLength)
        frameShift = try value(.frameShift)
        window = try value(.window)
        windowSymmetry = try value(.windowSymmetry)
        edges = try value(.edges)
        removesDCOffset = try value(.removesDCOffset)
        preEmphasis = try value(.preEmphasis)
        dither = try value(.dither)
        fftLength = try container.decodeIfPresent(Int.self, forKey: .fftLength)
        spectrum = try value(.spectrum)
        kind = try value(.kind)
        melScale = try value(.melScale)
        melTriangle = try value(.melTriangle)
        melNormalization = try value(.melNormalization)
        melBandCount = try value(.melBandCount)
        lowFrequency = try value(.lowFrequency)
        highFrequency = try value(.highFrequency)
        log = try value(.log)
        logFloor = try value(.logFloor)
        let name: NormalizationName = try value(.normalization)
        normalization =
            switch name {
            case .none: .none
            case .recordingMean: .perRecording(variance: false)
            case .recordingMeanAndVariance: .perRecording(variance: true)
            case .corpus: .corpus(try value(.statistics))
            }
    }

    /// Writes every option under its own name, absent ones as null.
    ///
    /// - Parameter encoder: Where to write to.
    /// - Throws: What the encoder throws.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sampleRate, forKey: .sampleRate)
        try container.encode(waveformScale, forKey: .waveformScale)
        try container.encode(frameLength, forKey: .frameLength)
        try container.encode(frameShift, forKey: .frameShift)
        try container.encode(window, forKey: .window)
        try container.encode(windowSymmetry, forKey: .windowSymmetry)
        try container.encode(edges, forKey: .edges)
        try container.encode(removesDCOffset, forKey: .removesDCOffset)
        try container.encode(preEmphasis, forKey: .preEmphasis)
        try container.encode(dither, forKey: .dither)
        try container.encode(fftLength, forKey: .fftLength)
        try container.encode(spectrum, forKey: .spectrum)
        try container.encode(kind, forKey: .kind)
        try container.encode(melScale, forKey: .melScale)
        try container.encode(melTriangle, forKey: .melTriangle)
        try container.encode(melNormalization, forKey: .melNormalization)
        try container.encode(melBandCount, forKey: .melBandCount)
        try container.encode(lowFrequency, forKey: .lowFrequency)
        try container.encode(highFrequency, forKey: .highFrequency)
        try container.encode(log, forKey: .log)
        try container.encode(logFloor, forKey: .logFloor)
        let (name, statistics) = namedNormalization
        try container.encode(name, forKey: .normalization)
        try container.encode(statistics, forKey: .statistics)
    }
}

extension FrontEnd {
    /// The options in words, in the order in which they act, without statistics.
    private var options: [(name: String, value: String)] {
        [
            ("sampleRate", "\(sampleRate)"), ("waveformScale", "\(waveformScale)"),
            ("frameLength", "\(frameLength)"), ("frameShift", "\(frameShift)"),
            ("window", window.rawValue), ("windowSymmetry", windowSymmetry.rawValue),
            ("edges", edges.rawValue), ("removesDCOffset", "\(removesDCOffset)"),
            ("preEmphasis", "\(preEmphasis)"), ("dither", "\(dither)"),
            ("fftLength", fftLength.map { "\($0)" } ?? "the next power of two"),
            ("spectrum", spectrum.rawValue), ("kind", kind.rawValue),
            ("melScale", melScale.rawValue), ("melTriangle", melTriangle.rawValue),
            ("melNormalization", melNormalization.rawValue), ("melBandCount", "\(melBandCount)"),
            ("lowFrequency", "\(lowFrequency)"), ("highFrequency", "\(highFrequency)"),
            ("log", log.rawValue), ("logFloor", "\(logFloor)"),
            ("normalization", namedNormalization.name.rawValue),
        ]
    }

    /// Says in words which options differ.
    ///
    /// - Parameter other: The front end that is in use here.
    /// - Returns: A line for each difference, such as "melBandCount: 80, here 40": this front end's
    ///   value, then the other's. Empty where the two are equal.
    public func differences(from other: FrontEnd) -> [String] {
        var lines = zip(options, other.options).compactMap { mine, theirs in
            mine.value == theirs.value ? nil : "\(mine.name): \(mine.value), here \(theirs.value)"
        }
        if case .corpus(let mine) = normalization, case .corpus(let theirs) = other.normalization,
            mine != theirs
        {
            lines.append(
                "statistics: of \(mine.mean.count) features, here other values of "
                    + "\(theirs.mean.count)")
        }
        return lines
    }
}
