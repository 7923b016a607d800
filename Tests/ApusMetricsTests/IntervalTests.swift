import ApusMetrics
import Testing

struct IntervalTests {
    @Test func studentTInClosedForm() {
        // One degree of freedom is the Cauchy distribution, two have an algebraic quantile.
        #expect(abs(studentTQuantile(probability: 0.75, degreesOfFreedom: 1) - 1) < 1e-13)
        let two = studentTQuantile(probability: 0.9, degreesOfFreedom: 2)
        #expect(abs(two - 0.8 * (2 / (4 * 0.9 * 0.1)).squareRoot()) < 1e-13)
        #expect(studentTQuantile(probability: 0.5, degreesOfFreedom: 7) == 0)
        #expect(
            studentTQuantile(probability: 0.2, degreesOfFreedom: 7)
                == -studentTQuantile(probability: 0.8, degreesOfFreedom: 7))
    }

    @Test func studentTAgreesWithScipy() throws {
        for reference in try MetricsReferences.load().studentT {
            let value = studentTQuantile(
                probability: reference.probability, degreesOfFreedom: reference.degreesOfFreedom)
            #expect(abs(value - reference.value) < 1e-9 * max(1, abs(reference.value)))
        }
    }

    @Test func meanIntervalAgreesWithScipy() throws {
        let reference = try MetricsReferences.load().meanInterval
        let interval = try meanInterval(of: reference.values)
        #expect(abs(interval.low - reference.low) < 1e-12)
        #expect(abs(interval.high - reference.high) < 1e-12)
        #expect(interval.confidence == 0.95)
    }

    @Test func equalValuesHaveNoWidth() throws {
        let interval = try meanInterval(of: [2, 2, 2])
        #expect(interval.estimate == 2 && interval.low == 2 && interval.high == 2)
        let resampled = try bootstrapInterval(ofMeanOver: [[3, 3], [3, 3]], seed: 1)
        #expect(resampled.estimate == 3 && resampled.low == 3 && resampled.high == 3)
    }

    /// A draw without a value is no resample; where half have none, there is no interval.
    @Test func drawsWithoutAValueAreDrawnAgain() throws {
        var (draws, values) = (0, 0)
        let interval = try bootstrapInterval(count: 3, resamples: 400, seed: 5) { indices in
            draws += 1
            // The share of the third trial where another one is there too: a third of 26 in 27.
            guard Set(indices) != [2] else { return nil }
            values += 1
            return Double(indices.count { $0 == 2 }) / 3
        }
        #expect(values == 401 && draws > values && draws < 440)
        #expect(interval.high < 1)
        #expect(
            throws: MetricsError.tooFew(what: "resamples with a value", needed: 50, found: 0)
        ) {
            var isFirst = true
            return try bootstrapInterval(count: 3, resamples: 50, seed: 5) { _ in
                defer { isFirst = false }
                return isFirst ? 1 : nil
            }
        }
    }

    /// The resampled mean of a Bernoulli sample is binomial, so its quantiles are known.
    @Test func bootstrapOfABernoulliMean() throws {
        let reference = try MetricsReferences.load().bernoulliBootstrap
        let values = (0..<reference.trials).map { $0 < reference.successes ? 1.0 : 0.0 }
        let interval = try bootstrapInterval(
            count: values.count, resamples: 20_000, seed: 3
        ) { indices in
            indices.reduce(0) { $0 + values[$1] } / Double(indices.count)
        }
        #expect(interval.estimate == Double(reference.successes) / Double(reference.trials))
        #expect(abs(interval.low - reference.low) <= 0.0101)
        #expect(abs(interval.high - reference.high) <= 0.0101)
    }

    /// Of the intervals from 400 samples of 50 fair coins, about 95 % hold 0.5.
    ///
    /// The count is binomial with a standard deviation of 4.4, and the percentile interval covers a
    /// little less than its name says.
    @Test func bootstrapCoverage() throws {
        var state: UInt64 = 17
        var covered = 0
        for sample in 0..<400 {
            let flips = (0..<50).map { _ -> [Double] in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return [Double(state >> 63)]
            }
            let interval = try bootstrapInterval(
                ofMeanOver: flips, resamples: 400, seed: UInt64(sample))
            if interval.low <= 0.5 && 0.5 <= interval.high { covered += 1 }
        }
        #expect(covered > 350 && covered < 396)
    }

    /// Copies of one trial under other seeds add nothing: the interval stays that of the trials.
    @Test func copiesOfATrialDoNotNarrowTheInterval() throws {
        let trials = (0..<40).map { [Double($0 % 3)] }
        let copied = trials.map { [$0[0], $0[0], $0[0], $0[0]] }
        let plain = try bootstrapInterval(ofMeanOver: trials, seed: 5)
        let clustered = try bootstrapInterval(ofMeanOver: copied, seed: 5)
        #expect(abs(plain.low - clustered.low) < 1e-12)
        #expect(abs(plain.high - clustered.high) < 1e-12)
        #expect(plain.low < plain.estimate && plain.estimate < plain.high)
    }

    @Test func theSeedDecidesTheInterval() throws {
        let values = (0..<30).map { [Double($0 * $0 % 17)] }
        let first = try bootstrapInterval(ofMeanOver: values, seed: 8)
        #expect(try bootstrapInterval(ofMeanOver: values, seed: 8) == first)
        #expect(try bootstrapInterval(ofMeanOver: values, seed: 9) != first)
    }

    @Test func wrongDataIsNamed() {
        #expect(throws: MetricsError.tooFew(what: "values", needed: 2, found: 1)) {
            try meanInterval(of: [1])
        }
        #expect(throws: MetricsError.notFinite(what: "values", index: 0)) {
            try meanInterval(of: [.nan, 1])
        }
        #expect(throws: MetricsError.tooFew(what: "trials", needed: 1, found: 0)) {
            try bootstrapInterval(ofMeanOver: [], seed: 0)
        }
        #expect(throws: MetricsError.tooFew(what: "values of trial 1", needed: 1, found: 0)) {
            try bootstrapInterval(ofMeanOver: [[1], []], seed: 0)
        }
        #expect(throws: MetricsError.notFinite(what: "statistic over all trials", index: 0)) {
            try bootstrapInterval(count: 2, seed: 0) { _ in .nan }
        }
    }
}
