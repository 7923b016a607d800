import ApusSignal

extension FeatureStore {
    /// The features that a plan asks for, as one batch.
    ///
    /// A cut whose features cannot be made, or that has fewer frames than its crop needs, is left
    /// out and reported.
    ///
    /// - Parameters:
    ///   - plan: The crops.
    ///   - cuts: The list that the plan's positions refer to.
    /// - Returns: The batch, which may be smaller than the plan or empty, and the problems.
    public func batch(
        for plan: BatchPlan, of cuts: [Cut]
    ) -> (batch: FeatureBatch, problems: [RecordingProblem]) {
        var ids: [String] = []
        var lengths: [Int] = []
        var crops: [(matrix: FeatureMatrix, start: Int)] = []
        var problems: [RecordingProblem] = []
        for item in plan.items {
            let cut = cuts[item.cutIndex]
            do throws(CorpusError) {
                let matrix = try features(of: cut)
                let needed = item.start + item.length
                guard matrix.frameCount >= needed else {
                    throw CorpusError.badRecording(
                        id: cut.id, path: cut.audioPath,
                        reason: "expected \(needed) frames, found \(matrix.frameCount)")
                }
                ids.append(cut.id)
                lengths.append(item.length)
                crops.append((matrix, item.start))
            } catch {
                problems.append(RecordingProblem(id: cut.id, reason: error.description))
            }
        }

        let frameCount = lengths.max() ?? 0
        let featureCount = frontEnd.featureCount
        var features: [Float] = []
        features.reserveCapacity(crops.count * frameCount * featureCount)
        for ((matrix, start), length) in zip(crops, lengths) {
            let values = (start * featureCount)..<((start + length) * featureCount)
            features.append(contentsOf: matrix.values[values])
            features.append(
                contentsOf: repeatElement(0, count: (frameCount - length) * featureCount))
        }
        let batch = FeatureBatch(
            epoch: plan.epoch, index: plan.index, seed: plan.seed, ids: ids, features: features,
            lengths: lengths, frameCount: frameCount, featureCount: featureCount)
        return (batch, problems)
    }
}
