import ApusMetrics
import Testing

@Suite struct OpenSetIdentificationTests {
    @Test func ratesOfAFewScores() throws {
        let trials = try OpenSetIdentification(
            enrolled: [(true, 0.9), (true, 0.6), (false, 0.8), (true, 0.3)],
            strangers: [0.7, 0.5, 0.2, 0.1])
        #expect(trials.threshold(falseAlarmRate: 0) == 0.7)
        #expect(trials.threshold(falseAlarmRate: 0.25) == 0.5)
        #expect(trials.threshold(falseAlarmRate: 0.49) == 0.5)
        #expect(
            trials.tradeoff().map { [$0.falseAlarmRate, $0.identificationRate] } == [
                [0, 0.25], [0.25, 0.5], [0.5, 0.75], [0.75, 0.75], [1, 0.75],
            ])
    }

    @Test func separableScoresLoseNothing() throws {
        let trials = try OpenSetIdentification(
            enrolled: (0..<50).map { (true, 2 + Double($0)) },
            strangers: (0..<20).map { Double($0) / 20 })
        let point = trials.point(above: trials.threshold(falseAlarmRate: 0))
        #expect(point.identificationRate == 1 && point.falseAlarmRate == 0)
    }

    @Test func equalScoresAreAllRefusedOrAllAccepted() throws {
        let trials = try OpenSetIdentification(
            enrolled: [(true, 1), (true, 1), (false, 1)], strangers: [1, 1])
        #expect(
            trials.tradeoff().map { [$0.falseAlarmRate, $0.identificationRate] } == [
                [0, 0], [1, 2.0 / 3],
            ])
        // With ties no threshold is at the rate: the one below it is taken.
        #expect(trials.point(above: trials.threshold(falseAlarmRate: 0.5)).falseAlarmRate == 0)
    }

    /// Where each recording's highest score is with the right class, identification is detection.
    @Test func withoutConfusionsItIsTheROC() throws {
        let enrolled = (0..<40).map { 0.4 + Double(($0 * 7919) % 97) / 97 }
        let strangers = (0..<30).map { Double(($0 * 104_729) % 89) / 89 }
        let trials = try OpenSetIdentification(
            enrolled: enrolled.map { (true, $0) }, strangers: strangers)
        let detection = try DetectionTrials(
            scores: (enrolled + strangers).map(Float.init),
            isTarget: enrolled.map { _ in true } + strangers.map { _ in false })
        let area = zip(trials.tradeoff(), trials.tradeoff().dropFirst()).reduce(0.0) {
            // A stranger's score equal to no other: steps, each at the higher rate's height.
            $0 + ($1.1.falseAlarmRate - $1.0.falseAlarmRate) * $1.0.identificationRate
        }
        #expect(abs(area - detection.areaUnderCurve()) < 1e-9)
    }

    @Test func whatCantBeMeasuredIsAnError() {
        #expect(throws: MetricsError.self) {
            try OpenSetIdentification(enrolled: [], strangers: [0])
        }
        #expect(throws: MetricsError.self) {
            try OpenSetIdentification(enrolled: [(true, 0)], strangers: [])
        }
        #expect(throws: MetricsError.self) {
            try OpenSetIdentification(enrolled: [(true, .nan)], strangers: [0])
        }
    }
}
