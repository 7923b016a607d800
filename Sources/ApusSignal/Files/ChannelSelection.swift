/// Which channels of a file become the one channel of a waveform.
public enum ChannelSelection: Sendable, Hashable {
    /// The mean of all channels.
    case mean
    /// One channel, counted from 0.
    case channel(Int)
}

extension ChannelSelection: Codable {
    /// Reads `"mean"` or a channel's number.
    ///
    /// - Parameter decoder: Where to read from.
    /// - Throws: `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let channel = try? container.decode(Int.self), channel >= 0 {
            self = .channel(channel)
        } else if let word = try? container.decode(String.self), word == "mean" {
            self = .mean
        } else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected \"mean\" or a channel's number from 0")
        }
    }

    /// Writes `"mean"` or the channel's number.
    ///
    /// - Parameter encoder: Where to write to.
    /// - Throws: What the encoder throws.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .mean: try container.encode("mean")
        case .channel(let channel): try container.encode(channel)
        }
    }
}
