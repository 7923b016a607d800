/// A length of time in a front end: in milliseconds, or in samples at the front end's rate.
///
/// As text it is `25`, in ms, or `400 samples`. A literal is in ms.
public enum FrameSpan: Sendable, Hashable {
    /// Milliseconds; a part of a sample is dropped.
    case milliseconds(Double)
    /// Samples at the front end's rate.
    case samples(Int)

    /// The number of samples.
    ///
    /// - Parameter sampleRate: Samples a second (Hz).
    /// - Returns: Whole samples; 0 where there is no such number.
    func sampleCount(sampleRate: Int) -> Int {
        switch self {
        case .samples(let count): return count
        case .milliseconds(let milliseconds):
            // A number of ms that was meant as samples may be a rounding error short of them.
            let exact = (milliseconds * Double(sampleRate) / 1000 + 1e-4).rounded(.down)
            return Int(exactly: exact) ?? 0
        }
    }
}

extension FrameSpan: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
    /// A number of milliseconds.
    ///
    /// - Parameter value: The milliseconds.
    public init(floatLiteral value: Double) {
        self = .milliseconds(value)
    }

    /// A number of milliseconds.
    ///
    /// - Parameter value: The milliseconds.
    public init(integerLiteral value: Int) {
        self = .milliseconds(Double(value))
    }
}

extension FrameSpan: CustomStringConvertible {
    /// `25.0 ms` or `400 samples`.
    public var description: String {
        switch self {
        case .milliseconds(let milliseconds): "\(milliseconds) ms"
        case .samples(let count): "\(count) samples"
        }
    }
}

extension FrameSpan: Codable {
    /// Reads a number of milliseconds, `"25 ms"` or `"400 samples"`.
    ///
    /// - Parameter decoder: Where to read from.
    /// - Throws: `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Double.self) {
            self = .milliseconds(number)
            return
        }
        let words = (try? container.decode(String.self))?.split(separator: " ") ?? []
        switch (words.first, words.last) {
        case (let number?, "samples") where words.count == 2:
            if let count = Int(number) {
                self = .samples(count)
                return
            }
        case (let number?, "ms") where words.count == 2:
            if let milliseconds = Double(number) {
                self = .milliseconds(milliseconds)
                return
            }
        default: break
        }
        throw DecodingError.dataCorruptedError(
            in: container, debugDescription: "expected milliseconds, or a text like 400 samples")
    }

    /// Writes a number of milliseconds, or `"400 samples"`.
    ///
    /// - Parameter encoder: Where to write to.
    /// - Throws: What the encoder throws.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .milliseconds(let milliseconds): try container.encode(milliseconds)
        case .samples: try container.encode(description)
        }
    }
}
