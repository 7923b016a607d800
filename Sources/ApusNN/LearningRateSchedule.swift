import Foundation

/// How the learning rate moves over a run.
public struct LearningRateSchedule: Sendable {
    /// What follows the warm-up.
    public enum Decay: String, Codable, Sendable, CaseIterable {
        /// The peak rate stays.
        case constant
        /// A straight line down to zero at the end.
        case linear
        /// Half a cosine wave down to zero at the end (Loshchilov and Hutter 2017, SGDR).
        case cosine
        /// Down with the inverse square root of the step (Vaswani et al. 2017, section 5.3).
        ///
        /// With the warm-up's w steps and the width d, theirs is d^-½ min(s^-½, s w^-3/2), whose
        /// peak is (d w)^-½.
        case noam
    }

    /// The highest rate.
    public var peak: Double
    /// The share of the run during which the rate rises in a straight line to the peak.
    public var warmUp: Double
    /// What follows.
    public var decay: Decay

    /// A schedule.
    ///
    /// - Parameters:
    ///   - peak: The highest rate.
    ///   - warmUp: The share of the run during which the rate rises, in 0...1.
    ///   - decay: What follows the rise; `noam` needs one.
    public init(peak: Double, warmUp: Double, decay: Decay) {
        precondition((0...1).contains(warmUp), "a warm-up of \(warmUp) of the run")
        precondition(decay != .noam || warmUp > 0, "Noam's schedule without a warm-up")
        self.peak = peak
        self.warmUp = warmUp
        self.decay = decay
    }

    /// The rate at a place in the run.
    ///
    /// - Parameter progress: The share of the run that is done, in 0...1.
    /// - Returns: The learning rate.
    public func rate(at progress: Double) -> Double {
        if progress < warmUp { return peak * progress / warmUp }
        let rest = warmUp < 1 ? min(1, (progress - warmUp) / (1 - warmUp)) : 1
        return switch decay {
        case .constant: peak
        case .linear: peak * (1 - rest)
        case .cosine: peak * (1 + cos(.pi * rest)) / 2
        case .noam: peak * (warmUp / progress).squareRoot()
        }
    }
}
