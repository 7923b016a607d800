import ApusMetrics
import Testing

struct TaggingTests {
    @Test func averagePrecisionByHand() throws {
        // Targets at ranks 1 and 3: (1/1 + 2/3) / 2.
        let ranked = try DetectionTrials(
            scores: [4, 3, 2, 1], isTarget: [true, false, true, false])
        #expect(abs(ranked.averagePrecision() - (1 + 2.0 / 3) / 2) < 1e-15)
        // Equal scores are accepted together: the fraction of targets.
        let equal = try DetectionTrials(
            scores: [1, 1, 1, 1, 1], isTarget: [true, false, false, false, true])
        #expect(abs(equal.averagePrecision() - 0.4) < 1e-15)
        #expect(abs(equal.sensitivityIndex()) < 1e-12)
        let perfect = try DetectionTrials(scores: [2, 1], isTarget: [true, false])
        #expect(perfect.averagePrecision() == 1)
        #expect(perfect.sensitivityIndex() == .infinity)
        #expect(sensitivityIndex(areaUnderCurve: 0) == -.infinity)
    }

    @Test func agreesWithScikitLearn() throws {
        for reference in try EventReferences.load().tagging {
            let labels = try taggingMeasures(
                scores: reference.scores, isPresent: reference.isPresent,
                labelCount: reference.labelCount)
            for (label, found) in labels.enumerated() {
                let found = try #require(found)
                #expect(abs(found.averagePrecision - reference.averagePrecision[label]) < 1e-12)
                #expect(abs(found.areaUnderCurve - reference.areaUnderCurve[label]) < 1e-12)
                #expect(abs(found.sensitivityIndex - reference.sensitivityIndex[label]) < 1e-9)
            }
            #expect(
                abs(macroMean(\.averagePrecision, of: labels) - reference.meanAveragePrecision)
                    < 1e-12)
        }
    }

    @Test func aLabelOfAllOrNoneHasNoMeasures() throws {
        let labels = try taggingMeasures(
            scores: [1, 2, 3, 4, 5, 6],
            isPresent: [true, false, true, true, false, false], labelCount: 3)
        #expect(labels[0]?.averagePrecision == nil)
        #expect(labels[1] == nil)
        #expect(labels[2]?.positives == 1)
        #expect(macroMean(\.areaUnderCurve, of: [nil, nil]).isNaN)
    }

    @Test func wrongDataIsNamed() {
        #expect(throws: MetricsError.countMismatch(what: "scores", expected: 2, found: 1)) {
            try taggingMeasures(scores: [1], isPresent: [true, false], labelCount: 1)
        }
        #expect(throws: MetricsError.notFinite(what: "scores", index: 1)) {
            try taggingMeasures(scores: [1, .nan], isPresent: [true, false], labelCount: 1)
        }
        #expect(throws: MetricsError.tooFew(what: "recordings", needed: 1, found: 0)) {
            try taggingMeasures(scores: [], isPresent: [], labelCount: 2)
        }
    }
}
