/// Puts a log energy, the last value of a row, where Kaldi has it: before the bands (with HTK's order
/// it stays behind them), or in place of a spectrogram's first bin.
final class EnergyPlacement: FrameStage {
    let inputWidth: Int
    let outputWidth: Int
    private let replacesFirst: Bool

    init(width: Int, replacesFirst: Bool) {
        inputWidth = width
        outputWidth = replacesFirst ? width - 1 : width
        self.replacesFirst = replacesFirst
    }

    func callAsFunction(_ rows: [Float], isLast: Bool) -> [Float] {
        var placed: [Float] = []
        placed.reserveCapacity(rows.count)
        for start in stride(from: 0, to: rows.count, by: inputWidth) {
            let last = start + inputWidth - 1
            placed.append(rows[last])
            placed += rows[(replacesFirst ? start + 1 : start)..<last]
        }
        return placed
    }
}
