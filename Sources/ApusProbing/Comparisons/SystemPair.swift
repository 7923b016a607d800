import ApusReport

/// Two systems of a table that are compared, written as `FIRST=SECOND`.
public struct SystemPair: Codable, Hashable, Sendable, CustomStringConvertible {
    /// The one system.
    public var first: String
    /// The other one.
    public var second: String

    /// Two systems.
    ///
    /// - Parameters:
    ///   - first: The one system's name in the table.
    ///   - second: The other one's.
    public init(first: String, second: String) { (self.first, self.second) = (first, second) }

    /// Two systems by their names.
    ///
    /// - Parameter text: `FIRST=SECOND`; nil comes out for anything else.
    public init?(_ text: String) {
        let names = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
        guard names.count == 2, !names.contains("") else { return nil }
        self.init(first: names[0], second: names[1])
    }

    /// `FIRST=SECOND`.
    public var description: String { "\(first)=\(second)" }

    /// Reads `FIRST=SECOND`.
    ///
    /// - Parameter decoder: Where the text is read from.
    /// - Throws: `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let pair = SystemPair(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected FIRST=SECOND, found '\(text)'")
        }
        self = pair
    }

    /// Writes `FIRST=SECOND`.
    ///
    /// - Parameter encoder: Where the text is written to.
    /// - Throws: What the encoder throws.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension [SystemPair] {
    /// Refuses pairs of systems that a run doesn't have.
    ///
    /// - Parameter names: The names of the run's systems.
    /// - Throws: `ProbingError.badOption`.
    func requireSystems(among names: [String]) throws {
        for pair in self {
            for name in [pair.first, pair.second] where !names.contains(name) {
                throw ProbingError.badOption(
                    option: "comparisons", expected: "two of \(names.joined(separator: ", "))",
                    found: "'\(name)' in \(pair)")
            }
            guard pair.first != pair.second else {
                throw ProbingError.badOption(
                    option: "comparisons", expected: "two systems", found: "\(pair)")
            }
        }
    }
}
