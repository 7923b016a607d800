extension DetectionTrials {
    /// The area under the ROC curve.
    ///
    /// The probability that a target scores above a non-target, with half of the ties (Hanley and
    /// McNeil, The Meaning and Use of the Area under a ROC Curve, 1982).
    ///
    /// - Returns: The area, in `0...1`; 0.5 is chance.
    public func areaUnderCurve() -> Double {
        guard hasBothKinds else { return .nan }
        var (below, wins) = (0.0, 0.0)
        for tie in ties {
            wins += tie.targets * (below + tie.nonTargets / 2)
            below += tie.nonTargets
        }
        return wins / (targetTotal * nonTargetTotal)
    }

    /// Operating points for drawing: of the DET curve, and of ROC with 1 - miss rate.
    ///
    /// A DET curve has the probits of both rates as axes (Martin et al., The DET Curve in Assessment
    /// of Detection Task Performance, 1997; `normalQuantile(probability:)`). Of all operating points,
    /// from where everything is accepted to where nothing is, one is left out where it differs by
    /// less than `resolution` in both coordinates from the last that was kept. So the number of
    /// points is bounded by the range of the probits, whatever the number of trials: at most about
    /// 1000 for ten million trials at 0.02.
    ///
    /// Rates of 0 and 1 lie at infinity; for leaving out points they count as half a trial.
    ///
    /// - Parameter resolution: In standard deviations; 0 keeps every point.
    /// - Returns: The points, with rising thresholds and miss rates.
    public func errorTradeoff(resolution: Double = 0.02) -> [DetectionOperatingPoint] {
        precondition(resolution >= 0, "a resolution is 0 or more")
        var kept: [DetectionOperatingPoint] = []
        // From these rates on a point is kept.
        var (miss, falseAlarm) = (0.0, 1.0)
        var last: DetectionOperatingPoint?
        for (point, _) in operatingPoints {
            let missRate = awayFromEnds(point.missRate, of: targetTotal)
            let falseAlarmRate = awayFromEnds(point.falseAlarmRate, of: nonTargetTotal)
            if missRate >= miss || falseAlarmRate <= falseAlarm {
                kept.append(point)
                if resolution > 0 {
                    miss = normalProbability(
                        below: normalQuantile(probability: missRate) + resolution)
                    falseAlarm = normalProbability(
                        below: normalQuantile(probability: falseAlarmRate) - resolution)
                }
            }
            last = point
        }
        if let last, kept.last != last { kept.append(last) }
        return kept
    }

    /// A rate that is kept half a trial from 0 and 1.
    private func awayFromEnds(_ rate: Double, of total: Double) -> Double {
        let half = 0.5 / max(total, 1)
        return min(max(rate, half), 1 - half)
    }
}
