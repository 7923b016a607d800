/// The polyphonic sound detection score (PSDS) of a detector at many thresholds.
///
/// An estimated event counts where at least `detectionTolerance` of it lies in reference events of its
/// label; a reference event is found where such events cover at least `coverageTolerance` of it. Any other
/// estimated event is a false alarm, and also a cross-trigger of each other label of which at least
/// `crossTolerance` of it lies in reference events. With TPR the share of a label's events that are found
/// and
///
///     eFPR = false alarms / hour + crossTriggerCost × mean over other labels of (cross-triggers / hours
///            of that label)
///
/// the curve of each label is a staircase, the best TPR at or below each eFPR; over labels it is the mean
/// minus `instabilityCost` standard deviations, at least 0. The score is the area under it up to
/// `maximumRate`, divided by `maximumRate`.
///
/// ## Reference
/// Bilen, Ferroni, Tuveri, Azcarreta and Krstulović, A Framework for the Robust Evaluation of Sound
/// Event Detection, 2020.
public struct PolyphonicDetectionScore: Hashable, Sendable, Codable {
    /// The least share of an estimated event within reference events of its label (DTC).
    public var detectionTolerance = 0.5
    /// The least share of a reference event that is covered (GTC).
    public var coverageTolerance = 0.5
    /// The least share of a false alarm within reference events of another label (CTTC).
    public var crossTolerance = 0.3
    /// The cost of cross-triggers (α_CT).
    public var crossTriggerCost = 0.0
    /// The cost of differences between labels (α_ST).
    public var instabilityCost = 0.0
    /// The largest effective rate of false alarms an hour (e_max).
    public var maximumRate = 100.0

    /// A score with these defaults; each can be set.
    public init() {}

    /// What one label does at one threshold.
    private struct Point {
        var rate: Double
        var found: Double
    }

    /// Measures a detector.
    ///
    /// - Parameters:
    ///   - references: The events of each recording.
    ///   - operatingPoints: For each threshold what a detector found in each recording.
    ///   - seconds: The length of all recordings together, in seconds.
    /// - Returns: The score, in `0...1`.
    /// - Throws: `MetricsError.tooFew` without recordings, reference events or thresholds,
    ///   `.countMismatch`, `.outOfRange` for an event that ends before it begins.
    public func callAsFunction(
        references: [[SoundEvent]], operatingPoints: [[[SoundEvent]]], seconds: Double
    ) throws -> Double {
        precondition(seconds > 0 && maximumRate > 0, "lengths and rates are above 0")
        try requireCount(operatingPoints.count, atLeast: 1, "thresholds")
        let labels = Set(references.joined().map(\.label)).sorted()
        try requireCount(labels.count, atLeast: 1, "labels with reference events")
        var curves = [[Point]](repeating: [Point(rate: 0, found: 0)], count: labels.count)
        for estimates in operatingPoints {
            try requireEvents(references, estimates)
            for (index, label) in labels.enumerated() {
                curves[index].append(
                    point(of: label, labels, references, estimates, hours: seconds / 3600))
            }
        }
        return area(under: curves) / maximumRate
    }

    private func point(
        of label: String, _ labels: [String], _ references: [[SoundEvent]],
        _ estimates: [[SoundEvent]], hours: Double
    ) -> Point {
        var (total, found, falseAlarms) = (0, 0, 0)
        var crossTriggers: [String: Int] = [:]
        for (reference, estimate) in zip(references, estimates) {
            let actual = reference.filter { $0.label == label }
            var valid: [SoundEvent] = []
            for event in estimate where event.label == label {
                func share(of other: String) -> Double {
                    reference.reduce(0) { $1.label == other ? $0 + $1.overlap(event) : $0 }
                        / event.duration
                }
                if share(of: label) >= detectionTolerance {
                    valid.append(event)
                    continue
                }
                falseAlarms += 1
                for other in Set(reference.map(\.label))
                where other != label && share(of: other) > 0 && share(of: other) >= crossTolerance {
                    crossTriggers[other, default: 0] += 1
                }
            }
            total += actual.count
            found += actual.count { event in
                let covered = valid.reduce(0) { $0 + $1.overlap(event) }
                return covered > 0 && covered / event.duration >= coverageTolerance
            }
        }
        let crossRates = labels.filter { $0 != label }.map { other in
            let length = references.joined().reduce(0) {
                $1.label == other ? $0 + $1.duration : $0
            }
            return Double(crossTriggers[other] ?? 0) / (length / 3600)
        }
        let crossRate =
            crossRates.isEmpty ? 0 : crossRates.reduce(0, +) / Double(crossRates.count)
        return Point(
            rate: Double(falseAlarms) / hours + crossTriggerCost * crossRate,
            found: Double(found) / Double(total))
    }

    private func area(under curves: [[Point]]) -> Double {
        let rates = Set(curves.joined().map(\.rate)).filter { $0 < maximumRate }.sorted()
        let sorted = curves.map { $0.sorted { $0.rate < $1.rate } }
        var (places, best) = (
            [Int](repeating: 0, count: curves.count), [Double](repeating: 0, count: curves.count)
        )
        var sum = 0.0
        for (index, rate) in rates.enumerated() {
            for (label, curve) in sorted.enumerated() {
                while places[label] < curve.count, curve[places[label]].rate <= rate {
                    best[label] = max(best[label], curve[places[label]].found)
                    places[label] += 1
                }
            }
            let mean = best.reduce(0, +) / Double(best.count)
            let variance =
                best.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(best.count)
            let height = max(0, mean - instabilityCost * variance.squareRoot())
            let next = index + 1 < rates.count ? rates[index + 1] : maximumRate
            sum += height * (next - rate)
        }
        return sum
    }
}

extension SoundEvent {
    /// The seconds that two events have in common.
    fileprivate func overlap(_ other: SoundEvent) -> Double {
        max(0, min(offset, other.offset) - max(onset, other.onset))
    }
}
