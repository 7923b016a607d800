/// Adds time derivatives to features: rows of D become rows of D (order + 1).
///
/// ## Reference
/// S. Furui, "Speaker-independent isolated word recognition using dynamic features of speech
/// spectrum", IEEE Trans. ASSP 34(1), 1986. A. Savitzky, M. Golay, "Smoothing and differentiation of
/// data by simplified least squares procedures", Analytical Chemistry 36(8), 1964.
final class Deltas: FrameStage {
    let inputWidth: Int
    var outputWidth: Int { inputWidth * filters.count }

    private let method: DeltaMethod
    /// For each order the weights of the frames around a frame; order 0 is the frame itself.
    private let filters: [[Float]]
    /// The rows of each order; every order's are those of the order before for `stepwise`.
    private var levels: [RowBuffer]
    private var nextOutput = 0

    init(width: Int, order: Int, window: Int, method: DeltaMethod) {
        inputWidth = width
        self.method = method
        filters = Self.filters(order: order, window: window, method: method)
        levels = filters.map { _ in RowBuffer(width: width) }
    }

    /// The weights of the frames around a frame, for each order.
    static func filters(order: Int, window: Int, method: DeltaMethod) -> [[Float]] {
        let weights = (-window...window).map { Double($0) }
        let slope = weights.map { $0 / weights.reduce(0) { $0 + $1 * $1 } }
        var filters: [[Double]] = [[1]]
        for derivative in stride(from: 1, through: order, by: 1) {
            switch method {
            case .kaldi: filters.append(convolved(filters[derivative - 1], slope))
            case .stepwise: filters.append(slope)
            case .savitzkyGolay:
                filters.append(derivative == 1 ? slope : secondDerivative(weights))
            }
        }
        return filters.map { $0.map { Float($0) } }
    }

    func callAsFunction(_ rows: [Float], isLast: Bool) -> [Float] {
        levels[0].append(rows)
        for order in stride(from: 1, to: filters.count, by: 1) {
            let source = method == .stepwise ? order - 1 : 0
            levels[order].append(newRows(order: order, of: levels[source], isLast: isLast))
        }
        let ready = levels.map(\.count).min() ?? 0
        var output: [Float] = []
        output.reserveCapacity((ready - nextOutput) * outputWidth)
        for frame in nextOutput..<ready {
            for level in levels { output += level.row(frame) }
        }
        nextOutput = ready
        let reach = filters.reduce(0) { $0 + $1.count }
        for order in levels.indices { levels[order].drop(before: ready - reach) }
        if isLast {
            for order in levels.indices { levels[order].reset() }
            nextOutput = 0
        }
        return output
    }

    private func newRows(order: Int, of source: RowBuffer, isLast: Bool) -> [Float] {
        let filter = filters[order]
        let half = filter.count / 2
        let isFitted = method == .savitzkyGolay && source.count >= filter.count
        var rows: [Float] = []
        for frame in levels[order].count..<source.count {
            let isReady = method == .savitzkyGolay ? max(frame, half) + half : frame + half
            guard isLast || isReady < source.count else { break }
            let center =
                isFitted ? min(max(frame, half), source.count - 1 - half) : frame
            for feature in 0..<inputWidth {
                var sum: Float = 0
                for (offset, weight) in filter.enumerated() {
                    let place = min(max(center + offset - half, 0), source.count - 1)
                    sum += weight * source.value(row: place, feature: feature)
                }
                rows.append(sum)
            }
        }
        return rows
    }
}

private func convolved(_ one: [Double], _ other: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: one.count + other.count - 1)
    for (i, a) in one.enumerated() {
        for (j, b) in other.enumerated() { result[i + j] += a * b }
    }
    return result
}

/// The second derivative of the parabola that fits values at these places best.
private func secondDerivative(_ places: [Double]) -> [Double] {
    let squares = places.map { $0 * $0 }
    let mean = squares.reduce(0, +) / Double(squares.count)
    let centered = squares.map { $0 - mean }
    let norm = centered.reduce(0) { $0 + $1 * $1 }
    return centered.map { 2 * $0 / norm }
}
