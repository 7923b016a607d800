/// Puts neighbouring rows into one and keeps some: see ``FrameStacking``.
final class FrameStacker: FrameStage {
    let inputWidth: Int
    var outputWidth: Int { inputWidth * stacking.frameCount }

    private let stacking: FrameStacking
    private var buffer: RowBuffer
    private var nextOutput = 0

    init(width: Int, stacking: FrameStacking) {
        inputWidth = width
        self.stacking = stacking
        buffer = RowBuffer(width: width)
    }

    func callAsFunction(_ rows: [Float], isLast: Bool) -> [Float] {
        buffer.append(rows)
        let zeros = ArraySlice([Float](repeating: 0, count: inputWidth))
        let lead = stacking.edges == .snip ? 0 : stacking.left
        // The last row that a stack may wait for; at the end all rows are there.
        let ready =
            isLast
            ? stacking.outputCount(of: buffer.count)
            : max(
                nextOutput,
                (buffer.count - (stacking.frameCount - lead)) / stacking.shift
                    + (buffer.count >= stacking.frameCount - lead ? 1 : 0))
        var output: [Float] = []
        output.reserveCapacity((ready - nextOutput) * outputWidth)
        for stack in nextOutput..<ready {
            let first = stack * stacking.shift - lead
            for row in first..<first + stacking.frameCount {
                if (0..<buffer.count).contains(row) {
                    output += buffer.row(row)
                } else if stacking.edges == .zero {
                    output += zeros
                } else {
                    output += buffer.row(min(max(row, 0), buffer.count - 1))
                }
            }
        }
        nextOutput = ready
        buffer.drop(before: min(ready * stacking.shift - lead, buffer.count - 1))
        if isLast {
            buffer.reset()
            nextOutput = 0
        }
        return output
    }
}
