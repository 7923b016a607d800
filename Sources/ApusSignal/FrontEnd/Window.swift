import Foundation

/// The shape that weighs the samples of a frame.
public enum Window: String, Sendable, Hashable, Codable, CaseIterable {
    /// Hann to the power of 0.85, as Kaldi's default: like Hamming, but zero at the edges.
    case povey
    /// 0.5 - 0.5 cos.
    case hann
    /// 0.54 - 0.46 cos.
    case hamming
    /// a - 0.5 cos + (0.5 - a) cos of twice the angle, a = 0.42 unless said otherwise.
    case blackman
    /// All ones.
    case rectangular

    /// The weights of the window.
    ///
    /// With a = 2 pi n / (N - 1) for a symmetric and a = 2 pi n / N for a periodic window.
    ///
    /// - Parameters:
    ///   - length: The number of samples N.
    ///   - symmetry: Whether the last sample mirrors the first, or is left out.
    ///   - blackmanCoefficient: The constant a of the Blackman window.
    /// - Returns: N weights.
    /// - Precondition: `length` is positive.
    public func weights(
        length: Int, symmetry: WindowSymmetry = .symmetric, blackmanCoefficient: Double = 0.42
    ) -> [Float] {
        precondition(length > 0, "a window has one sample or more")
        let period = Double(symmetry == .symmetric ? length - 1 : length)
        guard period > 0 else { return [1] }
        return (0..<length).map { index in
            let angle = 2 * Double.pi * Double(index) / period
            return Float(weight(angle: angle, blackmanCoefficient))
        }
    }

    private func weight(angle: Double, _ a: Double) -> Double {
        switch self {
        case .povey: pow(0.5 - 0.5 * cos(angle), 0.85)
        case .hann: 0.5 - 0.5 * cos(angle)
        case .hamming: 0.54 - 0.46 * cos(angle)
        case .blackman: a - 0.5 * cos(angle) + (0.5 - a) * cos(2 * angle)
        case .rectangular: 1
        }
    }
}

/// How a window ends.
public enum WindowSymmetry: String, Sendable, Hashable, Codable, CaseIterable {
    /// The last weight equals the first, as filters want it.
    case symmetric
    /// The next period would begin after the last weight, as spectra want it.
    case periodic
}
