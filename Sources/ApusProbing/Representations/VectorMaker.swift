import ApusSignal

/// Makes vectors of one recording's frames, which come in parts.
final class VectorMaker {
    /// Which frames vectors are made of.
    enum Summation {
        /// Each layer by itself.
        case none
        /// The sum of layers by their shares.
        case shares([(layer: Int, share: Float)])
    }

    /// What makes a vector of frames.
    enum Content {
        case pooled(Pooling, Summation)
        case head(ClassifierNetwork)
    }

    private let content: Content
    private let windows: (length: Int, hop: Int)?
    /// The frames of each layer from `start` on that a window may still need.
    private var held: [[Float]] = []
    private var widths: [Int] = []
    private var start = 0
    private var frameCount = 0
    private var rowCount = 0
    /// Of the whole recording: sums for pooling.
    private var sums: StatisticsSums?
    /// Of the whole recording: what `Pooling.dynamics` has beside them, for each layer.
    private var dynamics: [DynamicsAccumulator] = []
    /// Of the whole recording: the sum of the parts' vectors by their lengths.
    private var weighted: [Double] = []

    /// - Parameters:
    ///   - content: What makes a vector.
    ///   - windows: The frames of a window and between two; nil for the whole recording, or frames.
    init(_ content: Content, windows: (length: Int, hop: Int)?) {
        (self.content, self.windows) = (content, windows)
    }

    /// Takes in the next frames of each layer.
    ///
    /// - Parameter layers: T x D frames of each layer.
    /// - Returns: The rows that are ready; nil for none.
    func add(_ layers: [FeatureMatrix]) -> FeatureMatrix? {
        let frames = selected(layers)
        frameCount += frames[0].frameCount
        if case .pooled(.frames, _) = content { return sideBySide(frames) }
        guard let windows else {
            addToWhole(frames)
            return nil
        }
        if held.isEmpty {
            held = frames.map { _ in [] }
            widths = frames.map(\.featureCount)
        }
        for (index, matrix) in frames.enumerated() { held[index] += matrix.values }
        var rows: [[Float]] = []
        while rowCount * windows.hop + windows.length <= frameCount {
            rows.append(row(rowCount * windows.hop..<rowCount * windows.hop + windows.length))
        }
        drop(upTo: min(rowCount * windows.hop, frameCount))
        return matrix(rows)
    }

    /// Ends the recording.
    ///
    /// - Returns: The last row; nil where no more is due.
    func finish() -> FeatureMatrix? {
        if case .pooled(.frames, _) = content { return nil }
        guard let windows else { return matrix([whole()]) }
        let begin = rowCount * windows.hop
        let isCovered = rowCount > 0 && begin - windows.hop + windows.length >= frameCount
        guard !isCovered, begin < frameCount else { return nil }
        return matrix([row(begin..<frameCount)])
    }

    /// The layers, or their sum.
    private func selected(_ layers: [FeatureMatrix]) -> [FeatureMatrix] {
        guard case .pooled(_, .shares(let shares)) = content, let first = shares.first else {
            return layers
        }
        var sum = [Float](repeating: 0, count: layers[first.layer].values.count)
        for (layer, share) in shares {
            let values = layers[layer].values
            for index in sum.indices { sum[index] += share * values[index] }
        }
        let shape = layers[first.layer]
        return [
            FeatureMatrix(
                values: sum, frameCount: shape.frameCount, featureCount: shape.featureCount)
        ]
    }

    private func addToWhole(_ frames: [FeatureMatrix]) {
        switch content {
        case .pooled(let pooling, _):
            if sums == nil { sums = StatisticsSums(frames.map(\.featureCount)) }
            sums?.add(frames)
            guard pooling == .dynamics else { return }
            if dynamics.isEmpty {
                dynamics = frames.map { DynamicsAccumulator(featureCount: $0.featureCount) }
            }
            for (layer, matrix) in frames.enumerated() { dynamics[layer].add(matrix) }
        case .head(let network):
            let vector = network.embedding(of: frames)
            if weighted.isEmpty { weighted = vector.map { _ in 0 } }
            let weight = Double(frames[0].frameCount)
            for (index, value) in vector.enumerated() { weighted[index] += weight * Double(value) }
        }
    }

    private func whole() -> [Float] {
        guard let sums else { return weighted.map { Float($0 / Double(frameCount)) } }
        return sums.statistics.enumerated().flatMap { index, layer in
            if case .pooled(.mean, _) = content { return Array(layer[..<(layer.count / 2)]) }
            return dynamics.isEmpty ? layer : layer + dynamics[index].values
        }
    }

    /// The vector of some frames that are held.
    private func row(_ range: Range<Int>) -> [Float] {
        rowCount += 1
        let frames = zip(held, widths).map { values, width in
            FeatureMatrix(
                values: Array(
                    values[(range.lowerBound - start) * width..<(range.upperBound - start) * width]),
                frameCount: range.count, featureCount: width)
        }
        return switch content {
        case .pooled(let pooling, _): frames.flatMap { pooling($0).values }
        case .head(let network): network.embedding(of: frames)
        }
    }

    private func drop(upTo frame: Int) {
        guard frame > start else { return }
        for (index, width) in widths.enumerated() {
            held[index].removeFirst((frame - start) * width)
        }
        start = frame
    }

    private func matrix(_ rows: [[Float]]) -> FeatureMatrix? {
        guard let first = rows.first else { return nil }
        return FeatureMatrix(
            values: rows.count == 1 ? first : rows.flatMap(\.self), frameCount: rows.count,
            featureCount: first.count)
    }

    /// The frames of several layers, one layer beside the other.
    private func sideBySide(_ layers: [FeatureMatrix]) -> FeatureMatrix {
        if layers.count == 1 { return layers[0] }
        let count = layers[0].frameCount
        let values = (0..<count).flatMap { frame in
            layers.flatMap { layer in
                layer.values[frame * layer.featureCount..<(frame + 1) * layer.featureCount]
            }
        }
        return FeatureMatrix(
            values: values, frameCount: count,
            featureCount: layers.reduce(0) { $0 + $1.featureCount })
    }
}
