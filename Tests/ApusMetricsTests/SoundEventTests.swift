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
            let count = reference.references.count
            let found = try score(
                score.counts(
                    references: reference.references, operatingPoints: reference.points,
                    seconds: Array(repeating: reference.seconds / Double(count), count: count)))
            #expect(abs(found - expected.score) < 1e-9)
        }
    }

    @Test func aPerfectDetectorScoresOneAndASilentOneZero() throws {
        let references = [[SoundEvent(label: "a", onset: 0, offset: 1)], []]
        let score = PolyphonicDetectionScore()
        for (estimates, expected) in [(references, 1.0), ([[], []], 0)] {
            let counts = try score.counts(
                references: references, operatingPoints: [estimates], seconds: [5, 5])
            #expect(counts.recordingCount == 2)
            #expect(score(counts) == expected)
        }
        let silent = try eventMeasures(references: references, estimates: [[], []])
        #expect(silent.overall.fScore == 0)
        #expect(silent.overall.errorRate == 1)
        #expect(silent.macroFScore == 0)
    }

    @Test func theCurveIsThatOfItsCounts() throws {
        let references = [
            [SoundEvent(label: "a", onset: 0, offset: 1)],
            [
                SoundEvent(label: "a", onset: 0, offset: 1),
                SoundEvent(label: "b", onset: 5, offset: 6),
            ],
        ]
        let stray = SoundEvent(label: "a", onset: 8, offset: 9)
        let points = [[[], references[1]], [references[0], references[1] + [stray]]]
        let score = PolyphonicDetectionScore()
        // An hour in all: the second threshold finds the other event of a, with one false alarm.
        let counts = try score.counts(
            references: references, operatingPoints: points, seconds: [600, 3000])
        let curve = score.curve(of: counts)
        #expect(curve.map(\.falseAlarmRate) == [0, 1])
        #expect(curve.map(\.truePositiveRate) == [0.75, 1])
        #expect(abs(score(counts) - (0.75 + 99) / 100) < 1e-12)
        #expect(score.area(under: curve) == score(counts))
    }

    @Test func drawnRecordingsCountAsIfTheyWereAll() throws {
        let reference = try EventReferences.load().polyphonic
        var score = PolyphonicDetectionScore()
        (score.crossTriggerCost, score.instabilityCost) = (0.5, 0.5)
        let seconds = reference.references.indices.map { 20 + Double($0) }
        func counts(_ recordings: [Int]) throws -> PolyphonicDetectionScore.Counts {
            try score.counts(
                references: recordings.map { reference.references[$0] },
                operatingPoints: reference.points.map { point in recordings.map { point[$0] } },
                seconds: recordings.map { seconds[$0] })
        }
        let all = Array(reference.references.indices)
        let whole = try counts(all)
        #expect(score(whole, drawn: all) == score(whole))
        for drawn in [[0, 0, 1], [1], all + all] {
            // Labels that no drawn recording has are as if there were none.
            #expect(abs(score(whole, drawn: drawn) - score(try counts(drawn))) < 1e-12)
        }
        let silent = try score.counts(
            references: [[SoundEvent(label: "a", onset: 0, offset: 1)], []],
            operatingPoints: [[[], []]], seconds: [5, 5])
        #expect(score(silent, drawn: [1, 1]).isNaN)
    }

    @Test func wrongDataIsNamed() {
        let events = [[SoundEvent(label: "a", onset: 0, offset: 1)]]
        #expect(
            throws: MetricsError.countMismatch(what: "lengths", expected: 1, found: 2)
        ) {
            try PolyphonicDetectionScore().counts(
                references: events, operatingPoints: [events], seconds: [1, 2])
        }
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
