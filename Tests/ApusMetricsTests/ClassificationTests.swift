import ApusMetrics
import Testing

struct ClassificationTests {
    @Test func countsByHand() throws {
        let targets = [0, 0, 0, 2, 2, 2, 2]
        let predictions = [0, 0, 2, 2, 0, 2, 2]
        #expect(try accuracy(predictions: predictions, targets: targets) == 5.0 / 7)
        // Recalls 2/3 and 3/4; class 1 does not occur.
        let balanced = try balancedAccuracy(
            predictions: predictions, targets: targets, classCount: 3)
        #expect(abs(balanced - (2.0 / 3 + 3.0 / 4) / 2) < 1e-15)

        let confusion = try confusionMatrix(
            predictions: predictions, targets: targets, classCount: 3)
        #expect(confusion.counts == [2, 0, 1, 0, 0, 0, 1, 0, 3])
        #expect(confusion[0, 2] == 1)
        #expect(confusion[2, 0] == 1)
        #expect(confusion.trialCount(of: 2) == 4)
        #expect(confusion.recall(of: 1) == nil)
        #expect(confusion.predictionCount(of: 0) == 3)
        #expect(confusion.precision(of: 0) == 2.0 / 3)
        #expect(confusion.precision(of: 1) == nil)
    }

    @Test func accuracyTakesAnyKindOfClass() throws {
        #expect(try accuracy(predictions: ["a", "b"], targets: ["a", "c"]) == 0.5)
    }

    @Test func agreesWithScikitLearn() throws {
        for reference in try MetricsReferences.load().classifications {
            let (predictions, targets) = (reference.predictions, reference.targets)
            let plain = try accuracy(predictions: predictions, targets: targets)
            let balanced = try balancedAccuracy(
                predictions: predictions, targets: targets, classCount: reference.classCount)
            let confusion = try confusionMatrix(
                predictions: predictions, targets: targets, classCount: reference.classCount)
            #expect(abs(plain - reference.accuracy) < 1e-12)
            #expect(abs(balanced - reference.balancedAccuracy) < 1e-12)
            #expect(confusion.counts == reference.confusion)
        }
    }

    @Test func wrongDataIsNamed() {
        #expect(throws: MetricsError.tooFew(what: "targets", needed: 1, found: 0)) {
            try accuracy(predictions: [Int](), targets: [])
        }
        #expect(throws: MetricsError.countMismatch(what: "predictions", expected: 2, found: 1)) {
            try accuracy(predictions: [1], targets: [1, 2])
        }
        #expect(throws: MetricsError.countMismatch(what: "predictions", expected: 1, found: 2)) {
            try confusionMatrix(predictions: [0, 0], targets: [0], classCount: 1)
        }
        let outside = MetricsError.classOutOfRange(
            what: "targets", index: 1, found: 3, classCount: 3)
        #expect(throws: outside) {
            try balancedAccuracy(predictions: [0, 0], targets: [0, 3], classCount: 3)
        }
        #expect(outside.description == "targets: value 1 is class 3, expected 0 to 2")
    }

    @Test func aMatrixOfNoClassesTraps() async {
        await #expect(processExitsWith: .failure) { _ = ConfusionMatrix(classCount: 0) }
    }
}
