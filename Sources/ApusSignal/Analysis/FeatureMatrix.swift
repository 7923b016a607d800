/// T frames of D features each, frame after frame.
public struct FeatureMatrix: Sendable, Equatable {
    /// T x D values, row by row.
    public let values: [Float]
    /// The number of frames T.
    public let frameCount: Int
    /// The number of features D in a frame.
    public let featureCount: Int

    /// Makes a matrix from its values.
    ///
    /// - Parameters:
    ///   - values: T x D values, row by row.
    ///   - frameCount: The number of frames T.
    ///   - featureCount: The number of features D.
    /// - Precondition: There are T x D values.
    public init(values: [Float], frameCount: Int, featureCount: Int) {
        precondition(
            frameCount >= 0 && featureCount >= 0 && values.count == frameCount * featureCount,
            "\(frameCount) x \(featureCount) features do not have \(values.count) values")
        self.values = values
        self.frameCount = frameCount
        self.featureCount = featureCount
    }

    /// Looks for features that are no numbers, as options with huge values make them.
    ///
    /// - Parameters:
    ///   - source: The path, or another name, that the error carries.
    ///   - firstFrame: The number of frames before these.
    /// - Throws: ``SignalError/nonFiniteFeatures(path:frame:)``.
    func checkFinite(source: String, firstFrame: Int = 0) throws {
        if let index = firstNonFiniteIndex(in: values) {
            throw SignalError.nonFiniteFeatures(
                path: source, frame: firstFrame + index / featureCount)
        }
    }

    /// One feature of one frame.
    ///
    /// - Parameters:
    ///   - frame: The frame, from 0.
    ///   - feature: The feature, from 0.
    public subscript(frame: Int, feature: Int) -> Float {
        precondition((0..<featureCount).contains(feature), "no feature \(feature)")
        return values[frame * featureCount + feature]
    }

    /// Some frames in a row.
    ///
    /// - Parameter range: Which frames.
    /// - Returns: A matrix of these frames.
    /// - Precondition: The frames are in the matrix.
    public func rows(in range: Range<Int>) -> FeatureMatrix {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= frameCount,
            "frames \(range) are not among the \(frameCount)")
        let part = values[(range.lowerBound * featureCount)..<(range.upperBound * featureCount)]
        return FeatureMatrix(
            values: Array(part), frameCount: range.count, featureCount: featureCount)
    }
}
