import ApusMetrics
import Testing

struct SpeakerBootstrapTests {
    /// All pairs of recordings of speakers with one place each.
    private func pairs(
        speakers: Int, recordings: Int, seed: UInt64
    ) throws -> (trials: DetectionTrials, first: [Int32], second: [Int32]) {
        var draws = TestDraws(state: seed)
        let places = (0..<(speakers * recordings)).map { index in
            Float(2 * (index / recordings)) + draws.normal()
        }
        var (scores, isTarget): ([Float], [Bool]) = ([], [])
        var (first, second): ([Int32], [Int32]) = ([], [])
        for one in places.indices {
            for other in 0..<one {
                let (a, b) = (one / recordings, other / recordings)
                scores.append(4 - abs(places[one] - places[other]))
                isTarget.append(a == b)
                first.append(Int32(a))
                second.append(Int32(b))
            }
        }
        return (try DetectionTrials(scores: scores, isTarget: isTarget), first, second)
    }

    @Test func intervalsOfAnyMeasurement() throws {
        let (trials, first, second) = try pairs(speakers: 12, recordings: 4, seed: 2)
        let cost = DetectionCost(targetPrior: 0.05)
        let measurements: [(DetectionTrials) -> Double] = [
            { $0.equalErrorRate().rate }, { $0.convexHullEqualErrorRate() },
            { $0.minimumDetectionCost(cost).cost }, { $0.actualDetectionCost(cost) },
            { $0.logLikelihoodRatioCost() }, { $0.minimumLogLikelihoodRatioCost() },
            { $0.areaUnderCurve() },
        ]
        for measurement in measurements {
            let interval = try trials.bootstrapInterval(
                enrolmentSpeakers: first, testSpeakers: second, speakerCount: 12, resamples: 200,
                seed: 7, statistic: measurement)
            #expect(interval.estimate == measurement(trials))
            #expect(interval.low <= interval.estimate && interval.estimate <= interval.high)
            #expect(interval.low < interval.high)
        }
    }

    /// The draws are those of `bootstrapInterval(count:)`, a trial's weight the product of its two
    /// speakers' draws.
    @Test func weightsAreProductsOfDraws() throws {
        let (trials, first, second) = try pairs(speakers: 6, recordings: 3, seed: 5)
        let interval = try trials.bootstrapInterval(
            enrolmentSpeakers: first, testSpeakers: second, speakerCount: 6, resamples: 50, seed: 3
        ) { $0.minimumLogLikelihoodRatioCost() }
        let expected = try bootstrapInterval(count: 6, resamples: 50, seed: 3) { draws in
            trials.weighted { trial in
                let ofFirst = draws.count { $0 == Int(first[trial]) }
                let ofSecond = draws.count { $0 == Int(second[trial]) }
                return Double(first[trial] == second[trial] ? ofFirst : ofFirst * ofSecond)
            }.minimumLogLikelihoodRatioCost()
        }
        #expect(interval == expected)
    }

    /// The draws are the reference's, so that all agrees to rounding.
    @Test func twoSystemsArePairedAsByScikitLearn() throws {
        let reference = try ComparisonReferences.load().paired
        let scorings = try reference.scores.map {
            try DetectionTrials(scores: $0, isTarget: reference.isTarget)
        }
        let cost = DetectionCost(targetPrior: reference.prior)
        func replicates(_ scorings: [DetectionTrials]) throws -> [[BootstrapReplicates]] {
            try speakerBootstrap(
                scorings, enrolmentSpeakers: reference.enrolmentSpeakers,
                testSpeakers: reference.testSpeakers, speakerCount: reference.speakerCount,
                resamples: reference.resamples, seed: reference.seed
            ) { _, drawn in
                [drawn.equalErrorRate().rate, drawn.minimumDetectionCost(cost).cost]
            }
        }
        let together = try replicates(scorings)
        for measurement in 0..<2 {
            let found = try PairedBootstrap(
                first: together[0][measurement], second: together[1][measurement])
            #expect(abs(found.difference.estimate - reference.difference[measurement]) < 1e-9)
            #expect(abs(found.difference.low - reference.low[measurement]) < 1e-9)
            #expect(abs(found.difference.high - reference.high[measurement]) < 1e-9)
            #expect(abs(found.probability - reference.probability[measurement]) < 1e-9)
        }
        // One after the other they have the same draws.
        #expect(try scorings.map { try replicates([$0])[0] } == together)
        let same = try PairedBootstrap(first: together[0][0], second: together[0][0])
        #expect(same.difference.low == 0 && same.difference.high == 0 && same.probability == 1)
        var fewer = together[1][0]
        fewer.values.removeLast()
        #expect(
            throws: MetricsError.countMismatch(
                what: "draws of the second system", expected: 200, found: 199)
        ) { try PairedBootstrap(first: together[0][0], second: fewer) }
    }

    @Test func unusableSpeakers() throws {
        let two = try DetectionTrials(scores: [0, 1], isTarget: [false, true])
        func interval(_ first: [Int32], _ second: [Int32], _ count: Int = 2) throws {
            _ = try two.bootstrapInterval(
                enrolmentSpeakers: first, testSpeakers: second, speakerCount: count, seed: 1
            ) { $0.areaUnderCurve() }
        }
        #expect(
            throws: MetricsError.countMismatch(what: "test speakers", expected: 2, found: 1)
        ) { try interval([0, 0], [1]) }
        #expect(
            throws: MetricsError.classOutOfRange(
                what: "enrolment speakers", index: 1, found: 2, classCount: 2)
        ) { try interval([0, 2], [0, 1]) }
        // Of draws of three speakers four in nine hold both that a non-target needs.
        #expect {
            try interval([0, 0], [1, 0], 3)
        } throws: { error in
            guard case MetricsError.tooFew("resamples with a value", 2000, _) = error else {
                return false
            }
            return true
        }
    }
}
