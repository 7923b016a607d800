/// Compares the labels that are active in each segment of time, segment by segment.
///
/// An event is active in each segment that it touches. Of R active labels in the reference and E in the
/// estimate of a segment, C of them the same, min(R, E) - C are substitutions, max(0, R - E) deletions and
/// max(0, E - R) insertions. Counts are summed over segments and recordings before rates are taken.
///
/// ## Reference
/// Mesaros, Heittola and Virtanen, Metrics for Polyphonic Sound Event Detection, 2016, section 3.1.
///
/// - Parameters:
///   - references: The events of each recording.
///   - estimates: What a detector found in each, in the same order.
///   - segment: The length of a segment, in seconds.
/// - Returns: The counts.
/// - Throws: `MetricsError.tooFew` without recordings, `.countMismatch`, `.outOfRange` for an event
///   that ends before it begins.
public func segmentMeasures(
    references: [[SoundEvent]], estimates: [[SoundEvent]], segment: Double = 1
) throws -> EventMeasures {
    precondition(segment > 0, "a segment has a length")
    try requireEvents(references, estimates)
    var measures = EventMeasures()
    for (reference, estimate) in zip(references, estimates) {
        let (actual, found) = (active(reference, segment), active(estimate, segment))
        for number in Set(actual.keys).union(found.keys) {
            let (actual, found) = (actual[number] ?? [], found[number] ?? [])
            let correct = actual.intersection(found).count
            measures.overall.reference += actual.count
            measures.overall.estimated += found.count
            measures.overall.correct += correct
            measures.overall.substitutions += min(actual.count, found.count) - correct
            measures.overall.deletions += max(0, actual.count - found.count)
            measures.overall.insertions += max(0, found.count - actual.count)
            for label in actual.union(found) {
                var counts = measures.byLabel[label] ?? EventCounts()
                let (isActual, isFound) = (actual.contains(label), found.contains(label))
                if isActual { counts.reference += 1 }
                if isFound { counts.estimated += 1 }
                if isActual && isFound { counts.correct += 1 }
                if isActual && !isFound { counts.deletions += 1 }
                if isFound && !isActual { counts.insertions += 1 }
                measures.byLabel[label] = counts
            }
        }
    }
    return measures
}

/// The labels that are active in each segment that has any.
private func active(_ events: [SoundEvent], _ segment: Double) -> [Int: Set<String>] {
    var labels: [Int: Set<String>] = [:]
    for event in events {
        let first = Int((event.onset / segment).rounded(.down))
        let end = Int((event.offset / segment).rounded(.up))
        for number in first..<max(first, end) { labels[number, default: []].insert(event.label) }
    }
    return labels
}
