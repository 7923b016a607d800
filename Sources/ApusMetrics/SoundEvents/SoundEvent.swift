/// A sound with its beginning and its end.
public struct SoundEvent: Hashable, Sendable, Codable {
    /// What is heard.
    public var label: String
    /// When it begins, in seconds.
    public var onset: Double
    /// When it ends, in seconds.
    public var offset: Double

    /// Makes an event from its parts.
    ///
    /// - Parameters:
    ///   - label: What is heard.
    ///   - onset: When it begins, in seconds.
    ///   - offset: When it ends, in seconds.
    public init(label: String, onset: Double, offset: Double) {
        self.label = label
        self.onset = onset
        self.offset = offset
    }

    /// How long it lasts, in seconds.
    public var duration: Double { offset - onset }
}

/// Throws where references and estimates of recordings can't be compared.
func requireEvents(_ references: [[SoundEvent]], _ estimates: [[SoundEvent]]) throws {
    try requireCount(references.count, atLeast: 1, "recordings")
    guard references.count == estimates.count else {
        throw MetricsError.countMismatch(
            what: "recordings with estimated events", expected: references.count,
            found: estimates.count)
    }
    for (what, recordings) in [
        ("reference events", references), ("estimated events", estimates),
    ] {
        for (index, event) in recordings.joined().enumerated()
        where !(event.onset >= 0 && event.offset > event.onset && event.offset.isFinite) {
            throw MetricsError.outOfRange(
                what: what, index: index, expected: "an offset after an onset of 0 s or more",
                found: "\(event.onset) to \(event.offset)")
        }
    }
}
