extension Cut {
    /// The text of one key of a manifest's line, by which recordings can be grouped.
    ///
    /// - Parameter key: `speaker`, `language`, `fold`, or any key beyond those that are known.
    /// - Returns: The text, of a whole number its digits; `nil` where the cut has no such key, or
    ///   something else under it, or blanks alone.
    public func text(of key: String) -> String? {
        switch key {
        case "speaker": return speaker
        case "language": return language
        case "fold": return fold
        default: break
        }
        switch extra[key] {
        case .string(let text): return text.isBlank ? nil : text
        case .integer(let number): return String(number)
        default: return nil
        }
    }
}

extension String {
    /// Whether the text names nothing.
    var isBlank: Bool { allSatisfy(\.isWhitespace) }
}
