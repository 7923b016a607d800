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
        #expect(separable.equalErrorRate { _ in 1 } == 0)
        let reversed = try DetectionTrials(
            scores: [3, 2, 1, 0], isTarget: [false, false, true, true])
        #expect(reversed.equalErrorRate { _ in 1 } == 1)
        let tied = try DetectionTrials(scores: [1, 1, 1], isTarget: [true, false, false])
        #expect(tied.equalErrorRate { _ in 1 } == 0.5)
    }

    @Test(arguments: 1...20) func equalWeightsGiveTheUnweightedRate(seed: UInt64) throws {
        let targets = scores(5 + Int(seed), seed: seed, shift: 3)
        let nonTargets = scores(40, seed: seed + 100, shift: 0)
        let trials = try DetectionTrials(
            scores: targets + nonTargets,
            isTarget: targets.map { _ in true } + nonTargets.map { _ in false })
        let expected = try equalErrorRate(targets: targets, nonTargets: nonTargets).rate
        #expect(abs(trials.equalErrorRate { _ in 1 } - expected) < 1e-12)
        #expect(abs(trials.equalErrorRate { _ in 0.3 } - expected) < 1e-12)
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
        #expect(abs(trials.equalErrorRate { Double(copies($0)) } - expected) < 1e-12)
    }

    @Test func withoutWeightThereIsNoRate() throws {
        let trials = try DetectionTrials(scores: [0, 1], isTarget: [false, true])
        #expect(trials.equalErrorRate { $0 == 0 ? 1 : 0 }.isNaN)
        #expect(trials.equalErrorRate { $0 == 1 ? 1 : 0 }.isNaN)
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
