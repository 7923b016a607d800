/// How many events, or how many active segments, a detector found, missed and made up.
public struct EventCounts: Hashable, Sendable, Codable {
    /// The number in the reference.
    public var reference = 0
    /// The number that the detector gave.
    public var estimated = 0
    /// Those that agree.
    public var correct = 0
    /// Wrong labels: a missed one with a made-up one in its place.
    public var substitutions = 0
    /// Missed ones that nothing stands in the place of.
    public var deletions = 0
    /// Made-up ones that stand in the place of nothing.
    public var insertions = 0

    /// Nothing counted yet.
    public init() {}

    /// The share of estimated ones that are right; 0 where nothing was estimated.
    public var precision: Double {
        estimated == 0 ? 0 : Double(correct) / Double(estimated)
    }
    /// The share of the reference that was found; NaN without a reference.
    public var recall: Double { Double(correct) / Double(reference) }
    /// 2 correct / (reference + estimated); NaN without a reference.
    public var fScore: Double {
        reference == 0 ? .nan : 2 * Double(correct) / Double(reference + estimated)
    }
    /// (substitutions + deletions + insertions) / reference, which may exceed 1.
    public var errorRate: Double {
        Double(substitutions + deletions + insertions) / Double(reference)
    }

    /// The counts of two sets of recordings together.
    public static func + (one: EventCounts, other: EventCounts) -> EventCounts {
        var sum = one
        sum.reference += other.reference
        sum.estimated += other.estimated
        sum.correct += other.correct
        sum.substitutions += other.substitutions
        sum.deletions += other.deletions
        sum.insertions += other.insertions
        return sum
    }
}

/// The counts of a detector over all labels together and for each label.
public struct EventMeasures: Hashable, Sendable {
    /// All labels together (micro average).
    public var overall = EventCounts()
    /// Each label by itself, where a wrong label is a deletion of one and an insertion of the other.
    public var byLabel: [String: EventCounts] = [:]

    /// Nothing counted yet.
    public init() {}

    /// The counts of two sets of recordings together.
    public static func + (one: EventMeasures, other: EventMeasures) -> EventMeasures {
        var sum = one
        sum.overall = one.overall + other.overall
        sum.byLabel.merge(other.byLabel, uniquingKeysWith: +)
        return sum
    }

    /// The mean F1 score over the labels that have a reference (macro average); NaN without any.
    public var macroFScore: Double {
        let scores = byLabel.values.map(\.fScore).filter { !$0.isNaN }.sorted()
        return scores.isEmpty ? .nan : scores.reduce(0, +) / Double(scores.count)
    }
}
