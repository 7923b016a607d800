import Foundation

/// Positions and labels of an axis's ticks, at round numbers.
public struct AxisTicks: Equatable, Sendable {
    /// The positions, ascending, in the axis's unit.
    public let positions: [Double]
    /// A label for every position.
    public let labels: [String]

    /// Ticks at given places, such as those of an axis of names.
    ///
    /// - Parameters:
    ///   - positions: The positions, ascending.
    ///   - labels: A label for every position.
    public init(positions: [Double], labels: [String]) {
        precondition(positions.count == labels.count, "A label for every position")
        self.positions = positions
        self.labels = labels
    }

    /// Evenly spaced ticks at multiples of 1, 2 or 5 times a power of ten.
    ///
    /// - Parameters:
    ///   - range: What the axis shows.
    ///   - count: The most ticks there may be, at least 2.
    /// - Returns: The ticks inside of `range`; one at its lower end where the range is a point.
    public static func linear(over range: ClosedRange<Double>, atMost count: Int = 6) -> AxisTicks {
        precondition(count >= 2, "An axis has two ticks or more")
        let span = range.upperBound - range.lowerBound
        guard span > 0, span.isFinite else {
            return AxisTicks(
                positions: [range.lowerBound], labels: [label(range.lowerBound, step: 0)])
        }
        var step = roundStep(atLeast: span / Double(count))
        while multiples(of: step, in: range).count > count {
            step = roundStep(atLeast: step * 1.01)
        }
        let positions = multiples(of: step, in: range).map { $0 * step }
        let greatest = positions.map(abs).max() ?? 0
        return AxisTicks(
            positions: positions,
            labels: positions.map { label($0, step: step, greatest: greatest) })
    }

    /// Ticks for a logarithmic axis: powers of ten, with 2 and 5 times them on a short axis.
    ///
    /// - Parameters:
    ///   - range: What the axis shows, above zero.
    ///   - count: The most ticks there may be, at least 2.
    /// - Returns: The ticks inside of `range`; evenly spaced ones where it holds fewer than three
    ///   round numbers.
    public static func logarithmic(
        over range: ClosedRange<Double>, atMost count: Int = 7
    ) -> AxisTicks {
        precondition(range.lowerBound > 0, "A logarithmic axis lies above zero")
        let lowest = Int(log10(range.lowerBound).rounded(.down))
        let highest = Int(log10(range.upperBound).rounded(.up))
        let decades = Array(lowest...max(lowest, highest))
        func ticks(_ factors: [Double], every stride: Int) -> [Double] {
            var positions: [Double] = []
            for decade in decades where decade % stride == 0 {
                let power = pow(10, Double(decade))
                positions += factors.map { $0 * power }
            }
            let lower = range.lowerBound * (1 - 1e-9)
            let upper = range.upperBound * (1 + 1e-9)
            return positions.filter { $0 >= lower && $0 <= upper }
        }
        var candidates = [ticks([1, 2, 5], every: 1)]
        candidates += (1...max(1, decades.count)).map { ticks([1], every: $0) }
        let positions = candidates.first { $0.count <= count } ?? []
        guard positions.count >= 3 else { return linear(over: range, atMost: count) }
        return AxisTicks(positions: positions, labels: positions.map { label($0, step: $0) })
    }

    /// Ticks for an axis of probabilities whose quantiles are evenly spaced, in per cent.
    ///
    /// - Parameters:
    ///   - range: What the axis shows, between 0 and 1.
    ///   - count: The most ticks there may be, at least 2.
    /// - Returns: The ticks inside of `range`.
    public static func normalDeviate(
        over range: ClosedRange<Double>, atMost count: Int = 9
    ) -> AxisTicks {
        let all = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90]
        let percents = (all + [95, 98, 99, 99.5, 99.8, 99.9]).filter {
            $0 / 100 >= range.lowerBound * (1 - 1e-9) && $0 / 100 <= range.upperBound * (1 + 1e-9)
        }
        // Every so many, so that labels don't meet.
        let step = max(1, (percents.count + count - 1) / count)
        let kept = percents.enumerated().filter { $0.offset % step == 0 }.map(\.element)
        return AxisTicks(
            positions: kept.map { $0 / 100 }, labels: kept.map { String(format: "%g", $0) })
    }

    /// A range whose ends are multiples of a round step, so that ticks stand at both.
    ///
    /// - Parameters:
    ///   - range: The range of the data.
    ///   - count: The most ticks there may be, at least 2.
    /// - Returns: The narrowest such range around `range`.
    public static func roundedRange(
        _ range: ClosedRange<Double>, atMost count: Int = 6
    ) -> ClosedRange<Double> {
        let span = range.upperBound - range.lowerBound
        guard span > 0, span.isFinite else {
            let margin = max(abs(range.lowerBound) * 0.1, 1e-3)
            return (range.lowerBound - margin)...(range.upperBound + margin)
        }
        let step = roundStep(atLeast: span / Double(max(1, count - 1)))
        let lower = (range.lowerBound / step + 1e-9).rounded(.down) * step
        let upper = (range.upperBound / step - 1e-9).rounded(.up) * step
        return lower...upper
    }

    /// The whole numbers whose multiples of `step` lie in the range; the tolerance keeps an end of
    /// the range that is a multiple but for rounding.
    private static func multiples(of step: Double, in range: ClosedRange<Double>) -> [Double] {
        let first = (range.lowerBound / step - 1e-9).rounded(.up)
        let last = (range.upperBound / step + 1e-9).rounded(.down)
        return first <= last ? Array(stride(from: first, through: last, by: 1)) : []
    }

    /// The least of 1, 2 and 5 times a power of ten that is not below `size`.
    private static func roundStep(atLeast size: Double) -> Double {
        let power = pow(10, log10(size).rounded(.down))
        let factor = [1, 2, 5, 10].first { $0 * power >= size * (1 - 1e-9) } ?? 10
        return factor * power
    }

    /// A number with the decimals that tell ticks `step` apart from each other; thousands as `k`
    /// on an axis that goes beyond 10 000, all of them alike.
    static func label(_ value: Double, step: Double, greatest: Double = 0) -> String {
        if value == 0 { return "0" }
        let size = max(abs(value), step)
        if step >= 1e6 || size >= 1e9 || size < 1e-4 {
            return String(format: "%.3g", value)
        }
        if step >= 100, max(size, greatest) >= 10_000 {
            return String(format: "%g", value / 1000) + "k"
        }
        if step == 0 { return String(format: "%g", value) }
        let decimals = max(0, Int((-log10(step) - 1e-9).rounded(.up)))
        return String(format: "%.\(decimals)f", value)
    }
}
