import ApusMetrics
import Foundation
import Testing

struct ScoreCalibrationTests {
    /// Of targets 3 in 4 score 1, of non-targets 1 in 4: the ratios are 3 at 1, and 1/3 at -1.
    @Test(arguments: [0.01, 0.5, 0.9]) func twoScoresByHand(prior: Double) throws {
        let calibration = try ScoreCalibration(
            scores: [1, 1, 1, -1, 1, -1, -1, -1],
            isTarget: [true, true, true, true, false, false, false, false], targetPrior: prior)
        #expect(abs(calibration.weights[0] - log(3)) < 1e-6)
        #expect(abs(calibration.offset) < 1e-6)
        #expect(abs(calibration.logLikelihoodRatio(-1) + log(3)) < 1e-6)
        #expect(!calibration.isSeparable)
    }

    /// How many trials there are of each kind doesn't matter, only what they score.
    @Test func copiesOfTrialsChangeNothing() throws {
        let (targets, nonTargets): ([Float], [Float]) = ([0, 2, 3], [-1, 1, 0.5, -2])
        func fitted(copies: Int) throws -> ScoreCalibration {
            let repeated = (0..<copies).flatMap { _ in nonTargets }
            return try ScoreCalibration(
                scores: targets + repeated,
                isTarget: targets.map { _ in true } + repeated.map { _ in false })
        }
        let (once, often) = (try fitted(copies: 1), try fitted(copies: 9))
        #expect(abs(once.weights[0] - often.weights[0]) < 1e-6)
        #expect(abs(once.offset - often.offset) < 1e-6)
    }

    @Test func agreesWithScikitLearnAndPsrcal() throws {
        for reference in try DetectionReferences.load().calibrations {
            let calibration = try ScoreCalibration(
                systems: reference.systems, isTarget: reference.isTarget,
                targetPrior: reference.targetPrior)
            for (weight, expected) in zip(calibration.weights, reference.weights) {
                #expect(abs(weight - expected) < 1e-6 * abs(expected))
            }
            #expect(abs(calibration.offset - reference.offset) < 1e-6 * abs(reference.offset))
            if let psrcal = reference.psrcal {
                #expect(abs(calibration.weights[0] - psrcal[0]) < 1e-3 * abs(psrcal[0]))
                #expect(abs(calibration.offset - psrcal[1]) < 1e-3 * abs(psrcal[1]))
            }
        }
    }

    /// Scores that are log-likelihood ratios already, of N(±2, 2²), stay what they are.
    @Test func calibratedScoresStay() throws {
        var draws = TestDraws(state: 11)
        let targets = (0..<20_000).map { _ in 2 * draws.normal() + 2 }
        let nonTargets = (0..<20_000).map { _ in 2 * draws.normal() - 2 }
        let isTarget = targets.map { _ in true } + nonTargets.map { _ in false }
        let scores = targets + nonTargets
        let calibration = try ScoreCalibration(scores: scores, isTarget: isTarget)
        #expect(abs(calibration.weights[0] - 1) < 0.05)
        #expect(abs(calibration.offset) < 0.05)

        let distorted = scores.map { 0.1 * $0 + 7 }
        let repaired = try ScoreCalibration(scores: distorted, isTarget: isTarget)
        let before = try DetectionTrials(scores: distorted, isTarget: isTarget)
        let after = try DetectionTrials(
            scores: repaired.logLikelihoodRatios(systems: [distorted]), isTarget: isTarget)
        #expect(before.logLikelihoodRatioCost() > 1)
        let minimum = after.minimumLogLikelihoodRatioCost()
        #expect(after.logLikelihoodRatioCost() < minimum + 0.01)
        #expect(abs(minimum - before.minimumLogLikelihoodRatioCost()) < 1e-4)
    }

    /// At a prior of 1/2 what is minimised is Cllr: no other map of these scores has a lower one.
    @Test(arguments: 1...30) func noNearbyMapIsBetter(seed: UInt64) throws {
        var draws = TestDraws(state: seed)
        let isTarget = (0..<60).map { $0 % Int(seed % 5 + 2) == 0 }
        // Cubes have far outliers.
        let scores = isTarget.map { kind in
            let draw = draws.normal()
            return draw * draw * draw + (kind ? 1 : 0)
        }
        let calibration = try ScoreCalibration(scores: scores, isTarget: isTarget)
        func cost(scale: Double, shift: Double) throws -> Double {
            var map = calibration
            map.weights[0] *= scale
            map.offset += shift
            return try DetectionTrials(
                scores: map.logLikelihoodRatios(systems: [scores]), isTarget: isTarget
            ).logLikelihoodRatioCost()
        }
        let best = try cost(scale: 1, shift: 0)
        for (scale, shift) in [(1, 0.01), (1, -0.01), (1.02, 0), (0.98, 0), (0, 0)] {
            #expect(try cost(scale: scale, shift: shift) >= best - 1e-9)
        }
    }

