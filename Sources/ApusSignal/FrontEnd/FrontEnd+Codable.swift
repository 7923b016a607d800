/// One option of a front end: its name, and what it takes to store and to show it.
struct FrontEndOption: Sendable {
    let name: String
    /// The value in words.
    let text: @Sendable (FrontEnd) -> String
    fileprivate let encode: @Sendable (FrontEnd, inout Container.Writing) throws -> Void
    fileprivate let decode: @Sendable (inout FrontEnd, Container.Reading) throws -> Void

    fileprivate enum Container {
        typealias Writing = KeyedEncodingContainer<OptionKey>
        typealias Reading = KeyedDecodingContainer<OptionKey>
    }

    fileprivate init<Value: Codable & SendableMetatype>(
        _ name: String, _ path: any WritableKeyPath<FrontEnd, Value> & Sendable,
        text: @escaping @Sendable (Value) -> String = { "\($0)" }
    ) {
        self.name = name
        self.text = { text($0[keyPath: path]) }
        let key = OptionKey(name)
        encode = { try $1.encode($0[keyPath: path], forKey: key) }
        decode = { frontEnd, container in
            if let value = try container.decodeIfPresent(Value.self, forKey: key) {
                frontEnd[keyPath: path] = value
            }
        }
    }

    /// An option that is one of several words.
    fileprivate init<Value: Codable & CaseIterable & RawRepresentable & SendableMetatype>(
        _ name: String, oneOf path: any WritableKeyPath<FrontEnd, Value> & Sendable
    ) where Value.RawValue == String {
        self.name = name
        text = { $0[keyPath: path].rawValue }
        let key = OptionKey(name)
        encode = { try $1.encode($0[keyPath: path], forKey: key) }
        decode = { frontEnd, container in
            guard let word = try container.decodeIfPresent(String.self, forKey: key) else { return }
            guard let value = Value(rawValue: word) else {
                let words = Value.allCases.map(\.rawValue).joined(separator: ", ")
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: container,
                    debugDescription: "expected one of \(words), found '\(word)'")
            }
            frontEnd[keyPath: path] = value
        }
    }

    /// Every option but the normalization, in the order in which they act.
    static let all: [FrontEndOption] = [
        FrontEndOption("sampleRate", \.sampleRate),
        FrontEndOption("resampling", oneOf: \.resampling),
        FrontEndOption("waveformScale", \.waveformScale),
        FrontEndOption("dither", \.dither),
        FrontEndOption("frameLength", \.frameLength),
        FrontEndOption("frameShift", \.frameShift),
        FrontEndOption("edges", oneOf: \.edges),
        FrontEndOption("omitsLastFrame", \.omitsLastFrame),
        FrontEndOption("removesDCOffset", \.removesDCOffset),
        FrontEndOption("energy", oneOf: \.energy),
        FrontEndOption("energyFloor", \.energyFloor),
        FrontEndOption("preEmphasis", \.preEmphasis),
        FrontEndOption("window", oneOf: \.window),
        FrontEndOption("windowSymmetry", oneOf: \.windowSymmetry),
        FrontEndOption("blackmanCoefficient", \.blackmanCoefficient),
        FrontEndOption(
            "fftLength", \.fftLength, text: { $0.map { "\($0)" } ?? "the next power of two" }),
        FrontEndOption("spectrum", oneOf: \.spectrum),
        FrontEndOption("kind", oneOf: \.kind),
        FrontEndOption("melScale", oneOf: \.melScale),
        FrontEndOption("melTriangle", oneOf: \.melTriangle),
        FrontEndOption("melNormalization", oneOf: \.melNormalization),
        FrontEndOption("melBandCount", \.melBandCount),
        FrontEndOption("lowFrequency", \.lowFrequency),
        FrontEndOption("highFrequency", \.highFrequency),
        FrontEndOption("log", oneOf: \.log),
        FrontEndOption("logFloor", \.logFloor),
        FrontEndOption("logFloorMode", oneOf: \.logFloorMode),
        FrontEndOption("logReference", oneOf: \.logReference),
        FrontEndOption(
            "dynamicRange", \.dynamicRange, text: { $0.map { "\($0)" } ?? "any" }),
        FrontEndOption(
            "pcen", \.pcen,
            text: {
                guard let pcen = $0 else { return "none" }
                return "gain \(pcen.gain), bias \(pcen.bias), power \(pcen.power), "
                    + "timeConstant \(pcen.timeConstant), epsilon \(pcen.epsilon)"
            }),
        FrontEndOption("cepstrumCount", \.cepstrumCount),
        FrontEndOption("cepstralLifter", \.cepstralLifter),
        FrontEndOption("lifterFormula", oneOf: \.lifterFormula),
        FrontEndOption("htkOrder", \.htkOrder),
        FrontEndOption("outputScale", \.outputScale),
        FrontEndOption("outputOffset", \.outputOffset),
        FrontEndOption("deltaOrder", \.deltaOrder),
        FrontEndOption("deltaWindow", \.deltaWindow),
        FrontEndOption("deltaMethod", oneOf: \.deltaMethod),
        FrontEndOption(
            "stacking", \.stacking,
            text: { "left \($0.left), right \($0.right), shift \($0.shift), \($0.edges)" }),
    ]
}

