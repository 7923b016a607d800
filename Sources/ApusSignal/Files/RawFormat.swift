import CSndfile

/// What headerless samples are: encoding, byte order, rate and number of channels.
///
/// The text form is ENCODING:RATE:CHANNELS, such as `s16le:16000:1`. Encodings are `s8`, `u8`, `s16`,
/// `s24`, `s32`, `f32`, `f64`, `mulaw` and `alaw`; those of more than one byte end with `le` (little
/// endian, also where it is left out) or `be`. Without CHANNELS there is one.
public struct RawFormat: Sendable, Hashable {
    /// How a sample is coded.
    public enum Encoding: String, Sendable, Hashable, Codable, CaseIterable {
        /// Signed 8-bit integers.
        case int8 = "s8"
        /// Unsigned 8-bit integers; 128 is silence.
        case uint8 = "u8"
        /// Signed 16-bit integers.
        case int16 = "s16"
        /// Signed 24-bit integers, in 3 bytes.
        case int24 = "s24"
        /// Signed 32-bit integers.
        case int32 = "s32"
        /// 32-bit floats; full scale is -1 to 1.
        case float32 = "f32"
        /// 64-bit floats; full scale is -1 to 1.
        case float64 = "f64"
        /// µ-law (ITU-T G.711), 8 bits.
        case muLaw = "mulaw"
        /// A-law (ITU-T G.711), 8 bits.
        case aLaw = "alaw"

        /// The size of a sample in bytes.
        public var byteCount: Int {
            switch self {
            case .int8, .uint8, .muLaw, .aLaw: 1
            case .int16: 2
            case .int24: 3
            case .int32, .float32: 4
            case .float64: 8
            }
        }
    }

    /// The order of a sample's bytes.
    public enum Endianness: String, Sendable, Hashable, Codable, CaseIterable {
        /// The least significant byte first.
        case little = "le"
        /// The most significant byte first.
        case big = "be"
    }

    /// The largest number of channels: libsndfile's own.
    public static let largestChannelCount = 1024

    /// How a sample is coded.
    public let encoding: Encoding
    /// The order of a sample's bytes; little where a sample is one byte.
    public let endianness: Endianness
    /// Frames a second (Hz).
    public let sampleRate: Int
    /// The number of channels C, interleaved.
    public let channelCount: Int

    /// Describes headerless samples.
    ///
    /// - Parameters:
    ///   - encoding: How a sample is coded.
    ///   - endianness: The order of a sample's bytes; it says nothing where a sample is one byte.
    ///   - sampleRate: Frames a second (Hz).
    ///   - channelCount: The number of channels C, interleaved.
    /// - Precondition: The rate is 1 to 2147483647 Hz, and there are 1 to 1024 channels.
    public init(
        encoding: Encoding, endianness: Endianness = .little, sampleRate: Int,
        channelCount: Int = 1
    ) {
        precondition((1...Int(Int32.max)).contains(sampleRate), "no sample rate: \(sampleRate)")
        precondition(
            (1...RawFormat.largestChannelCount).contains(channelCount),
            "no number of channels: \(channelCount)")
        self.encoding = encoding
        self.endianness = encoding.byteCount == 1 ? .little : endianness
        self.sampleRate = sampleRate
        self.channelCount = channelCount
    }

    /// Reads the text form.
    ///
    /// - Parameter text: The text, such as `s16le:16000:1`.
    /// - Throws: ``SignalError/invalidRawFormat(part:expected:found:)`` for another text.
    public init(parsing text: String) throws {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count) else {
            throw SignalError.invalidRawFormat(
                part: "format", expected: "ENCODING:RATE:CHANNELS, such as s16le:16000:1",
                found: text)
        }
        let word = parts[0].lowercased()
        let endianness = Endianness.allCases.first { word.hasSuffix($0.rawValue) }
        let name = endianness == nil ? word : String(word.dropLast(2))
        guard let encoding = Encoding(rawValue: name),
            endianness == nil || encoding.byteCount > 1
        else {
            let names = Encoding.allCases.map {
                $0.byteCount == 1 ? $0.rawValue : "\($0.rawValue)le, \($0.rawValue)be"
            }
            throw SignalError.invalidRawFormat(
                part: "encoding", expected: names.joined(separator: ", "), found: parts[0])
        }
        guard let sampleRate = Int(parts[1]), (1...Int(Int32.max)).contains(sampleRate) else {
            throw SignalError.invalidRawFormat(
                part: "rate", expected: "1 to \(Int32.max) Hz", found: parts[1])
        }
        let channels = parts.count == 3 ? parts[2] : "1"
        guard let channelCount = Int(channels),
            (1...RawFormat.largestChannelCount).contains(channelCount)
        else {
            throw SignalError.invalidRawFormat(
                part: "number of channels", expected: "1 to \(RawFormat.largestChannelCount)",
                found: channels)
        }
        self.init(
            encoding: encoding, endianness: endianness ?? .little, sampleRate: sampleRate,
            channelCount: channelCount)
    }

    /// The size of a frame, one sample of every channel, in bytes.
    public var bytesPerFrame: Int { encoding.byteCount * channelCount }

    /// libsndfile's format number.
    var libraryFormat: Int32 {
        let subtype =
            switch encoding {
            case .int8: SF_FORMAT_PCM_S8
            case .uint8: SF_FORMAT_PCM_U8
            case .int16: SF_FORMAT_PCM_16
            case .int24: SF_FORMAT_PCM_24
            case .int32: SF_FORMAT_PCM_32
            case .float32: SF_FORMAT_FLOAT
            case .float64: SF_FORMAT_DOUBLE
            case .muLaw: SF_FORMAT_ULAW
            case .aLaw: SF_FORMAT_ALAW
            }
        let order = endianness == .little ? SF_ENDIAN_LITTLE : SF_ENDIAN_BIG
        return Int32(SF_FORMAT_RAW | subtype | order)
    }
}

extension RawFormat: CustomStringConvertible {
    /// The text form.
    public var description: String {
        let order = encoding.byteCount == 1 ? "" : endianness.rawValue
        return "\(encoding.rawValue)\(order):\(sampleRate):\(channelCount)"
    }
}

extension RawFormat: Codable {
    /// Reads the text form.
    ///
    /// - Parameter decoder: Where to read from.
    /// - Throws: `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            self = try RawFormat(parsing: text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(error)")
        }
    }

    /// Writes the text form.
    ///
    /// - Parameter encoder: Where to write to.
    /// - Throws: What the encoder throws.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
