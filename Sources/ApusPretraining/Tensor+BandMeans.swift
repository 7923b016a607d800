// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusTensor

extension Tensor {
    /// The mean of each band over the frames of a batch's recordings.
    ///
    /// What predicts it everywhere has learned nothing but the levels of the bands. It is near zero
    /// where features are normalised by the corpus.
    ///
    /// - Parameter lengths: Each recording's frames; this tensor, (B, T, M), is zero beyond them.
    /// - Returns: (M).
    func bandMeans(lengths: [Int]) -> Tensor {
        let (B, T, M) = (shape[0], shape[1], shape[2])
        return reshaped(B * T, M).sum(dimension: 0) * (1 / Double(lengths.reduce(0, +)))
    }
}