/// An option's name as the key that it is stored under.
struct OptionKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { return nil }
}

extension FrontEnd: Codable {
    /// The names of the normalizations in an encoding; statistics and window have keys of their own.
    private enum NormalizationName: String, Codable {
        case none, recordingMean, recordingMeanAndVariance, slidingMean, slidingMeanAndVariance
        case corpus
    }

    private static let normalizationKey = OptionKey("normalization")
    private static let windowKey = OptionKey("slidingWindow")
    private static let statisticsKey = OptionKey("statistics")

    private var namedNormalization:
        (name: NormalizationName, window: SlidingWindow, statistics: FeatureStatistics?)
    {
        let window = SlidingWindow()
        return switch normalization {
        case .none: (.none, window, nil)
        case .perRecording(variance: false): (.recordingMean, window, nil)
        case .perRecording(variance: true): (.recordingMeanAndVariance, window, nil)
        case .sliding(let window, variance: false): (.slidingMean, window, nil)
        case .sliding(let window, variance: true): (.slidingMeanAndVariance, window, nil)
        case .corpus(let statistics): (.corpus, window, statistics)
        }
    }

    /// Reads options; one that is left out has the value of the `kaldi` preset.
    ///
    /// - Parameter decoder: Where to read from.
    /// - Throws: `DecodingError` for a value of the wrong type, and where the normalization is
    ///   `corpus` and there are no statistics.
    public init(from decoder: any Decoder) throws {
        self.init()
        let container = try decoder.container(keyedBy: OptionKey.self)
        for option in FrontEndOption.all { try option.decode(&self, container) }
        let name = try container.decodeIfPresent(
            NormalizationName.self, forKey: Self.normalizationKey)
        let window =
            try container.decodeIfPresent(SlidingWindow.self, forKey: Self.windowKey)
            ?? SlidingWindow()
        normalization =
            switch name ?? .none {
            case .none: .none
            case .recordingMean: .perRecording(variance: false)
            case .recordingMeanAndVariance: .perRecording(variance: true)
            case .slidingMean: .sliding(window, variance: false)
            case .slidingMeanAndVariance: .sliding(window, variance: true)
            case .corpus:
                .corpus(
                    try container.decode(FeatureStatistics.self, forKey: Self.statisticsKey))
            }
    }

    /// Writes every option under its own name, absent ones as null.
    ///
    /// - Parameter encoder: Where to write to.
    /// - Throws: What the encoder throws.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: OptionKey.self)
        for option in FrontEndOption.all { try option.encode(self, &container) }
        let (name, window, statistics) = namedNormalization
        try container.encode(name, forKey: Self.normalizationKey)
        try container.encode(window, forKey: Self.windowKey)
        try container.encode(statistics, forKey: Self.statisticsKey)
    }

    /// Says in words which options differ.
    ///
    /// - Parameter other: The front end that is in use here.
    /// - Returns: A line for each difference, such as "melBandCount: 80, here 40": this front end's
    ///   value, then the other's. Empty where the two are equal.
    public func differences(from other: FrontEnd) -> [String] {
        var lines: [String] = []
        func compare(_ name: String, _ mine: String, _ theirs: String) {
            if mine != theirs { lines.append("\(name): \(mine), here \(theirs)") }
        }
        for option in FrontEndOption.all {
            compare(option.name, option.text(self), option.text(other))
        }
        let (mine, theirs) = (namedNormalization, other.namedNormalization)
        compare("normalization", mine.name.rawValue, theirs.name.rawValue)
        func text(_ window: SlidingWindow) -> String {
            "\(window.frameCount) frames, at least \(window.minimumFrameCount), "
                + (window.isCentered ? "centred" : "before the frame")
        }
        if mine.name == theirs.name {
            compare("slidingWindow", text(mine.window), text(theirs.window))
        }
        if let ours = mine.statistics, let others = theirs.statistics, ours != others {
            lines.append(
                "statistics: of \(ours.mean.count) features, here other values of "
                    + "\(others.mean.count)")
        }
        return lines
    }
}