    /// Two systems whose errors are independent are better together than either alone.
    @Test func fusionGains() throws {
        var draws = TestDraws(state: 23)
        let isTarget = (0..<4000).map { $0 % 4 == 0 }
        let systems = (0..<2).map { _ in
            isTarget.map { draws.normal() + ($0 ? 2 : 0) }
        }
        let fusion = try ScoreCalibration(systems: systems, isTarget: isTarget)
        func rate(_ scores: [Float]) throws -> Double {
            try DetectionTrials(scores: scores, isTarget: isTarget).equalErrorRate().rate
        }
        let fused = try rate(fusion.logLikelihoodRatios(systems: systems))
        for alone in systems { #expect(fused < 0.75 * (try rate(alone))) }
    }

    @Test func copiesOfASystemShareItsWeight() throws {
        let scores: [Float] = [0.5, 2, 3, -1, 1, -2, 0]
        let isTarget = [true, true, true, false, false, false, false]
        let alone = try ScoreCalibration(scores: scores, isTarget: isTarget)
        let twice = try ScoreCalibration(systems: [scores, scores], isTarget: isTarget)
        for weight in twice.weights { #expect(abs(weight - alone.weights[0] / 2) < 1e-4) }
        #expect(abs(twice.offset - alone.offset) < 1e-6)
        #expect(
            abs(twice.logLikelihoodRatio(2, 2) - alone.logLikelihoodRatio(2)) < 1e-6)
    }

    /// Without an error the ratios stay below about the logarithm of the number of trials.
    @Test(arguments: [1, 5, 50]) func separableTrialsAreBounded(count: Int) throws {
        let targets = (0..<count).map { Float(10 + $0 % 3) }
        let nonTargets = (0..<count).map { Float(-$0 % 3) }
        let isTarget = targets.map { _ in true } + nonTargets.map { _ in false }
        let calibration = try ScoreCalibration(
            scores: targets + nonTargets, isTarget: isTarget)
        #expect(calibration.isSeparable)
        #expect(calibration.weights[0] > 0)
        #expect(calibration.logLikelihoodRatio(10) > 0 && calibration.logLikelihoodRatio(0) < 0)
        if count == 1 {
            // Each counts 1/3 as the other kind: the odds are 2 and 1/2.
            #expect(abs(calibration.logLikelihoodRatio(10) - log(2)) < 1e-6)
            #expect(abs(calibration.logLikelihoodRatio(0) + log(2)) < 1e-6)
        }
        let ratios = targets.map { calibration.logLikelihoodRatio($0) }
        #expect(ratios.reduce(0, +) / Double(count) < log(Double(count + 1)) + 0.1)
    }

    @Test func trialsThatTouchAreSeparableToo() throws {
        let calibration = try ScoreCalibration(
            scores: [1, 2, 3, 1, 0, -1], isTarget: [true, true, true, false, false, false])
        #expect(calibration.isSeparable)
        #expect(calibration.weights[0].isFinite && calibration.offset.isFinite)
    }

    @Test func scoresTheWrongWayRoundGetANegativeWeight() throws {
        let calibration = try ScoreCalibration(
            scores: [1, 2, 3, 7, 8, 9], isTarget: [true, true, true, false, false, false])
        #expect(calibration.isSeparable && calibration.weights[0] < 0)
    }

    @Test func probabilitiesByBayesRule() {
        func probability(_ ratio: Double, _ prior: Double) -> Double {
            ScoreCalibration.targetProbability(logLikelihoodRatio: ratio, prior: prior)
        }
        #expect(probability(0, 0.3) == 0.3)
        #expect(abs(probability(log(9), 0.5) - 0.9) < 1e-15)
        #expect(abs(probability(log(9), 0.1) - 0.5) < 1e-15)
        #expect(probability(-2000, 0.5) == 0 && probability(2000, 0.5) == 1)
    }

    @Test func survivesItsFile() throws {
        let calibration = try ScoreCalibration(
            scores: [1, 0, 2, -1], isTarget: [true, true, false, false])
        let data = try JSONEncoder().encode(calibration)
        #expect(try JSONDecoder().decode(ScoreCalibration.self, from: data) == calibration)
    }

    @Test func unusableTrials() throws {
        #expect(throws: MetricsError.tooFew(what: "systems", needed: 1, found: 0)) {
            try ScoreCalibration(systems: [], isTarget: [true, false])
        }
        #expect(throws: MetricsError.tooFew(what: "non-target scores", needed: 1, found: 0)) {
            try ScoreCalibration(scores: [1, 2], isTarget: [true, true])
        }
        #expect(throws: MetricsError.notFinite(what: "scores", index: 0)) {
            try ScoreCalibration(scores: [.nan, 2], isTarget: [true, false])
        }
        #expect(throws: MetricsError.constant(what: "scores of system 1")) {
            try ScoreCalibration(systems: [[1, 2], [3, 3]], isTarget: [true, false])
        }
        #expect(
            throws: MetricsError.countMismatch(what: "kinds of trials", expected: 3, found: 2)
        ) {
            try ScoreCalibration(systems: [[1, 2], [3, 3, 1]], isTarget: [true, false])
        }
        let fitted = try ScoreCalibration(systems: [[1, 0], [3, 2]], isTarget: [true, false])
        #expect(throws: MetricsError.countMismatch(what: "systems", expected: 2, found: 1)) {
            try fitted.logLikelihoodRatios(systems: [[1]])
        }
        #expect(
            throws: MetricsError.countMismatch(what: "scores of system 1", expected: 1, found: 2)
        ) {
            try fitted.logLikelihoodRatios(systems: [[1], [1, 2]])
        }
    }
}
