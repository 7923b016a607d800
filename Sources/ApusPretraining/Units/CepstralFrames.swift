// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusNN
import ApusSignal
import ApusTensor
import Foundation

/// MFCCs with their first and second derivatives, made of a batch's log-mels.
///
/// A cepstrum is a cosine transform of log-mels, which is linear: no second front end is needed.
/// With features x normalised by a corpus' mean μ and deviation σ,
///
///     c[k] = lifter[k] w[k] Σ_m (σ_m x_m + μ_m) cos(π k (m + 1/2) / M),  k = 0 ... 12
///
/// w as in the orthonormal transform of type II, lifter[k] = 1 + 11 sin(π k / 22), and the derivatives
/// of Kaldi's add-deltas over ±2 frames, the ends of a recording repeated: the 39 numbers on which
/// HuBERT's first units are found (Hsu et al. 2021, section 4.1).
final class CepstralFrames {
    static let cepstrumCount = 13
    static let width = 3 * cepstrumCount
    /// The reach of the second derivative.
    private static let reach = 4

    /// (M, 13).
    let transform: Tensor
    /// (13): the cepstrum of the corpus' mean.
    let offset: Tensor
    /// (3, 9): the weights of the frames around a frame, for each order.
    private let filters: Tensor

    init(melBandCount: Int) {
        transform = Tensor(zeros: [melBandCount, Self.cepstrumCount])
        offset = Tensor(zeros: [Self.cepstrumCount])
        let slope = [-2, -1, 0, 1, 2].map { $0 / 10.0 }
        var second = [Double](repeating: 0, count: 9)
        for (i, a) in slope.enumerated() {
            for (j, b) in slope.enumerated() { second[i + j] += a * b }
        }
        let rows = [[0, 0, 0, 0, 1, 0, 0, 0, 0], [0, 0] + slope + [0, 0], second]
        filters = Tensor(rows.flatMap { $0.map { Float($0) } }, shape: [3, 9])
    }

    /// Takes over the normalisation of a front end.
    ///
    /// - Parameter frontEnd: What makes the batch's features.
    /// - Returns: Why there are no cepstra of such features, or `nil`.
    func adapt(to frontEnd: FrontEnd) -> String? {
        let M = frontEnd.melBandCount
        guard frontEnd.kind == .logMel, frontEnd.featureCount == M else {
            return "cepstra are made of log-mels alone, without deltas, energy or stacking"
        }
        var (mean, deviation) = (
            [Float](repeating: 0, count: M), [Float](repeating: 1, count: M)
        )
        switch frontEnd.normalization {
        case .none: break
        case .corpus(let statistics):
            (mean, deviation) = (statistics.mean, statistics.standardDeviation)
        default:
            return "cepstra are made of features that are normalised by the corpus or not at all"
        }
        var matrix = [Float](repeating: 0, count: M * Self.cepstrumCount)
        var shift = [Double](repeating: 0, count: Self.cepstrumCount)
        for k in 0..<Self.cepstrumCount {
            let lifter = 1 + 11 * sin(Double.pi * Double(k) / 22)
            let scale = lifter * ((k == 0 ? 1 : 2) / Double(M)).squareRoot()
            for m in 0..<M {
                let weight = scale * cos(Double.pi * Double(k) * (Double(m) + 0.5) / Double(M))
                matrix[m * Self.cepstrumCount + k] = Float(weight * Double(deviation[m]))
                shift[k] += weight * Double(mean[m])
            }
        }
        transform.assign(matrix)
        offset.assign(shift.map { Float($0) })
        return nil
    }

    /// The frames of a batch.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - places: The wanted feature frames; a recording that is shorter repeats its last.
    /// - Returns: (B · places, 39).
    func callAsFunction(_ features: Tensor, lengths: [Int], places: [Int]) -> Tensor {
        let (B, T, M) = (features.shape[0], features.shape[1], features.shape[2])
        var rows: [Int] = []
        rows.reserveCapacity(B * places.count * 9)
        for (recording, length) in lengths.enumerated() {
            for place in places {
                for tap in -Self.reach...Self.reach {
                    rows.append(recording * T + min(max(place + tap, 0), length - 1))
                }
            }
        }
        return withoutGradients {
            withPrecision(.float32) {
                let cepstra =
                    features.reshaped(B * T, M).cast(to: .float32).matmul(transform)
                    + offset
                let taps = cepstra.selected(
                    Tensor(integers: rows, shape: [rows.count]), dimension: 0
                )
                .reshaped(B * places.count, 9, Self.cepstrumCount)
                return filters.matmul(taps).reshaped(B * places.count, Self.width)
            }
        }
    }
}
