import ApusMetrics
import Testing

struct ErrorTradeoffTests {
    @Test func areasByHand() throws {
        #expect(try trials(targets: [2, 3], nonTargets: [0, 1]).areaUnderCurve() == 1)
        #expect(try trials(targets: [0, 1], nonTargets: [2, 3]).areaUnderCurve() == 0)
        #expect(try trials(targets: [1, 1], nonTargets: [1]).areaUnderCurve() == 0.5)
        // Of six pairs three are won and one is tied.
        #expect(
            abs(try trials(targets: [1, 3], nonTargets: [0, 1, 4]).areaUnderCurve() - 3.5 / 6)
                < 1e-15)
    }

    @Test func agreesWithScikitLearn() throws {
        for reference in try DetectionReferences.load().measured {
            let trials = try reference.trials
            #expect(abs(trials.areaUnderCurve() - reference.areaUnderCurve) < 1e-12)
            // scikit-learn goes from where nothing is accepted to where everything is.
            let points = trials.errorTradeoff(resolution: 0)
            #expect(points.count == reference.hitRates.count)
            for (index, point) in points.reversed().enumerated() {
                #expect(abs(1 - point.missRate - reference.hitRates[index]) < 1e-12)
                #expect(abs(point.falseAlarmRate - reference.falseAlarmRates[index]) < 1e-12)
            }
        }
    }

    @Test func thresholdsReachTheirPoints() throws {
        for reference in try DetectionReferences.load().measured {
            let trials = try reference.trials
            for point in trials.errorTradeoff(resolution: 0.1) {
                let reached = trials.operatingPoint(threshold: point.threshold)
                #expect(reached == point)
            }
        }
    }

    /// No point that was left out is further than the resolution from one that was kept.
    @Test(arguments: [0.02, 0.1, 0.5]) func thinnedPointsStandForAll(resolution: Double) throws {
        var draws = TestDraws(state: 4)
        let many = try trials(
            targets: (0..<2000).map { _ in draws.normal() + 2 },
            nonTargets: (0..<20_000).map { _ in draws.normal() })
        func probit(_ rate: Double, _ count: Double) -> Double {
            normalQuantile(probability: min(max(rate, 0.5 / count), 1 - 0.5 / count))
        }
        func coordinates(_ points: [DetectionOperatingPoint]) -> [(Double, Double)] {
            points.map { (probit($0.missRate, 2000), probit($0.falseAlarmRate, 20_000)) }
        }
        let all = many.errorTradeoff(resolution: 0)
        let thinned = many.errorTradeoff(resolution: resolution)
        #expect(thinned.first == all.first && thinned.last == all.last)
        #expect(Double(thinned.count) < 2 + 16 / resolution)
        let kept = coordinates(thinned)
        var next = 0
        for (point, place) in zip(all, coordinates(all)) {
            while next + 1 < thinned.count, thinned[next + 1].threshold <= point.threshold {
                next += 1
            }
            #expect(abs(place.0 - kept[next].0) < resolution + 1e-9)
            #expect(abs(place.1 - kept[next].1) < resolution + 1e-9)
        }
    }

    @Test func quantilesAgreeWithScipy() throws {
        for reference in try DetectionReferences.load().normalQuantiles {
            let value = normalQuantile(probability: reference.probability)
            #expect(abs(value - reference.value) <= 1e-12 * max(1, abs(reference.value)))
        }
    }
}
