import Foundation

/// What errors cost, and how often targets come: an application of a detector.
///
/// The detection cost function of NIST's speaker recognition evaluations,
/// DCF = C_miss P_target P_miss + C_fa (1 - P_target) P_fa, divided by the lower of
/// C_miss P_target and C_fa (1 - P_target), which is what accepting or refusing everything costs.
/// VoxSRC and SRE take costs of 1 and P_target = 0.05 and 0.01.
///
/// ## Reference
/// Martin and Greenberg, The NIST 2010 Speaker Recognition Evaluation, 2010; Nagrani et al.,
/// VoxSRC 2020, 2020.
public struct DetectionCost: Hashable, Sendable, Codable {
    /// The prior probability of a target, between 0 and 1.
    public var targetPrior: Double
    /// The cost of refusing a target.
    public var missCost: Double
    /// The cost of accepting a non-target.
    public var falseAlarmCost: Double

    /// Makes an application from its parts.
    ///
    /// - Parameters:
    ///   - targetPrior: The prior probability of a target, between 0 and 1.
    ///   - missCost: The cost of refusing a target.
    ///   - falseAlarmCost: The cost of accepting a non-target.
    public init(targetPrior: Double, missCost: Double = 1, falseAlarmCost: Double = 1) {
        self.targetPrior = targetPrior
        self.missCost = missCost
        self.falseAlarmCost = falseAlarmCost
    }

    /// What is wrong with the values, or nil.
    ///
    /// - Returns: A sentence that begins with the name of the value.
    public func problem() -> String? {
        if !(targetPrior > 0 && targetPrior < 1) {
            return "targetPrior: \(targetPrior) does not lie between 0 and 1"
        }
        for (name, cost) in [("missCost", missCost), ("falseAlarmCost", falseAlarmCost)]
        where !(cost > 0 && cost.isFinite) {
            return "\(name): \(cost) is not a positive number"
        }
        return nil
    }

    /// The log-likelihood ratio from which on accepting costs least.
    public var bayesThreshold: Double {
        log(falseAlarmCost) + log1p(-targetPrior) - log(missCost) - log(targetPrior)
    }

    /// The normalised cost of an operating point.
    ///
    /// - Parameter point: Its rates of errors.
    /// - Returns: 0 without errors, 1 for refusing or accepting everything, whichever costs less.
    public func normalized(_ point: DetectionOperatingPoint) -> Double {
        let (miss, falseAlarm) = (missCost * targetPrior, falseAlarmCost * (1 - targetPrior))
        return (miss * point.missRate + falseAlarm * point.falseAlarmRate) / min(miss, falseAlarm)
    }
}

extension DetectionTrials {
    /// The normalised detection cost at the best threshold for these trials (minDCF).
    ///
    /// - Parameter cost: The application.
    /// - Returns: The cost, in `0...1`, and the lowest threshold that reaches it, midway between the
    ///   two scores around it.
    public func minimumDetectionCost(
        _ cost: DetectionCost
    ) -> (cost: Double, threshold: Double) {
        precondition(cost.problem() == nil, cost.problem() ?? "")
        var best = (cost: Double.infinity, threshold: Double.nan)
        for (point, _) in operatingPoints {
            let value = cost.normalized(point)
            if value < best.cost { best = (value, point.threshold) }
        }
        return hasBothKinds ? best : (.nan, .nan)
    }

    /// The normalised detection cost of deciding by Bayes' rule (actual DCF).
    ///
    /// The scores are taken for natural log-likelihood ratios, and those at or above
    /// `DetectionCost.bayesThreshold` are accepted. What it is above the minimum is the price of
    /// bad calibration.
    ///
    /// - Parameter cost: The application.
    /// - Returns: The cost, 0 or more.
    public func actualDetectionCost(_ cost: DetectionCost) -> Double {
        precondition(cost.problem() == nil, cost.problem() ?? "")
        return cost.normalized(operatingPoint(threshold: cost.bayesThreshold))
    }
}
