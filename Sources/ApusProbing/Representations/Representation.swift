import ApusSignal

/// What a system makes of N recordings: one vector for each recording and layer.
public struct Representation: Sendable {
    /// One layer's vectors.
    public struct Layer: Sendable {
        /// The layer's name.
        public var name: String
        /// D, the length of a vector.
        public var width: Int
        /// N x D values, row by row.
        public var matrix: [Float]

        /// A layer's vectors.
        ///
        /// - Parameters:
        ///   - name: The layer's name.
        ///   - width: D, the length of a vector.
        ///   - matrix: N x D values, row by row.
        public init(name: String, width: Int, matrix: [Float]) {
            self.name = name
            self.width = width
            self.matrix = matrix
        }
    }

    /// The system's name.
    public var system: String
    /// N, the number of recordings.
    public var count: Int
    /// The layers, first layer first.
    public var layers: [Layer]

    /// A representation.
    ///
    /// - Parameters:
    ///   - system: The system's name.
    ///   - count: N, the number of recordings.
    ///   - layers: The layers, each with N rows.
    public init(system: String, count: Int, layers: [Layer]) {
        for layer in layers {
            precondition(
                layer.matrix.count == count * layer.width,
                "\(layer.name): \(layer.matrix.count) values for \(count) x \(layer.width)")
        }
        self.system = system
        self.count = count
        self.layers = layers
    }
}

/// How a recording's frames become one vector.
public enum Pooling: String, Codable, Hashable, Sendable, CaseIterable {
    /// The mean over frames, D values.
    case mean
    /// The mean and the standard deviation over frames, 2D values.
    case meanAndStandardDeviation
    /// These two, the largest and the smallest value, and the standard deviation of the change from one frame
    /// to the next, 5D values: what is short or moves, which a mean over seconds hides.
    case dynamics
    /// Not at all: the frames stay, T x D values.
    case frames

    /// Pools the frames of one recording.
    ///
    /// Standard deviations are the population's, and at least
    /// `FeatureStatistics.smallestStandardDeviation`, which is what a single frame has.
    ///
    /// - Parameter frames: T x D with at least one frame.
    /// - Returns: 1 x D, 1 x 2D, 1 x 5D or T x D.
    public func callAsFunction(_ frames: FeatureMatrix) -> FeatureMatrix {
        precondition(frames.frameCount > 0, "a recording has at least one frame")
        if self == .frames { return frames }
        var accumulator = FeatureStatisticsAccumulator(featureCount: frames.featureCount)
        accumulator.add(frames)
        guard let statistics = accumulator.finalize() else {
            preconditionFailure("statistics of no frames")
        }
        var values = statistics.mean
        if self != .mean { values += statistics.standardDeviation }
        if self == .dynamics {
            var dynamics = DynamicsAccumulator(featureCount: frames.featureCount)
            dynamics.add(frames)
            values += dynamics.values
        }
        return FeatureMatrix(values: values, frameCount: 1, featureCount: values.count)
    }

    /// The length of a pooled vector.
    ///
    /// - Parameter width: D, the width of a frame.
    /// - Returns: D, 2D or 5D.
    public func width(ofFrames width: Int) -> Int {
        switch self {
        case .mean, .frames: width
        case .meanAndStandardDeviation: 2 * width
        case .dynamics: 5 * width
        }
    }
}
