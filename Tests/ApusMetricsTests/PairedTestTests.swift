import ApusMetrics
import Testing

struct PairedTestTests {
    private func answers(_ reference: EventReferences.Contingency) -> (
        first: [Bool], second: [Bool]
    ) {
        let counts = [
            (true, true, reference.both), (true, false, reference.first),
            (false, true, reference.second), (false, false, reference.neither),
        ]
        let trials = counts.flatMap { first, second, count in
            (0..<count).map { _ in (first, second) }
        }
        return (trials.map(\.0), trials.map(\.1))
    }

    @Test func mcNemarAgreesWithStatsmodels() throws {
        for reference in try EventReferences.load().contingencies {
            let answers = answers(reference)
            let test = try mcNemarTest(first: answers.first, second: answers.second)
            #expect(test.onlyFirst == reference.first)
            #expect(test.onlySecond == reference.second)
            #expect(abs(test.exactProbability - reference.exact) < 1e-10)
            #expect(abs(test.correctedStatistic - reference.statistic) < 1e-12)
            #expect(abs(test.correctedProbability - reference.corrected) < 1e-12)
        }
    }

    @Test func systemsThatNeverDifferAreNotToldApart() throws {
        let test = try mcNemarTest(first: [true, false], second: [true, false])
        #expect(test.exactProbability == 1)
        #expect(test.correctedProbability == 1)
        // A mean by its own function is that by any function.
        let values = (0..<20).map { Double(($0 * 7) % 5) }
        let asMeans = try pairedBootstrap(
            first: values, second: [Double](repeating: 2, count: 20), seed: 4)
        let asFunction = try pairedBootstrap(count: 20, seed: 4) { drawn in
            drawn.reduce(0) { $0 + values[$1] - 2 } / 20
        }
        #expect(asMeans == asFunction)
        let paired = try pairedBootstrap(first: [1, 0, 1], second: [1, 0, 1], seed: 1)
        #expect(paired.difference.estimate == 0)
        #expect(paired.probability == 1)
    }

    @Test func bootstrapAgreesWithScipy() throws {
        let reference = try EventReferences.load().paired
        let found = try pairedBootstrap(
            first: reference.first, second: reference.second, resamples: 50_000, seed: 1)
        #expect(abs(found.difference.low - reference.low) < 0.009)
        #expect(abs(found.difference.high - reference.high) < 0.009)
        #expect(found.probability < 0.05)
        let again = try pairedBootstrap(
            first: reference.first, second: reference.second, resamples: 50_000, seed: 1)
        #expect(again == found)
    }

    /// Each trial eight times over is no more evidence than once, where copies go together.
    @Test func groupsAreDrawnWhole() throws {
        let reference = try EventReferences.load().paired
        let groups = reference.first.indices.flatMap { index in (0..<8).map { _ in "\(index)" } }
        func copies(_ values: [Double]) -> [Double] {
            values.flatMap { value in (0..<8).map { _ in value } }
        }
        let single = try pairedBootstrap(
            first: reference.first, second: reference.second, seed: 3)
        let grouped = try pairedBootstrap(
            first: copies(reference.first), second: copies(reference.second), groups: groups,
            seed: 3)
        #expect(abs(grouped.difference.low - single.difference.low) < 1e-12)
        #expect(abs(grouped.difference.high - single.difference.high) < 1e-12)
        let apart = try pairedBootstrap(
            first: copies(reference.first), second: copies(reference.second), seed: 3)
        #expect(
            apart.difference.high - apart.difference.low
                < 0.6 * (single.difference.high - single.difference.low))
    }

    @Test func wrongDataIsNamed() {
        #expect(throws: MetricsError.tooFew(what: "groups of trials", needed: 2, found: 1)) {
            try pairedBootstrap(first: [1, 0], second: [0, 0], groups: ["a", "a"], seed: 1)
        }
        #expect(throws: MetricsError.countMismatch(what: "groups", expected: 2, found: 1)) {
            try pairedBootstrap(first: [1, 0], second: [0, 0], groups: ["a"], seed: 1)
        }
        #expect(
            throws: MetricsError.countMismatch(
                what: "trials of the second system", expected: 1, found: 0)
        ) { try mcNemarTest(first: [true], second: []) }
    }
}
