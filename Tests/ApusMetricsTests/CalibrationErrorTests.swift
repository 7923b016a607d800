import ApusMetrics
import Testing

struct CalibrationErrorTests {
    @Test func binsByHand() throws {
        let found = try reliability(
            confidences: [0, 0.5, 0.5, 0.9, 1], isRight: [false, true, false, true, false],
            binCount: 2)
        #expect(found.bins.map(\.count) == [3, 2])
        #expect(abs(found.bins[0].confidence - 1.0 / 3) < 1e-15)
        #expect(found.bins[0].accuracy == 1.0 / 3)
        #expect(abs(found.bins[1].confidence - 0.95) < 1e-15)
        #expect(abs(found.expectedCalibrationError - 0.4 * 0.45) < 1e-12)
        #expect(abs(found.maximumCalibrationError - 0.45) < 1e-12)
    }

    @Test func agreesWithNumpy() throws {
        let reference = try EventReferences.load().calibration
        let found = try reliability(
            confidences: reference.confidences, isRight: reference.isRight)
        #expect(abs(found.expectedCalibrationError - reference.error) < 1e-12)
        #expect(found.bins.reduce(0) { $0 + $1.count } == reference.confidences.count)
    }

    @Test func macroFAndTopTwoAgreeWithScikitLearn() throws {
        for reference in try EventReferences.load().classes {
            let scores = try fScores(
                predictions: reference.predictions, targets: reference.targets,
                classCount: reference.classCount)
            #expect(abs(scores.macro - reference.macroF) < 1e-12)
            func top(_ count: Int) throws -> Double {
                try topKAccuracy(
                    scores: reference.scores, targets: reference.targets,
                    classCount: reference.classCount, count: count)
            }
            #expect(abs(try top(2) - reference.topTwo) < 1e-12)
            #expect(
                try top(1)
                    == accuracy(predictions: reference.predictions, targets: reference.targets))
            #expect(try top(reference.classCount) == 1)
        }
    }

    @Test func classesWithoutTrialsAndTies() throws {
        let scores = try fScores(predictions: [0, 3], targets: [0, 1], classCount: 4)
        #expect(scores.ofClasses == [1, 0, nil, 0])
        #expect(abs(scores.macro - 1.0 / 3) < 1e-15)
        // Of equal scores the lower class comes first.
        #expect(try topKAccuracy(scores: [1, 1, 1], targets: [1], classCount: 3, count: 1) == 0)
        #expect(try topKAccuracy(scores: [1, 1, 1], targets: [1], classCount: 3, count: 2) == 1)
    }

    @Test func wrongDataIsNamed() {
        #expect(
            throws: MetricsError.outOfRange(
                what: "confidences", index: 1, expected: "a number from 0 to 1", found: "1.5")
        ) { try reliability(confidences: [0.5, 1.5], isRight: [true, true]) }
        #expect(
            throws: MetricsError.classOutOfRange(
                what: "targets", index: 0, found: 2, classCount: 2)
        ) { try topKAccuracy(scores: [0, 1], targets: [2], classCount: 2, count: 1) }
    }
}
