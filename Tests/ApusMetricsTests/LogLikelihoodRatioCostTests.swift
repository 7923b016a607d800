import ApusMetrics
import Foundation
import Testing

struct LogLikelihoodRatioCostTests {
    @Test func knowingNothingCostsOneBit() throws {
        let nothing = try trials(targets: [0, 0, 0], nonTargets: [0])
        #expect(abs(nothing.logLikelihoodRatioCost() - 1) < 1e-15)
        #expect(abs(nothing.minimumLogLikelihoodRatioCost() - 1) < 1e-15)
    }

    @Test func oneTrialEachByHand() throws {
        let pair = try trials(targets: [1], nonTargets: [-2])
        let expected = (log2(1 + exp(-1.0)) + log2(1 + exp(-2.0))) / 2
        #expect(abs(pair.logLikelihoodRatioCost() - expected) < 1e-15)
        #expect(pair.minimumLogLikelihoodRatioCost() == 0)
        // Confidently wrong costs as many bits as the ratios say; exp(3000) has no finite value.
        let wrong = try trials(targets: [-3000], nonTargets: [3000])
        #expect(abs(wrong.logLikelihoodRatioCost() - 3000 / log(2)) < 1e-9)
        #expect(abs(wrong.minimumLogLikelihoodRatioCost() - 1) < 1e-15)
    }

    @Test func poolsByHand() throws {
        // Kinds by score: 0, 1, 0, 0, (1 and 0 tied), 1.
        let mixed = try trials(targets: [2, 5, 6], nonTargets: [1, 3, 4, 5])
        let pools = mixed.pooledScores()
        #expect(pools.map(\.lowest) == [1, 2, 5, 6])
        #expect(pools.map(\.highest) == [1, 4, 5, 6])
        #expect(pools.map(\.targets) == [0, 1, 1, 1])
        #expect(pools.map(\.nonTargets) == [1, 2, 1, 0])
        #expect(mixed.logLikelihoodRatio(of: pools[0]) == -.infinity)
        #expect(abs(mixed.logLikelihoodRatio(of: pools[1]) - log((1.0 / 3) / (2.0 / 4))) < 1e-15)
        #expect(mixed.logLikelihoodRatio(of: pools[3]) == .infinity)
    }

    @Test func agreesWithLlrevalAndLir() throws {
        for reference in try DetectionReferences.load().measured {
            let trials = try reference.trials
            let (cost, minimum) = (
                trials.logLikelihoodRatioCost(), trials.minimumLogLikelihoodRatioCost()
            )
            #expect(abs(cost - reference.cllr) < 1e-12)
            #expect(abs(cost - reference.lirCllr) < 1e-12)
            #expect(abs(minimum - reference.minimumCllr) < 1e-12)
            #expect(abs(minimum - reference.lirMinimumCllr) < 1e-12)
        }
    }

    @Test func poolsAgreeWithScikitLearnsIsotonicRegression() throws {
        for reference in try DetectionReferences.load().measured {
            let pools = try reference.trials.pooledScores()
            for (score, fraction) in zip(reference.scores, reference.targetFractions) {
                let pool = pools.first { $0.lowest <= Double(score) && Double(score) <= $0.highest }
                #expect(abs((pool?.targetFraction ?? -1) - fraction) < 1e-12)
            }
        }
    }
}
