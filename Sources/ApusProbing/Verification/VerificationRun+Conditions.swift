import ApusReport

extension VerificationRun {
    /// What the table says beside its figures.
    ///
    /// - Parameters:
    ///   - sources: What was evaluated.
    ///   - data: Trials and recordings.
    /// - Returns: What was measured on, from which seeds, and how intervals were made.
    func conditions(_ sources: [Source], _ data: VerificationData) -> Results.Conditions {
        let test = data.test
        var measured: [Results.Conditions.Count] = [
            .init("targets", test.targetCount),
            .init("non-targets", test.isTarget.count - test.targetCount),
            .init("recordings", Set(test.first).union(test.second).count),
        ]
        if let count = data.testSpeakerCount { measured.append(.init("speakers", count)) }
        let models = sources.compactMap { source in
            source.encoder.map { (name: source.name, model: $0) }
        }
        return Results.Conditions(
            measured: measured, seed: options.seed, trainings: .init(models),
            intervals: options.resamples > 0 && data.speakers != nil
                ? "a bootstrap over speakers (\(options.resamples) resamples)" : "none",
            warnings: data.warnings)
    }
}
