import ApusSignal

/// What a front end does with rows of features: deltas, normalisation, stacking.
extension ONNXGraph {
    /// `Deltas`: (B, T, D (order + 1)) of (B, T, D).
    func withDeltas(_ rows: Value, _ frontEnd: FrontEnd) -> Value {
        guard frontEnd.deltaOrder > 0 else { return rows }
        let count = dimension(1, of: rows)
        var orders = [rows]
        for filter in frontEnd.deltaFilters.dropFirst() {
            let half = filter.count / 2
            var centers = range(count)
            if frontEnd.deltaMethod == .savitzkyGolay {
                // The fit of the nearest whole window, where there is one.
                let fitted = smaller(
                    larger(centers, integer(half)), add(count, -1 - half))
                let hasWindow = apply("GreaterOrEqual", count, integer(filter.count))
                centers = apply("Where", hasWindow, fitted, centers)
            }
            let wanted = add(
                withDimension(centers, at: 1),
                integers((0..<filter.count).map { $0 - half }))  // (T, 2 W + 1)
            let places = smaller(larger(wanted, integer(0)), add(count, -1))
            let source = frontEnd.deltaMethod == .stepwise ? orders[orders.count - 1] : rows
            let around = gathered(source, places, axis: 1)  // (B, T, 2 W + 1, D)
            let weights = floats(filter, shape: [filter.count, 1])
            orders.append(sum(multiply(around, weights), axis: 2, keeping: false))
        }
        return concatenated(orders, axis: 2)
    }

    /// Normalisation and stacking: (B, T', D') of (B, T, D).
    func sequence(_ rows: Value, _ frontEnd: FrontEnd) -> Value {
        let normalized =
            switch frontEnd.normalization {
            case .none: rows
            case .perRecording(let variance): standardized(rows, variance: variance)
            case .sliding(let window, let variance):
                standardized(rows, around: window, variance: variance)
            case .corpus(let statistics):
                divide(
                    subtract(rows, floats(statistics.mean, shape: [statistics.mean.count])),
                    floats(
                        statistics.standardDeviation, shape: [statistics.standardDeviation.count])
                )
            }
        return stacked(normalized, frontEnd.stacking, width: frontEnd.featureCount)
    }

    private func standardized(_ rows: Value, variance: Bool) -> Value {
        let centred = subtract(rows, mean(rows, axis: 1))
        guard variance else { return centred }
        let deviation = apply("Sqrt", mean(multiply(centred, centred), axis: 1))
        return divide(
            centred,
            larger(deviation, number(Double(FeatureStatistics.smallestStandardDeviation))))
    }

    /// `SlidingNormalizer`, by sums of all frames before a frame, in 64 bits.
    private func standardized(
        _ rows: Value, around window: SlidingWindow, variance: Bool
    ) -> Value {
        let count = dimension(1, of: rows)
        let frame = range(count)
        var (start, end): (Value, Value)
        if window.isCentered {
            start = add(frame, -(window.frameCount / 2))
            end = add(start, window.frameCount)
        } else {
            start = add(frame, -window.frameCount)
            end = add(frame, 1)
        }
        end = subtract(end, smaller(start, integer(0)))
        start = larger(start, integer(0))
        if !window.isCentered {
            end = larger(
                add(frame, 1), smaller(end, integer(window.minimumFrameCount)))
        }
        let excess = larger(subtract(end, count), integer(0))
        start = larger(subtract(start, excess), integer(0))
        end = subtract(end, excess)

        let values = asDoubles(rows)
        func sums(_ values: Value) -> Value {
            let padded = apply(
                "Pad", values, integers([0, 0, 0, 0, 1, 0]), doubles([0], shape: []))
            let before = apply(
                "CumSum", padded, integer(1), attributes: [.int("exclusive", 1)])
            return subtract(gathered(before, end, axis: 1), gathered(before, start, axis: 1))
        }
        let size = asDoubles(withDimension(subtract(end, start), at: 1))  // (T, 1)
        let mean = divide(sums(values), size)
        let centred = subtract(values, mean)
        guard variance else { return asFloats(centred) }
        let squares = divide(sums(multiply(values, values)), size)
        let deviation = apply(
            "Sqrt",
            larger(subtract(squares, multiply(mean, mean)), doubles([1e-10], shape: [])))
        // A single frame has no deviation and becomes zero.
        let isAlone = apply("Less", size, doubles([1.5], shape: []))
        return asFloats(
            apply(
                "Where", isAlone, doubles([0], shape: []), divide(centred, deviation)))
    }

    /// `FrameStacker`: (B, T', D (left + 1 + right)) of (B, T, D).
    private func stacked(_ rows: Value, _ stacking: FrameStacking, width: Int) -> Value {
        guard stacking != FrameStacking() else { return rows }
        let count = dimension(1, of: rows)
        let stackCount =
            switch stacking.edges {
            case .snip:
                add(
                    divide(
                        add(count, -stacking.frameCount), integer(stacking.shift)), 1)
            case .replicate, .zero:
                divide(add(count, stacking.shift - 1), integer(stacking.shift))
            }
        let lead = stacking.edges == .snip ? 0 : stacking.left
        let wanted = add(
            withDimension(multiply(range(stackCount), stacking.shift), at: 1),
            integers((0..<stacking.frameCount).map { $0 - lead }))  // (T', frames)
        let places: Value
        var source = rows
        if stacking.edges == .zero {
            let isOutside = apply(
                "Or", apply("Less", wanted, integer(0)), apply("GreaterOrEqual", wanted, count))
            places = apply("Where", isOutside, count, wanted)
            source = apply("Pad", rows, integers([0, 0, 0, 0, 1, 0]), number(0))
        } else {
            places = smaller(larger(wanted, integer(0)), add(count, -1))
        }
        return reshaped(gathered(source, places, axis: 1), [0, 0, width])
    }
}
