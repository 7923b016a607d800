extension String {
    /// The text in one line, whatever lines it was broken into; LaTeX's comment signs are left out.
    public var unwrapped: String {
        split(whereSeparator: \.isWhitespace).filter { $0 != "%" }.joined(separator: " ")
    }
}
