/// How far an estimated event may lie from a reference event.
public struct EventTolerance: Hashable, Sendable, Codable {
    /// How far the onsets may differ, in seconds; `nil` where onsets don't count.
    public var onset: Double?
    /// How far the offsets may differ, in seconds; `nil` where offsets don't count.
    public var offset: Double?
    /// How far the offsets may differ as a share of the reference event's length, where that is more.
    public var offsetShare: Double

    /// A tolerance: by default 200 ms, for offsets also half of the event's length.
    ///
    /// - Parameters:
    ///   - onset: How far the onsets may differ, in seconds; `nil` where onsets don't count.
    ///   - offset: How far the offsets may differ, in seconds; `nil` where offsets don't count.
    ///   - offsetShare: The same as a share of the reference event's length.
    public init(onset: Double? = 0.2, offset: Double? = 0.2, offsetShare: Double = 0.5) {
        self.onset = onset
        self.offset = offset
        self.offsetShare = offsetShare
    }

    func admits(_ estimate: SoundEvent, for reference: SoundEvent) -> Bool {
        if let onset, abs(reference.onset - estimate.onset) > onset { return false }
        guard let offset else { return true }
        return abs(reference.offset - estimate.offset)
            <= max(offset, offsetShare * reference.duration)
    }
}

/// Compares whole events: an estimated one is right where its label is that of a reference event and its
/// onset and offset lie within the tolerance, each event used once.
///
/// As many events are matched as possible (maximum bipartite matching, Kuhn's augmenting paths). What is
/// left of both sides and would match but for its label is a substitution, paired in the order of the
/// lists.
///
/// ## Reference
/// Mesaros, Heittola and Virtanen, Metrics for Polyphonic Sound Event Detection, 2016, section 3.2.
///
/// - Parameters:
///   - references: The events of each recording.
///   - estimates: What a detector found in each, in the same order.
///   - tolerance: How far events may lie apart.
/// - Returns: The counts.
/// - Throws: `MetricsError.tooFew` without recordings, `.countMismatch`, `.outOfRange` for an event
///   that ends before it begins.
public func eventMeasures(
    references: [[SoundEvent]], estimates: [[SoundEvent]],
    tolerance: EventTolerance = EventTolerance()
) throws -> EventMeasures {
    try requireEvents(references, estimates)
    var measures = EventMeasures()
    for (reference, estimate) in zip(references, estimates) {
        let matched = matching(reference, estimate) {
            $0.label == $1.label && tolerance.admits($1, for: $0)
        }
        let used = Set(matched.compactMap(\.self))
        var free = estimate.indices.filter { !used.contains($0) }
        var substitutions = 0
        for (index, event) in reference.enumerated() where matched[index] == nil {
            guard let place = free.firstIndex(where: { tolerance.admits(estimate[$0], for: event) })
            else { continue }
            free.remove(at: place)
            substitutions += 1
        }
        measures.overall.reference += reference.count
        measures.overall.estimated += estimate.count
        measures.overall.correct += used.count
        measures.overall.substitutions += substitutions
        measures.overall.deletions += reference.count - used.count - substitutions
        measures.overall.insertions += estimate.count - used.count - substitutions

        for (index, event) in reference.enumerated() {
            var counts = measures.byLabel[event.label] ?? EventCounts()
            counts.reference += 1
            if matched[index] == nil { counts.deletions += 1 } else { counts.correct += 1 }
            measures.byLabel[event.label] = counts
        }
        for (index, event) in estimate.enumerated() {
            var counts = measures.byLabel[event.label] ?? EventCounts()
            counts.estimated += 1
            if !used.contains(index) { counts.insertions += 1 }
            measures.byLabel[event.label] = counts
        }
    }
    return measures
}

/// For each reference event the estimated one that it is matched with, so that as many as can be are.
private func matching(
    _ references: [SoundEvent], _ estimates: [SoundEvent],
    _ fits: (SoundEvent, SoundEvent) -> Bool
) -> [Int?] {
    let partners = references.map { reference in
        estimates.indices.filter { fits(reference, estimates[$0]) }
    }
    var referenceOf = [Int?](repeating: nil, count: estimates.count)
    /// Finds a partner for a reference event, moving others to other partners where that helps.
    func place(_ reference: Int, _ visited: inout Set<Int>) -> Bool {
        for estimate in partners[reference] where visited.insert(estimate).inserted {
            let holder = referenceOf[estimate]
            if holder.map({ place($0, &visited) }) ?? true {
                referenceOf[estimate] = reference
                return true
            }
        }
        return false
    }
    for reference in references.indices {
        var visited: Set<Int> = []
        _ = place(reference, &visited)
    }
    var matched = [Int?](repeating: nil, count: references.count)
    for (estimate, reference) in referenceOf.enumerated() {
        if let reference { matched[reference] = estimate }
    }
    return matched
}
