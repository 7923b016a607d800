import ApusMetrics
import Foundation
import Testing

struct DetectionCostTests {
    let even = DetectionCost(targetPrior: 0.5)

    @Test func separableTrialsCostNothing() throws {
        let separable = try trials(targets: [3, 5], nonTargets: [-2, 1])
        #expect(separable.minimumDetectionCost(even).cost == 0)
        #expect(separable.minimumDetectionCost(even).threshold == 2)
        // The Bayes threshold is 0, so the non-target at 1 is a false alarm.
        #expect(separable.actualDetectionCost(even) == 0.5)
        #expect(separable.convexHullEqualErrorRate() == 0)
    }

    /// Scores that tell nothing: accepting or refusing everything is best, and costs 1.
    @Test(arguments: [0.01, 0.5, 0.9]) func scoresThatTellNothingCostOne(prior: Double) throws {
        let cost = DetectionCost(targetPrior: prior)
        for equal in [
            try trials(targets: [1, 2, 3], nonTargets: [1, 2, 3]),
            try trials(targets: [7], nonTargets: [7]),
            try trials(targets: [0, 1], nonTargets: [2, 3]),
        ] {
            #expect(abs(equal.minimumDetectionCost(cost).cost - 1) < 1e-15)
            #expect(abs(equal.convexHullEqualErrorRate() - 0.5) < 1e-15)
        }
    }

    /// Between 1 and 2 one of four targets is missed and one of five non-targets accepted; at the
    /// Bayes threshold, which is below 1, two are.
    @Test func costsByHand() throws {
        let known = try trials(targets: [0, 2, 3, 5], nonTargets: [-3, -2, -1, 1, 4])
        let cost = DetectionCost(targetPrior: 0.1, missCost: 10, falseAlarmCost: 2)
        // 10 x 0.1 = 1 against 2 x 0.9 = 1.8.
        #expect(abs(cost.bayesThreshold - log(1.8)) < 1e-15)
        let point = known.operatingPoint(threshold: cost.bayesThreshold)
        #expect(point.missRate == 0.25 && point.falseAlarmRate == 0.4)
        #expect(abs(known.actualDetectionCost(cost) - (0.25 + 1.8 * 0.4)) < 1e-15)
        // Elsewhere: above 4 0.75, between -1 and 0 1.8 x 0.4.
        let (minimum, threshold) = known.minimumDetectionCost(cost)
        #expect(abs(minimum - 0.61) < 1e-15)
        #expect(threshold == 1.5)
    }

    @Test func aScoreAtTheThresholdIsAccepted() throws {
        let atThreshold = try trials(targets: [0], nonTargets: [0, -1])
        let point = atThreshold.operatingPoint(threshold: 0)
        #expect(point.missRate == 0 && point.falseAlarmRate == 0.5)
        #expect(atThreshold.actualDetectionCost(even) == 0.5)
    }

    @Test func operatingPointsAtAFalseAlarmRate() throws {
        let known = try trials(targets: [0, 2, 3, 5], nonTargets: [-3, -2, -1, 1, 4])
        func point(_ rate: Double) -> DetectionOperatingPoint {
            known.operatingPoint(falseAlarmRate: rate)
        }
        #expect(point(1).threshold == -3 && point(1).falseAlarmRate == 1)
        #expect(point(0.2).threshold == 1.5 && point(0.2).missRate == 0.25)
        #expect(point(0.39) == point(0.2))
        #expect(point(0.4).threshold == -0.5 && point(0.4).missRate == 0)
        #expect(point(0).threshold == 4.5 && point(0).missRate == 0.75)
        let refused = try trials(targets: [1], nonTargets: [2]).operatingPoint(falseAlarmRate: 0.5)
        #expect(refused.threshold > 2 && refused.missRate == 1 && refused.falseAlarmRate == 0)
    }

    @Test func agreesWithLlreval() throws {
        let references = try DetectionReferences.load()
        for reference in references.measured {
            let trials = try reference.trials
            for (index, cost) in references.detectionCosts.enumerated() {
                let (minimum, threshold) = trials.minimumDetectionCost(cost)
                #expect(abs(minimum - reference.minimumCosts[index]) < 1e-12)
                let reached = cost.normalized(trials.operatingPoint(threshold: threshold))
                #expect(abs(reached - minimum) < 1e-12)
                #expect(
                    abs(trials.actualDetectionCost(cost) - reference.actualCosts[index]) < 1e-8)
            }
            let rate = trials.convexHullEqualErrorRate()
            #expect(abs(rate - reference.convexHullEqualErrorRate) < 1e-12)
            #expect(rate <= trials.equalErrorRate().rate + 1e-12)
        }
    }

    @Test func aBadApplicationTraps() async {
        await #expect(processExitsWith: .failure) {
            let pair = try DetectionTrials(scores: [0, 1], isTarget: [false, true])
            _ = pair.minimumDetectionCost(DetectionCost(targetPrior: 1))
        }
    }

    @Test func badApplicationsAreNamed() {
        #expect(even.problem() == nil)
        for prior in [0, 1, -0.1, .nan] {
            #expect(DetectionCost(targetPrior: prior).problem()?.hasPrefix("targetPrior") == true)
        }
        for cost in [0, -1, .infinity, .nan] {
            let miss = DetectionCost(targetPrior: 0.5, missCost: cost)
            #expect(miss.problem()?.hasPrefix("missCost") == true)
            let falseAlarm = DetectionCost(targetPrior: 0.5, falseAlarmCost: cost)
            #expect(falseAlarm.problem()?.hasPrefix("falseAlarmCost") == true)
        }
    }
}
