import ApusSignal

/// The largest and the smallest value of each feature over frames that come in parts, and how much it changes
/// from one frame to the next.
struct DynamicsAccumulator {
    private var largest: [Float]
    private var smallest: [Float]
    /// The frame before the next part.
    private var last: [Float]?
    private var changes: FeatureStatisticsAccumulator

    /// - Parameter featureCount: D.
    init(featureCount: Int) {
        largest = [Float](repeating: -.infinity, count: featureCount)
        smallest = [Float](repeating: .infinity, count: featureCount)
        changes = FeatureStatisticsAccumulator(featureCount: featureCount)
    }

    /// Takes in T x D frames.
    mutating func add(_ frames: FeatureMatrix) {
        let width = frames.featureCount
        var differences: [Float] = []
        differences.reserveCapacity(frames.values.count)
        for start in stride(from: 0, to: frames.values.count, by: width) {
            let frame = frames.values[start..<start + width]
            for (feature, value) in frame.enumerated() {
                largest[feature] = max(largest[feature], value)
                smallest[feature] = min(smallest[feature], value)
            }
            if let last { differences += zip(frame, last).map { $0 - $1 } }
            last = Array(frame)
        }
        guard !differences.isEmpty else { return }
        changes.add(
            FeatureMatrix(
                values: differences, frameCount: differences.count / width, featureCount: width))
    }

    /// D largest values, D smallest, and D deviations of the change; of a single frame the least deviation.
    var values: [Float] {
        let deviations =
            changes.finalize()?.standardDeviation
            ?? [Float](
                repeating: FeatureStatistics.smallestStandardDeviation, count: largest.count)
        return largest + smallest + deviations
    }
}
