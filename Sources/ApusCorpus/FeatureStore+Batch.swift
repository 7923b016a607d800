import ApusSignal

extension FeatureStore {
    /// The features that a plan asks for, as one batch.
    ///
    /// Each crop is of the recording as it is heard in the plan's epoch, and SpecAugment, where it
    /// is on, masks it. Under another speed a recording has more frames than it was planned with: T'
    /// instead of T. A crop of L frames from s then begins at s (T' - L) / (T - L), rounded down: the
    /// first crop possible stays the first, and the last the last.
    ///
    /// A cut whose features cannot be made, or that has fewer frames than its crop needs, is left
    /// out and reported. All are padded to the plan's longest crop, whichever are left.
    ///
    /// - Parameters:
    ///   - plan: The crops.
    ///   - cuts: The list that the plan's positions refer to.
    ///   - share: Which of the crops are made.
    /// - Returns: The batch, which may be smaller than the plan or empty, and the problems.
    public func batch(
        for plan: BatchPlan, of cuts: any CutList, share: BatchShare = BatchShare()
    ) -> (batch: FeatureBatch, problems: [RecordingProblem]) {
        var ids: [String] = []
        var rows: [Int] = []
        var speakers: [String?] = []
        var lengths: [Int] = []
        var crops: [FeatureMatrix] = []
        var problems: [RecordingProblem] = []
        for (row, item) in plan.items.enumerated() where share.takes(row) {
            do throws(CorpusError) {
                let cut = try cuts.cut(at: item.cutIndex)
                let (matrix, planned) = try trainingFeatures(
                    of: cut, epoch: plan.epoch, repetition: item.repetition)
                let needed = item.start + item.length
                guard planned >= needed else {
                    throw CorpusError.badRecording(
                        id: cut.id, path: cut.audioPath,
                        reason: "expected \(needed) frames, found \(planned)")
                }
                let start =
                    planned == item.length
                    ? 0
                    : item.start * (matrix.frameCount - item.length) / (planned - item.length)
                let crop = matrix.rows(in: start..<(start + item.length))
                ids.append(cut.id)
                rows.append(row)
                speakers.append(cut.speaker)
                lengths.append(item.length)
                crops.append(
                    augmenter?.features(
                        crop, id: cut.id, epoch: plan.epoch, repetition: item.repetition) ?? crop)
            } catch {
                let id =
                    if case .badRecording(let id, _, _) = error { id } else {
                        "recording \(item.cutIndex)"
                    }
                problems.append(RecordingProblem(id: id, reason: error.description))
            }
        }

        let frameCount = plan.frameCount
        let featureCount = frontEnd.featureCount
        var features: [Float] = []
        features.reserveCapacity(crops.count * frameCount * featureCount)
        for (crop, length) in zip(crops, lengths) {
            features.append(contentsOf: crop.values)
            features.append(
                contentsOf: repeatElement(0, count: (frameCount - length) * featureCount))
        }
        let batch = FeatureBatch(
            epoch: plan.epoch, index: plan.index, seed: plan.seed, ids: ids, rows: rows,
            speakers: speakers, features: features, lengths: lengths, frameCount: frameCount,
            featureCount: featureCount)
        return (batch, problems)
    }
}
