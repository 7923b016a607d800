/// What masked features become.
public enum MaskValue: String, Sendable, Codable, CaseIterable {
    /// 0: the mean of features that are normalised.
    case zero
    /// The mean of all features of the recording or crop, before masking.
    case mean
}

extension FeatureMatrix {
    /// The features with some frames and some columns masked.
    ///
    /// ## Reference
    /// D. S. Park et al., "SpecAugment: A Simple Data Augmentation Method for Automatic Speech
    /// Recognition", Interspeech 2019, section 2: time masking and frequency masking.
    ///
    /// - Parameters:
    ///   - frames: The frames that are masked; what lies outside the T frames is ignored.
    ///   - features: The features that are masked in every frame; what lies outside the D features is
    ///     ignored.
    ///   - value: What masked features become.
    /// - Returns: T x D features.
    public func masking(
        frames: [Range<Int>], features: [Range<Int>], with value: MaskValue = .zero
    ) -> FeatureMatrix {
        let fill: Float =
            switch value {
            case .zero: 0
            case .mean:
                Float(values.reduce(0) { $0 + Double($1) } / Double(max(1, values.count)))
            }
        var masked = values
        for frame in frames.flatMap({ $0.clamped(to: 0..<frameCount) }) {
            for index in 0..<featureCount { masked[frame * featureCount + index] = fill }
        }
        for feature in features.flatMap({ $0.clamped(to: 0..<featureCount) }) {
            for frame in 0..<frameCount { masked[frame * featureCount + feature] = fill }
        }
        return FeatureMatrix(values: masked, frameCount: frameCount, featureCount: featureCount)
    }

    /// The features stretched before a frame and squeezed after it, or the other way round.
    ///
    /// Frame `frame` moves to `frame + displacement`, the first and the last frame stay, and the rest
    /// is interpolated linearly in time.
    ///
    /// ## Reference
    /// D. S. Park et al., "SpecAugment: A Simple Data Augmentation Method for Automatic Speech
    /// Recognition", Interspeech 2019, section 2: time warping. The paper warps an image by splines
    /// through fixed points; along one axis that is this map.
    ///
    /// - Parameters:
    ///   - frame: The frame that moves.
    ///   - displacement: By how many frames it moves.
    /// - Returns: T x D features.
    /// - Precondition: Before and after, the frame lies strictly between the first and the last.
    public func timeWarped(movingFrame frame: Int, by displacement: Int) -> FeatureMatrix {
        let (last, target) = (frameCount - 1, frame + displacement)
        precondition(
            frame > 0 && frame < last && target > 0 && target < last,
            "a frame between the first and the last moves to another one")
        var warped: [Float] = []
        warped.reserveCapacity(values.count)
        for index in 0..<frameCount {
            let source =
                index <= target
                ? Double(index * frame) / Double(target)
                : Double(frame)
                    + Double((index - target) * (last - frame)) / Double(last - target)
            let before = min(Int(source), last - 1)
            let share = Float(source - Double(before))
            for feature in 0..<featureCount {
                let (one, next) = (self[before, feature], self[before + 1, feature])
                warped.append(one + share * (next - one))
            }
        }
        return FeatureMatrix(values: warped, frameCount: frameCount, featureCount: featureCount)
    }
}
