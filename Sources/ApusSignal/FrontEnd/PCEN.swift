/// Per-channel energy normalization: an automatic gain for each band, then a root.
///
/// With the energy E[t] of a band and its smoothed copy M[t] = (1 - b) M[t-1] + b E[t]:
/// (E / (epsilon + M)^gain + bias)^power - bias^power. b = (sqrt(1 + 4 s^2) - 1) / (2 s^2) for
/// s = timeConstant in frames. M starts as if 1 had come before forever, as librosa's.
///
/// ## Reference
/// Y. Wang et al., "Trainable frontend for robust and far-field keyword spotting", ICASSP 2017,
/// equations 1 and 2. V. Lostanlen et al., "Per-channel energy normalization: why and how", IEEE
/// Signal Processing Letters 26(1), 2019.
public struct PCEN: Sendable, Hashable, Codable {
    /// How much of the gain is taken out, 0 to 1.
    public var gain = 0.98
    /// What is added before the root.
    public var bias = 2.0
    /// The exponent of the root; 0 for a logarithm.
    public var power = 0.5
    /// How long the smoothing remembers (s).
    public var timeConstant = 0.4
    /// What keeps the gain finite in silence.
    public var epsilon = 1e-6

    /// Makes librosa's defaults.
    public init() {}

    /// Reads what is there; what is left out keeps its default.
    ///
    /// - Parameter decoder: Where to read from.
    /// - Throws: `DecodingError` for values of the wrong type, and for keys that there aren't.
    public init(from decoder: any Decoder) throws {
        let found = try decoder.container(keyedBy: OptionKey.self).allKeys
        if let unknown = found.first(where: { CodingKeys(stringValue: $0.stringValue) == nil }) {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath + [unknown],
                    debugDescription:
                        "expected gain, bias, power, timeConstant or epsilon, found "
                        + unknown.stringValue))
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        gain = try container.decodeIfPresent(Double.self, forKey: .gain) ?? gain
        bias = try container.decodeIfPresent(Double.self, forKey: .bias) ?? bias
        power = try container.decodeIfPresent(Double.self, forKey: .power) ?? power
        timeConstant =
            try container.decodeIfPresent(Double.self, forKey: .timeConstant) ?? timeConstant
        epsilon = try container.decodeIfPresent(Double.self, forKey: .epsilon) ?? epsilon
    }

    /// The weight b of the newest frame.
    ///
    /// - Parameter frameRate: Frames a second (Hz).
    /// - Returns: b, 0 to 1.
    func smoothing(frameRate: Double) -> Double {
        let frames = timeConstant * frameRate
        return ((1 + 4 * frames * frames).squareRoot() - 1) / (2 * frames * frames)
    }
}
