import ApusMetrics
import Testing

struct ScoreNormalizationTests {
    @Test func statisticsByHand() throws {
        let all = try CohortStatistics(scores: [1, 7, 3, 5])
        #expect(all.mean == 4)
        #expect(abs(all.standardDeviation - 5.0.squareRoot()) < 1e-15)
        let top = try CohortStatistics(scores: [1, 7, 3, 5], top: 2)
        #expect(top.mean == 6 && top.standardDeviation == 1)
        #expect(top.normalized(8) == 2)
        // (8 - 6) / 1 and (8 - 2) / 1.
        let other = try CohortStatistics(scores: [3, 1])
        #expect(symmetricNormalization(of: 8, enrolment: top, test: other) == 4)
        #expect(symmetricNormalization(of: 8, enrolment: other, test: top) == 4)
    }

    /// What a normalisation is for: it undoes an affine map of all of a side's scores.
    @Test func shiftAndScaleOfTheScoresDoNotMatter() throws {
        let cohort: [Float] = [0.5, -1, 2, 0.25, 1]
        let plain = try CohortStatistics(scores: cohort, top: 3)
        let mapped = try CohortStatistics(scores: cohort.map { 4 * $0 - 8 }, top: 3)
        #expect(abs(plain.normalized(3) - mapped.normalized(4)) < 1e-12)
    }

    @Test func agreesWithNumpy() throws {
        for reference in try DetectionReferences.load().normalizations {
            let enrolment = try CohortStatistics(scores: reference.enrolment, top: reference.top)
            let test = try CohortStatistics(scores: reference.test, top: reference.top)
            let value = symmetricNormalization(
                of: reference.score, enrolment: enrolment, test: test)
            #expect(abs(Double(value) - reference.normalized) < 1e-6 * abs(reference.normalized))
        }
    }

    @Test func unusableCohorts() {
        #expect(throws: MetricsError.tooFew(what: "cohort scores", needed: 2, found: 1)) {
            try CohortStatistics(scores: [1])
        }
        #expect(throws: MetricsError.tooFew(what: "cohort scores", needed: 3, found: 2)) {
            try CohortStatistics(scores: [1, 2], top: 3)
        }
        #expect(throws: MetricsError.notFinite(what: "cohort scores", index: 1)) {
            try CohortStatistics(scores: [1, .infinity])
        }
        #expect(throws: MetricsError.constant(what: "cohort scores")) {
            try CohortStatistics(scores: [0, 1, 1], top: 2)
        }
    }
}
