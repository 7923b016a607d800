import Foundation

/// From M log-mel bands, and a log energy after them, to cepstral coefficients.
///
/// c[k] = lifter[k] w[k] sum over m of x[m] cos(pi k (m + 1/2) / M), with w[0] = sqrt(1/M) and
/// w[k] = sqrt(2/M): the orthonormal cosine transform of type II.
///
/// ## Reference
/// S. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word
/// recognition in continuously spoken sentences", IEEE Trans. ASSP 28(4), 1980.
final class Cepstrum: FrameStage {
    let inputWidth: Int
    let outputWidth: Int
    private let bandCount: Int
    private let hasEnergy: Bool
    /// Where each coefficient goes.
    private let places: [Int]
    /// K x M weights.
    private let weights: [Float]

    init(_ frontEnd: FrontEnd) {
        let (bands, count) = (frontEnd.melBandCount, frontEnd.cepstrumCount)
        bandCount = bands
        hasEnergy = frontEnd.energy != .none
        inputWidth = bands + (hasEnergy ? 1 : 0)
        outputWidth = count
        places = (0..<count).map { frontEnd.htkOrder ? ($0 + count - 1) % count : $0 }
        weights = Self.weights(frontEnd)
    }

    /// The lifted cosine transform: K x M weights.
    static func weights(_ frontEnd: FrontEnd) -> [Float] {
        let (bands, count) = (frontEnd.melBandCount, frontEnd.cepstrumCount)
        let period = frontEnd.cepstralLifter
        let start = frontEnd.lifterFormula == .kaldi ? 0.0 : 1.0
        var weights: [Float] = []
        weights.reserveCapacity(count * bands)
        for coefficient in 0..<count {
            let k = Double(coefficient)
            var scale = ((coefficient == 0 ? 1 : 2) / Double(bands)).squareRoot()
            if period > 0 { scale *= 1 + period / 2 * sin(Double.pi * (k + start) / period) }
            if coefficient == 0, frontEnd.htkOrder, frontEnd.energy == .none {
                scale *= 2.0.squareRoot()
            }
            for band in 0..<bands {
                weights.append(
                    Float(scale * cos(Double.pi * k * (Double(band) + 0.5) / Double(bands))))
            }
        }
        return weights
    }

    func callAsFunction(_ rows: [Float], isLast: Bool) -> [Float] {
        let frameCount = rows.count / inputWidth
        return [Float](unsafeUninitializedCapacity: frameCount * outputWidth) { target, written in
            rows.withUnsafeBufferPointer { rows in
                weights.withUnsafeBufferPointer { weights in
                    guard let rows = rows.baseAddress, let weights = weights.baseAddress,
                        let target = target.baseAddress
                    else { return }
                    for frame in 0..<frameCount {
                        let source = rows + frame * inputWidth
                        for coefficient in 0..<outputWidth {
                            target[frame * outputWidth + places[coefficient]] =
                                coefficient == 0 && hasEnergy
                                ? source[bandCount]
                                : product(
                                    weights + coefficient * bandCount, source, count: bandCount)
                        }
                    }
                }
            }
            written = frameCount * outputWidth
        }
    }
}

/// The sum of products of two lists.
@inline(__always)
private func product(
    _ one: UnsafePointer<Float>, _ other: UnsafePointer<Float>, count: Int
) -> Float {
    var lanes = SIMD8<Float>()
    let whole = count - count % 8
    for index in stride(from: 0, to: whole, by: 8) {
        lanes += load8(one + index) * load8(other + index)
    }
    var total = lanes.sum()
    for index in whole..<count { total += one[index] * other[index] }
    return total
}
