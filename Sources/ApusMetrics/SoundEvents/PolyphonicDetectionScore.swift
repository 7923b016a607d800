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

    /// What a detector does at each threshold in each recording: all that the score of any choice of
    /// them needs.
    public struct Counts: Sendable {
        /// The labels that have reference events, L of them.
        let labels: [String]
        /// The number of thresholds, T.
        let thresholdCount: Int
        fileprivate var recordings: [Tally] = []

        /// The number of recordings.
        public var recordingCount: Int { recordings.count }
    }

    /// The counts of some recordings.
    fileprivate struct Tally {
        var seconds = 0.0
        /// L, the number of reference events of each label.
        var references: [Int]
        /// L, the seconds of these.
        var lengths: [Double]
        /// T x L, how many of them are found.
        var found: [Int]
        /// T x L, the estimated events that are none.
        var falseAlarms: [Int]
        /// T x L x L, how many of these lie in reference events of another label.
        var crossTriggers: [Int]

        init(labelCount: Int, thresholdCount: Int) {
            references = Array(repeating: 0, count: labelCount)
            lengths = Array(repeating: 0, count: labelCount)
            found = Array(repeating: 0, count: thresholdCount * labelCount)
            falseAlarms = found
            crossTriggers = Array(repeating: 0, count: thresholdCount * labelCount * labelCount)
        }

        mutating func add(_ other: Tally) {
            seconds += other.seconds
            for label in references.indices {
                references[label] += other.references[label]
                lengths[label] += other.lengths[label]
            }
            for place in found.indices {
                found[place] += other.found[place]
                falseAlarms[place] += other.falseAlarms[place]
            }
            for place in crossTriggers.indices {
                crossTriggers[place] += other.crossTriggers[place]
            }
        }
    }

    /// A place on the curve over labels, which stays at its height up to the next one.
    public struct Step: Hashable, Sendable, Codable {
        /// The effective rate of false alarms an hour.
        public var falseAlarmRate: Double
        /// The share of events that are found, the mean over labels less what differences cost.
        public var truePositiveRate: Double
    }

    /// Counts what a detector does.
    ///
    /// - Parameters:
    ///   - references: The events of each recording.
    ///   - operatingPoints: For each threshold what a detector found in each recording.
    ///   - seconds: The length of each recording, in seconds.
    /// - Returns: The counts.
    /// - Throws: `MetricsError.tooFew` without recordings, reference events or thresholds,
    ///   `.countMismatch`, `.outOfRange` for an event that ends before it begins.
    public func counts(
        references: [[SoundEvent]], operatingPoints: [[[SoundEvent]]], seconds: [Double]
    ) throws -> Counts {
        precondition(seconds.allSatisfy { $0 > 0 }, "lengths are above 0")
        try requireCount(operatingPoints.count, atLeast: 1, "thresholds")
        guard seconds.count == references.count else {
            throw MetricsError.countMismatch(
                what: "lengths", expected: references.count, found: seconds.count)
        }
        let labels = Set(references.joined().map(\.label)).sorted()
        try requireCount(labels.count, atLeast: 1, "labels with reference events")
        for estimates in operatingPoints { try requireEvents(references, estimates) }
        var counts = Counts(labels: labels, thresholdCount: operatingPoints.count)
        counts.recordings = references.indices.map { recording in
            var tally = Tally(labelCount: labels.count, thresholdCount: operatingPoints.count)
            tally.seconds = seconds[recording]
            for (label, name) in labels.enumerated() {
                let own = references[recording].filter { $0.label == name }
                tally.references[label] = own.count
                tally.lengths[label] = own.reduce(0) { $0 + $1.duration }
                for (threshold, estimates) in operatingPoints.enumerated() {
                    count(
                        estimates[recording].filter { $0.label == name }, label, labels,
                        references[recording], threshold, in: &tally)
                }
            }
            return tally
        }
        return counts
    }

    /// Counts the estimated events of one label in one recording at one threshold.
    private func count(
        _ estimates: [SoundEvent], _ label: Int, _ labels: [String], _ references: [SoundEvent],
        _ threshold: Int, in tally: inout Tally
    ) {
        var valid: [SoundEvent] = []
        let place = threshold * labels.count + label
        for event in estimates {
            func share(of other: Int) -> Double {
                references.reduce(0) { $1.label == labels[other] ? $0 + $1.overlap(event) : $0 }
                    / event.duration
            }
            if share(of: label) >= detectionTolerance {
                valid.append(event)
                continue
            }
            tally.falseAlarms[place] += 1
            for other in labels.indices where other != label {
                let share = share(of: other)
                if share > 0, share >= crossTolerance {
                    tally.crossTriggers[place * labels.count + other] += 1
                }
            }
        }
        tally.found[place] = references.count { event in
            guard event.label == labels[label] else { return false }
            let covered = valid.reduce(0) { $0 + $1.overlap(event) }
            return covered > 0 && covered / event.duration >= coverageTolerance
        }
    }

    /// The score.
    ///
    /// - Parameters:
    ///   - counts: What a detector does.
    ///   - drawn: The recordings that count, which may repeat; `nil` for each once.
    /// - Returns: The score, in `0...1`; NaN where no drawn recording has a reference event.
    public func callAsFunction(_ counts: Counts, drawn: [Int]? = nil) -> Double {
        area(under: curve(of: counts, drawn: drawn))
    }

    /// The score of a curve.
    ///
    /// - Parameter steps: The curve's steps by rising rate.
    /// - Returns: The area under it up to the largest rate, as a share of what there could be; NaN
    ///   without a step.
    public func area(under steps: [Step]) -> Double {
        guard !steps.isEmpty else { return .nan }
        let ends = steps.dropFirst().map(\.falseAlarmRate) + [maximumRate]
        return zip(steps, ends).reduce(0) { sum, place in
            sum + place.0.truePositiveRate * (place.1 - place.0.falseAlarmRate)
        } / maximumRate
    }

    /// The curve whose area is the score.
    ///
    /// A label without a reference event in the drawn recordings has no part in it.
    ///
    /// - Parameters:
    ///   - counts: What a detector does.
    ///   - drawn: The recordings that count, which may repeat; `nil` for each once.
    /// - Returns: The steps by rising rate, from 0 to below the largest; empty where no drawn recording
    ///   has a reference event.
    public func curve(of counts: Counts, drawn: [Int]? = nil) -> [Step] {
        precondition(maximumRate > 0, "rates are above 0")
        var total = Tally(
            labelCount: counts.labels.count, thresholdCount: counts.thresholdCount)
        for recording in drawn ?? Array(counts.recordings.indices) {
            total.add(counts.recordings[recording])
        }
        let labels = counts.labels.indices.filter { total.references[$0] > 0 }
        guard !labels.isEmpty else { return [] }
        let curves = labels.map { label in
            [Step(falseAlarmRate: 0, truePositiveRate: 0)]
                + (0..<counts.thresholdCount).map { threshold in
                    point(of: label, among: labels, at: threshold, total)
                }.sorted { $0.falseAlarmRate < $1.falseAlarmRate }
        }
        return steps(of: curves)
    }

    private func point(
        of label: Int, among labels: [Int], at threshold: Int, _ total: Tally
    ) -> Step {
        let place = threshold * total.references.count + label
        let crossRates = labels.filter { $0 != label }.map { other in
            Double(total.crossTriggers[place * total.references.count + other])
                / (total.lengths[other] / 3600)
        }
        let crossRate =
            crossRates.isEmpty ? 0 : crossRates.reduce(0, +) / Double(crossRates.count)
        return Step(
            falseAlarmRate: Double(total.falseAlarms[place]) / (total.seconds / 3600)
                + crossTriggerCost * crossRate,
            truePositiveRate: Double(total.found[place]) / Double(total.references[label]))
    }

    /// The curve over labels of each label's places, these by rising rate.
    private func steps(of curves: [[Step]]) -> [Step] {
        let rates = Set(curves.joined().map(\.falseAlarmRate)).filter { $0 < maximumRate }.sorted()
        var (places, best) = (
            [Int](repeating: 0, count: curves.count), [Double](repeating: 0, count: curves.count)
        )
        return rates.map { rate in
            for (label, curve) in curves.enumerated() {
                while places[label] < curve.count, curve[places[label]].falseAlarmRate <= rate {
                    best[label] = max(best[label], curve[places[label]].truePositiveRate)
                    places[label] += 1
                }
            }
            let mean = best.reduce(0, +) / Double(best.count)
            let variance =
                best.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(best.count)
            return Step(
                falseAlarmRate: rate,
                truePositiveRate: max(0, mean - instabilityCost * variance.squareRoot()))
        }
    }
}

extension SoundEvent {
    /// The seconds that two events have in common.
    fileprivate func overlap(_ other: SoundEvent) -> Double {
        max(0, min(offset, other.offset) - max(onset, other.onset))
    }
}
