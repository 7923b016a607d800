import ApusSignal

extension FeatureStore {
    /// The mean and standard deviation of each feature over all frames of a corpus.
    ///
    /// Cuts enter in their order, so that the result is the same bits with any number of workers.
    /// Meant for a store whose front end does not normalise yet.
    ///
    /// - Parameters:
    ///   - cuts: The cuts, in the order of their manifest.
    ///   - workers: How many are read at a time.
    /// - Returns: The statistics over the readable cuts, and the problems of the others.
    /// - Throws: `CorpusError.noUsableCuts` where none can be read; what the list throws.
    public func statistics(
        of cuts: any CutList, workers: Int = 2
    ) throws -> (statistics: FeatureStatistics, problems: [RecordingProblem]) {
        var accumulator = FeatureStatisticsAccumulator(featureCount: frontEnd.featureCount)
        var problems: [RecordingProblem] = []
        // A block at a time: more features than a block's need not fit the memory.
        let blockSize = 64
        for start in stride(from: 0, to: cuts.count, by: blockSize) {
            let block = try (start..<min(start + blockSize, cuts.count)).map {
                try cuts.cut(at: $0)
            }
            for (cut, result) in zip(block, features(of: block, workers: workers)) {
                switch result {
                case .success(let matrix):
                    accumulator.add(matrix)
                case .failure(let error):
                    problems.append(RecordingProblem(id: cut.id, reason: error.description))
                }
            }
        }
        guard let statistics = accumulator.finalize() else {
            throw CorpusError.noUsableCuts(
                reason: "\(cuts.count) cuts"
                    + (problems.first.map { ", none readable; the first: \($0.reason)" } ?? ""))
        }
        return (statistics, problems)
    }
}
