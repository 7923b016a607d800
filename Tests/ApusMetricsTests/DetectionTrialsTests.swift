import ApusMetrics
import Testing

/// Scores with many ties.
private func scores(_ count: Int, seed: UInt64, shift: Int) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int(state >> 60) + shift) / 4
    }
}

struct DetectionTrialsTests {
    @Test func ratesOfKnownScores() throws {
        let separable = try DetectionTrials(
            scores: [0, 1, 2, 3], isTarget: [false, false, true, true])
        #expect(separable.equalErrorRate().rate == 0)
        let reversed = try DetectionTrials(
            scores: [3, 2, 1, 0], isTarget: [false, false, true, true])
        #expect(reversed.equalErrorRate().rate == 1)
        let tied = try DetectionTrials(scores: [1, 1, 1], isTarget: [true, false, false])
        #expect(tied.equalErrorRate().rate == 0.5)
    }

    @Test(arguments: 1...20) func equalWeightsGiveTheUnweightedRate(seed: UInt64) throws {
        let targets = scores(5 + Int(seed), seed: seed, shift: 3)
        let nonTargets = scores(40, seed: seed + 100, shift: 0)
        let trials = try DetectionTrials(
            scores: targets + nonTargets,
            isTarget: targets.map { _ in true } + nonTargets.map { _ in false })
        let expected = try equalErrorRate(targets: targets, nonTargets: nonTargets).rate
        #expect(abs(trials.equalErrorRate().rate - expected) < 1e-12)
        #expect(abs(trials.weighted { _ in 0.3 }.equalErrorRate().rate - expected) < 1e-12)
    }

    @Test(arguments: 1...20) func aWeightIsANumberOfCopies(seed: UInt64) throws {
        let targets = scores(12, seed: seed, shift: 3)
        let nonTargets = scores(17, seed: seed + 100, shift: 0)
        let all = targets + nonTargets
        let kinds = targets.map { _ in true } + nonTargets.map { _ in false }
        func copies(_ trial: Int) -> Int { trial % 3 }
        let repeated = all.indices.flatMap { trial in
            [Int](repeating: trial, count: copies(trial))
        }
        let expected = try equalErrorRate(
            targets: repeated.filter { kinds[$0] }.map { all[$0] },
            nonTargets: repeated.filter { !kinds[$0] }.map { all[$0] }
        ).rate
        let trials = try DetectionTrials(scores: all, isTarget: kinds)
        #expect(
            abs(trials.weighted { Double(copies($0)) }.equalErrorRate().rate - expected) < 1e-12)
    }

    /// Every measurement takes weights for numbers of copies.
    @Test(arguments: 1...5) func aWeightIsANumberOfCopiesForEveryMeasurement(seed: UInt64) throws {
        let all = scores(12, seed: seed, shift: 3) + scores(17, seed: seed + 100, shift: 0)
        let kinds = all.indices.map { $0 < 12 }
        let repeated = all.indices.flatMap { [Int](repeating: $0, count: $0 % 3) }
        let weighted = try DetectionTrials(scores: all, isTarget: kinds).weighted {
            Double($0 % 3)
        }
        let copied = try DetectionTrials(
            scores: repeated.map { all[$0] }, isTarget: repeated.map { kinds[$0] })
        let cost = DetectionCost(targetPrior: 0.1)
        #expect(weighted.equalErrorRate() == copied.equalErrorRate())
        #expect(weighted.convexHullEqualErrorRate() == copied.convexHullEqualErrorRate())
        #expect(weighted.minimumDetectionCost(cost) == copied.minimumDetectionCost(cost))
        #expect(weighted.actualDetectionCost(cost) == copied.actualDetectionCost(cost))
        #expect(weighted.pooledScores() == copied.pooledScores())
        #expect(weighted.errorTradeoff() == copied.errorTradeoff())
        #expect(weighted.areaUnderCurve() == copied.areaUnderCurve())
        let costs = (weighted.logLikelihoodRatioCost(), copied.logLikelihoodRatioCost())
        #expect(abs(costs.0 - costs.1) < 1e-12)
        #expect(
            weighted.operatingPoint(falseAlarmRate: 0.1)
                == copied.operatingPoint(falseAlarmRate: 0.1))
        // Other weights replace these.
        #expect(weighted.weighted { _ in 1 }.targetTotal == 12)
    }

    /// Scores of all magnitudes and signs, as sorted by the standard library.
    @Test func sortedByScore() throws {
        var draws = TestDraws(state: 9)
        var values = (0..<3000).map { _ in
            Float(
                sign: draws.next() < 0.5 ? .minus : .plus, exponent: Int(250 * draws.next()) - 125,
                significand: Float(1 + draws.next()))
        }
        values += [0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude]
        values += [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0]
        let trials = try DetectionTrials(
            scores: values, isTarget: values.indices.map { $0 % 2 == 0 })
        // A threshold above each distinct score, and the lowest.
        let thresholds = trials.errorTradeoff(resolution: 0).map(\.threshold)
        let distinct = Set(values.map { Double($0) }).sorted()
        #expect(thresholds[0] == distinct[0])
        for (index, threshold) in thresholds.dropFirst().dropLast().enumerated() {
            #expect(threshold == (distinct[index] + distinct[index + 1]) / 2)
        }
        #expect(thresholds.count == distinct.count + 1)
        #expect(trials.count == values.count)
    }

    @Test func withoutWeightThereIsNoRate() throws {
        let trials = try DetectionTrials(scores: [0, 1], isTarget: [false, true])
        #expect(trials.weighted { $0 == 0 ? 1 : 0 }.equalErrorRate().rate.isNaN)
        #expect(trials.weighted { $0 == 1 ? 1 : 0 }.equalErrorRate().rate.isNaN)
        let none = trials.weighted { $0 == 0 ? 1 : 0 }
        let cost = DetectionCost(targetPrior: 0.5)
        #expect(none.convexHullEqualErrorRate().isNaN)
        #expect(none.minimumDetectionCost(cost).cost.isNaN)
        #expect(none.actualDetectionCost(cost).isNaN)
        #expect(none.logLikelihoodRatioCost().isNaN)
        #expect(none.minimumLogLikelihoodRatioCost().isNaN)
        #expect(none.areaUnderCurve().isNaN)
        #expect(none.operatingPoint(falseAlarmRate: 0.1).missRate.isNaN)
        #expect(none.errorTradeoff().isEmpty && none.pooledScores().isEmpty)
    }

    @Test func unusableTrials() {
        #expect(throws: MetricsError.tooFew(what: "target scores", needed: 1, found: 0)) {
            try DetectionTrials(scores: [1, 2], isTarget: [false, false])
        }
        #expect(throws: MetricsError.tooFew(what: "non-target scores", needed: 1, found: 0)) {
            try DetectionTrials(scores: [1], isTarget: [true])
        }
        #expect(throws: MetricsError.notFinite(what: "scores", index: 1)) {
            try DetectionTrials(scores: [1, .nan], isTarget: [false, true])
        }
        #expect(
            throws: MetricsError.countMismatch(what: "kinds of trials", expected: 2, found: 1)
        ) {
            try DetectionTrials(scores: [1, 2], isTarget: [false])
        }
    }
}
