import ApusMetrics
import Testing

struct SoundEventTests {
    private func close(_ found: Double, _ expected: Double) -> Bool {
        abs(found - expected) < 1e-12
    }

    private func agrees(
        _ found: EventMeasures, _ expected: EventReferences.Measured,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let overall = found.overall
        #expect(close(overall.fScore, expected.f), sourceLocation: sourceLocation)
        #expect(close(overall.precision, expected.precision), sourceLocation: sourceLocation)
        #expect(close(overall.recall, expected.recall), sourceLocation: sourceLocation)
        #expect(close(overall.errorRate, expected.errorRate), sourceLocation: sourceLocation)
        #expect(
            close(
                Double(overall.substitutions) / Double(overall.reference),
                expected.substitutions), sourceLocation: sourceLocation)
        #expect(close(found.macroFScore, expected.macroF), sourceLocation: sourceLocation)
        for (index, label) in ["alarm", "bell", "door"].enumerated() {
            let own = found.byLabel[label] ?? EventCounts()
            #expect(close(own.fScore, expected.ofLabels[index]), sourceLocation: sourceLocation)
            #expect(
                close(own.errorRate, expected.errorsOfLabels[index]),
                sourceLocation: sourceLocation)
        }
    }

    @Test func segmentsAgreeWithSedEval() throws {
        for reference in try EventReferences.load().events {
            for length in [1.0, 0.1] {
                agrees(
                    try segmentMeasures(
                        references: reference.references, estimates: reference.estimates,
                        segment: length),
                    try #require(reference.segments["\(length)"]))
            }
        }
    }

    @Test func eventsAgreeWithSedEval() throws {
        for reference in try EventReferences.load().events {
            for expected in reference.events {
                let collar = try #require(expected.collar)
                let tolerance = EventTolerance(
                    onset: expected.onset == true ? collar : nil,
                    offset: expected.offset == true ? collar : nil,
                    offsetShare: try #require(expected.share))
                agrees(
                    try eventMeasures(
                        references: reference.references, estimates: reference.estimates,
                        tolerance: tolerance), expected)
            }
        }
    }

    @Test func countsByHand() throws {
        let references = [
            [
                SoundEvent(label: "a", onset: 0, offset: 1),
                SoundEvent(label: "b", onset: 2, offset: 3),
            ]
        ]
        let estimates = [
            [
                SoundEvent(label: "a", onset: 0.1, offset: 1.3),
                SoundEvent(label: "a", onset: 2.1, offset: 3),
                SoundEvent(label: "b", onset: 5, offset: 6),
            ]
        ]
        let whole = try eventMeasures(references: references, estimates: estimates).overall
        #expect(whole.correct == 1)
        #expect(whole.substitutions == 1)
        #expect(whole.insertions == 1)
        #expect(whole.deletions == 0)
        // Seconds 0 to 2, 2 to 3 and 5 to 6.
        let segments = try segmentMeasures(references: references, estimates: estimates).overall
        #expect(segments.reference == 2)
        #expect(segments.estimated == 4)
        #expect(segments.correct == 1)
        #expect(segments.substitutions == 1)
        #expect(segments.insertions == 2)
    }

    /// The first estimate fits both references, the second only the first: a greedy choice loses one.
    @Test func asManyEventsAsPossibleAreMatched() throws {
        let references = [
            [
                SoundEvent(label: "a", onset: 1, offset: 2),
                SoundEvent(label: "a", onset: 1.3, offset: 2.3),
            ]
        ]
        let estimates = [
            [
                SoundEvent(label: "a", onset: 1.15, offset: 2.1),
                SoundEvent(label: "a", onset: 0.9, offset: 2),
            ]
        ]
        #expect(
            try eventMeasures(references: references, estimates: estimates).overall.correct == 2)
    }

    @Test func polyphonicScoreAgreesWithItsAuthorsPackage() throws {
        let reference = try EventReferences.load().polyphonic
        for expected in reference.scores {
            var score = PolyphonicDetectionScore()
            score.detectionTolerance = expected.tolerances[0]
            score.coverageTolerance = expected.tolerances[1]
            score.crossTolerance = expected.tolerances[2]
            score.crossTriggerCost = expected.cross
            score.instabilityCost = expected.instability
            score.maximumRate = expected.rate
            let found = try score(
                references: reference.references, operatingPoints: reference.points,
                seconds: reference.seconds)
            #expect(abs(found - expected.score) < 1e-9)
        }
    }

    @Test func aPerfectDetectorScoresOneAndASilentOneZero() throws {
        let references = [[SoundEvent(label: "a", onset: 0, offset: 1)], []]
        let score = PolyphonicDetectionScore()
        #expect(
            try score(references: references, operatingPoints: [references], seconds: 10) == 1)
        #expect(
            try score(references: references, operatingPoints: [[[], []]], seconds: 10) == 0)
        let silent = try eventMeasures(references: references, estimates: [[], []])
        #expect(silent.overall.fScore == 0)
        #expect(silent.overall.errorRate == 1)
        #expect(silent.macroFScore == 0)
    }

    @Test func wrongDataIsNamed() {
        let backward = [[SoundEvent(label: "a", onset: 2, offset: 1)]]
        #expect(
            throws: MetricsError.outOfRange(
                what: "estimated events", index: 0,
                expected: "an offset after an onset of 0 s or more", found: "2.0 to 1.0")
        ) { try segmentMeasures(references: [[]], estimates: backward) }
        #expect(
            throws: MetricsError.countMismatch(
                what: "recordings with estimated events", expected: 2, found: 1)
        ) { try eventMeasures(references: [[], []], estimates: [[]]) }
    }
}
