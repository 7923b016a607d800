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
        try speakerBootstrap(
            [self], enrolmentSpeakers: enrolmentSpeakers, testSpeakers: testSpeakers,
            speakerCount: speakerCount, resamples: resamples, seed: seed
        ) { _, trials in [try statistic(trials)] }[0][0].interval(confidence: confidence)
    }
}

/// Measurements of several scorings of one list of trials over the same draws of whole speakers.
///
/// The draws of `DetectionTrials.bootstrapInterval(enrolmentSpeakers:testSpeakers:speakerCount:resamples:confidence:seed:statistic:)`:
/// which of them leave a kind of trials out depends on the list alone, so that systems that are measured
/// one after the other with one seed are paired too.
///
/// - Parameters:
///   - scorings: The trials, each list with the scores of one system.
///   - enrolmentSpeakers: The speaker of each trial's enrolment side, in `0..<speakerCount`, in the
///     order of the lists that were given.
///   - testSpeakers: The speaker of each trial's test side.
///   - speakerCount: The number of speakers.
///   - resamples: How often the speakers are drawn again.
///   - seed: The seed of the draws.
///   - measurements: The measurements of a scoring, by its position, over the drawn trials.
/// - Returns: For each scoring the values of each measurement.
/// - Throws: `MetricsError.countMismatch`, `.classOutOfRange`, `.tooFew` where the speakers are so few
///   that half of the draws leave targets or non-targets out, and whatever `measurements` throws.
/// - Complexity: O(n) in the number of trials for each resample and scoring; nothing is sorted again.
public func speakerBootstrap(
    _ scorings: [DetectionTrials], enrolmentSpeakers: [Int32], testSpeakers: [Int32],
    speakerCount: Int, resamples: Int = 2000, seed: UInt64,
    measurements: (_ scoring: Int, _ drawn: DetectionTrials) throws -> [Double]
) throws -> [[BootstrapReplicates]] {
    for trials in scorings {
        for (what, speakers) in [
            ("enrolment speakers", enrolmentSpeakers), ("test speakers", testSpeakers),
        ] where speakers.count != trials.count {
            throw MetricsError.countMismatch(
                what: what, expected: trials.count, found: speakers.count)
        }
    }
    for (what, speakers) in [
        ("enrolment speakers", enrolmentSpeakers), ("test speakers", testSpeakers),
    ] {
        for (index, speaker) in speakers.enumerated()
        where speaker < 0 || speaker >= speakerCount {
            throw MetricsError.classOutOfRange(
                what: what, index: index, found: Int(speaker), classCount: speakerCount)
        }
    }
    var counts: [Int] = []
    let replicates = try bootstrapReplicates(
        count: speakerCount, resamples: resamples, seed: seed
    ) { draws in
        var drawn = [Double](repeating: 0, count: speakerCount)
        for speaker in draws { drawn[speaker] += 1 }
        let weights = zip(enrolmentSpeakers, testSpeakers).map { first, second in
            first == second ? drawn[Int(first)] : drawn[Int(first)] * drawn[Int(second)]
        }
        var values: [Double] = []
        for (scoring, trials) in scorings.enumerated() {
            let weighted = trials.weighted { weights[$0] }
            guard weighted.hasBothKinds else { return nil }
            let own = try measurements(scoring, weighted)
            if counts.count == scoring { counts.append(own.count) }
            values += own
        }
        return values
    }
    var start = 0
    return counts.map { count in
        defer { start += count }
        return Array(replicates[start..<start + count])
    }
}
