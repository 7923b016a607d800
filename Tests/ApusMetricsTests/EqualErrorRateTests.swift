import ApusMetrics
import Testing

struct EqualErrorRateTests {
    @Test func separableScoresHaveNoError() throws {
        let (rate, threshold) = try equalErrorRate(targets: [3, 5, 4], nonTargets: [1, 0, 2])
        #expect(rate == 0)
        #expect(threshold == 2.5)
    }

    @Test func reversedScoresAreAllWrong() throws {
        let (rate, threshold) = try equalErrorRate(targets: [0, 1], nonTargets: [2, 3])
        #expect(rate == 1)
        #expect(threshold == 1.5)
    }

    @Test(
        arguments: [
            ([1, 2, 3, 4], [1, 2, 3, 4]), ([7], [7]), ([2, 2, 2], [2, 2]), ([1, 2, 3], [1, 2, 3]),
        ] as [([Float], [Float])])
    func identicalDistributionsAreChance(targets: [Float], nonTargets: [Float]) throws {
        let rate = try equalErrorRate(targets: targets, nonTargets: nonTargets).rate
        #expect(abs(rate - 0.5) < 1e-15)
    }

    /// One of four on each side is wrong between 2 and 3.
    @Test func aCrossingAtAPoint() throws {
        let (rate, threshold) = try equalErrorRate(
            targets: [2, 4, 5, 6], nonTargets: [-1, 0, 1, 3])
        #expect(rate == 0.25)
        #expect(threshold == 2.5)
    }

    /// The operating points (FAR, FRR) go from (1/2, 1/3) to (0, 1/3) at the score 3: the line
    /// crosses at 1/3.
    @Test func aCrossingOnAVerticalStep() throws {
        let (rate, threshold) = try equalErrorRate(targets: [2, 4, 5], nonTargets: [1, 3])
        #expect(abs(rate - 1.0 / 3) < 1e-15)
        #expect(threshold == 3)
    }

    /// At the tied score 2 both rates move at once, from (2/3, 0) to (0, 1/2): with FAR = 2/3 - 2/3 u
    /// and FRR = u / 2 they are equal at u = 4/7, where both are 2/7.
    @Test func tiedScoresMoveTogether() throws {
        let (rate, threshold) = try equalErrorRate(targets: [2, 3], nonTargets: [1, 2, 2])
        #expect(abs(rate - 2.0 / 7) < 1e-15)
        #expect(threshold == 2)
    }

    @Test func orderOfTheScoresDoesNotMatter() throws {
        let first = try equalErrorRate(targets: [1, 5, 2, 4], nonTargets: [3, 0, 2])
        let second = try equalErrorRate(targets: [5, 4, 2, 1], nonTargets: [0, 2, 3])
        #expect(first == second)
    }

    @Test func agreesWithScikitLearn() throws {
        for reference in try MetricsReferences.load().equalErrorRates {
            let rate = try equalErrorRate(
                targets: reference.targets, nonTargets: reference.nonTargets
            ).rate
            #expect(abs(rate - reference.rate) < 1e-10)
        }
    }

    @Test func wrongScoresAreNamed() {
        #expect(throws: MetricsError.tooFew(what: "target scores", needed: 1, found: 0)) {
            try equalErrorRate(targets: [], nonTargets: [1])
        }
        #expect(throws: MetricsError.tooFew(what: "non-target scores", needed: 1, found: 0)) {
            try equalErrorRate(targets: [1], nonTargets: [])
        }
        #expect(throws: MetricsError.notFinite(what: "target scores", index: 1)) {
            try equalErrorRate(targets: [0, .nan], nonTargets: [1])
        }
        #expect(throws: MetricsError.notFinite(what: "non-target scores", index: 0)) {
            try equalErrorRate(targets: [0], nonTargets: [.infinity])
        }
    }
}
