import ApusReport

extension ResultsTable {
    /// The paired tests of a run of probes or of verification.
    ///
    /// - Parameter results: The run's results.
    /// - Returns: A row for each two systems; `nil` where nothing is compared.
    public static func pairedTests(of results: Results) -> ResultsTable? {
        pairedTests(
            of: results,
            trialName: results.task == VerificationFolder.task ? "trials" : "recordings",
            choice: ComparedSystems.note)
    }
}
