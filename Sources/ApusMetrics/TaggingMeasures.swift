/// How well one label is told from its absence.
public struct TaggingMeasures: Hashable, Sendable {
    /// The number of recordings that have the label.
    public var positives: Int
    /// The average precision; the fraction of recordings with the label is chance.
    public var averagePrecision: Double
    /// The area under the ROC curve; 0.5 is chance.
    public var areaUnderCurve: Double
    /// The sensitivity index d′; 0 is chance.
    public var sensitivityIndex: Double
}

/// How well each label of recordings that may have several is told from its absence.
///
/// - Parameters:
///   - scores: N x labels scores, higher where a label is likelier.
///   - isPresent: N x labels, whether a recording has a label.
///   - labelCount: The number of labels.
/// - Returns: For each label its measures; `nil` for one that all recordings have, or none.
/// - Throws: `MetricsError.countMismatch`, `.tooFew` without recordings, `.notFinite`.
public func taggingMeasures(
    scores: [Float], isPresent: [Bool], labelCount: Int
) throws -> [TaggingMeasures?] {
    precondition(labelCount > 0, "tagging needs at least one label")
    guard scores.count == isPresent.count else {
        throw MetricsError.countMismatch(
            what: "scores", expected: isPresent.count, found: scores.count)
    }
    guard scores.count % labelCount == 0 else {
        throw MetricsError.countMismatch(
            what: "scores of the last recording", expected: labelCount,
            found: scores.count % labelCount)
    }
    try requireCount(scores.count / labelCount, atLeast: 1, "recordings")
    try requireFinite(scores, "scores")
    return try (0..<labelCount).map { label in
        let places = stride(from: label, to: scores.count, by: labelCount)
        let kinds = places.map { isPresent[$0] }
        let positives = kinds.count(where: \.self)
        guard positives > 0, positives < kinds.count else { return nil }
        let trials = try DetectionTrials(scores: places.map { scores[$0] }, isTarget: kinds)
        return TaggingMeasures(
            positives: positives, averagePrecision: trials.averagePrecision(),
            areaUnderCurve: trials.areaUnderCurve(), sensitivityIndex: trials.sensitivityIndex())
    }
}

/// The mean of a measure over the labels that have one (macro average).
///
/// Mean average precision (mAP) is that of `\.averagePrecision`. The mean d′ of a table is usually that
/// of the mean area, not the mean of each label's d′, which one perfect label makes infinite: see
/// `sensitivityIndex(areaUnderCurve:)`.
///
/// - Parameters:
///   - measure: Which measure.
///   - labels: What `taggingMeasures(scores:isPresent:labelCount:)` gave.
/// - Returns: The mean; NaN where no label has measures.
public func macroMean(
    _ measure: KeyPath<TaggingMeasures, Double>, of labels: [TaggingMeasures?]
) -> Double {
    let values = labels.compactMap { $0?[keyPath: measure] }
    return values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
}

/// The sensitivity index d′ that belongs to an area under the ROC curve: √2 Φ⁻¹(area).
///
/// - Parameter areaUnderCurve: The area, from 0 to 1.
/// - Returns: 0 at 0.5, infinite at 0 and 1.
public func sensitivityIndex(areaUnderCurve: Double) -> Double {
    if areaUnderCurve.isNaN { return .nan }
    if areaUnderCurve >= 1 { return .infinity }
    if areaUnderCurve <= 0 { return -.infinity }
    return 2.0.squareRoot() * normalQuantile(probability: areaUnderCurve)
}
