extension DetectionTrials {
    /// The percentile bootstrap interval of any measurement, drawing whole speakers.
    ///
    /// Trials that share a speaker aren't independent, so speakers are drawn with replacement, not
    /// trials. A trial of one speaker counts as often as that speaker was drawn, a trial of two as
    /// often as pairs of draws make it: by the product. Weights that the trials had are replaced. A
    /// draw that leaves targets or non-targets out is drawn again.
    ///
    /// ## Reference
    /// Snijders and Borgatti, Non-Parametric Standard Errors and Tests for Network Statistics, 1999
    /// (drawing vertices); Bolle, Ratha and Pankanti, Error Analysis of Pattern Recognition
    /// Systems: the Subsets Bootstrap, 2004.
    ///
    /// - Parameters:
    ///   - enrolmentSpeakers: The speaker of each trial's enrolment side, in `0..<speakerCount`, in
    ///     the order of the lists that were given.
    ///   - testSpeakers: The speaker of each trial's test side.
    ///   - speakerCount: The number of speakers.
    ///   - resamples: How often the speakers are drawn again.
    ///   - confidence: The nominal coverage, between 0 and 1.
    ///   - seed: The seed of the draws.
    ///   - statistic: The measurement, for example its `minimumDetectionCost(_:)`.
    /// - Returns: The statistic over all trials once each, and the interval.
    /// - Throws: `MetricsError.countMismatch`, `.classOutOfRange`, `.tooFew` where the speakers are so
    ///   few that half of the draws leave targets or non-targets out, and whatever `statistic` throws.
    /// - Complexity: O(n) in the number of trials for each resample.
    public func bootstrapInterval(
        enrolmentSpeakers: [Int32], testSpeakers: [Int32], speakerCount: Int,
        resamples: Int = 2000, confidence: Double = 0.95, seed: UInt64,
        statistic: (DetectionTrials) throws -> Double
    ) throws -> ConfidenceInterval {
        for (what, speakers) in [
            ("enrolment speakers", enrolmentSpeakers), ("test speakers", testSpeakers),
        ] {
            guard speakers.count == count else {
                throw MetricsError.countMismatch(
                    what: what, expected: count, found: speakers.count)
            }
            for (index, speaker) in speakers.enumerated()
            where speaker < 0 || speaker >= speakerCount {
                throw MetricsError.classOutOfRange(
                    what: what, index: index, found: Int(speaker), classCount: speakerCount)
            }
        }
        return try ApusMetrics.bootstrapInterval(
            count: speakerCount, resamples: resamples, confidence: confidence, seed: seed
        ) { draws in
            var counts = [Double](repeating: 0, count: speakerCount)
            for drawn in draws { counts[drawn] += 1 }
            let drawn = weighted { trial in
                let (first, second) = (enrolmentSpeakers[trial], testSpeakers[trial])
                let count = counts[Int(first)]
                return first == second ? count : count * counts[Int(second)]
            }
            return drawn.hasBothKinds ? try statistic(drawn) : nil
        }
    }
}
