/// Subtracts the mean of the frames around each frame, and divides by their standard deviation.
///
/// Sums are kept in double precision, frames added and taken away in their order.
final class SlidingNormalizer: FrameStage {
    let inputWidth: Int
    var outputWidth: Int { inputWidth }

    private let window: SlidingWindow
    private let usesVariance: Bool
    private var buffer: RowBuffer
    private var nextOutput = 0
    private var range = 0..<0
    private var sums: [Double]
    private var squares: [Double]

    init(width: Int, window: SlidingWindow, variance: Bool) {
        inputWidth = width
        self.window = window
        usesVariance = variance
        buffer = RowBuffer(width: width)
        sums = [Double](repeating: 0, count: width)
        squares = sums
    }

    func callAsFunction(_ rows: [Float], isLast: Bool) -> [Float] {
        buffer.append(rows)
        var output: [Float] = []
        output.reserveCapacity(rows.count)
        while nextOutput < buffer.count {
            var wanted = wantedRange(of: nextOutput)
            if wanted.upperBound > buffer.count {
                guard isLast else { break }
                let excess = wanted.upperBound - buffer.count
                wanted = max(0, wanted.lowerBound - excess)..<buffer.count
            }
            move(to: wanted)
            appendNormalized(nextOutput, to: &output)
            nextOutput += 1
        }
        buffer.drop(before: min(nextOutput, range.lowerBound) - window.frameCount)
        if isLast {
            buffer.reset()
            (nextOutput, range) = (0, 0..<0)
            sums = [Double](repeating: 0, count: inputWidth)
            squares = sums
        }
        return output
    }

    /// The frames that a frame is normalized by, were the recording endless.
    private func wantedRange(of frame: Int) -> Range<Int> {
        var (start, end) =
            window.isCentered
            ? (frame - window.frameCount / 2, frame - window.frameCount / 2 + window.frameCount)
            : (frame - window.frameCount, frame + 1)
        if start < 0 { (start, end) = (0, end - start) }
        if !window.isCentered { end = max(frame + 1, min(end, window.minimumFrameCount)) }
        return start..<end
    }

    private func move(to wanted: Range<Int>) {
        for row in range.upperBound..<max(range.upperBound, wanted.upperBound) { add(row, sign: 1) }
        for row in range.lowerBound..<max(range.lowerBound, wanted.lowerBound) {
            add(row, sign: -1)
        }
        range = wanted
    }

    private func add(_ row: Int, sign: Double) {
        buffer.withRow(row) { values in
            sums.withUnsafeMutableBufferPointer { sums in
                squares.withUnsafeMutableBufferPointer { squares in
                    for feature in 0..<values.count {
                        let value = Double(values[feature])
                        sums[feature] += sign * value
                        squares[feature] += sign * value * value
                    }
                }
            }
        }
    }

    private func appendNormalized(_ frame: Int, to output: inout [Float]) {
        let share = 1 / Double(range.count)
        // A single frame has no deviation and becomes zero.
        let scale = usesVariance && range.count == 1 ? 0.0 : 1
        buffer.withRow(frame) { values in
            sums.withUnsafeBufferPointer { sums in
                squares.withUnsafeBufferPointer { squares in
                    for feature in 0..<values.count {
                        let mean = sums[feature] * share
                        var result = (Double(values[feature]) - mean) * scale
                        if usesVariance {
                            // 1e-10 is Kaldi's floor.
                            let variance = max(1e-10, squares[feature] * share - mean * mean)
                            result /= variance.squareRoot()
                        }
                        output.append(Float(result))
                    }
                }
            }
        }
    }
}
