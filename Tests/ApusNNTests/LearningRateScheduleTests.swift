import ApusNN
import Foundation
import Testing

@Suite struct LearningRateScheduleTests {
    @Test(arguments: LearningRateSchedule.Decay.allCases)
    func warmUpIsAStraightLine(decay: LearningRateSchedule.Decay) {
        let schedule = LearningRateSchedule(peak: 2e-3, warmUp: 0.1, decay: decay)
        #expect(schedule.rate(at: 0) == 0)
        #expect(abs(schedule.rate(at: 0.025) - 0.5e-3) < 1e-12)
        #expect(abs(schedule.rate(at: 0.1) - 2e-3) < 1e-12)
        // No jump where the warm-up ends.
        #expect(abs(schedule.rate(at: 0.1.nextDown) - schedule.rate(at: 0.1)) < 1e-12)
    }

    @Test func whatFollowsInClosedForm() {
        func rate(_ decay: LearningRateSchedule.Decay, _ progress: Double) -> Double {
            LearningRateSchedule(peak: 4, warmUp: 0.2, decay: decay).rate(at: progress)
        }
        for progress in [0.2, 0.6, 1] { #expect(rate(.constant, progress) == 4) }
        #expect(abs(rate(.linear, 0.6) - 2) < 1e-12)
        #expect(abs(rate(.linear, 0.8) - 1) < 1e-12)
        #expect(abs(rate(.linear, 1)) < 1e-12)
        #expect(abs(rate(.cosine, 0.6) - 2) < 1e-12)
        // A quarter of the way down: (1 + cos 45°) / 2.
        #expect(abs(rate(.cosine, 0.4) - 2 * (1 + 0.5.squareRoot())) < 1e-12)
        #expect(abs(rate(.cosine, 1)) < 1e-12)
    }

    /// With 4000 steps of warm-up in 100000 and a width of 512.
    ///
    /// Vaswani et al. 2017, equation 3.
    @Test func noamAsInThePaper() {
        let (width, warmUp, steps) = (512.0, 4000.0, 100_000.0)
        let schedule = LearningRateSchedule(
            peak: 1 / (width * warmUp).squareRoot(), warmUp: warmUp / steps, decay: .noam)
        for step in [1, 17, 3999, 4000, 4001, 16_000, 100_000].map(Double.init) {
            let expected =
                1 / width.squareRoot()
                * min(1 / step.squareRoot(), step / (warmUp * warmUp.squareRoot()))
            #expect(abs(schedule.rate(at: step / steps) / expected - 1) < 1e-9, "\(step)")
        }
    }

    @Test func noamWithoutAWarmUpTraps() async {
        await #expect(processExitsWith: .failure) {
            _ = LearningRateSchedule(peak: 1, warmUp: 0, decay: .noam)
        }
    }

    @Test func degenerateWarmUps() {
        #expect(LearningRateSchedule(peak: 3, warmUp: 0, decay: .linear).rate(at: 0) == 3)
        let rising = LearningRateSchedule(peak: 3, warmUp: 1, decay: .linear)
        #expect(abs(rising.rate(at: 0.5) - 1.5) < 1e-12)
        #expect(LearningRateSchedule(peak: 3, warmUp: 0.5, decay: .cosine).rate(at: 1.5) == 0)
    }

    @Test func warmUpBeyondTheRunTraps() async {
        await #expect(processExitsWith: .failure) {
            _ = LearningRateSchedule(peak: 1, warmUp: 1.5, decay: .constant)
        }
    }
}
